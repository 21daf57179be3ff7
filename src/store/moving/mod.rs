//! Moving everything that a store has to another store, through a file.
//!
//! Each store has a source, which reads it as of one moment, and a target, which makes a new one. Both know nothing but
//! changes: the audit trail, in which each change has what the store keeps because of it. So all stores move in the same
//! way, the order of the trail is kept, and neither a source nor a target holds all of it in memory.

mod error;
mod export;
mod file;
mod import;
mod line;
mod rules;

use async_trait::async_trait;
use uuid::Uuid;

use super::AuditRecord;
use crate::token::{Digest, TokenId, TokenRecord};

pub use error::MoveError;
pub use export::export;
pub use import::{Begun, ImportId, Imported, import};

/// How much a store has that is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The UUID of the cluster.
    pub cluster_uuid: Uuid,
    /// The ID that the next token gets. Each ID before it was given.
    pub next_id: TokenId,
    /// The number of changes in the audit trail.
    pub changes: u64,
    /// The number of live tokens, with the operator token.
    pub tokens: u64,
}

/// A change of the audit trail, with what a store keeps because of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedChange {
    /// The change. A creation has the name of its token. The others have no names, which follow from the creations.
    pub record: AuditRecord,
    /// Of a creation: the token, if it is live, as it is now.
    pub token: Option<TokenRecord>,
    /// Of a deletion or a regeneration: the digest that it ended, if the store still knows it.
    pub digest: Option<Digest>,
}

/// Reads everything that a store has, as of one moment.
#[async_trait]
pub trait MoveSource: Send {
    /// How much there is.
    fn moved(&self) -> Moved;

    /// The next changes, in the order in which they were made. None of them means that there are no more.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    async fn next(&mut self) -> Result<Vec<MovedChange>, MoveError>;
}

/// Makes a store of changes that are moved to it. Nobody can open the store before [`finish`](Self::finish).
#[async_trait]
pub trait MoveTarget: Send {
    /// Begins an import, or continues the same import after it was interrupted.
    ///
    /// # Errors
    ///
    /// If there is a store already, or the interrupted import of another file.
    async fn begin(&mut self, import: ImportId, moved: &Moved) -> Result<Begun, MoveError>;

    /// Adds the next changes. They are durable, or will be when the import is finished.
    ///
    /// # Errors
    ///
    /// If they cannot be written. Some of them may have been: another target can continue.
    async fn add(&mut self, changes: Vec<MovedChange>) -> Result<(), MoveError>;

    /// Completes what follows from all changes together, and reads back everything.
    ///
    /// # Errors
    ///
    /// If it cannot be written or read.
    async fn written(&mut self) -> Result<Box<dyn MoveSource>, MoveError>;

    /// Makes it a store that can be opened, at once and durably.
    ///
    /// # Errors
    ///
    /// If that fails. Then another target can continue.
    async fn finish(&mut self) -> Result<(), MoveError>;
}
