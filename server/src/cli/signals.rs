//! The signals that `serve` obeys.

use std::io;

use futures::FutureExt;
use tokio::runtime::Builder;
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

/// Keeps SIGHUP from ending the process before its runtime exists. Starts no thread.
pub(super) fn survive_hangup() -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    // The process keeps the handler, and the next runtime gets the signals that came before it.
    Hangup::catch().map(drop)
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

#[cfg(test)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    #[test]
    fn a_hangup_before_the_runtime_exists_ends_nothing() {
        survive_hangup().unwrap();
        kill_process(getpid(), Signal::HUP).unwrap();
    }
}
