//! A hash table in parts, so that readers and the writer seldom meet.

use std::mem;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Not a power of two: the capacity of each part is one, so a million tokens fill 80 % of 76 parts, but 48 % of 128,
/// and do not fit in 64.
const SHARDS: usize = 76;

/// A concurrent hash table: 76 parts, each behind its own lock.
pub(super) struct Shards<T> {
    tables: Box<[RwLock<HashTable<T>>]>,
    hash: fn(&T) -> u64,
}

/// A part, locked for changes.
pub(super) struct Part<'a, T> {
    table: RwLockWriteGuard<'a, HashTable<T>>,
    hash: fn(&T) -> u64,
}

impl<T> Shards<T> {
    pub(super) fn new(hash: fn(&T) -> u64) -> Self {
        Self { tables: (0..SHARDS).map(|_| RwLock::new(HashTable::new())).collect(), hash }
    }

    /// What `read` makes of the entry with this hash for which `is_match` holds.
    pub(super) fn find<R>(&self, hash: u64, is_match: impl Fn(&T) -> bool, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.read(hash).find(hash, is_match).map(read)
    }

    pub(super) fn contains(&self, hash: u64, is_match: impl Fn(&T) -> bool) -> bool {
        self.read(hash).find(hash, is_match).is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.lens().sum()
    }

    pub(super) fn reserve(&self, additional: usize) {
        for table in &self.tables {
            write(table).reserve(additional.div_ceil(SHARDS), self.hash);
        }
    }

    /// Visits all entries, one part after the other.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&T)) {
        for table in &self.tables {
            read(table).iter().for_each(&mut visit);
        }
    }

    /// The number of entries in each part.
    pub(super) fn lens(&self) -> impl Iterator<Item = usize> {
        self.tables.iter().map(|table| read(table).len())
    }

    /// The part of this hash, locked against changes.
    pub(super) fn read(&self, hash: u64) -> RwLockReadGuard<'_, HashTable<T>> {
        read(&self.tables[shard(hash)])
    }

    /// The part of this hash, locked for changes.
    pub(super) fn lock(&self, hash: u64) -> Part<'_, T> {
        Part { table: write(&self.tables[shard(hash)]), hash: self.hash }
    }
}

impl<T> Part<'_, T> {
    /// Inserts an entry, which belongs in this part. Replaces and returns the entry with the same hash for which
    /// `is_match` holds, if any.
    pub(super) fn insert(&mut self, entry: T, is_match: impl Fn(&T) -> bool) -> Option<T> {
        match self.table.entry((self.hash)(&entry), is_match, self.hash) {
            Entry::Occupied(mut other) => Some(mem::replace(other.get_mut(), entry)),
            Entry::Vacant(slot) => {
                slot.insert(entry);
                None
            }
        }
    }

    #[inline]
    pub(super) fn remove(&mut self, hash: u64, is_match: impl Fn(&T) -> bool) -> Option<T> {
        let entry = self.table.find_entry(hash, is_match).ok()?;
        Some(entry.remove().0)
    }
}

// Both ignore poisoning. A table changes by one call into `hashbrown`, which panics only when an allocation fails, and
// then before it changes anything: a panic leaves a table intact.

fn read<T>(table: &RwLock<HashTable<T>>) -> RwLockReadGuard<'_, HashTable<T>> {
    table.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(table: &RwLock<HashTable<T>>) -> RwLockWriteGuard<'_, HashTable<T>> {
    table.write().unwrap_or_else(PoisonError::into_inner)
}

/// The part of a hash, from its bits 24 to 55: a table places its entries by the low bits and tells them apart by the
/// high ones.
fn shard(hash: u64) -> usize {
    let middle = (hash >> 24) & u64::from(u32::MAX);
    ((middle * SHARDS as u64) >> 32) as usize
}
