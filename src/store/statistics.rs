//! What a store has done, for metrics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::histogram::{Distribution, Histogram};

/// What a store has done since it was opened, and how it is now. A store that keeps no count has 0.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StoreStatistics {
    /// Transactions that changed tokens and are durable.
    pub commits: u64,
    /// Transactions that were not committed because of an error, or may not have been.
    pub failed_commits: u64,
    /// How many changes the transactions had.
    pub batch_sizes: Distribution,
    /// How long the transactions took until they were durable, in nanoseconds.
    pub commit_nanoseconds: Distribution,
    /// Requests that wait for the store.
    pub queue_depth: u64,
    /// How many requests may wait.
    pub queue_capacity: u64,
    /// Whether the last transaction failed, so that the store may not be usable. [`TokenStore::probe`] finds out.
    ///
    /// [`TokenStore::probe`]: crate::TokenStore::probe
    pub is_failing: bool,
    /// How the copy of the tokens does, if others change the store too.
    pub copy: Option<CopyStatistics>,
}

/// How the copy of a store does that others change too, and what the store has done for it since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyStatistics {
    /// Whether the copy can be relied upon.
    pub is_fresh: bool,
    /// How old the copy may be: the time since the last moment of which the store knows that the copy had every change that
    /// was acknowledged before. `None` if no such moment is known.
    pub staleness: Option<Duration>,
    /// Reads that confirmed that the copy has every change.
    pub confirmations: u64,
    /// Reads that were to confirm that, and could not.
    pub failed_confirmations: u64,
    /// How often the stream of changes was begun again.
    pub watch_restarts: u64,
    /// How often all tokens were loaded again.
    pub reloads: u64,
    /// Authentications that were decided by a read, because the copy could not decide them.
    pub fallback_reads: u64,
}

/// The counters of a store.
#[derive(Debug)]
#[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "the store in memory cannot fail"))]
pub(super) struct Counters {
    commits: AtomicU64,
    failed_commits: AtomicU64,
    batch_sizes: Histogram,
    commit_nanoseconds: Histogram,
    is_failing: AtomicBool,
}

#[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "the store in memory cannot fail"))]
impl Counters {
    pub(super) fn new() -> Self {
        const BATCH_SIZES: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
        const MICROSECOND: u64 = 1_000;
        const MILLISECOND: u64 = 1_000_000;
        const NANOSECONDS: &[u64] = &[
            100 * MICROSECOND,
            250 * MICROSECOND,
            500 * MICROSECOND,
            MILLISECOND,
            2_500 * MICROSECOND,
            5 * MILLISECOND,
            10 * MILLISECOND,
            25 * MILLISECOND,
            50 * MILLISECOND,
            100 * MILLISECOND,
            250 * MILLISECOND,
            500 * MILLISECOND,
            1_000 * MILLISECOND,
            5_000 * MILLISECOND,
        ];
        Self {
            commits: AtomicU64::new(0),
            failed_commits: AtomicU64::new(0),
            batch_sizes: Histogram::new(BATCH_SIZES),
            commit_nanoseconds: Histogram::new(NANOSECONDS),
            is_failing: AtomicBool::new(false),
        }
    }

    /// A transaction with this many changes was committed.
    pub(super) fn committed(&self, changes: usize, took: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.batch_sizes.observe(changes as u64);
        self.commit_nanoseconds.observe(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        self.works();
    }

    /// A transaction failed.
    pub(super) fn failed(&self) {
        self.failed_commits.fetch_add(1, Ordering::Relaxed);
        self.is_failing.store(true, Ordering::Relaxed);
    }

    /// The store can commit.
    pub(super) fn works(&self) {
        self.is_failing.store(false, Ordering::Relaxed);
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// The statistics, without those of the queue.
    pub(super) fn statistics(&self) -> StoreStatistics {
        StoreStatistics {
            commits: self.commits(),
            failed_commits: self.failed_commits.load(Ordering::Relaxed),
            batch_sizes: self.batch_sizes.distribution(),
            commit_nanoseconds: self.commit_nanoseconds.distribution(),
            is_failing: self.is_failing.load(Ordering::Relaxed),
            ..StoreStatistics::default()
        }
    }
}
