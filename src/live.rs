//! The tokens in memory.

mod watchers;

use std::fmt;
use std::mem;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::token::{Digest, Principal, TokenId};

pub use watchers::UntilDeleted;
use watchers::Watchers;

/// Every live token, found by digest or by ID: a concurrent map made for many readers.
///
/// Only a [`TokenStore`](crate::TokenStore) writes to it, one change at a time, in commit order and
/// after the commit; everything else reads. An expired token stays in it until it is deleted.
pub struct LiveTokens {
    by_digest: Shards,
    by_id: Shards,
    watchers: Watchers,
}

impl LiveTokens {
    /// No tokens.
    pub fn new() -> Self {
        Self {
            by_digest: Shards::new(digest_hash, Principal::eq),
            by_id: Shards::new(id_hash, |one, other| one.id() == other.id()),
            watchers: Watchers::default(),
        }
    }

    /// The token whose secret has this digest.
    pub fn find(&self, digest: &Digest) -> Option<Principal> {
        self.by_digest.find(digest.prefix(), |token| token.digest() == digest)
    }

    /// The token with this ID.
    pub fn by_id(&self, id: TokenId) -> Option<Principal> {
        self.by_id.find(hash_of_id(id), |token| token.id() == id)
    }

    /// Whether the token with this ID is live.
    pub fn contains(&self, id: TokenId) -> bool {
        self.by_id.contains(hash_of_id(id), |token| token.id() == id)
    }

    /// Whether this very token is live, and not another with its ID. By its digest, which goes last.
    fn holds(&self, token: &Principal) -> bool {
        self.by_digest.contains(digest_hash(token), |other| other == token)
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
        let token = token.into();
        let other = self.by_id.insert(token.clone()).filter(|other| *other != token);
        self.by_digest.insert(token);
        if let Some(other) = other {
            self.forget(&other);
        }
    }

    /// Takes out the token with this ID; `false` when there was none.
    ///
    /// When this returns, neither the digest nor the ID of the token is found, and who waits for that is woken.
    pub fn remove(&self, id: TokenId) -> bool {
        let Some(token) = self.by_id.remove(hash_of_id(id), |token| token.id() == id) else {
            return false;
        };
        self.forget(&token);
        true
    }

    /// Ends what is left of a token that its ID does not lead to any more.
    fn forget(&self, token: &Principal) {
        self.by_digest.remove(digest_hash(token), |other| other == token);
        self.watchers.wake(token.id());
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

/// 96 and not a power of two: each table's size is one, so a million tokens fill 64 % of 96 tables,
/// but 48 % of 64.
const SHARDS: usize = 96;

/// A hash table in parts, each behind a lock of its own, with one pointer a token.
struct Shards {
    tables: Box<[RwLock<HashTable<Principal>>]>,
    hash: fn(&Principal) -> u64,
    /// Whether a token takes the place of another.
    same: fn(&Principal, &Principal) -> bool,
}

impl Shards {
    fn new(hash: fn(&Principal) -> u64, same: fn(&Principal, &Principal) -> bool) -> Self {
        Self { tables: (0..SHARDS).map(|_| RwLock::default()).collect(), hash, same }
    }

    fn find(&self, hash: u64, is_it: impl Fn(&Principal) -> bool) -> Option<Principal> {
        self.read(hash).find(hash, is_it).cloned()
    }

    fn contains(&self, hash: u64, is_it: impl Fn(&Principal) -> bool) -> bool {
        self.read(hash).find(hash, is_it).is_some()
    }

    /// Puts a token in, and returns the one whose place it takes, if any.
    fn insert(&self, token: Principal) -> Option<Principal> {
        let hash = (self.hash)(&token);
        match self.write(hash).entry(hash, |other| (self.same)(other, &token), self.hash) {
            Entry::Occupied(mut entry) => Some(mem::replace(entry.get_mut(), token)),
            Entry::Vacant(entry) => {
                entry.insert(token);
                None
            }
        }
    }

    fn remove(&self, hash: u64, is_it: impl Fn(&Principal) -> bool) -> Option<Principal> {
        let mut table = self.write(hash);
        let entry = table.find_entry(hash, is_it).ok()?;
        Some(entry.remove().0)
    }

    fn len(&self) -> usize {
        self.tables.iter().map(|table| read(table).len()).sum()
    }

    fn reserve(&self, additional: usize) {
        for table in &self.tables {
            write(table).reserve(additional.div_ceil(SHARDS), self.hash);
        }
    }

    fn read(&self, hash: u64) -> RwLockReadGuard<'_, HashTable<Principal>> {
        read(&self.tables[shard(hash)])
    }

    fn write(&self, hash: u64) -> RwLockWriteGuard<'_, HashTable<Principal>> {
        write(&self.tables[shard(hash)])
    }
}

// A poisoned lock is taken all the same. A table changes by one call into `hashbrown`, which can
// only panic where memory cannot be had, before it has changed anything: what a panic leaves behind
// is whole.

fn read(table: &RwLock<HashTable<Principal>>) -> RwLockReadGuard<'_, HashTable<Principal>> {
    table.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(table: &RwLock<HashTable<Principal>>) -> RwLockWriteGuard<'_, HashTable<Principal>> {
    table.write().unwrap_or_else(PoisonError::into_inner)
}

/// The shard of a hash, from its bits 24 to 55: a table places its entries by the bits below and
/// tells them apart by those above.
fn shard(hash: u64) -> usize {
    let middle = (hash >> 24) & u64::from(u32::MAX);
    ((middle * SHARDS as u64) >> 32) as usize
}

fn digest_hash(token: &Principal) -> u64 {
    token.digest().prefix()
}

fn id_hash(token: &Principal) -> u64 {
    hash_of_id(token.id())
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
    use crate::token::{Permissions, Secret};

    fn token(id: u64) -> Principal {
        let digest = Secret::generate().unwrap().digest();
        Principal::new(TokenId::from_u64(id), digest, None, Permissions::admin())
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
        (0..96_000).for_each(|id| {
            let mut digest = [0; 64];
            digest[..8].copy_from_slice(&hash_of_id(TokenId::from_u64(id + 1_000_000)).to_le_bytes());
            live.insert(Principal::new(TokenId::from_u64(id), Digest::from_bytes(digest), None, Permissions::admin()));
        });
        for table in live.by_id.tables.iter().chain(&live.by_digest.tables) {
            let len = read(table).len();
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
