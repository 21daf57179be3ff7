//! How long the live tokens can be relied upon.

use std::time::Duration;

use crate::clock::BootTime;
use crate::sync::{AtomicU64, Ordering};

/// The moment until which the live tokens can be relied upon, as the store has said last.
///
/// A store that alone changes its tokens says nothing, and the live tokens can always be relied upon. A store that others
/// change too sets this again and again, each time after it has applied what others had changed.
pub(super) struct Freshness {
    /// Nanoseconds since the machine was started, or [`ALWAYS`].
    until: AtomicU64,
}

const ALWAYS: u64 = u64::MAX;

impl Freshness {
    /// Of tokens that can always be relied upon.
    pub(super) fn always() -> Self {
        Self { until: AtomicU64::new(ALWAYS) }
    }

    /// Returns what a look-up finds, or `None` if the tokens cannot be relied upon.
    ///
    /// The moment is read before the look-up: the changes that it vouches for were applied before it was set, so the look-up
    /// sees them. The clock is read after the look-up, so a thread that is stopped meanwhile sees that time has passed.
    pub(super) fn while_fresh<T>(&self, look_up: impl FnOnce() -> T) -> Option<T> {
        let until = self.until.load(Ordering::Acquire);
        let found = look_up();
        let is_ahead = until == ALWAYS || BootTime::now().since_boot() < Duration::from_nanos(until);
        is_ahead.then_some(found)
    }

    pub(super) fn set(&self, until: BootTime) {
        let nanoseconds = u64::try_from(until.since_boot().as_nanos()).unwrap_or(ALWAYS - 1);
        self.until.store(nanoseconds.min(ALWAYS - 1), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_fresh(freshness: &Freshness) -> bool {
        freshness.while_fresh(|| ()).is_some()
    }

    #[test]
    fn tokens_are_fresh_until_the_moment_that_was_set_last() {
        let freshness = Freshness::always();
        assert!(is_fresh(&freshness));
        freshness.set(BootTime::now());
        assert!(!is_fresh(&freshness));
        freshness.set(BootTime::now().plus(Duration::from_secs(3600)));
        assert!(is_fresh(&freshness));
        freshness.set(BootTime::now().plus(Duration::MAX));
        assert!(is_fresh(&freshness));
    }

    #[test]
    fn a_moment_that_is_set_after_a_look_up_does_not_vouch_for_it() {
        let (freshness, later) = (Freshness::always(), BootTime::now().plus(Duration::from_secs(3600)));
        freshness.set(BootTime::START);
        assert_eq!(freshness.while_fresh(|| freshness.set(later)), None);
        assert_eq!(freshness.while_fresh(|| freshness.set(BootTime::START)), Some(()));
    }

    #[test]
    fn a_look_up_that_lasts_until_the_moment_finds_nothing() {
        let (freshness, moment) = (Freshness::always(), BootTime::now().plus(Duration::from_millis(20)));
        freshness.set(moment);
        let look_up = || while BootTime::now() < moment {};
        assert_eq!(freshness.while_fresh(look_up), None);
    }
}
