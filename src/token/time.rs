use std::time::Duration;

use chrono::{DateTime, Utc};

/// A moment in whole milliseconds since the Unix epoch, from 1970 to the end of the year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// 9999-12-31T23:59:59.999Z. So every timestamp has an RFC 3339 form and fits in an `i64`.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// The moment this many milliseconds after the Unix epoch. Returns `None` after [`Timestamp::MAX`].
    pub const fn from_millis(millis: u64) -> Option<Self> {
        if millis <= Self::MAX.0 { Some(Self(millis)) } else { None }
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment `duration` later, rounded down to whole milliseconds. Returns `None` after [`Timestamp::MAX`].
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        let millis = u64::try_from(duration.as_millis()).ok()?;
        Self::from_millis(self.0.checked_add(millis)?)
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(timestamp: Timestamp) -> Self {
        let millis = i64::try_from(timestamp.as_millis()).ok();
        millis.and_then(Self::from_timestamp_millis).expect("a timestamp is not after the year 9999")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_timestamp_is_a_date_and_time() {
        let text = |timestamp: Timestamp| DateTime::<Utc>::from(timestamp).to_rfc3339();
        assert_eq!(text(Timestamp::EPOCH), "1970-01-01T00:00:00+00:00");
        assert_eq!(text(Timestamp::MAX), "9999-12-31T23:59:59.999+00:00");
    }

    #[test]
    fn a_sum_after_the_year_9999_is_none() {
        assert_eq!(Timestamp::EPOCH.checked_add(Duration::from_secs(1)).unwrap().as_millis(), 1000);
        assert_eq!(Timestamp::MAX.checked_add(Duration::ZERO), Some(Timestamp::MAX));
        assert_eq!(Timestamp::MAX.checked_add(Duration::from_millis(1)), None);
        assert_eq!(Timestamp::EPOCH.checked_add(Duration::MAX), None);
    }
}
