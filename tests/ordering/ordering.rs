//! Every order of the threads that change, read and wait for live tokens.
//!
//! Each test fails if one of the orders that `src/live/` relies on is turned round: [`loom`] tries all of them.

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use ordering::{LiveTokensWriter, Principal, SeenExpired, TokenId, token, writer};

/// Runs `test` in every order with at most this many preemptions, which two threads that take few locks each do not
/// exceed in any order that matters.
fn each_order(test: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(test);
}

fn live(tokens: &[&Principal]) -> LiveTokensWriter {
    let mut writer = writer();
    tokens.iter().for_each(|token| writer.insert((*token).clone()));
    writer
}

#[test]
fn a_waiter_is_woken_by_a_deletion_whenever_it_begins_to_wait() {
    each_order(|| {
        let token = token(1, 1);
        let mut writer = live(&[&token]);
        let until_deleted = writer.tokens().until_deleted(&token);
        let waiter = thread::spawn(move || block_on(until_deleted));
        assert!(writer.remove(TokenId::from_u64(1)));
        waiter.join().unwrap();
    });
}

#[test]
fn a_waiter_is_woken_while_another_one_stops_waiting() {
    each_order(|| {
        let (one, two) = (token(1, 1), token(2, 2));
        let mut writer = live(&[&one, &two]);
        let until_deleted = writer.tokens().until_deleted(&one);
        let waiter = thread::spawn(move || block_on(until_deleted));
        writer.remove(TokenId::from_u64(2));
        let live = writer.tokens().clone();
        let other = thread::spawn(move || block_on(live.until_deleted(&two)));
        writer.remove(TokenId::from_u64(1));
        waiter.join().unwrap();
        other.join().unwrap();
    });
}

#[test]
fn a_waiter_is_woken_by_a_regeneration() {
    each_order(|| {
        let old = token(0, 1);
        let mut writer = live(&[&old]);
        let until_deleted = writer.tokens().until_deleted(&old);
        let waiter = thread::spawn(move || block_on(until_deleted));
        writer.insert(token(0, 2));
        waiter.join().unwrap();
    });
}

#[test]
fn a_token_is_found_by_its_id_exactly_as_long_as_by_its_digest() {
    each_order(|| {
        let mut writer = writer();
        let live = writer.tokens().clone();
        let reader = thread::spawn(move || {
            let (token, id) = (token(1, 1), TokenId::from_u64(1));
            let found = || live.find(token.digest()).is_some();
            // Inserted, then removed: an answer may change, but not back.
            let seen = [found(), live.contains(id), found(), live.by_id(id).is_some()];
            let changes = seen.windows(2).filter(|pair| pair[0] != pair[1]).count();
            assert!(changes <= if seen[0] { 1 } else { 2 }, "{seen:?}");
        });
        writer.insert(token(1, 1));
        writer.remove(TokenId::from_u64(1));
        reader.join().unwrap();
    });
}

#[test]
fn a_token_that_is_not_found_by_its_id_is_not_authenticated() {
    each_order(|| {
        let mut writer = live(&[&token(1, 1)]);
        let live = writer.tokens().clone();
        let reader = thread::spawn(move || {
            if !live.contains(TokenId::from_u64(1)) {
                assert_eq!(live.find(token(1, 1).digest()), None);
            }
        });
        writer.remove(TokenId::from_u64(1));
        reader.join().unwrap();
    });
}

#[test]
fn an_authenticated_token_is_found_by_its_id() {
    each_order(|| {
        let mut writer = writer();
        let live = writer.tokens().clone();
        let reader = thread::spawn(move || {
            if live.find(token(1, 1).digest()).is_some() {
                assert!(live.contains(TokenId::from_u64(1)));
                assert!(live.by_id(TokenId::from_u64(1)).is_some());
            }
        });
        writer.insert(token(1, 1));
        reader.join().unwrap();
    });
}

#[test]
fn the_old_secret_is_refused_before_the_new_one_is_accepted_and_the_id_is_found_throughout() {
    each_order(|| {
        let mut writer = live(&[&token(0, 1)]);
        let live = writer.tokens().clone();
        let reader = thread::spawn(move || {
            let (old, new) = (token(0, 1), token(0, 2));
            assert!(live.by_id(TokenId::OPERATOR).is_some());
            if live.find(new.digest()).is_some() {
                assert_eq!(live.find(old.digest()), None);
            }
        });
        writer.insert(token(0, 2));
        reader.join().unwrap();
    });
}

#[test]
fn a_deletion_that_was_answered_is_seen_by_everybody() {
    each_order(|| {
        let mut writer = live(&[&token(1, 1)]);
        let (live, answered) = (writer.tokens().clone(), Arc::new(AtomicBool::new(false)));
        let reader = {
            let answered = Arc::clone(&answered);
            thread::spawn(move || {
                if answered.load(Ordering::Acquire) {
                    assert_eq!(live.find(token(1, 1).digest()), None);
                    assert!(!live.contains(TokenId::from_u64(1)));
                }
            })
        };
        writer.remove(TokenId::from_u64(1));
        answered.store(true, Ordering::Release);
        reader.join().unwrap();
    });
}

#[test]
fn a_token_that_was_refused_as_expired_is_refused_by_every_later_request() {
    each_order(|| {
        let (seen, refused) = (Arc::new(SeenExpired::new()), Arc::new(AtomicBool::new(false)));
        let later = {
            let (seen, refused) = (Arc::clone(&seen), Arc::clone(&refused));
            thread::spawn(move || {
                if refused.load(Ordering::Acquire) {
                    assert!(seen.check(1, 10, 9));
                }
                assert!(!seen.check(3, 10, 9));
            })
        };
        assert!(seen.check(1, 10, 10));
        refused.store(true, Ordering::Release);
        assert!(seen.check(2, 5, 10));
        later.join().unwrap();
    });
}
