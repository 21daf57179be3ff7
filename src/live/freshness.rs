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

/// A moment read from a [`Freshness`].
#[derive(Clone, Copy)]
pub(crate) struct FreshUntil(u64);

const ALWAYS: u64 = u64::MAX;

impl Freshness {
    /// Of tokens that can always be relied upon.
    pub(super) fn always() -> Self {
        Self { until: AtomicU64::new(ALWAYS) }
    }

    /// The moment. Read it before the tokens, and check it after them: the changes that it vouches for were applied before
    /// it was set, so whoever has seen it sees them; and a thread that is stopped between the look-up and the check sees
    /// that time has passed.
    pub(super) fn until(&self) -> FreshUntil {
        FreshUntil(self.until.load(Ordering::Acquire))
    }

    pub(super) fn set(&self, until: BootTime) {
        let nanoseconds = u64::try_from(until.since_boot().as_nanos()).unwrap_or(ALWAYS - 1);
        self.until.store(nanoseconds.min(ALWAYS - 1), Ordering::Release);
    }
}

impl FreshUntil {
    /// Whether the moment has not come yet.
    pub(crate) fn is_ahead(self) -> bool {
        self.0 == ALWAYS || BootTime::now().since_boot() < Duration::from_nanos(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_fresh_until_the_moment_that_was_set_last() {
        let freshness = Freshness::always();
        assert!(freshness.until().is_ahead());
        let before = freshness.until();
        freshness.set(BootTime::now());
        assert!(!freshness.until().is_ahead());
        assert!(before.is_ahead());
        freshness.set(BootTime::now().plus(Duration::from_secs(3600)));
        assert!(freshness.until().is_ahead());
        freshness.set(BootTime::now().plus(Duration::MAX));
        assert!(freshness.until().is_ahead());
    }
}
