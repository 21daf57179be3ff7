//! The rules: which secret authenticates which token, who may delete a token, and which tokens can be created.

use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Clock;
use crate::live::{LiveTokens, LiveTokensWriter, UntilDeleted};
use crate::store::{Creation, CreationOutcome, Deletion, DeletionOutcome, StoreError, TokenSelector, TokenStore};
#[cfg(doc)]
use crate::token::SecretOrigin;
use crate::token::{Digest, NewToken, Principal, Timestamp, TokenId, TokenName, TokenRecord};

/// The tokens of a [`TokenStore`]: every live token in memory, and the rules for them.
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
    /// The store gets the [`LiveTokensWriter`] of this catalog; the catalog itself only reads.
    ///
    /// # Errors
    ///
    /// If the store cannot be read or has already been loaded.
    pub async fn open(store: Arc<dyn TokenStore>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let writer = LiveTokensWriter::new();
        let live = writer.tokens().clone();
        store.load(writer).await?;
        Ok(Self { inner: Arc::new(Inner { store, live, clock }) })
    }

    /// The UUID of the cluster that the tokens belong to.
    pub fn cluster_uuid(&self) -> Uuid {
        self.inner.store.cluster_uuid()
    }

    /// The live tokens, to read.
    pub fn live(&self) -> &LiveTokens {
        &self.inner.live
    }

    /// The present moment by the clock of this catalog, which decides whether a token has expired.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Returns the live token with this secret. Takes one SHA-512 and one look-up, without disk, network or allocation.
    ///
    /// Returns `None` if the secret is malformed, or the token is unknown, deleted or expired. The caller cannot tell
    /// which, and should not tell its client.
    pub fn authenticate(&self, secret: &str) -> Option<Principal> {
        let principal = self.inner.live.find(&Digest::of_presented(secret)?)?;
        let expired = principal.expires_at().is_some_and(|at| at <= self.now());
        (!expired).then_some(principal)
    }

    /// Returns a future that is ready once this token is deleted, and at once if it is not a live token.
    ///
    /// Use it for anything that outlives a request: a connection, a stream, a subscription. A deletion makes the token
    /// invalid before it wakes those that wait for it. The future needs no runtime and can be dropped at any time.
    /// Expiry is not a deletion; [`Principal::expires_at`] tells it in advance.
    pub fn until_deleted(&self, token: &Principal) -> UntilDeleted {
        self.inner.live.until_deleted(token)
    }

    /// Creates a token. Durable when it returns `Ok`; the token is valid by then.
    ///
    /// Nothing changes if the name or the secret is in use. So the same token file can be applied at every start.
    ///
    /// # Errors
    ///
    /// See [`CreateError`].
    pub async fn create(&self, token: NewToken) -> Result<TokenRecord, CreateError> {
        self.create_at(self.now(), token).await
    }

    /// Like [`create`](Self::create), with `created_at` as the moment of creation: a caller that computes an expiry from a
    /// duration passes the moment that it added the duration to.
    ///
    /// # Errors
    ///
    /// See [`CreateError`].
    pub async fn create_at(&self, created_at: Timestamp, token: NewToken) -> Result<TokenRecord, CreateError> {
        let digest = token.digest;
        let creation = Creation::new(token, created_at).ok_or(CreateError::OperatorNotAdmin)?;
        match self.inner.store.create(creation).await? {
            CreationOutcome::Created(record) => Ok(record),
            CreationOutcome::NameTaken if self.inner.live.find(&digest).is_some() => Err(CreateError::AlreadyExists),
            CreationOutcome::NameTaken => Err(CreateError::NameTaken),
            CreationOutcome::DigestTaken => Err(CreateError::SecretTaken),
            CreationOutcome::DigestDeleted => Err(CreateError::SecretDeleted),
        }
    }

    /// Deletes the token whose ID has the text `id`, on behalf of `by`. Returns its ID. Durable when it returns `Ok`; the
    /// token is refused by then.
    ///
    /// An expired token can be deleted, and an admin token may delete itself. `by` is trusted to be authenticated.
    ///
    /// # Errors
    ///
    /// See [`DeleteError`]. [`DeleteError::NotAdmin`] comes before anything that depends on the token to delete.
    pub async fn delete(&self, by: &Principal, id: &str) -> Result<TokenId, DeleteError> {
        if !by.is_admin() {
            return Err(DeleteError::NotAdmin);
        }
        let id: TokenId = id.parse().map_err(|_| DeleteError::NotFound)?;
        if !self.inner.live.contains(id) {
            return Err(DeleteError::NotFound);
        }
        self.delete_selected(by, id).await
    }

    /// Like [`delete`](Self::delete), for the live token with this name.
    ///
    /// The store resolves the name in the same step as it deletes the token. Of two deletions of one token, by name or by
    /// ID, one finds it. After an error that leaves the outcome open, a second call can find a token that was created
    /// with the same name in between; [`delete`](Self::delete) cannot, because IDs are not reused.
    ///
    /// # Errors
    ///
    /// See [`DeleteError`]. [`DeleteError::NotAdmin`] comes before anything that depends on the token to delete.
    pub async fn delete_by_name(&self, by: &Principal, name: &str) -> Result<TokenId, DeleteError> {
        if !by.is_admin() {
            return Err(DeleteError::NotAdmin);
        }
        let name: TokenName = name.parse().map_err(|_| DeleteError::NotFound)?;
        if name.is_operator() && !self.inner.live.contains(TokenId::OPERATOR) {
            return Err(DeleteError::NotFound);
        }
        self.delete_selected(by, name).await
    }

    /// The last step of both deletions.
    async fn delete_selected(&self, by: &Principal, token: impl Into<TokenSelector>) -> Result<TokenId, DeleteError> {
        let deletion = Deletion::new(token, by.id(), self.now()).ok_or(DeleteError::OperatorToken)?;
        match self.inner.store.delete(deletion).await? {
            DeletionOutcome::Deleted(id) => Ok(id),
            DeletionOutcome::NotFound => Err(DeleteError::NotFound),
        }
    }

    /// Returns the live tokens with an ID greater than `after`, sorted by ID, at most `limit` of them. Fewer than
    /// `limit` means that there are no more.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn page(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<TokenRecord>, StoreError> {
        self.inner.store.page(after, limit).await
    }
}

/// Why [`Catalog::create`] did not create a token.
#[non_exhaustive]
#[derive(Clone, Debug, thiserror::Error)]
pub enum CreateError {
    /// Live tokens have this name and this secret: the token was created before.
    #[error("the token exists already")]
    AlreadyExists,
    /// A live token with another secret has this name.
    #[error("another token has this name")]
    NameTaken,
    /// A live token with another name has this secret.
    #[error("another token has this secret")]
    SecretTaken,
    /// The secret was given ([`SecretOrigin::Given`]), and a deleted token had it.
    #[error("a token with this secret was deleted, and its secret cannot be used again")]
    SecretDeleted,
    /// The operator token must be an admin token.
    #[error("the token named {} must be an admin token", TokenName::OPERATOR)]
    OperatorNotAdmin,
    /// The store failed. [`StoreError::may_have_happened`] says whether the token may have been created nevertheless.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why [`Catalog::delete`] or [`Catalog::delete_by_name`] did not delete a token.
#[non_exhaustive]
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeleteError {
    /// The principal is not an admin token.
    #[error("only an admin token may delete tokens")]
    NotAdmin,
    /// The operator token cannot be deleted.
    #[error("the operator token cannot be deleted")]
    OperatorToken,
    /// No live token has this ID or name, or no token can have it.
    #[error("no token has this ID or name")]
    NotFound,
    /// The store failed. [`StoreError::may_have_happened`] says whether the token may have been deleted nevertheless.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests;
