//! Waiting for the deletion of a token.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::LiveTokens;
use crate::sync::{Arc, AtomicUsize, AtomicWaker, Mutex, MutexGuard, Ordering, PoisonError};
use crate::token::{Principal, TokenId};

/// The wakers of all tasks that wait for a deletion. A token that nobody waits for has no entry.
#[derive(Default)]
pub(super) struct Watchers {
    entries: Mutex<Entries>,
    /// The number of entries, which a deletion reads without the lock.
    len: AtomicUsize,
}

/// Sorted by token; a counter tells the watchers of one token apart.
#[derive(Default)]
struct Entries {
    wakers: BTreeMap<Key, Arc<AtomicWaker>>,
    next: u64,
}

type Key = (TokenId, u64);

impl Watchers {
    /// Wakes every task that waits for this token, which must already have been removed from the table of digests.
    ///
    /// A waiter registers before it checks; a deletion removes the token before it notifies. No wake-up is lost: check
    /// and removal take the same lock. If the removal came first, the waiter does not find the token. If the check came
    /// first, the removal took the lock after the waiter had released it, so this method sees the waiter's entry. That
    /// lock orders `len`, too, which is why a relaxed load suffices.
    pub(super) fn wake(&self, id: TokenId) {
        if self.len.load(Ordering::Relaxed) == 0 {
            return;
        }
        let wakers: Vec<_> =
            self.entries().wakers.range((id, 0)..=(id, u64::MAX)).map(|(_, it)| Arc::clone(it)).collect();
        // Without the lock, because a woken task may drop its entry at once.
        wakers.iter().for_each(|waker| waker.wake());
    }

    /// Wakes every task that waits for a token.
    pub(super) fn wake_all(&self) {
        let wakers: Vec<_> = self.entries().wakers.values().map(Arc::clone).collect();
        wakers.iter().for_each(|waker| waker.wake());
    }

    fn register(&self, id: TokenId, waker: Arc<AtomicWaker>) -> Key {
        let mut entries = self.entries();
        let key = (id, entries.next);
        entries.next += 1;
        entries.wakers.insert(key, waker);
        self.len.store(entries.wakers.len(), Ordering::Relaxed);
        key
    }

    fn deregister(&self, key: Key) {
        let mut entries = self.entries();
        entries.wakers.remove(&key);
        self.len.store(entries.wakers.len(), Ordering::Relaxed);
    }

    /// Ignores poisoning: a panic leaves the map intact.
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A future that is ready once a token is deleted, or may have been. [`Catalog::until_deleted`](crate::Catalog::until_deleted) returns it.
#[must_use = "a future does nothing unless it is polled"]
pub struct UntilDeleted {
    live: LiveTokens,
    token: Principal,
    waker: Arc<AtomicWaker>,
    /// `None` until the first poll.
    entry: Option<Key>,
}

impl UntilDeleted {
    pub(super) fn new(live: LiveTokens, token: Principal) -> Self {
        Self { live, token, waker: Arc::default(), entry: None }
    }
}

impl Future for UntilDeleted {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.waker.register(context.waker());
        if this.entry.is_none() {
            this.entry = Some(this.live.tables.watchers.register(this.token.id(), Arc::clone(&this.waker)));
        }
        let is_live = this.live.while_fresh(|live| live.holds(&this.token));
        if is_live == Some(true) { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for UntilDeleted {
    fn drop(&mut self) {
        if let Some(key) = self.entry {
            self.live.tables.watchers.deregister(key);
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
