//! Where tokens are kept durably.
//!
//! Changes go one way: a [`Catalog`](crate::Catalog) asks the store for a change, the store commits
//! it and takes it into [`LiveTokens`], and the catalog reads it there. That is the store's task
//! and not the caller's, because the caller's future may be dropped between the commit and the
//! answer, when a client goes away: what is committed must become effective all the same, in commit
//! order.

mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::live::LiveTokensWriter;
#[cfg(doc)]
use crate::token::Origin;
use crate::token::{NewToken, Timestamp, TokenId, TokenRecord};

pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{OpenError, SqliteOptions, SqliteStore};

/// Keeps tokens durably, and keeps [`LiveTokens`] in line with what is committed.
///
/// What every store must uphold:
///
/// - A change is durable when `create` or `delete` returns `Ok`, and in [`LiveTokens`] before that.
/// - A change that was accepted is seen through, also when the future that asked for it is dropped.
/// - Changes are serial: of two deletions of one token, one finds it.
/// - Among live tokens, names and digests are unique. A name is free again as soon as its token is
///   deleted. IDs are never used again, and neither is the digest of a deleted token, by a secret
///   that was given ([`Origin::Given`]): a token file must not bring a deleted token back.
/// - The operator token ([`NewToken::is_operator`]) gets [`TokenId::OPERATOR`]; the others count up
///   from 1.
/// - Expiry is none of its business: an expired token is live until it is deleted.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// The UUID of the cluster, made with the store and kept in it.
    fn cluster_uuid(&self) -> Uuid;

    /// Fills `live`, which is empty, with every live token, and from then on takes every committed
    /// change into it, whoever made it.
    ///
    /// To be called once, before any change: [`Catalog::open`](crate::Catalog::open) does.
    ///
    /// # Errors
    ///
    /// When the store is loaded already, because what it loaded into would no longer be told of
    /// changes; and when the tokens cannot be read. `live` may then hold some of them and is of no use.
    async fn load(&self, live: LiveTokensWriter) -> Result<(), StoreError>;

    /// Creates a token. Durable when it returns `Ok`.
    ///
    /// # Errors
    ///
    /// [`StoreError::may_have_happened`] says whether the token may exist nevertheless.
    async fn create(&self, token: NewToken) -> Result<Creation, StoreError>;

    /// Deletes a token. Durable when it returns `Ok`.
    ///
    /// # Errors
    ///
    /// [`StoreError::may_have_happened`] says whether the token may be deleted nevertheless.
    async fn delete(&self, deletion: Deletion) -> Result<DeletionOutcome, StoreError>;

    /// The first `limit` live tokens, in the order of their IDs, whose ID is greater than `after`.
    /// Fewer than `limit` means that there are no more.
    ///
    /// # Errors
    ///
    /// When the tokens cannot be read.
    async fn page(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<TokenRecord>, StoreError>;
}

const LOADED_ALREADY: &str = "the store is loaded already: share the catalog instead";

/// What became of [`TokenStore::create`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Creation {
    /// The token is live, under this ID.
    Created(TokenRecord),
    /// Nothing changed: a live token has this name.
    NameTaken,
    /// Nothing changed: a live token with another name has this digest.
    DigestTaken,
    /// Nothing changed: the secret was given, and a deleted token has had this digest.
    DigestDeleted,
}

/// That a token is to be deleted, and the entry in the audit trail that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    id: TokenId,
    by: TokenId,
    at: Timestamp,
}

impl Deletion {
    /// The deletion of the token `id`, which the token `by` asked for at the time `at`.
    ///
    /// `None` for the operator token. It cannot be deleted: its ID is fixed, and IDs are not used
    /// again.
    pub fn new(id: TokenId, by: TokenId, at: Timestamp) -> Option<Self> {
        (id != TokenId::OPERATOR).then_some(Self { id, by, at })
    }

    /// The token to delete; never [`TokenId::OPERATOR`].
    pub fn id(&self) -> TokenId {
        self.id
    }

    /// The token that asked for it.
    pub fn by(&self) -> TokenId {
        self.by
    }

    /// When it was asked for.
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

/// What became of [`TokenStore::delete`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionOutcome {
    /// The token was live and is deleted.
    Deleted,
    /// Nothing changed: no live token has this ID.
    NotFound,
}

/// Why a store did not do what it was asked for.
///
/// In all three cases the same request may be made again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Too many requests are waiting. This one did not happen; try it again later.
    #[error("too many changes are waiting to be committed")]
    Busy,

    /// The storage does not work. The change did not happen.
    #[error("the token store is unavailable")]
    Unavailable {
        /// What went wrong, for the log.
        source: Cause,
    },

    /// The change may or may not have happened; reading tells.
    #[error("it is unknown whether the change was committed")]
    OutcomeUnknown {
        /// What went wrong, for the log.
        source: Cause,
    },
}

/// What is behind a [`StoreError`]. Shared, because one failed commit can fail many changes.
pub type Cause = Arc<dyn Error + Send + Sync>;

impl StoreError {
    /// An error of storage that does not work, where the change certainly did not happen.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable { source: Arc::from(source.into()) }
    }

    /// An error that leaves open whether the change happened.
    pub fn outcome_unknown(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::OutcomeUnknown { source: Arc::from(source.into()) }
    }

    /// Whether the change may have happened; otherwise it certainly did not.
    pub fn may_have_happened(&self) -> bool {
        matches!(self, Self::OutcomeUnknown { .. })
    }
}
