//! Every live token, in memory.

mod deleted;
mod freshness;
mod last_use;
mod shards;
mod watchers;

use std::fmt;

use crate::clock::BootTime;
use crate::sync::Arc;
use crate::token::{Digest, Principal, Timestamp, TokenId};

use deleted::Deleted;
use freshness::Freshness;
use last_use::LastUse;
pub(crate) use last_use::Minute;
use shards::Shards;
pub use watchers::UntilDeleted;
use watchers::Watchers;

/// A handle to read the live tokens. Clones share the tokens and are cheap.
///
/// It cannot change them. The store does that, through the only [`LiveTokensWriter`], after it has committed a change.
/// An expired token stays live until it is deleted.
#[derive(Clone)]
pub struct LiveTokens {
    tables: Arc<Tables>,
}

/// The handle to change the live tokens.
///
/// [`Catalog::open`](crate::Catalog::open) creates one and hands it to the store
/// ([`TokenStore::load`](crate::TokenStore::load)). It cannot be created or cloned elsewhere, so that no other code can
/// make a token live or end one. A test of a store opens a catalog over the store and reads [`Catalog::live`].
///
/// [`Catalog::live`]: crate::Catalog::live
pub struct LiveTokensWriter {
    tokens: LiveTokens,
}

/// Both tables change while the writer holds the lock of the ID, so a reader that has found a token in one of them finds
/// it in the other. A reader takes the lock of an ID before that of a digest, if it needs both, as the writer does.
struct Tables {
    /// Holds the tokens themselves, so that authentication waits for memory once.
    by_digest: Shards<LiveToken>,
    by_id: Shards<IndexEntry>,
    watchers: Watchers,
    deleted: Deleted,
    freshness: Freshness,
}

/// A token, and when it was used last, which takes it from 88 to 96 bytes.
struct LiveToken {
    principal: Principal,
    last_use: LastUse,
}

/// Leads from an ID to the token in [`Tables::by_digest`].
#[derive(Clone, Copy)]
struct IndexEntry {
    id: TokenId,
    digest_prefix: u64,
}

impl IndexEntry {
    fn new(token: &Principal) -> Self {
        Self { id: token.id(), digest_prefix: token.digest().prefix() }
    }

    /// The ID alone does not tell: a token that replaces another has its ID, and a table compares only seven bits of the
    /// hashes by itself.
    fn leads_to(self, LiveToken { principal: token, .. }: &LiveToken) -> bool {
        token.id() == self.id && token.digest().prefix() == self.digest_prefix
    }
}

impl LiveTokens {
    /// The live token whose secret has this digest.
    pub fn find(&self, digest: &Digest) -> Option<Principal> {
        self.tables.by_digest.find(digest.prefix(), is_of(digest), |token| token.principal.clone())
    }

    /// The live token whose secret has this digest, and the minute of its last use.
    pub(crate) fn find_with_use(&self, digest: &Digest) -> Option<(Principal, Minute)> {
        let read = |token: &LiveToken| (token.principal.clone(), token.last_use.minute());
        self.tables.by_digest.find(digest.prefix(), is_of(digest), read)
    }

    /// Notes that this token was used in this minute, if it is live.
    pub(crate) fn note_use(&self, token: &Principal, minute: Minute) {
        let (prefix, is_same) = (token.digest().prefix(), |other: &LiveToken| other.principal == *token);
        self.tables.by_digest.find(prefix, is_same, |token| token.last_use.note(minute));
    }

    /// The tokens that were used, as far as the store has not saved that, and when they were used last.
    pub(crate) fn unsaved_uses(&self) -> Vec<(TokenId, Timestamp)> {
        let mut uses = Vec::new();
        self.tables.by_digest.for_each(|token| {
            let at = token.last_use.unsaved().and_then(Minute::begin);
            uses.extend(at.map(|at| (token.principal.id(), at)));
        });
        uses
    }

    /// Says that the store has saved this last use of a token.
    pub(crate) fn use_saved(&self, id: TokenId, at: Timestamp) {
        self.read_by_id(id, |token| token.last_use.saved(Minute::of(at)));
    }

    /// Takes note of a use of a live token that the store has saved, unless a later one is known.
    pub(crate) fn restore_use(&self, id: TokenId, at: Timestamp) {
        self.read_by_id(id, |token| token.last_use.restore(Minute::of(at)));
    }

    /// When the live token with this ID was used last: the beginning of a minute. `None` if no use is known.
    ///
    /// Over a store that others change too, this knows of their uses what the store had when the token was read last
    /// ([`Catalog::page`](crate::Catalog::page)).
    pub fn last_used(&self, id: TokenId) -> Option<Timestamp> {
        self.read_by_id(id, |token| token.last_use.minute())?.begin()
    }

    /// The live token with this ID.
    pub fn by_id(&self, id: TokenId) -> Option<Principal> {
        self.read_by_id(id, |token| token.principal.clone())
    }

    fn read_by_id<R>(&self, id: TokenId, read: impl FnOnce(&LiveToken) -> R) -> Option<R> {
        let hash = hash_of_id(id);
        let part = self.tables.by_id.read(hash);
        let entry = part.find(hash, |entry| entry.id == id)?;
        self.tables.by_digest.find(entry.digest_prefix, |token| entry.leads_to(token), read)
    }

    /// Whether a live token has this ID.
    pub fn contains(&self, id: TokenId) -> bool {
        self.tables.by_id.contains(hash_of_id(id), |entry| entry.id == id)
    }

    /// Whether a token with this digest was deleted, or given another secret, not long ago. It forgets, so `false` says
    /// little.
    pub(crate) fn was_deleted(&self, digest: &Digest) -> bool {
        self.tables.deleted.contains(digest.prefix())
    }

    /// Whether the live tokens can be relied upon. They always can, unless others change the store too
    /// ([`SharedStore`](crate::SharedStore)) and the store could not find out in time what they changed.
    pub fn is_fresh(&self) -> bool {
        self.while_fresh(|_| ()).is_some()
    }

    /// Returns what a look-up finds, or `None` if the live tokens cannot be relied upon.
    pub(crate) fn while_fresh<T>(&self, look_up: impl FnOnce(&Self) -> T) -> Option<T> {
        self.tables.freshness.while_fresh(|| look_up(self))
    }

    /// The IDs of all live tokens, in no order.
    pub fn ids(&self) -> Vec<TokenId> {
        let mut ids = Vec::with_capacity(self.len());
        self.tables.by_id.for_each(|entry| ids.push(entry.id));
        ids
    }

    /// The number of live tokens.
    pub fn len(&self) -> usize {
        self.tables.by_id.len()
    }

    /// Whether no token is live.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A future that is ready once this token is deleted; see [`Catalog::until_deleted`](crate::Catalog::until_deleted).
    pub fn until_deleted(&self, token: &Principal) -> UntilDeleted {
        UntilDeleted::new(self.clone(), token.clone())
    }

    /// Whether this token is live, and not another one with its ID.
    pub(crate) fn holds(&self, token: &Principal) -> bool {
        self.tables.by_digest.contains(token.digest().prefix(), |other| other.principal == *token)
    }
}

impl LiveTokensWriter {
    /// The writer of a catalog that has no tokens yet.
    pub(crate) fn new() -> Self {
        let tables = Tables {
            by_digest: Shards::new(|token: &LiveToken| token.principal.digest().prefix()),
            by_id: Shards::new(|entry| hash_of_id(entry.id)),
            watchers: Watchers::default(),
            deleted: Deleted::default(),
            freshness: Freshness::always(),
        };
        Self { tokens: LiveTokens { tables: Arc::new(tables) } }
    }

    /// The tokens, to read.
    pub fn tokens(&self) -> &LiveTokens {
        &self.tokens
    }

    /// Makes room for this many more tokens, so that no table grows while they are inserted.
    pub fn reserve(&mut self, additional: usize) {
        self.tables().by_digest.reserve(additional);
        self.tables().by_id.reserve(additional);
    }

    /// Makes a token live. It replaces the live token that has its ID, if any.
    ///
    /// When this returns, readers find the token by its digest and by its ID. If it was live before, they find it
    /// throughout. At no moment are both the token and the one that it replaces live.
    pub fn insert(&mut self, token: impl Into<Principal>) {
        let token = token.into().into_token();
        let entry = IndexEntry::new(&token);
        let Tables { by_digest, by_id, watchers, deleted, .. } = self.tables();
        let mut part = by_id.lock(hash_of_id(entry.id));
        let replaced = part.insert(entry, |other| other.id == entry.id);
        let replaced = replaced.filter(|replaced| replaced.digest_prefix != entry.digest_prefix);
        let last_use = LastUse::default();
        if let Some(replaced) = replaced {
            let prefix = replaced.digest_prefix;
            deleted.insert(prefix);
            let removed = by_digest.lock(prefix).remove(prefix, |token| replaced.leads_to(token));
            // The operator token keeps its last use when its secret is replaced. Nothing else but a restored store gives an ID
            // to another token.
            let kept = removed.iter().filter(|_| entry.id == TokenId::OPERATOR);
            kept.for_each(|token| last_use.take_from(&token.last_use));
        }
        let mut digests = by_digest.lock(entry.digest_prefix);
        digests.insert(LiveToken { principal: token, last_use }, |other| entry.leads_to(other));
        drop(digests);
        drop(part);
        if let Some(replaced) = replaced {
            watchers.wake(replaced.id);
        }
    }

    /// Ends the live token with this ID. Returns `false` if there was no such token.
    ///
    /// When this returns, readers find the token neither by its digest nor by its ID, and every task that waits for its
    /// deletion has been woken.
    pub fn remove(&mut self, id: TokenId) -> bool {
        let Tables { by_digest, by_id, watchers, deleted, .. } = self.tables();
        let mut part = by_id.lock(hash_of_id(id));
        let Some(entry) = part.remove(hash_of_id(id), |entry| entry.id == id) else {
            return false;
        };
        // Before the token is gone, so that nobody finds it in neither.
        deleted.insert(entry.digest_prefix);
        by_digest.lock(entry.digest_prefix).remove(entry.digest_prefix, |token| entry.leads_to(token));
        drop(part);
        watchers.wake(id);
        true
    }

    /// Takes note of a use of a live token that the store has saved, unless a later one is known.
    pub fn restore_use(&mut self, id: TokenId, at: Timestamp) {
        self.tokens.restore_use(id, at);
    }

    /// The tokens that were used, as far as the store has not saved that, and when they were used last: for a store that
    /// saves it. A use is not a change, and need not be durable.
    pub fn unsaved_uses(&self) -> Vec<(TokenId, Timestamp)> {
        self.tokens.unsaved_uses()
    }

    /// Says that the store has saved this last use of a token, which [`unsaved_uses`](Self::unsaved_uses) returned.
    pub fn use_saved(&mut self, id: TokenId, at: Timestamp) {
        self.tokens.use_saved(id, at);
    }

    /// Remembers that a token whose digest has this prefix was deleted before the catalog was opened, so that its secret
    /// is told apart from one that never was.
    #[allow(dead_code, reason = "only a store that opens with deletions calls it")]
    pub(crate) fn remember_deleted(&mut self, digest_prefix: u64) {
        self.tables().deleted.insert(digest_prefix);
    }

    /// Says that the live tokens can be relied upon until this moment, and not longer. A store calls it after it has applied
    /// every change that the moment vouches for.
    ///
    /// A store that others change too calls this before [`TokenStore::load`](crate::TokenStore::load) returns, and whenever
    /// it knows more. Without a call, the live tokens can always be relied upon.
    pub fn set_fresh_until(&mut self, moment: BootTime) {
        self.tables().freshness.set(moment);
    }

    /// Wakes every task that waits for the deletion of a token, if the live tokens cannot be relied upon any more: nobody
    /// could tell those tasks of a deletion.
    pub fn wake_if_stale(&mut self) {
        if !self.tokens.is_fresh() {
            self.tables().watchers.wake_all();
        }
    }

    fn tables(&self) -> &Tables {
        &self.tokens.tables
    }
}

impl fmt::Debug for LiveTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveTokens").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for LiveTokensWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveTokensWriter").field("len", &self.tokens.len()).finish_non_exhaustive()
    }
}

/// Whether a token's secret has this digest.
fn is_of(digest: &Digest) -> impl Fn(&LiveToken) -> bool {
    move |token| token.principal.digest() == digest
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
        Principal::new(TokenId::from_u64(id), digest, None, Permissions::ADMIN)
    }

    #[test]
    fn a_token_is_found_by_digest_and_by_id_until_it_is_removed() {
        let mut writer = LiveTokensWriter::new();
        let live = writer.tokens().clone();
        let tokens: Vec<_> = (0..1000).map(token).collect();
        tokens.iter().for_each(|token| writer.insert(token.clone()));
        assert_eq!(live.len(), 1000);
        for token in &tokens {
            assert_eq!(live.find(token.digest()).as_ref(), Some(token));
            assert_eq!(live.by_id(token.id()).as_ref(), Some(token));
        }
        for token in &tokens {
            assert!(writer.remove(token.id()));
            assert!(!writer.remove(token.id()));
            assert!(!live.contains(token.id()));
            assert_eq!(live.find(token.digest()), None);
        }
        assert!(live.is_empty());
    }

    #[test]
    fn a_token_replaces_the_live_token_with_its_id() {
        let mut writer = LiveTokensWriter::new();
        let (first, second) = (token(1), token(1));
        writer.insert(first.clone());
        writer.insert(second.clone());
        assert_eq!(writer.tokens().len(), 1);
        assert_eq!(writer.tokens().find(first.digest()), None);
        assert_eq!(writer.tokens().find(second.digest()), Some(second));
    }

    #[test]
    fn only_the_operator_token_keeps_its_last_use_when_it_is_replaced() {
        let mut writer = LiveTokensWriter::new();
        let at = Timestamp::from_millis(60_000);
        let used = [0, 1].map(|id| {
            let first = token(id);
            writer.insert(first.clone());
            writer.tokens().note_use(&first, Minute::of(at.unwrap()));
            writer.insert(token(id));
            writer.tokens().last_used(TokenId::from_u64(id))
        });
        assert_eq!(used, [at, None]);
    }

    /// The prefixes agree in the bits by which a table places its entries and tells them apart.
    #[test]
    fn a_token_replaces_another_whose_digest_is_similar() {
        let mut writer = LiveTokensWriter::new();
        let token =
            |prefix| Principal::new(TokenId::from_u64(1), Digest::with_prefix(prefix), None, Permissions::ADMIN);
        for prefix in 0..100 {
            writer.insert(token(prefix));
            assert_eq!(writer.tokens().by_id(TokenId::from_u64(1)), Some(token(prefix)));
            assert_eq!(writer.tokens().find(&Digest::with_prefix(prefix)), Some(token(prefix)));
            assert_eq!(writer.tokens().find(&Digest::with_prefix(prefix.wrapping_sub(1))), None);
        }
        assert!(writer.remove(TokenId::from_u64(1)));
        assert!(writer.tables().by_digest.lens().all(|len| len == 0));
    }

    #[test]
    fn consecutive_ids_and_random_digests_spread_over_all_shards() {
        let mut writer = LiveTokensWriter::new();
        (0..76_000).for_each(|id| {
            let digest = Digest::with_prefix(hash_of_id(TokenId::from_u64(id + 1_000_000)));
            writer.insert(Principal::new(TokenId::from_u64(id), digest, None, Permissions::ADMIN));
        });
        for len in writer.tables().by_id.lens().chain(writer.tables().by_digest.lens()) {
            assert!((800..1200).contains(&len), "{len}");
        }
    }

    #[test]
    fn a_live_token_takes_96_bytes() {
        assert_eq!(size_of::<LiveToken>(), 96);
    }

    #[test]
    fn a_panic_while_a_lock_is_held_locks_nobody_out() {
        let mut writer = LiveTokensWriter::new();
        let token = token(7);
        writer.insert(token.clone());
        let live = writer.tokens();
        let panicked = std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    let _part = live.tables.by_id.lock(hash_of_id(token.id()));
                    panic!("on purpose");
                })
                .join()
        });
        assert!(panicked.is_err());
        assert_eq!(live.by_id(token.id()), Some(token));
    }
}
