//! When a token was used last.

use crate::sync::{AtomicU32, Ordering};
use crate::token::Timestamp;

/// The minute in which a live token was used last, and whether the store has yet to save it.
///
/// Authentication only loads it, except for the first time in a minute. The orders are relaxed, because nothing else
/// depends on it.
#[derive(Default)]
pub(super) struct LastUse(AtomicU32);

/// A whole minute since the Unix epoch; 0 means never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Minute(u32);

/// The bit that says that the store has yet to save it. The others suffice until the year 6053.
const UNSAVED: u32 = 1 << 31;

const MILLIS: u64 = 60_000;

impl Minute {
    /// The minute in which this moment is.
    pub(crate) fn of(moment: Timestamp) -> Self {
        u32::try_from(moment.as_millis() / MILLIS).map_or(Self::MAX, |minute| Self(minute).min(Self::MAX))
    }

    /// The last minute.
    pub(crate) const MAX: Self = Self(UNSAVED - 1);

    /// The minute with this number since the Unix epoch. `None` if it is out of range; 0 means never.
    #[allow(dead_code, reason = "only a store that others change too calls it")]
    pub(crate) fn new(number: u32) -> Option<Self> {
        (1..UNSAVED).contains(&number).then_some(Self(number))
    }

    /// Its number since the Unix epoch; 0 means never.
    #[allow(dead_code, reason = "only a store that others change too calls it")]
    pub(crate) fn as_u32(self) -> u32 {
        self.0
    }

    /// Its beginning; `None` if it means never.
    pub(crate) fn begin(self) -> Option<Timestamp> {
        if self.0 == 0 { None } else { Timestamp::from_millis(u64::from(self.0) * MILLIS) }
    }
}

impl LastUse {
    pub(super) fn minute(&self) -> Minute {
        Minute(self.0.load(Ordering::Relaxed) & !UNSAVED)
    }

    pub(super) fn note(&self, Minute(minute): Minute) {
        self.0.store(minute | UNSAVED, Ordering::Relaxed);
    }

    /// Takes note of what the store has saved, unless a later use is known.
    pub(super) fn restore(&self, Minute(minute): Minute) {
        let raise = |known: u32| (known & !UNSAVED < minute).then_some(minute);
        // It is not raised if it need not be.
        _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, raise);
    }

    /// Sets what the other says.
    pub(super) fn take_from(&self, other: &Self) {
        self.0.store(other.0.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The minute if it is not saved.
    pub(super) fn unsaved(&self) -> Option<Minute> {
        let value = self.0.load(Ordering::Relaxed);
        (value & UNSAVED != 0).then_some(Minute(value & !UNSAVED))
    }

    /// Says that the store has saved this minute. A later use still has to be saved.
    pub(super) fn saved(&self, Minute(minute): Minute) {
        // It fails if there is a later use.
        _ = self.0.compare_exchange(minute | UNSAVED, minute, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_begins_at_its_first_millisecond() {
        let begin = |millis| Minute::of(Timestamp::from_millis(millis).unwrap()).begin().map(Timestamp::as_millis);
        assert_eq!([59_999, 60_000, 119_999].map(begin), [None, Some(60_000), Some(60_000)]);
        assert!(begin(Timestamp::MAX.as_millis()).unwrap() < Timestamp::MAX.as_millis());
    }

    #[test]
    fn a_use_is_to_be_saved_until_the_store_has_saved_it() {
        let last = LastUse::default();
        assert_eq!((last.minute(), last.unsaved()), (Minute(0), None));
        last.note(Minute(7));
        assert_eq!((last.unsaved(), last.unsaved(), last.minute()), (Some(Minute(7)), Some(Minute(7)), Minute(7)));
        last.note(Minute(8));
        last.saved(Minute(7));
        assert_eq!(last.unsaved(), Some(Minute(8)));
        last.saved(Minute(8));
        assert_eq!((last.unsaved(), last.minute()), (None, Minute(8)));
    }

    #[test]
    fn what_the_store_has_saved_replaces_no_later_use() {
        let last = LastUse::default();
        last.restore(Minute(8));
        assert_eq!((last.unsaved(), last.minute()), (None, Minute(8)));
        last.note(Minute(9));
        last.restore(Minute(8));
        assert_eq!((last.unsaved(), last.minute()), (Some(Minute(9)), Minute(9)));
        last.restore(Minute(10));
        assert_eq!((last.unsaved(), last.minute()), (None, Minute(10)));
    }
}
