//! Confirming that the copy has every change: reads by a quorum, each for all that ask at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::Counts;
use super::copy::{Head, Position, TokenCopy, Verdict};
use super::keys::Keys;
use super::members::{Members, RequestError};
use super::watch::{Orders, read_head};
use crate::clock::BootTime;

/// Where confirmations are asked for.
#[derive(Default)]
pub(super) struct Confirmations {
    wanted: Notify,
    /// The number of the round that began last.
    begun: AtomicU64,
    ended: watch::Sender<(u64, Confirmation)>,
    waiting: AtomicUsize,
}

/// What a round found out.
#[derive(Clone, Debug, Default)]
pub(super) enum Confirmation {
    /// The copy has every change that was acknowledged before the round began.
    Confirmed,
    /// etcd answers, but the copy lacks changes.
    #[default]
    Behind,
    /// etcd does not answer.
    Failed(RequestError),
}

/// How many may wait for a confirmation at the same time.
const CAPACITY: usize = 16_384;

impl Confirmations {
    /// Waits for a round that begins after this call. `None` if too many wait.
    pub(super) async fn next(&self) -> Option<Confirmation> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= CAPACITY {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let _waits = Waits(&self.waiting);
        let mut ended = self.ended.subscribe();
        // The round that began last may have read before this call.
        let next = self.begun.load(Ordering::SeqCst) + 1;
        self.wanted.notify_one();
        // The sender lives as long as `self`.
        let ended = ended.wait_for(|(round, _)| *round >= next).await.ok()?;
        Some(ended.1.clone())
    }

    /// Tells those that wait for this round, or an earlier one, what it found out.
    pub(super) fn end(&self, round: u64, confirmation: Confirmation) {
        self.ended.send_replace((round, confirmation));
    }
}

/// One that waits, until it is dropped.
struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The task that confirms the copy: when somebody asks for it, and again and again, so that the copy stays fresh.
pub(super) struct Confirmer {
    pub(super) members: Arc<Members>,
    pub(super) keys: Keys,
    pub(super) copy: Arc<TokenCopy>,
    pub(super) counts: Arc<Counts>,
    pub(super) orders: Arc<Orders>,
    pub(super) confirmations: Arc<Confirmations>,
}

impl Confirmer {
    /// Confirms until the task is aborted.
    pub(super) async fn run(self) {
        loop {
            let next = Instant::now() + self.members.request_timeout();
            let round = self.confirmations.begun.fetch_add(1, Ordering::SeqCst) + 1;
            let confirmation = self.round().await;
            let count = match confirmation {
                Confirmation::Confirmed => &self.counts.confirmations,
                _ => &self.counts.failed_confirmations,
            };
            count.add();
            self.confirmations.end(round, confirmation);
            tokio::select! {
                () = self.confirmations.wanted.notified() => {}
                () = sleep_until(next) => {}
            }
        }
    }

    async fn round(&self) -> Confirmation {
        // In this order: what the node does between the two is in `before`, or the process is suspended and `begin` is earlier.
        let begin = BootTime::now();
        let before = self.copy.position();
        let (head, now) = match read_head(&self.members, &self.keys, 0).await {
            Ok((Some(pair), now)) => (Head::from(&pair), now),
            Ok((None, _)) => return self.reload(&before),
            Err(error) => return Confirmation::Failed(error),
        };
        let judge = || self.copy.judge(&before, begin, &head, now);
        let mut verdict = judge();
        if verdict == Verdict::Behind {
            let arrival = self.copy.wait_for(head.revision);
            if timeout(self.members.request_timeout() / 2, arrival).await.is_err() {
                self.orders.restart.notify_one();
                return Confirmation::Behind;
            }
            verdict = judge();
        }
        match verdict {
            Verdict::Confirmed => Confirmation::Confirmed,
            Verdict::Behind | Verdict::Overtaken => Confirmation::Behind,
            Verdict::OtherHistory => self.reload(&before),
        }
    }

    /// Nothing that the copy has belongs to what etcd has.
    fn reload(&self, before: &Position) -> Confirmation {
        // A load may fail for long, and every request asks for a round then.
        if !before.is_distrusted {
            tracing::warn!("the history of etcd was replaced; the tokens are loaded again");
        }
        self.copy.distrust();
        self.orders.reload.notify_one();
        Confirmation::Behind
    }
}
