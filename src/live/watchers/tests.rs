use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::task::{ArcWake, waker};

use super::*;
use crate::live::LiveTokensWriter;
use crate::token::{Permissions, Secret};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl ArcWake for Wakes {
    fn wake_by_ref(wakes: &Arc<Self>) {
        wakes.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    /// Polls with a waker that counts here.
    fn poll(self: &Arc<Self>, future: &mut UntilDeleted) -> Poll<()> {
        future.poll_unpin(&mut Context::from_waker(&waker(Arc::clone(self))))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn token(id: u64) -> Principal {
    let digest = Secret::generate().unwrap().digest();
    Principal::new(TokenId::from_u64(id), digest, None, Permissions::ADMIN)
}

/// A writer, after it has inserted these tokens.
fn live(tokens: &[Principal]) -> LiveTokensWriter {
    let mut writer = LiveTokensWriter::new();
    tokens.iter().for_each(|token| writer.insert(token.clone()));
    writer
}

#[test]
fn a_deletion_wakes_the_watchers_of_that_token_only() {
    let (one, other) = (token(1), token(2));
    let mut live = live(&[one.clone(), other.clone()]);
    let (woken, waits) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
    let mut of_one = [live.tokens().until_deleted(&one), live.tokens().until_deleted(&one)];
    let mut of_other = live.tokens().until_deleted(&other);
    for future in &mut of_one {
        assert_eq!(woken.poll(future), Poll::Pending);
    }
    assert_eq!(waits.poll(&mut of_other), Poll::Pending);

    live.remove(one.id());
    assert_eq!((woken.count(), waits.count()), (2, 0));
    for future in &mut of_one {
        assert_eq!(woken.poll(future), Poll::Ready(()));
    }
    assert_eq!(waits.poll(&mut of_other), Poll::Pending);
}

#[test]
fn only_the_waker_of_the_last_poll_is_woken() {
    let token = token(1);
    let mut live = live(std::slice::from_ref(&token));
    let (first, last) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
    let mut future = live.tokens().until_deleted(&token);
    assert_eq!(first.poll(&mut future), Poll::Pending);
    assert_eq!(last.poll(&mut future), Poll::Pending);
    live.remove(token.id());
    assert_eq!((first.count(), last.count()), (0, 1));
}

#[test]
fn a_deleted_or_unknown_token_counts_as_deleted_at_once() {
    let (deleted, unknown) = (token(1), token(2));
    let mut live = live(&[deleted.clone(), token(2)]);
    let mut before = live.tokens().until_deleted(&deleted);
    live.remove(deleted.id());
    assert_eq!(before.poll_unpin(&mut Context::from_waker(futures::task::noop_waker_ref())), Poll::Ready(()));
    for token in [&deleted, &unknown] {
        assert_eq!(live.tokens().until_deleted(token).now_or_never(), Some(()));
    }
}

#[test]
fn inserting_a_token_again_does_not_wake_its_watchers() {
    let token = token(1);
    let mut live = live(std::slice::from_ref(&token));
    let wakes = Arc::new(Wakes::default());
    let mut future = live.tokens().until_deleted(&token);
    assert_eq!(wakes.poll(&mut future), Poll::Pending);
    live.insert(Principal::new(token.id(), *token.digest(), None, Permissions::ADMIN));
    assert_eq!((wakes.count(), wakes.poll(&mut future)), (0, Poll::Pending));
    live.remove(token.id());
    assert_eq!((wakes.count(), wakes.poll(&mut future)), (1, Poll::Ready(())));
}

#[test]
fn replacing_a_token_wakes_the_watchers_of_the_replaced_one() {
    let first = token(1);
    let mut live = live(std::slice::from_ref(&first));
    let wakes = Arc::new(Wakes::default());
    let mut future = live.tokens().until_deleted(&first);
    assert_eq!(wakes.poll(&mut future), Poll::Pending);
    live.insert(token(1));
    assert_eq!((wakes.count(), wakes.poll(&mut future)), (1, Poll::Ready(())));
}

#[test]
fn a_dropped_future_leaves_no_entry() {
    let token = token(1);
    let mut live = live(std::slice::from_ref(&token));
    let registered = {
        let live = live.tokens().clone();
        move || live.tables.watchers.len.load(Ordering::Relaxed)
    };
    let mut futures: Vec<_> = (0..100).map(|_| live.tokens().until_deleted(&token)).collect();
    assert_eq!(registered(), 0);
    for future in &mut futures {
        assert!(future.now_or_never().is_none());
    }
    assert_eq!(registered(), 100);
    live.remove(token.id());
    drop(futures);
    assert_eq!(registered(), 0);
    assert!(live.tokens().tables.watchers.entries().wakers.is_empty());
}

/// Starts a wait for a token and its deletion at the same time, many times, with varying offsets.
#[test]
fn no_wake_up_is_lost_to_a_concurrent_deletion() {
    let tokens: Vec<_> = (0..20_000).map(token).collect();
    let mut writer = live(&tokens);
    let live = writer.tokens().clone();
    let (begun, arrivals) = (Instant::now(), AtomicUsize::new(0));
    let meet = || {
        let both = (arrivals.fetch_add(1, Ordering::SeqCst) | 1) + 1;
        for tries in 1.. {
            if arrivals.load(Ordering::SeqCst) >= both {
                break;
            }
            if tries % 1_000 == 0 {
                assert!(begun.elapsed() < Duration::from_secs(120), "the other thread has not arrived");
                // With only one processor, the other thread needs it.
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    };
    let missed = std::thread::scope(|scope| {
        scope.spawn(|| {
            for token in &tokens {
                meet();
                writer.remove(token.id());
                meet();
            }
        });
        let missed = tokens.iter().enumerate().filter(|(round, token)| {
            let wakes = Arc::new(Wakes::default());
            let mut future = live.until_deleted(token);
            meet();
            (0..round % 64).for_each(|_| std::hint::spin_loop());
            let polled = wakes.poll(&mut future);
            meet();
            polled.is_pending() && wakes.count() == 0
        });
        missed.count()
    });
    assert_eq!(missed, 0);
    assert!(live.tables.watchers.entries().wakers.is_empty());
}
