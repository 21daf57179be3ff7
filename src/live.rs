//! The tokens in memory.

mod sharing;
mod watchers;

use std::fmt;
use std::mem;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::token::{Digest, Permissions, Principal, TokenId};

use sharing::SharedPermissions;
pub use watchers::UntilDeleted;
use watchers::Watchers;

/// Every live token, found by digest or by ID: a concurrent map made for many readers.
///
/// Only a [`TokenStore`](crate::TokenStore) writes to it, one change at a time, in commit order and
/// after the commit; everything else reads. An expired token stays in it until it is deleted.
pub struct LiveTokens {
    /// The tokens themselves, so that who authenticates one waits for memory once.
    by_digest: Shards<Principal>,
    by_id: Shards<Place>,
    permissions: SharedPermissions,
    watchers: Watchers,
}

/// Where the token with an ID is.
#[derive(Clone, Copy)]
struct Place {
    id: TokenId,
    /// The prefix of its digest.
    digest: u64,
}

impl LiveTokens {
    /// No tokens.
    pub fn new() -> Self {
        Self {
            by_digest: Shards::new(|token| token.digest().prefix()),
            by_id: Shards::new(|place| hash_of_id(place.id)),
            permissions: SharedPermissions::default(),
            watchers: Watchers::default(),
        }
    }

    /// The token whose secret has this digest.
    pub fn find(&self, digest: &Digest) -> Option<Principal> {
        self.by_digest.find(digest.prefix(), |token| token.digest() == digest)
    }

    /// The token with this ID.
    pub fn by_id(&self, id: TokenId) -> Option<Principal> {
        let place = self.by_id.find(hash_of_id(id), |place| place.id == id)?;
        self.by_digest.find(place.digest, |token| token.id() == id)
    }

    /// Whether the token with this ID is live.
    pub fn contains(&self, id: TokenId) -> bool {
        self.by_id.contains(hash_of_id(id), |place| place.id == id)
    }

    /// Whether this very token is live, and not another with its ID. By its digest, which goes last.
    fn holds(&self, token: &Principal) -> bool {
        self.by_digest.contains(token.digest().prefix(), |other| other == token)
    }

    /// How many tokens are live.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether no token is live.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes room for this many more tokens, so that none of the tables grows while they are
    /// inserted.
    pub fn reserve(&self, additional: usize) {
        self.by_digest.reserve(additional);
        self.by_id.reserve(additional);
    }

    /// Takes in a token, in the place of the one that had its ID, if any.
    ///
    /// When this returns, the token is found by its digest and by its ID. One that is live already is found all the
    /// while.
    pub fn insert(&self, token: impl Into<Principal>) {
        let mut token = token.into();
        token.set_permissions(self.shared_permissions(token.digest(), token.permissions()));
        let place = Place { id: token.id(), digest: token.digest().prefix() };
        let other = self.by_id.insert(place, |other| other.id == place.id);
        self.by_digest.insert(token, |other| other.id() == place.id);
        if let Some(other) = other.filter(|other| other.digest != place.digest) {
            self.forget(other);
        }
    }

    /// Takes out the token with this ID; `false` when there was none.
    ///
    /// When this returns, neither the digest nor the ID of the token is found, and who waits for that is woken.
    pub fn remove(&self, id: TokenId) -> bool {
        let Some(place) = self.by_id.remove(hash_of_id(id), |place| place.id == id) else {
            return false;
        };
        self.forget(place);
        true
    }

    /// What the token whose secret has this digest has, or is to have, for permissions equal to these: what many tokens
    /// have is kept once.
    pub(crate) fn shared_permissions(&self, digest: &Digest, permissions: &Permissions) -> Permissions {
        self.permissions.of(digest, permissions)
    }

    /// Ends what is left of a token that its ID does not lead to any more.
    fn forget(&self, place: Place) {
        self.by_digest.remove(place.digest, |token| token.id() == place.id);
        self.watchers.wake(place.id);
    }
}

impl Default for LiveTokens {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LiveTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveTokens").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// 76 and not a power of two: each table's size is one, so a million tokens fill 80 % of 76 tables, but 48 % of 128, and
/// 64 hold fewer.
const SHARDS: usize = 76;

/// A hash table in parts, each behind a lock of its own.
struct Shards<T> {
    tables: Box<[RwLock<HashTable<T>>]>,
    hash: fn(&T) -> u64,
}

impl<T: Clone> Shards<T> {
    fn new(hash: fn(&T) -> u64) -> Self {
        Self { tables: (0..SHARDS).map(|_| RwLock::default()).collect(), hash }
    }

    fn find(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<T> {
        self.read(hash).find(hash, is_it).cloned()
    }

    fn contains(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> bool {
        self.read(hash).find(hash, is_it).is_some()
    }

    /// Puts an entry in, and returns the one whose place it takes, if any, among those with the same hash.
    fn insert(&self, entry: T, is_it: impl Fn(&T) -> bool) -> Option<T> {
        let hash = (self.hash)(&entry);
        match self.write(hash).entry(hash, is_it, self.hash) {
            Entry::Occupied(mut other) => Some(mem::replace(other.get_mut(), entry)),
            Entry::Vacant(place) => {
                place.insert(entry);
                None
            }
        }
    }

    fn remove(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<T> {
        let mut table = self.write(hash);
        let entry = table.find_entry(hash, is_it).ok()?;
        Some(entry.remove().0)
    }

    fn len(&self) -> usize {
        self.lens().sum()
    }

    fn lens(&self) -> impl Iterator<Item = usize> {
        self.tables.iter().map(|table| read(table).len())
    }

    fn reserve(&self, additional: usize) {
        for table in &self.tables {
            write(table).reserve(additional.div_ceil(SHARDS), self.hash);
        }
    }

    fn read(&self, hash: u64) -> RwLockReadGuard<'_, HashTable<T>> {
        read(&self.tables[shard(hash)])
    }

    fn write(&self, hash: u64) -> RwLockWriteGuard<'_, HashTable<T>> {
        write(&self.tables[shard(hash)])
    }
}

// A poisoned lock is taken all the same. A table changes by one call into `hashbrown`, which can
// only panic where memory cannot be had, before it has changed anything: what a panic leaves behind
// is whole.

fn read<T>(table: &RwLock<HashTable<T>>) -> RwLockReadGuard<'_, HashTable<T>> {
    table.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(table: &RwLock<HashTable<T>>) -> RwLockWriteGuard<'_, HashTable<T>> {
    table.write().unwrap_or_else(PoisonError::into_inner)
}

/// The shard of a hash, from its bits 24 to 55: a table places its entries by the bits below and
/// tells them apart by those above.
fn shard(hash: u64) -> usize {
    let middle = (hash >> 24) & u64::from(u32::MAX);
    ((middle * SHARDS as u64) >> 32) as usize
}

/// Spreads IDs, which are consecutive, over all 64 bits.
fn hash_of_id(id: TokenId) -> u64 {
    const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(id.as_u64() ^ GOLDEN_RATIO) * u128::from(GOLDEN_RATIO);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Secret;

    fn token(id: u64) -> Principal {
        let digest = Secret::generate().unwrap().digest();
        Principal::new(TokenId::from_u64(id), digest, None, Permissions::ADMIN)
    }

    #[test]
    fn a_token_is_found_both_ways_until_it_is_removed() {
        let live = LiveTokens::new();
        let tokens: Vec<_> = (0..1000).map(token).collect();
        tokens.iter().for_each(|token| live.insert(token.clone()));
        assert_eq!(live.len(), 1000);
        for token in &tokens {
            assert_eq!(live.find(token.digest()).as_ref(), Some(token));
            assert_eq!(live.by_id(token.id()).as_ref(), Some(token));
        }
        for token in &tokens {
            assert!(live.remove(token.id()));
            assert!(!live.remove(token.id()));
            assert!(!live.contains(token.id()));
            assert_eq!(live.find(token.digest()), None);
        }
        assert!(live.is_empty());
    }

    #[test]
    fn a_second_token_with_an_id_takes_the_place_of_the_first() {
        let live = LiveTokens::new();
        let (first, second) = (token(1), token(1));
        live.insert(first.clone());
        live.insert(second.clone());
        assert_eq!(live.len(), 1);
        assert_eq!(live.find(first.digest()), None);
        assert_eq!(live.find(second.digest()), Some(second));
    }

    #[test]
    fn consecutive_ids_and_random_digests_spread_over_all_shards() {
        let live = LiveTokens::new();
        (0..76_000).for_each(|id| {
            let digest = Digest::with_prefix(hash_of_id(TokenId::from_u64(id + 1_000_000)));
            live.insert(Principal::new(TokenId::from_u64(id), digest, None, Permissions::ADMIN));
        });
        for len in live.by_id.lens().chain(live.by_digest.lens()) {
            assert!((800..1200).contains(&len), "{len}");
        }
    }

    #[test]
    fn of_concurrent_removals_one_succeeds() {
        let live = LiveTokens::new();
        for id in 0..1000 {
            live.insert(token(id));
        }
        let removed: usize = std::thread::scope(|scope| {
            let remove_all = || (0..1000).filter(|id| live.remove(TokenId::from_u64(*id))).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(remove_all)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(removed, 1000);
        assert!(live.by_digest.len() == 0);
    }

    #[test]
    fn a_panic_under_a_lock_does_not_lock_anyone_out() {
        let live = LiveTokens::new();
        let token = token(7);
        live.insert(token.clone());
        let panicked = std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    let _guard = live.by_id.write(hash_of_id(token.id()));
                    panic!("on purpose");
                })
                .join()
        });
        assert!(panicked.is_err());
        assert_eq!(live.by_id(token.id()), Some(token));
    }
}
