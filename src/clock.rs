//! The clock, which is an argument so that tests can set the time.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::token::Timestamp;

/// Tells a [`Catalog`](crate::Catalog) the time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    /// The present moment, clamped to the range of [`Timestamp`].
    fn now(&self) -> Timestamp {
        timestamp(SystemTime::now())
    }
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH.checked_add(since_epoch).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_before_1970_or_after_9999_is_clamped() {
        let days = |count: u64| Duration::from_secs(count * 86_400);
        for before in [Duration::from_nanos(1), days(1), days(1_000_000)] {
            assert_eq!(timestamp(UNIX_EPOCH - before), Timestamp::EPOCH);
        }
        for after in [days(2_932_897), days(2_932_898), days(100_000_000_000)] {
            assert_eq!(timestamp(UNIX_EPOCH + after), Timestamp::MAX);
        }
        assert_eq!(timestamp(UNIX_EPOCH + Duration::from_micros(1999)), Timestamp::from_millis(1).unwrap());
    }
}
