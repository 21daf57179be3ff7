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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Minute(u32);

/// The bit that says that the store has yet to save it. The others suffice until the year 6053.
const UNSAVED: u32 = 1 << 31;

const MILLIS: u64 = 60_000;

impl Minute {
    /// The minute in which this moment is.
    pub(crate) fn of(moment: Timestamp) -> Self {
        Self(u32::try_from(moment.as_millis() / MILLIS).map_or(UNSAVED - 1, |minute| minute.min(UNSAVED - 1)))
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

    /// Sets what the store has saved.
    pub(super) fn restore(&self, Minute(minute): Minute) {
        self.0.store(minute, Ordering::Relaxed);
    }

    /// Sets what the other says.
    pub(super) fn take_from(&self, other: &Self) {
        self.0.store(other.0.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The minute if it is not saved. The caller saves it.
    pub(super) fn take_unsaved(&self) -> Option<Minute> {
        // Most tokens of a large store are not in use; an exclusive access to each would take longer.
        if self.0.load(Ordering::Relaxed) & UNSAVED == 0 {
            return None;
        }
        Some(Minute(self.0.fetch_and(!UNSAVED, Ordering::Relaxed) & !UNSAVED))
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
    fn a_use_is_saved_once() {
        let last = LastUse::default();
        assert_eq!((last.minute(), last.take_unsaved()), (Minute(0), None));
        last.note(Minute(7));
        assert_eq!((last.take_unsaved(), last.take_unsaved(), last.minute()), (Some(Minute(7)), None, Minute(7)));
        last.restore(Minute(8));
        assert_eq!((last.take_unsaved(), last.minute()), (None, Minute(8)));
    }
}
