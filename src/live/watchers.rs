//! Who waits for the deletion of which token.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;

use super::LiveTokens;
use crate::token::{Principal, TokenId};

/// The wakers of those who wait: nothing for a token that nobody waits for.
#[derive(Default)]
pub(super) struct Watchers {
    entries: Mutex<Entries>,
    /// How many entries there are, to be read without the lock.
    len: AtomicUsize,
}

/// By token, and then by a number of their own, so that each of many for one token is found at once.
#[derive(Default)]
struct Entries {
    wakers: BTreeMap<Key, Arc<AtomicWaker>>,
    next: u64,
}

type Key = (TokenId, u64);

impl Watchers {
    /// Wakes all that wait for this token, which must not be found any more.
    ///
    /// Nobody is missed. Who waits enters first, and looks for the token then, under the lock under which it was taken
    /// out: either it was taken out before, and is not found; or the entry was made before that lock was taken to take
    /// it out, and is seen here.
    pub(super) fn wake(&self, id: TokenId) {
        if self.len.load(Ordering::Relaxed) == 0 {
            return;
        }
        let wakers: Vec<_> =
            self.entries().wakers.range((id, 0)..=(id, u64::MAX)).map(|(_, it)| Arc::clone(it)).collect();
        // Without the lock: what is woken may drop its entry on the spot.
        wakers.iter().for_each(|waker| waker.wake());
    }

    fn enter(&self, id: TokenId, waker: Arc<AtomicWaker>) -> Key {
        let mut entries = self.entries();
        let key = (id, entries.next);
        entries.next += 1;
        entries.wakers.insert(key, waker);
        self.len.store(entries.wakers.len(), Ordering::Relaxed);
        key
    }

    fn leave(&self, key: Key) {
        let mut entries = self.entries();
        entries.wakers.remove(&key);
        self.len.store(entries.wakers.len(), Ordering::Relaxed);
    }

    /// A poisoned lock is taken all the same: a map that a panic leaves behind is whole.
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ready once a token is deleted: the future that [`Catalog::until_deleted`](crate::Catalog::until_deleted) returns.
#[must_use = "a future does nothing unless it is polled"]
pub struct UntilDeleted {
    live: Arc<LiveTokens>,
    token: Principal,
    waker: Arc<AtomicWaker>,
    /// `None` until it is polled.
    entry: Option<Key>,
}

impl UntilDeleted {
    pub(crate) fn new(live: Arc<LiveTokens>, token: Principal) -> Self {
        Self { live, token, waker: Arc::default(), entry: None }
    }
}

impl Future for UntilDeleted {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.waker.register(context.waker());
        if this.entry.is_none() {
            this.entry = Some(this.live.watchers.enter(this.token.id(), Arc::clone(&this.waker)));
        }
        if this.live.holds(&this.token) { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for UntilDeleted {
    fn drop(&mut self) {
        if let Some(key) = self.entry {
            self.live.watchers.leave(key);
        }
    }
}

impl fmt::Debug for UntilDeleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntilDeleted").field("id", &self.token.id()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
