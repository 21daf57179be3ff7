//! Which tokens have been seen expired: they stay expired when the clock is set back.

use std::collections::HashSet;

use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};
use crate::token::{Timestamp, TokenId};

/// The tokens that have been seen expired since the catalog was opened.
///
/// The memory is for each token. One moment for all of them would not do: a clock that jumps far ahead by mistake, and
/// back, would end every token that expires at some time.
#[derive(Debug)]
pub(super) struct SeenExpired {
    ids: Mutex<HashSet<TokenId>>,
    /// One more than the latest expiry among them, in milliseconds since the Unix epoch; 0 if no token has been seen. So a
    /// token that has not expired is looked up only if the clock has been set back.
    bound: AtomicU64,
}

impl SeenExpired {
    pub(super) fn new() -> Self {
        Self { ids: Mutex::new(HashSet::new()), bound: AtomicU64::new(0) }
    }

    /// Whether the token `id` has expired by now, or has been seen expired. `is_live` tells of other tokens whether they
    /// still exist.
    pub(super) fn check(
        &self,
        id: TokenId,
        expires_at: Timestamp,
        now: Timestamp,
        is_live: impl Fn(TokenId) -> bool,
    ) -> bool {
        if expires_at <= now {
            self.note(id, expires_at, is_live);
            return true;
        }
        expires_at.as_millis() < self.bound.load(Ordering::Relaxed) && self.ids().contains(&id)
    }

    fn note(&self, id: TokenId, expires_at: Timestamp, is_live: impl Fn(TokenId) -> bool) {
        let mut ids = self.ids();
        if ids.len() == ids.capacity() && !ids.contains(&id) {
            ids.retain(|id| is_live(*id));
            // Doubled, so that on average an insertion looks at few IDs.
            let additional = ids.len() + 1;
            ids.reserve(additional);
        }
        ids.insert(id);
        self.bound.fetch_max(expires_at.as_millis() + 1, Ordering::Relaxed);
    }

    /// Ignores poisoning: a panic leaves the set intact.
    fn ids(&self) -> MutexGuard<'_, HashSet<TokenId>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seen: &SeenExpired, id: u64, expires_at: u64, now: u64) -> bool {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        seen.check(TokenId::from_u64(id), at(expires_at), at(now), |id| id.as_u64() % 1000 == 0)
    }

    #[test]
    fn a_token_that_was_seen_expired_stays_expired_and_others_do_not() {
        let seen = SeenExpired::new();
        assert!(!check(&seen, 1, 10, 9));
        assert!(check(&seen, 1, 10, 10));
        assert!(check(&seen, 1, 10, 9));
        assert!(!check(&seen, 2, 10, 9));
        assert!(!check(&seen, 3, 11, 9));
        assert!(check(&seen, 4, 500, 1000));
        assert_eq!([1, 2, 3, 4].map(|id| check(&seen, id, 10, 0)), [true, false, false, true]);
    }

    #[test]
    fn the_last_moment_can_be_an_expiry() {
        let (seen, last) = (SeenExpired::new(), Timestamp::MAX.as_millis());
        assert!(!check(&seen, 1, last, last - 1));
        assert!(check(&seen, 1, last, last));
        assert!(check(&seen, 1, last, 0));
    }

    #[test]
    fn tokens_that_are_not_live_any_more_are_forgotten() {
        let seen = SeenExpired::new();
        (0..10_000).for_each(|id| assert!(check(&seen, id, 0, 0)));
        assert!(seen.ids().len() < 100, "{}", seen.ids().len());
        assert!((0..10).all(|id| seen.ids().contains(&TokenId::from_u64(id * 1000))));
    }
}
