//! The clock, which is an argument so that tests can set the time, and the clock that measures how old a copy is.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// A moment of a clock that runs at a constant rate, also while the machine is suspended or the process is stopped: the time
/// since the machine was started.
///
/// It measures how old a copy of the tokens is. [`Clock`] does not, because somebody can set it, and neither does
/// [`std::time::Instant`], which stands still on Linux while the machine is suspended. On other systems than Linux it is
/// an `Instant` nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootTime(Duration);

impl BootTime {
    /// The moment when the machine was started.
    pub const START: Self = Self(Duration::ZERO);

    /// The present moment.
    pub fn now() -> Self {
        Self(since_boot())
    }

    /// The time since the machine was started.
    pub fn since_boot(self) -> Duration {
        self.0
    }

    /// The time since this moment; zero if it has not come yet.
    pub fn elapsed(self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }

    /// The moment `duration` later. Far beyond any uptime it stays at the last moment that there is.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanoseconds.unwrap_or_default())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn since_boot() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;

    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_since_the_machine_was_started_only_grows() {
        let before = BootTime::now();
        let after = BootTime::now();
        assert!(before <= after && before.since_boot() > Duration::ZERO);
        assert_eq!(after.plus(Duration::from_secs(1)).elapsed(), Duration::ZERO);
        assert_eq!(after.plus(Duration::MAX), BootTime(Duration::MAX));
    }

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
