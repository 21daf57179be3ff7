//! Sharing of equal lists.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use crate::token::Permission;

/// A list of permissions that tokens share. In a box, so that a reference to it is one pointer wide.
pub(super) type List = Arc<Box<[Permission]>>;

/// The number of pools, which is how many lists equal permissions have at most.
///
/// Authentication clones the permissions of a token, and so counts a reference to their list. With a list for each
/// token, that counter is one more access to memory that no cache holds. With one list for all tokens, all threads
/// contend for one counter. `docs/optimization.md` has the figures.
const POOLS: usize = 16;

/// Lists in use, by their canonical text.
#[derive(Default)]
pub(super) struct Pool(Mutex<HashMap<Box<str>, List>>);

impl Pool {
    /// The pool whose turn it is. Tokens whose permissions are parsed one by one are spread over all pools.
    pub(super) fn next() -> &'static Self {
        static ALL: LazyLock<[Pool; POOLS]> = LazyLock::new(Default::default);
        static TURN: AtomicU64 = AtomicU64::new(0);
        &ALL[pool(TURN.fetch_add(1, Ordering::Relaxed))]
    }

    /// The list with this canonical text, if there is one.
    pub(super) fn get(&self, text: &str) -> Option<List> {
        self.lists().get(text).cloned()
    }

    /// The list with this canonical text, which consists of these permissions.
    pub(super) fn intern(&self, text: String, permissions: Vec<Permission>) -> List {
        let mut lists = self.lists();
        if let Some(known) = lists.get(text.as_str()) {
            return Arc::clone(known);
        }
        if lists.len() == lists.capacity() {
            lists.retain(|_, list| Arc::strong_count(list) > 1);
            // Doubled, so that on average an insertion looks at few lists.
            let additional = lists.len() + 1;
            lists.reserve(additional);
        }
        let list = Arc::new(permissions.into());
        lists.insert(text.into(), Arc::clone(&list));
        list
    }

    /// Ignores poisoning: a panic leaves the map intact.
    fn lists(&self) -> MutexGuard<'_, HashMap<Box<str>, List>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which pool has this turn. Not in rotation: tokens with the same permissions may well come every 16 turns.
fn pool(turn: u64) -> usize {
    const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;
    (turn.wrapping_mul(GOLDEN_RATIO) >> (u64::BITS - POOLS.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::token::Permissions;

    impl Pool {
        fn parse(&self, number: u64) -> List {
            let text = format!("db:number{number}:read");
            let permission = text.parse().unwrap();
            self.intern(text, vec![permission])
        }

        fn len(&self) -> usize {
            self.lists().len()
        }
    }

    #[test]
    fn equal_permissions_that_are_parsed_again_share_at_most_16_lists() {
        let tokens: Vec<Permissions> =
            (0..1000).map(|_| "db:shared:write,read system:*:read".parse().unwrap()).collect();
        assert!(tokens.iter().all(|permissions| *permissions == tokens[0]));
        let lists: HashSet<_> = tokens.iter().map(|permissions| permissions.list().as_ptr()).collect();
        assert_eq!(lists.len(), POOLS);
    }

    #[test]
    fn turns_at_any_distance_are_spread_over_all_pools() {
        for distance in 1..=1024 {
            let mut counts = [0; POOLS];
            (0..16_000).for_each(|turn| counts[pool(turn * distance)] += 1);
            assert!(counts.iter().all(|count| (500..1500).contains(count)), "{distance}: {counts:?}");
        }
    }

    #[test]
    fn lists_that_no_token_has_any_more_are_dropped() {
        let pool = Pool::default();
        (0..10_000).for_each(|number| drop(pool.parse(number)));
        assert!(pool.len() < 16, "{}", pool.len());
    }

    #[test]
    fn a_list_in_use_stays_shared_while_others_come_and_go() {
        let pool = Pool::default();
        let first = pool.parse(0);
        (1..10_000).for_each(|number| drop(pool.parse(number)));
        let before = pool.len();
        assert!(Arc::ptr_eq(&first, &pool.get("db:number0:read").unwrap()));
        assert!(Arc::ptr_eq(&first, &pool.parse(0)));
        assert_eq!(pool.len(), before);
    }
}
