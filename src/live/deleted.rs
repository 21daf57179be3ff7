//! The digests of tokens that were deleted lately.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many sets there are.
const SETS: usize = 1 << 15;

/// How many digests a set holds. A further one replaces the oldest.
const WAYS: usize = 4;

/// Remembers about the last hundred thousand digests by their first eight bytes, which choose the set, in one
/// mebibyte that the first digest takes.
///
/// It only tells a deleted token from one that never was, for the log, so it may forget. Readers take no lock. The
/// writer alone writes, and a reader that sees half of an insertion misses one digest.
#[derive(Default)]
pub(super) struct Deleted {
    sets: OnceLock<Box<[Set]>>,
}

type Set = [AtomicU64; WAYS];

impl Deleted {
    /// Remembers a digest with this prefix. One caller at a time.
    pub(super) fn insert(&self, prefix: u64) {
        let mut newer = prefix;
        let sets = self.sets.get_or_init(|| (0..SETS).map(|_| Set::default()).collect());
        for slot in &sets[prefix as usize % SETS] {
            let older = slot.swap(newer, Ordering::Relaxed);
            if older == prefix {
                return;
            }
            newer = older;
        }
    }

    /// Whether a digest with this prefix is remembered.
    pub(super) fn contains(&self, prefix: u64) -> bool {
        // Without an early exit, so that the time does not tell whether it is.
        let is_in = |set: &Set| set.iter().fold(false, |found, slot| found | (slot.load(Ordering::Relaxed) == prefix));
        self.sets.get().is_some_and(|sets| is_in(&sets[prefix as usize % SETS]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_remembered_until_four_others_of_its_set_follow() {
        let deleted = Deleted::default();
        let of_one_set = |number: u64| 7 + number * SETS as u64;
        for number in 0..10 {
            deleted.insert(of_one_set(number));
            // Again, which replaces nothing.
            deleted.insert(of_one_set(number));
            for other in 0..10 {
                let is_recent = other <= number && number - other < WAYS as u64;
                assert_eq!(deleted.contains(of_one_set(other)), is_recent, "{other} after {number}");
            }
        }
        assert!(!deleted.contains(8));
    }

    #[test]
    fn most_of_the_last_65536_digests_are_remembered() {
        let deleted = Deleted::default();
        let prefix = |number: u64| (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (number << 40);
        (0..1 << 17).for_each(|number| deleted.insert(prefix(number)));
        let remembered = (1 << 16..1 << 17).filter(|number| deleted.contains(prefix(*number))).count();
        assert!(remembered > 60_000, "{remembered}");
    }
}
