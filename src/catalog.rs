//! The rules: who is authenticated, who may delete what, what may be created.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::clock::Clock;
use crate::live::{LiveTokens, LiveTokensWriter, UntilDeleted};
use crate::store::{Creation, Deletion, DeletionOutcome, StoreError, TokenStore};
use crate::token::{
    Digest, NewToken, NoEntropy, Origin, Permissions, Principal, Secret, Timestamp, TokenId, TokenName, TokenRecord,
};

/// Every live token in memory, and the rules for them, on top of a [`TokenStore`].
///
/// Clones share the tokens and are cheap.
#[derive(Clone, Debug)]
pub struct Catalog {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Arc<dyn TokenStore>,
    live: LiveTokens,
    clock: Arc<dyn Clock>,
}

impl Catalog {
    /// Loads the tokens of `store`, which must not have been loaded before.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn open(store: Arc<dyn TokenStore>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let writer = LiveTokensWriter::new();
        let live = writer.tokens().clone();
        store.load(writer).await?;
        Ok(Self { inner: Arc::new(Inner { store, live, clock }) })
    }

    /// The UUID of the cluster whose tokens these are.
    pub fn cluster_uuid(&self) -> Uuid {
        self.inner.store.cluster_uuid()
    }

    /// The live tokens, to read. A clone of the handle stays valid after the catalog is dropped.
    pub fn live(&self) -> &LiveTokens {
        &self.inner.live
    }

    /// Whose secret this is: one SHA-512 and one look-up, without disk, network or allocation.
    ///
    /// `None` when it is malformed, or the token is unknown, deleted or expired; the caller cannot
    /// tell which, and should not tell anyone.
    pub fn authenticate(&self, secret: &str) -> Option<Principal> {
        let principal = self.inner.live.find(&Digest::of_presented(secret)?)?;
        let expired = principal.expires_at().is_some_and(|at| at <= self.inner.clock.now());
        (!expired).then_some(principal)
    }

    /// Ready once this token is deleted; at once where it is no live token, or not any more.
    ///
    /// For what lasts longer than a request: a connection, a stream, a subscription. Whoever deletes a token wakes those
    /// who wait for it, after the token is refused. The future needs no runtime, holds its place until it is dropped,
    /// and may be dropped at any time. That a token expires is no deletion, and known beforehand:
    /// [`Principal::expires_at`].
    pub fn until_deleted(&self, token: &Principal) -> UntilDeleted {
        self.inner.live.until_deleted(token)
    }

    /// Deletes the token whose ID has the text `id`, because `by` asks for it. Durable when it
    /// returns `Ok`, and the token is refused by then.
    ///
    /// An expired token can be deleted, and an admin token may delete itself.
    ///
    /// # Errors
    ///
    /// [`DeleteError::NotAdmin`] before anything is said about the token; then
    /// [`DeleteError::NotFound`], [`DeleteError::OperatorToken`] and [`DeleteError::Store`].
    pub async fn delete(&self, by: &Principal, id: &str) -> Result<(), DeleteError> {
        if !by.is_admin() {
            return Err(DeleteError::NotAdmin);
        }
        let id: TokenId = id.parse().map_err(|_| DeleteError::NotFound)?;
        if !self.inner.live.contains(id) {
            return Err(DeleteError::NotFound);
        }
        let deletion = Deletion::new(id, by.id(), self.inner.clock.now()).ok_or(DeleteError::OperatorToken)?;
        match self.inner.store.delete(deletion).await? {
            DeletionOutcome::Deleted => Ok(()),
            DeletionOutcome::NotFound => Err(DeleteError::NotFound),
        }
    }

    /// Creates a token with a new secret, which is nowhere else to be had. Durable when it returns
    /// `Ok`.
    ///
    /// # Errors
    ///
    /// See [`CreateError`].
    ///
    /// # Panics
    ///
    /// When 64 random bytes turn out to be those of another token: the random source is broken, and
    /// no secret from it can be trusted.
    pub async fn create(&self, token: TokenRequest) -> Result<(TokenRecord, Secret), CreateError> {
        let secret = Secret::generate()?;
        let created_at = self.inner.clock.now();
        let expires_at = match token.expires_in {
            None => None,
            Some(duration) => Some(created_at.checked_add(duration).ok_or(CreateError::ExpiryOutOfRange)?),
        };
        let token = NewToken {
            name: token.name,
            digest: secret.digest(),
            origin: Origin::Drawn,
            created_at,
            expires_at,
            permissions: token.permissions,
        };
        match self.submit(token).await? {
            Creation::Created(record) => Ok((record, secret)),
            Creation::NameTaken => Err(CreateError::NameTaken),
            Creation::DigestTaken | Creation::DigestDeleted => {
                panic!("the random source gave the same 64 bytes twice")
            }
        }
    }

    /// Creates a token with a given secret where no token has its name or its secret, and none that
    /// was deleted has had its secret, and changes nothing otherwise: the same token file can be
    /// applied at each start. Durable when it returns `Ok`.
    ///
    /// # Errors
    ///
    /// [`CreateError::OperatorNotAdmin`] and [`CreateError::Store`].
    pub async fn import(&self, token: TokenImport) -> Result<Import, CreateError> {
        let digest = token.secret.digest();
        let token = NewToken {
            name: token.name,
            digest,
            origin: Origin::Given,
            created_at: self.inner.clock.now(),
            expires_at: token.expires_at,
            permissions: token.permissions,
        };
        Ok(match self.submit(token).await? {
            Creation::Created(record) => Import::Created(record),
            Creation::NameTaken if self.inner.live.find(&digest).is_some() => Import::Exists,
            Creation::NameTaken => Import::NameTaken,
            Creation::DigestTaken => Import::SecretTaken,
            Creation::DigestDeleted => Import::Deleted,
        })
    }

    /// The first `limit` live tokens, in the order of their IDs, whose ID is greater than `after`.
    /// Fewer than `limit` means that there are no more.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn page(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<TokenRecord>, StoreError> {
        self.inner.store.page(after, limit).await
    }

    async fn submit(&self, token: NewToken) -> Result<Creation, CreateError> {
        if token.is_operator() && !token.permissions.is_admin() {
            return Err(CreateError::OperatorNotAdmin);
        }
        Ok(self.inner.store.create(token).await?)
    }
}

/// What [`Catalog::create`] is to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// The name; [`TokenName::OPERATOR`] for the operator token.
    pub name: TokenName,
    /// What the token may do; the operator token, everything.
    pub permissions: Permissions,
    /// How long the token is good for, in whole milliseconds; `None` means for ever.
    pub expires_in: Option<Duration>,
}

/// What [`Catalog::import`] is to create.
#[derive(Debug)]
pub struct TokenImport {
    /// The name; [`TokenName::OPERATOR`] for the operator token.
    pub name: TokenName,
    /// The secret, made elsewhere.
    pub secret: Secret,
    /// What the token may do; the operator token, everything.
    pub permissions: Permissions,
    /// From when on the token is refused; `None` means never.
    pub expires_at: Option<Timestamp>,
}

/// What became of [`Catalog::import`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Import {
    /// The token is live, under this ID.
    Created(TokenRecord),
    /// Nothing changed: live tokens have this name and this secret.
    Exists,
    /// Nothing changed: a live token with another secret has this name.
    NameTaken,
    /// Nothing changed: a live token with another name has this secret.
    SecretTaken,
    /// Nothing changed: a token with this secret was deleted, and stays so.
    Deleted,
}

/// Why [`Catalog::delete`] deleted nothing, or may have deleted nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeleteError {
    /// The principal is not an admin token.
    #[error("only an admin token may delete tokens")]
    NotAdmin,
    /// The token to delete is the operator token, which stays.
    #[error("the operator token cannot be deleted")]
    OperatorToken,
    /// No live token has this ID, or it is not an ID at all.
    #[error("no token has this ID")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why [`Catalog::create`] or [`Catalog::import`] created nothing, or may have created nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CreateError {
    /// A live token has this name.
    #[error("another token has this name")]
    NameTaken,
    /// The operator token must be an admin token.
    #[error("the token named {} must be an admin token", TokenName::OPERATOR)]
    OperatorNotAdmin,
    /// The token would expire after [`Timestamp::MAX`].
    #[error("the token would expire after the year 9999")]
    ExpiryOutOfRange,
    /// There are no random bytes for a secret.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests;
