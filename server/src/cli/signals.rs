//! The signals that `serve` obeys.

use std::io;

use futures::FutureExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// SIGHUP, which does not end the process from when this is made.
pub(super) struct Hangup(Signal);

impl Hangup {
    /// Must be called in a tokio runtime.
    pub(super) fn catch() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Calls `reload` at each signal, in a thread that may block. A signal that came before counts too.
    pub(super) fn then(mut self, reload: impl Fn() + Clone + Send + 'static) {
        tokio::spawn(async move {
            while self.0.recv().await.is_some() {
                // A panic was logged; ignore the error.
                let _ = tokio::task::spawn_blocking(reload.clone()).await;
            }
        });
    }
}

/// Two futures, which become ready when the process is told to stop for the first and the second time. The signals are
/// caught as soon as this is called.
pub(super) fn stop() -> io::Result<(impl Future<Output = ()>, impl Future<Output = ()>)> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (first, is_first) = oneshot::channel();
    let (second, is_second) = oneshot::channel();
    tokio::spawn(async move {
        for told in [first, second] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            // The receiver may be gone; ignore the error.
            let _ = told.send(());
        }
    });
    Ok((is_first.map(drop), is_second.map(drop)))
}
