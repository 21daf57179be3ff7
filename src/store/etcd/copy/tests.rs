use futures::FutureExt;

use super::*;
use crate::token::{Digest, Permissions, Timestamp};

const BOUND: Duration = Duration::from_secs(60);

/// A copy as of revision 10, with the tokens 1 and 2.
fn copy() -> TokenCopy {
    let copy = TokenCopy::new(LiveTokensWriter::new(), BOUND);
    copy.begin_load();
    copy.load(10, vec![token(1), token(2)], None);
    copy.end_load(10, head(9));
    copy
}

fn token(id: u64) -> TokenRecord {
    with_secret(id, id)
}

fn with_secret(id: u64, digest: u64) -> TokenRecord {
    TokenRecord {
        id: TokenId::from_u64(id),
        name: format!("token {id}").parse().unwrap(),
        description: None,
        digest: Digest::with_prefix(digest),
        created_at: Timestamp::EPOCH,
        created_by: None,
        expires_at: None,
        permissions: Permissions::ADMIN,
    }
}

fn head(revision: Revision) -> Head {
    Head { revision, nonce: format!("nonce of {revision}").into_bytes() }
}

fn put_head(revision: Revision) -> (Revision, Event) {
    (revision, Event::Head(head(revision).nonce))
}

fn live(copy: &TokenCopy) -> Vec<u64> {
    let mut ids: Vec<_> = copy.live().ids().into_iter().map(TokenId::as_u64).collect();
    ids.sort_unstable();
    ids
}

fn id(id: u64) -> TokenId {
    TokenId::from_u64(id)
}

#[test]
fn an_older_event_does_not_undo_what_the_node_has_done_itself() {
    let copy = copy();
    // Another node creates token 3 in revision 11; this node deletes it in revision 12, and regenerates token 1 in 13.
    copy.apply_own(12, Event::Delete(id(3)));
    copy.apply_own(13, Event::Put(with_secret(1, 100)));
    copy.apply([(11, Event::Put(token(3))), (11, Event::Put(with_secret(1, 50)))], 11);
    assert_eq!(live(&copy), [1, 2]);
    assert!(copy.live().find(&Digest::with_prefix(100)).is_some());
    // The stream brings the node's own changes, and a later one.
    copy.apply([(12, Event::Delete(id(3))), (13, Event::Put(with_secret(1, 100)))], 13);
    copy.apply([(14, Event::Delete(id(1)))], 14);
    assert_eq!(live(&copy), [2]);
}

#[test]
fn an_answer_that_comes_after_the_stream_undoes_nothing() {
    let copy = copy();
    copy.apply([(11, Event::Put(token(3))), (12, Event::Delete(id(3)))], 12);
    copy.apply_own(11, Event::Put(token(3)));
    assert_eq!(live(&copy), [1, 2]);
}

#[test]
fn a_load_removes_what_is_gone_and_keeps_what_the_node_did_afterwards() {
    let copy = copy();
    copy.apply_own(21, Event::Put(token(5)));
    copy.apply_own(22, Event::Delete(id(2)));
    copy.begin_load();
    copy.load(20, vec![token(2)], Some(id(2)));
    copy.load(20, vec![token(4)], None);
    copy.end_load(20, head(20));
    assert_eq!(live(&copy), [4, 5]);
    assert_eq!((copy.applied(), copy.head()), (20, Some(head(20))));
}

#[test]
fn a_load_replaces_a_token_that_has_the_id_of_another() {
    let copy = copy();
    copy.distrust();
    copy.begin_load();
    copy.load(5, vec![with_secret(1, 77)], None);
    copy.end_load(5, head(5));
    assert_eq!((live(&copy), copy.applied()), (vec![1], 5));
    assert!(copy.live().find(&Digest::with_prefix(1)).is_none());
    assert!(copy.live().find(&Digest::with_prefix(77)).is_some());
}

#[test]
fn only_a_value_of_the_same_history_confirms_the_copy() {
    let copy = copy();
    copy.apply([put_head(11), put_head(12)], 12);
    let before = copy.head();
    copy.apply([put_head(13)], 13);
    let other = |revision| Head { revision, nonce: b"another".to_vec() };
    for (read, known) in [
        (head(12), Known::Applied),
        (head(13), Known::Applied),
        (head(14), Known::NotYet),
        // Once the last one, but not when the read began.
        (head(11), Known::OtherHistory),
        (head(9), Known::OtherHistory),
        (other(12), Known::OtherHistory),
        (other(13), Known::OtherHistory),
    ] {
        assert_eq!(copy.knows(&read, before.as_ref()), known, "{read:?}");
    }
    // Between 11 and 13, but none that was seen.
    copy.apply([put_head(20)], 20);
    assert_eq!(copy.knows(&head(19), before.as_ref()), Known::OtherHistory);
}

#[test]
fn a_copy_is_fresh_for_the_bound_after_the_moment_that_was_confirmed() {
    let copy = copy();
    assert!(!copy.live().is_fresh());
    copy.confirm(BootTime::now());
    assert!(copy.live().is_fresh());
    copy.confirm(BootTime::START);
    assert!(copy.live().is_fresh(), "an earlier moment says nothing new");
    copy.distrust();
    assert!(!copy.live().is_fresh());
    let live = copy.live();
    let token = live.by_id(id(1)).unwrap().into_token();
    assert!(live.until_deleted(&token).now_or_never().is_some());
}

#[test]
fn whoever_waits_for_a_revision_goes_on_when_it_is_applied() {
    let copy = copy();
    assert!(copy.wait_for(10).now_or_never().is_some());
    assert!(copy.wait_for(11).now_or_never().is_none());
    copy.apply([put_head(12)], 12);
    assert!(copy.wait_for(11).now_or_never().is_some());
}
