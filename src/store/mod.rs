//! Durable storage of tokens.
//!
//! Changes go one way. A [`Catalog`](crate::Catalog) asks the store for a change; the store commits it, applies it to the
//! live tokens through its [`LiveTokensWriter`], and then answers; the catalog reads the live tokens. The store applies
//! the change, and not its caller, because the caller's future may be dropped between commit and answer, when a client
//! disconnects. A committed change must take effect all the same, in commit order.

mod audit;
mod change;
mod error;
#[cfg(feature = "etcd")]
mod etcd;
mod memory;
mod moving;
mod shared;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statistics;

use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;

use crate::live::LiveTokensWriter;
#[cfg(doc)]
use crate::token::{SecretOrigin, TokenName};
use crate::token::{Timestamp, TokenId, TokenRecord};

pub use audit::{AuditPage, AuditPosition, AuditRecord, AuditedChange, InvalidOrigin, Origin};
pub use change::{
    Actor, Creation, CreationOutcome, Deletion, DeletionOutcome, Regeneration, RegenerationOutcome, TokenSelector,
};
pub use error::{Cause, StoreError};
#[cfg(feature = "etcd")]
pub use etcd::{EtcdOpenError, EtcdOptions, EtcdOptionsError, EtcdSource, EtcdStore, EtcdTarget, EtcdTls};
pub use memory::{MemorySource, MemoryStore, MemoryTarget};
pub use moving::{Begun, ImportId, Imported, MoveError, MoveSource, MoveTarget, Moved, MovedChange, export, import};
pub use shared::SharedStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{
    BackupError, BackupSummary, Checked, Damage, LaterChanges, NewBackup, OpenError, RestoreError, RestoreOptions,
    Restored, Snapshot, SqliteOptions, SqliteSource, SqliteStore, SqliteTarget,
};
pub use statistics::{CopyStatistics, StoreStatistics};

/// Stores tokens durably, and applies every committed change to the live tokens.
///
/// Every store must keep these laws:
///
/// - When `create`, `delete` or `regenerate` returns `Ok`, the change is durable and has been applied to the live tokens.
/// - An accepted change is completed even if the future that requested it is dropped.
/// - Changes are serial: of two deletions of one token, by its ID or its name, one finds it. A name leads to the token
///   that has it when the deletion is made.
/// - A change on behalf of a token that is not live any more, or has another secret, is refused ([`Actor::may_act`]). A
///   deletion that comes before a change in that order counts, even if it was not answered yet when the change was
///   requested. A token may delete itself, once.
/// - Names and digests are unique among live tokens. A name can be used again as soon as its token is deleted. IDs are
///   not reused. A given secret ([`SecretOrigin::Given`]) is refused if a deleted token had it, or the operator token
///   before a regeneration, so that a token file cannot bring a refused secret back.
/// - The operator token ([`TokenName::OPERATOR`]) gets [`TokenId::OPERATOR`]; the others count up from 1.
/// - The audit trail has one record of each change that was made, and none of others. A record is as durable as its change,
///   and is never removed.
/// - A store ignores expiry: an expired token stays live until it is deleted.
///
/// A failed precondition, such as a name in use, is an outcome and not an error.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// The UUID of the cluster, which is created with the store and kept in it.
    fn cluster_uuid(&self) -> Uuid;

    /// Makes every stored token live, and takes `live` to apply each change committed from now on, whoever made it.
    ///
    /// [`Catalog::open`](crate::Catalog::open) calls this once, before it requests any change.
    ///
    /// # Errors
    ///
    /// If the tokens cannot be read, or if the store has already been loaded: it applies changes to the live tokens of
    /// one catalog only.
    async fn load(&self, live: LiveTokensWriter) -> Result<(), StoreError>;

    /// Creates a token. Durable when it returns `Ok`.
    ///
    /// # Errors
    ///
    /// [`StoreError::may_have_happened`] says whether the token may have been created nevertheless.
    async fn create(&self, creation: Creation) -> Result<CreationOutcome, StoreError>;

    /// Deletes a token. Durable when it returns `Ok`.
    ///
    /// # Errors
    ///
    /// [`StoreError::may_have_happened`] says whether the token may have been deleted nevertheless.
    async fn delete(&self, deletion: Deletion) -> Result<DeletionOutcome, StoreError>;

    /// Gives the operator token another secret. Durable when it returns `Ok`.
    ///
    /// # Errors
    ///
    /// [`StoreError::may_have_happened`] says whether the secret may have been replaced nevertheless.
    async fn regenerate(&self, regeneration: Regeneration) -> Result<RegenerationOutcome, StoreError>;

    /// Returns the live tokens with an ID greater than `after`, sorted by ID, at most `limit` of them. Fewer than
    /// `limit` means that there are no more.
    ///
    /// # Errors
    ///
    /// If the tokens cannot be read.
    async fn page(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<TokenRecord>, StoreError>;

    /// Returns the next part of the audit trail, in the order in which the changes were made. It passes at most `limit`
    /// records, which must not be 0, and returns those of changes requested at `since` or later. So a page may be empty
    /// although more follow.
    ///
    /// # Errors
    ///
    /// If the trail cannot be read.
    async fn audit(&self, from: AuditPosition, since: Option<Timestamp>, limit: usize)
    -> Result<AuditPage, StoreError>;

    /// This store as one whose tokens others change too. `None` if it alone changes them, so that the live tokens are exact.
    fn shared(&self) -> Option<&dyn SharedStore> {
        None
    }

    /// What the store has done since it was opened. Takes no lock that a change holds.
    fn statistics(&self) -> StoreStatistics {
        StoreStatistics::default()
    }

    /// Finds out whether the store can commit changes, by a commit that changes nothing. Afterwards
    /// [`StoreStatistics::is_failing`] says the same.
    ///
    /// # Errors
    ///
    /// If it cannot.
    async fn probe(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Saves now when tokens were used last, as far as that is possible in a few seconds. For a program that ends: a store does
    /// so by itself from time to time, and one that does so when it is dropped need not do anything here.
    async fn save_uses(&self) {}
}

const LOADED_ALREADY: &str = "the store has already been loaded: share its catalog instead";
