//! A bounded queue that says how many wait in it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvError, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::time::Duration;

/// A queue for this many.
pub(super) fn queue<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = sync_channel(capacity);
    let depth = Arc::new(AtomicU64::new(0));
    (Sender { sender, depth: Arc::clone(&depth), capacity }, Receiver { receiver, depth })
}

pub(super) struct Sender<T> {
    sender: SyncSender<T>,
    depth: Arc<AtomicU64>,
    capacity: usize,
}

pub(super) struct Receiver<T> {
    receiver: mpsc::Receiver<T>,
    depth: Arc<AtomicU64>,
}

impl<T> Sender<T> {
    pub(super) fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
        // Before it is sent, because it may be received at once.
        self.depth.fetch_add(1, Ordering::Relaxed);
        self.sender.try_send(item).inspect_err(|_| _ = self.depth.fetch_sub(1, Ordering::Relaxed))
    }

    pub(super) fn depth(&self) -> u64 {
        self.depth.load(Ordering::Relaxed)
    }

    pub(super) fn capacity(&self) -> u64 {
        self.capacity as u64
    }
}

impl<T> Receiver<T> {
    pub(super) fn recv(&self) -> Result<T, RecvError> {
        self.received(self.receiver.recv())
    }

    pub(super) fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.received(self.receiver.recv_timeout(timeout))
    }

    pub(super) fn try_recv(&self) -> Result<T, TryRecvError> {
        self.received(self.receiver.try_recv())
    }

    fn received<E>(&self, result: Result<T, E>) -> Result<T, E> {
        result.inspect(|_| _ = self.depth.fetch_sub(1, Ordering::Relaxed))
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("depth", &self.depth()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_is_the_number_that_waits() {
        let (sender, receiver) = queue(2);
        assert_eq!((sender.depth(), sender.capacity()), (0, 2));
        sender.try_send(1).unwrap();
        sender.try_send(2).unwrap();
        sender.try_send(3).unwrap_err();
        assert_eq!(sender.depth(), 2);
        assert_eq!(receiver.recv(), Ok(1));
        assert_eq!(receiver.try_recv(), Ok(2));
        receiver.try_recv().unwrap_err();
        receiver.recv_timeout(Duration::ZERO).unwrap_err();
        assert_eq!(sender.depth(), 0);
        drop(receiver);
        sender.try_send(4).unwrap_err();
        assert_eq!(sender.depth(), 0);
    }
}
