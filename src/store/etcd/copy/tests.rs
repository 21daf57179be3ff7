use futures::FutureExt;

use super::*;
use crate::token::{Digest, Permissions, Timestamp};

const BOUND: Duration = Duration::from_secs(60);

/// A copy as of revision 10, with the tokens 1 and 2.
fn copy() -> TokenCopy {
    let copy = TokenCopy::new(LiveTokensWriter::new(), BOUND);
    load(&copy, 10, head(9), vec![token(1), token(2)]);
    copy
}

/// Loads these tokens as of a revision.
fn load(copy: &TokenCopy, at: Revision, head: Head, tokens: Vec<TokenRecord>) {
    begin_load(copy, at, &head);
    copy.load(tokens, None);
    copy.end_load(&head, BootTime::START).unwrap();
}

fn begin_load(copy: &TokenCopy, at: Revision, head: &Head) {
    copy.start_load();
    copy.begin_load(at, head.clone());
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

/// A value of `head` in another history.
fn another(revision: Revision) -> Head {
    Head { revision, nonce: b"another".to_vec() }
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
    copy.apply([(11, Event::Put(token(3))), (11, Event::Put(with_secret(1, 50)))], 11).unwrap();
    assert_eq!(live(&copy), [1, 2]);
    assert!(copy.live().find(&Digest::with_prefix(100)).is_some());
    // The stream brings the node's own changes, and a later one.
    copy.apply([(12, Event::Delete(id(3))), (13, Event::Put(with_secret(1, 100)))], 13).unwrap();
    copy.apply([(14, Event::Delete(id(1)))], 14).unwrap();
    assert_eq!(live(&copy), [2]);
}

#[test]
fn an_answer_that_comes_after_the_stream_undoes_nothing() {
    let copy = copy();
    copy.apply([(11, Event::Put(token(3))), (12, Event::Delete(id(3)))], 12).unwrap();
    copy.apply_own(11, Event::Put(token(3)));
    assert_eq!(live(&copy), [1, 2]);
}

#[test]
fn a_stream_that_lacks_what_the_node_has_done_is_of_another_history() {
    let copy = copy();
    copy.apply_own(12, Event::Put(token(3)));
    assert_eq!(copy.apply([(11, Event::Put(token(4)))], 11), Ok(()));
    assert_eq!(copy.apply([(13, Event::Put(token(5)))], 13), Err(OtherHistory));
}

#[test]
fn a_load_removes_what_is_gone_and_keeps_what_the_node_did_afterwards() {
    let copy = copy();
    copy.start_load();
    copy.apply_own(21, Event::Put(token(5)));
    copy.apply_own(22, Event::Delete(id(2)));
    copy.begin_load(20, head(20));
    copy.load(vec![token(2)], Some(id(2)));
    copy.load(vec![token(4)], None);
    copy.end_load(&head(20), BootTime::START).unwrap();
    assert_eq!(live(&copy), [4, 5]);
    assert_eq!((copy.applied(), copy.position().head), (20, Some(head(20))));
}

#[test]
fn an_answer_that_comes_during_a_load_undoes_nothing_that_is_loaded() {
    let copy = copy();
    // The node creates token 3 in revision 15, and another one deletes it in revision 16; the answer comes late.
    begin_load(&copy, 20, &head(20));
    copy.load(Vec::new(), Some(id(3)));
    copy.apply_own(15, Event::Put(token(3)));
    copy.load(Vec::new(), None);
    copy.end_load(&head(20), BootTime::START).unwrap();
    assert_eq!(live(&copy), [0; 0]);
    // The answer comes before the load, which removes the token.
    let copy = self::copy();
    copy.apply_own(15, Event::Put(token(3)));
    load(&copy, 20, head(20), vec![token(1)]);
    assert_eq!(live(&copy), [1]);
    // It comes while the load reads its revision.
    let copy = self::copy();
    copy.start_load();
    copy.apply_own(15, Event::Put(token(3)));
    copy.begin_load(20, head(20));
    copy.load(vec![token(1)], None);
    copy.end_load(&head(20), BootTime::START).unwrap();
    assert_eq!(live(&copy), [1]);
}

#[test]
fn a_load_does_not_keep_what_the_node_did_before_it_in_another_history() {
    // A backup is restored before the stream shows the creation, and is at an earlier revision than the creation was.
    let copy = copy();
    copy.apply_own(15, Event::Put(token(3)));
    load(&copy, 14, head(9), vec![token(1), token(2)]);
    assert_eq!(live(&copy), [1, 2]);
}

#[test]
fn parts_of_different_histories_are_not_a_copy() {
    // The restored history has other tokens, and reaches the same revision before the second part is read.
    let copy = copy();
    begin_load(&copy, 20, &head(20));
    copy.load(vec![token(1), token(3)], Some(id(3)));
    copy.load(Vec::new(), None);
    assert_eq!(copy.end_load(&another(20), BootTime::now()), Err(OtherHistory));
    assert!(!copy.live().is_fresh());
    assert_eq!(copy.judge(&copy.position(), BootTime::now(), &another(20), 20), Verdict::OtherHistory);
    load(&copy, 21, another(20), vec![token(2)]);
    assert_eq!(copy.judge(&copy.position(), BootTime::now(), &another(20), 21), Verdict::Confirmed);
    assert_eq!(live(&copy), [2]);
}

#[test]
fn an_answer_of_another_history_ends_the_trust_in_the_copy() {
    let judge = |copy: &TokenCopy| copy.judge(&copy.position(), BootTime::now(), &head(9), 10);
    // The copy has a token that is deleted in an earlier revision.
    let copy = copy();
    assert_eq!(judge(&copy), Verdict::Confirmed);
    copy.apply_own(8, Event::Delete(id(1)));
    assert_eq!((live(&copy), copy.live().is_fresh(), judge(&copy)), (vec![2], false, Verdict::OtherHistory));
    // It has another secret than the one that is given in an earlier revision.
    let copy = self::copy();
    assert_eq!(judge(&copy), Verdict::Confirmed);
    copy.apply_own(8, Event::Put(with_secret(1, 100)));
    assert_eq!((live(&copy), copy.live().is_fresh(), judge(&copy)), (vec![2], false, Verdict::OtherHistory));
    // So does the part that is loaded already.
    let copy = self::copy();
    begin_load(&copy, 20, &head(20));
    copy.load(vec![token(1)], Some(id(1)));
    copy.apply_own(15, Event::Delete(id(1)));
    copy.load(vec![token(2)], None);
    assert_eq!(copy.end_load(&head(20), BootTime::now()), Err(OtherHistory));
    assert!(!copy.live().is_fresh());
}

#[test]
fn an_answer_that_comes_during_a_load_counts_at_once() {
    // The old parts of the copy are replaced in a moment, but the secrets must not be accepted until then.
    let copy = copy();
    begin_load(&copy, 20, &head(20));
    copy.apply_own(15, Event::Delete(id(1)));
    copy.apply_own(16, Event::Put(with_secret(2, 100)));
    assert_eq!(live(&copy), [0; 0]);
    copy.load(vec![with_secret(2, 100)], None);
    assert_eq!(copy.end_load(&head(20), BootTime::START), Ok(()));
    assert_eq!(live(&copy), [2]);
    // The load is of a restored history, whose revision is not that of the old copy yet.
    let copy = self::copy();
    begin_load(&copy, 5, &head(5));
    copy.apply_own(6, Event::Delete(id(2)));
    copy.load(vec![token(1), token(2)], None);
    assert_eq!(copy.end_load(&head(5), BootTime::START), Ok(()));
    assert_eq!(live(&copy), [1]);
    copy.apply([(6, Event::Delete(id(2))), put_head(6)], 6).unwrap();
    assert_eq!(copy.judge(&copy.position(), BootTime::now(), &head(6), 6), Verdict::Confirmed);
}

#[test]
fn a_copy_is_not_complete_at_a_revision_before_its_own() {
    let copy = copy();
    for (head, now, is_complete) in [
        (head(9), 10, true),
        (head(9), 11, true),
        // A stream from the revision of the copy on would lack what follows.
        (head(9), 9, false),
        (head(10), 10, false),
        (another(9), 10, false),
    ] {
        assert_eq!(copy.is_complete(Some(&head), now), is_complete, "{head:?} at {now}");
    }
    assert!(!copy.is_complete(None, 10));
}

#[test]
fn a_load_replaces_a_token_that_has_the_id_of_another() {
    let copy = copy();
    copy.distrust();
    load(&copy, 5, head(5), vec![with_secret(1, 77)]);
    assert_eq!((live(&copy), copy.applied()), (vec![1], 5));
    assert!(copy.live().find(&Digest::with_prefix(1)).is_none());
    assert!(copy.live().find(&Digest::with_prefix(77)).is_some());
}

#[test]
fn only_a_read_of_the_same_history_confirms_the_copy() {
    for (read, now, verdict) in [
        (head(12), 13, Verdict::OtherHistory),
        (head(12), 12, Verdict::Confirmed),
        (head(13), 13, Verdict::Confirmed),
        (head(13), 99, Verdict::Confirmed),
        (head(14), 14, Verdict::Behind),
        // Once the last one, but not when the read began.
        (head(11), 99, Verdict::OtherHistory),
        (head(9), 99, Verdict::OtherHistory),
        (another(12), 12, Verdict::OtherHistory),
        (another(13), 13, Verdict::OtherHistory),
    ] {
        let copy = copy();
        copy.apply([put_head(11), put_head(12)], 12).unwrap();
        let (before, begin) = (copy.position(), BootTime::now());
        // While the read is under way.
        copy.apply([put_head(13)], 13).unwrap();
        assert_eq!(copy.judge(&before, begin, &read, now), verdict, "{read:?} at {now}");
        assert_eq!(copy.live().is_fresh(), verdict == Verdict::Confirmed, "{read:?} at {now}");
    }
}

#[test]
fn a_read_that_does_not_show_what_the_node_has_done_is_of_another_history() {
    let judge = |revision, now| {
        let copy = copy();
        copy.apply_own(12, Event::Put(token(3)));
        copy.judge(&copy.position(), BootTime::now(), &head(revision), now)
    };
    assert_eq!(judge(9, 20), Verdict::OtherHistory);
    assert_eq!(judge(11, 11), Verdict::OtherHistory);
    assert_eq!(judge(12, 12), Verdict::Behind);
}

#[test]
fn a_read_that_a_load_overtakes_says_nothing() {
    let copy = copy();
    let before = copy.position();
    copy.start_load();
    assert_eq!(copy.judge(&before, BootTime::now(), &head(9), 10), Verdict::Overtaken);
    copy.begin_load(20, head(20));
    assert_eq!(copy.judge(&before, BootTime::now(), &head(9), 10), Verdict::Overtaken);
    assert_eq!(copy.judge(&copy.position(), BootTime::now(), &head(9), 10), Verdict::Overtaken);
    copy.load(Vec::new(), None);
    copy.end_load(&head(20), BootTime::START).unwrap();
    assert_eq!(copy.judge(&before, BootTime::now(), &head(9), 9), Verdict::Overtaken);
    assert_eq!(copy.judge(&copy.position(), BootTime::now(), &head(20), 20), Verdict::Confirmed);
}

#[test]
fn a_copy_is_fresh_until_it_is_distrusted() {
    let copy = copy();
    assert!(!copy.live().is_fresh());
    let judge = |begin| copy.judge(&copy.position(), begin, &head(9), 10);
    judge(BootTime::now());
    assert!(copy.live().is_fresh());
    judge(BootTime::START);
    assert!(copy.live().is_fresh(), "an earlier moment says nothing new");
    copy.distrust();
    assert!(!copy.live().is_fresh());
    let live = copy.live();
    let token = live.by_id(id(1)).unwrap().into_token();
    assert!(live.until_deleted(&token).now_or_never().is_some());
}

#[test]
fn a_distrusted_copy_is_not_confirmed_before_it_is_loaded() {
    let copy = copy();
    copy.apply_own(12, Event::Put(token(3)));
    // The stream passes the revision of the node's own change without showing it, and brings the present head.
    assert_eq!(copy.apply([(13, Event::Put(token(5))), put_head(13)], 13), Err(OtherHistory));
    let before = copy.position();
    assert_eq!(copy.judge(&before, BootTime::now(), &head(13), 13), Verdict::OtherHistory);
    assert!(!copy.live().is_fresh());
    load(&copy, 13, head(13), vec![token(1), token(5)]);
    let before = copy.position();
    assert_eq!(copy.judge(&before, BootTime::now(), &head(13), 13), Verdict::Confirmed);
    assert_eq!(live(&copy), [1, 5]);
}

#[test]
fn an_event_of_another_history_replaces_what_the_node_did_in_the_same_revision() {
    let copy = copy();
    // etcd is restored from a backup before the stream shows the creation. The next creation has the same ID and revision.
    copy.apply_own(11, Event::Put(with_secret(3, 100)));
    copy.apply([(11, Event::Put(with_secret(3, 50))), put_head(11)], 11).unwrap();
    assert!(copy.live().find(&Digest::with_prefix(100)).is_none());
    assert!(copy.live().find(&Digest::with_prefix(50)).is_some());
}

#[test]
fn revisions_without_changes_are_skipped_unless_one_of_the_node_is_awaited() {
    let copy = copy();
    copy.skip_to(15);
    assert_eq!(copy.applied(), 15);
    copy.apply_own(16, Event::Put(token(3)));
    copy.skip_to(17);
    assert_eq!(copy.applied(), 15);
}

#[test]
fn whoever_waits_for_a_revision_goes_on_when_it_is_applied() {
    let copy = copy();
    assert!(copy.wait_for(10).now_or_never().is_some());
    assert!(copy.wait_for(11).now_or_never().is_none());
    copy.apply([put_head(12)], 12).unwrap();
    assert!(copy.wait_for(11).now_or_never().is_some());
}

#[test]
fn a_read_that_more_changes_overtake_than_are_kept_says_nothing() {
    let copy = copy();
    let before = copy.position();
    let last = 11 + HEADS as Revision;
    copy.apply((11..=last).map(put_head), last).unwrap();
    for read in [head(9), head(11)] {
        assert_eq!(copy.judge(&before, BootTime::now(), &read, 11), Verdict::Overtaken, "{read:?}");
    }
    let before = copy.position();
    assert_eq!(copy.judge(&before, BootTime::now(), &head(last), last), Verdict::Confirmed);
    // Since the read began, it is not overtaken.
    assert_eq!(copy.judge(&before, BootTime::now(), &head(11), last), Verdict::OtherHistory);
}
