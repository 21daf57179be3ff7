use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::task::{ArcWake, waker};

use super::*;
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

/// What holds these tokens.
fn live(tokens: &[Principal]) -> Arc<LiveTokens> {
    let live = LiveTokens::new();
    tokens.iter().for_each(|token| live.insert(token.clone()));
    Arc::new(live)
}

fn until_deleted(live: &Arc<LiveTokens>, token: &Principal) -> UntilDeleted {
    UntilDeleted::new(Arc::clone(live), token.clone())
}

#[test]
fn a_deletion_wakes_those_who_wait_for_that_token_and_no_other() {
    let (one, other) = (token(1), token(2));
    let live = live(&[one.clone(), other.clone()]);
    let (woken, waits) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
    let mut of_one = [until_deleted(&live, &one), until_deleted(&live, &one)];
    let mut of_other = until_deleted(&live, &other);
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
fn the_last_waker_is_woken() {
    let token = token(1);
    let live = live(std::slice::from_ref(&token));
    let (first, last) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
    let mut future = until_deleted(&live, &token);
    assert_eq!(first.poll(&mut future), Poll::Pending);
    assert_eq!(last.poll(&mut future), Poll::Pending);
    live.remove(token.id());
    assert_eq!((first.count(), last.count()), (0, 1));
}

#[test]
fn what_is_no_live_token_is_deleted_at_once() {
    let (gone, stranger) = (token(1), token(2));
    let live = live(&[gone.clone(), token(2)]);
    let mut before = until_deleted(&live, &gone);
    live.remove(gone.id());
    assert_eq!(before.poll_unpin(&mut Context::from_waker(futures::task::noop_waker_ref())), Poll::Ready(()));
    for token in [&gone, &stranger] {
        assert_eq!(until_deleted(&live, token).now_or_never(), Some(()));
    }
}

#[test]
fn the_same_token_taken_in_again_is_not_deleted() {
    let token = token(1);
    let live = live(std::slice::from_ref(&token));
    let wakes = Arc::new(Wakes::default());
    let mut future = until_deleted(&live, &token);
    assert_eq!(wakes.poll(&mut future), Poll::Pending);
    live.insert(Principal::new(token.id(), *token.digest(), None, Permissions::ADMIN));
    assert_eq!((wakes.count(), wakes.poll(&mut future)), (0, Poll::Pending));
    live.remove(token.id());
    assert_eq!((wakes.count(), wakes.poll(&mut future)), (1, Poll::Ready(())));
}

#[test]
fn another_token_in_the_place_of_one_deletes_it() {
    let first = token(1);
    let live = live(std::slice::from_ref(&first));
    let wakes = Arc::new(Wakes::default());
    let mut future = until_deleted(&live, &first);
    assert_eq!(wakes.poll(&mut future), Poll::Pending);
    live.insert(token(1));
    assert_eq!((wakes.count(), wakes.poll(&mut future)), (1, Poll::Ready(())));
}

#[test]
fn a_future_that_is_dropped_leaves_nothing_behind() {
    let token = token(1);
    let live = live(std::slice::from_ref(&token));
    let mut futures: Vec<_> = (0..100).map(|_| until_deleted(&live, &token)).collect();
    assert_eq!(live.watchers.len.load(Ordering::Relaxed), 0);
    for future in &mut futures {
        assert!(future.now_or_never().is_none());
    }
    assert_eq!(live.watchers.len.load(Ordering::Relaxed), 100);
    live.remove(token.id());
    drop(futures);
    assert_eq!(live.watchers.len.load(Ordering::Relaxed), 0);
    assert!(live.watchers.entries().wakers.is_empty());
}

/// A wait and a deletion of the same token begin together, over and over, a little sooner or later each time.
#[test]
fn nobody_who_waits_is_missed_by_a_concurrent_deletion() {
    let tokens: Vec<_> = (0..20_000).map(token).collect();
    let live = live(&tokens);
    let (arrivals, begun) = (AtomicUsize::new(0), Instant::now());
    let meet = || {
        let both = (arrivals.fetch_add(1, Ordering::SeqCst) | 1) + 1;
        for tries in 1.. {
            if arrivals.load(Ordering::SeqCst) >= both {
                break;
            }
            // Where there is one processor, the other has to get it.
            if tries % 1_000 == 0 {
                assert!(begun.elapsed() < Duration::from_secs(60), "the other thread does not arrive");
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
                live.remove(token.id());
                meet();
            }
        });
        let missed = tokens.iter().enumerate().filter(|(round, token)| {
            let wakes = Arc::new(Wakes::default());
            let mut future = until_deleted(&live, token);
            meet();
            (0..round % 64).for_each(|_| std::hint::spin_loop());
            let polled = wakes.poll(&mut future);
            meet();
            polled.is_pending() && wakes.count() == 0
        });
        missed.count()
    });
    assert_eq!(missed, 0);
    assert!(live.watchers.entries().wakers.is_empty());
}
