//! The rules: which secret authenticates which token, which tokens can be created, and who may create, delete and
//! regenerate them.

mod error;
mod expiry;
mod statistics;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use influxdb3_token_api::IdempotencyKey;
use influxdb3_token_api::security::AuthenticationError;
use uuid::Uuid;

use crate::clock::Clock;
use crate::live::{LiveTokens, LiveTokensWriter, Minute, UntilDeleted};
use crate::store::{
    Actor, AuditPage, AuditPosition, Creation, CreationOutcome, Deletion, DeletionOutcome, Origin, Regeneration,
    RegenerationOutcome, StoreError, StoreStatistics, TokenSelector, TokenStore,
};
use crate::token::{Digest, NewToken, Permissions, Principal, Secret, Timestamp, TokenId, TokenName, TokenRecord};
pub use error::{CreateError, DeleteError, RegenerateError};
use expiry::SeenExpired;
use statistics::Changes;
pub use statistics::{ChangeKind, ChangeOutcome};

/// The tokens of a [`TokenStore`]: every live token in memory, and the rules for them.
///
/// Clones share the tokens and are cheap.
#[derive(Clone, Debug)]
pub struct Catalog {
    inner: Arc<Inner>,
    /// Where the changes through this handle are requested.
    origin: Option<Origin>,
    /// How the client marks the repetition of its request.
    idempotency_key: IdempotencyKey,
}

#[derive(Debug)]
struct Inner {
    store: Arc<dyn TokenStore>,
    live: LiveTokens,
    clock: Arc<dyn Clock>,
    seen_expired: SeenExpired,
    changes: Changes,
    /// Takes the place of a token that was not found.
    decoy: Principal,
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
        // No store gives a token this ID.
        let (id, digest) = (TokenId::from_u64(u64::MAX), Digest::from_bytes([0; 64]));
        let decoy = Principal::new(id, digest, Some(Timestamp::EPOCH), Permissions::ADMIN).into_token();
        let (seen_expired, changes) = (SeenExpired::new(), Changes::default());
        let inner = Inner { store, live, clock, seen_expired, changes, decoy };
        Ok(Self { inner: Arc::new(inner), origin: None, idempotency_key: IdempotencyKey::default() })
    }

    /// A handle to the same tokens. The audit trail says of each change through it that it was requested from `origin`.
    #[must_use]
    pub fn requested_from(&self, origin: impl Into<Option<Origin>>) -> Self {
        Self { origin: origin.into(), ..self.clone() }
    }

    /// This handle, for a request with this key. If the outcome of a deletion stays open, a second one with the
    /// same key, on behalf of the same token, is answered as the first would have been
    /// ([`Deletion::idempotency_key`](crate::Deletion::idempotency_key)).
    #[must_use]
    pub fn with_idempotency_key(self, idempotency_key: IdempotencyKey) -> Self {
        Self { idempotency_key, ..self }
    }

    /// Where the changes through this handle are requested. `None` if that is not known.
    pub fn origin(&self) -> Option<Origin> {
        self.origin
    }

    /// The UUID of the cluster that the tokens belong to.
    pub fn cluster_uuid(&self) -> Uuid {
        self.inner.store.cluster_uuid()
    }

    /// The live tokens, to read.
    pub fn live(&self) -> &LiveTokens {
        &self.inner.live
    }

    /// The present moment by the clock of this catalog. It may be before an earlier one, if the clock was set back.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Whether a token has expired, by the clock of this catalog.
    ///
    /// A token that has been seen expired stays so as long as this catalog exists, even if the clock is set back. After a
    /// restart the clock alone decides.
    pub fn is_expired(&self, token: &Principal) -> bool {
        self.is_expired_at(token, || self.now())
    }

    fn is_expired_at(&self, token: &Principal, now: impl FnOnce() -> Timestamp) -> bool {
        let Some(expires_at) = token.expires_at() else { return false };
        let Inner { live, seen_expired, .. } = &*self.inner;
        if token.is_token() {
            seen_expired.check(token.id(), expires_at, now(), |id| live.contains(id))
        } else {
            expires_at <= now()
        }
    }

    /// Returns the live token with this secret. Takes one SHA-512 and one look-up, without disk, network or allocation.
    ///
    /// Returns `None` if the secret is malformed, or the token is unknown, deleted or expired. The caller cannot tell
    /// which; [`try_authenticate`](Self::try_authenticate) does. A token that is returned has been used
    /// ([`LiveTokens::last_used`]).
    ///
    /// Over a store that others change too ([`TokenStore::shared`]), this also refuses a token that another node has just
    /// created, and every token while the live tokens cannot be relied upon. A server calls
    /// [`authenticate_or_ask`](Self::authenticate_or_ask).
    pub fn authenticate(&self, secret: &str) -> Option<Principal> {
        self.try_authenticate(secret).ok()
    }

    /// Like [`authenticate`](Self::authenticate), with the reason if there is no such token.
    ///
    /// The reason is for the server's log and metrics. Do not tell it to the client.
    ///
    /// # Errors
    ///
    /// [`AuthenticationError::Malformed`], [`Unknown`](AuthenticationError::Unknown),
    /// [`Expired`](AuthenticationError::Expired), or [`Deleted`](AuthenticationError::Deleted). A token that was deleted
    /// before about a hundred thousand others may be reported as unknown. [`Unavailable`](AuthenticationError::Unavailable)
    /// if the live tokens cannot be relied upon ([`LiveTokens::is_fresh`]).
    pub fn try_authenticate(&self, secret: &str) -> Result<Principal, AuthenticationError> {
        self.look_up(&Digest::of_presented(secret).ok_or(AuthenticationError::Malformed)?)
    }

    /// Like [`try_authenticate`](Self::try_authenticate), but asks a store that others change too
    /// ([`TokenStore::shared`]) before it refuses a token. A token that is live on any node is never refused.
    ///
    /// Accepts a token that the live tokens have without waiting. A store that alone changes its tokens is never asked.
    ///
    /// # Errors
    ///
    /// As [`try_authenticate`](Self::try_authenticate). [`Unavailable`](AuthenticationError::Unavailable) if the store
    /// cannot tell now.
    pub async fn authenticate_or_ask(&self, secret: &str) -> Result<Principal, AuthenticationError> {
        let digest = Digest::of_presented(secret).ok_or(AuthenticationError::Malformed)?;
        let refused = match self.look_up(&digest) {
            Err(refused) if self.inner.store.shared().is_some() => refused,
            result => return result,
        };
        // Boxed, so that the future of a request that need not wait stays small. The allocator is slow beyond a kilobyte.
        Box::pin(self.ask(digest, refused)).await
    }

    /// Asks a shared store about a token that the live tokens refused.
    async fn ask(&self, digest: Digest, refused: AuthenticationError) -> Result<Principal, AuthenticationError> {
        let Inner { store, live, .. } = &*self.inner;
        let Some(shared) = store.shared() else { return Err(refused) };
        let principal = match shared.find(&digest).await {
            Ok(Some(principal)) => principal.into_token(),
            Ok(None) if live.was_deleted(&digest) => return Err(AuthenticationError::Deleted),
            Ok(None) => return Err(AuthenticationError::Unknown),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "cannot tell whether a token is live");
                return Err(AuthenticationError::Unavailable);
            }
        };
        let now = self.now();
        if self.is_expired_at(&principal, || now) {
            return Err(AuthenticationError::Expired);
        }
        live.note_use(&principal, Minute::of(now));
        Ok(principal)
    }

    fn look_up(&self, digest: &Digest) -> Result<Principal, AuthenticationError> {
        let live = &self.inner.live;
        let found = live.while_fresh(|live| live.find_with_use(digest)).ok_or(AuthenticationError::Unavailable)?;
        // A token that is not found takes the way of an expired one, so that the time does not tell them apart.
        let is_unknown = found.is_none();
        let (principal, last_use) = found.unwrap_or_else(|| (self.inner.decoy.clone(), Minute::default()));
        let now = self.now();
        if !self.is_expired_at(&principal, || now) {
            let minute = Minute::of(now);
            if last_use != minute {
                live.note_use(&principal, minute);
            }
            return Ok(principal);
        }
        // An expired token takes this way too.
        Err(match (live.was_deleted(digest), is_unknown) {
            (_, false) => AuthenticationError::Expired,
            (true, true) => AuthenticationError::Deleted,
            (false, true) => AuthenticationError::Unknown,
        })
    }

    /// Returns a future that is ready once this token is deleted or its secret is regenerated, and at once if it is not a
    /// live token.
    ///
    /// Use it for anything that outlives a request: a connection, a stream, a subscription. A deletion or a regeneration
    /// makes the secret invalid before it wakes those that wait for it. The future needs no runtime and can be dropped at
    /// any time. Over a store that others change too, it is also ready once the live tokens cannot be relied upon
    /// ([`LiveTokens::is_fresh`]), because the token may have been deleted. Expiry is not a deletion: [`Principal::expires_at`] tells it in advance, and
    /// [`is_expired`](Self::is_expired) whether it has come.
    pub fn until_deleted(&self, token: &Principal) -> UntilDeleted {
        self.inner.live.until_deleted(token)
    }

    /// Creates a token, on behalf of nobody: for a command on the machine, or a token file. Durable when it returns `Ok`;
    /// the token is valid by then.
    ///
    /// Nothing changes if the name or the secret is in use. So the same token file can be applied at every start.
    ///
    /// # Errors
    ///
    /// See [`CreateError`].
    pub async fn create(&self, token: NewToken) -> Result<TokenRecord, CreateError> {
        let created = self.request_creation(token, None, self.now()).await;
        self.inner.changes.count(ChangeKind::Creation, created)
    }

    /// Like [`create`](Self::create), for a token whose lifetime begins when it is created. It replaces the expiry of
    /// `token`; `None` means that the token does not expire.
    ///
    /// # Errors
    ///
    /// See [`CreateError`].
    pub async fn create_with_lifetime(
        &self,
        token: NewToken,
        lifetime: Option<Duration>,
    ) -> Result<TokenRecord, CreateError> {
        let created = self.request_lifetime(token, lifetime, None).await;
        self.inner.changes.count(ChangeKind::Creation, created)
    }

    /// Creates a token with a fresh secret, on behalf of nobody: for a command on the machine. Returns the token, and its
    /// secret, which is kept nowhere else. Durable when it returns `Ok`; the token is valid by then.
    ///
    /// The lifetime begins at the moment of creation; `None` means that the token does not expire.
    ///
    /// # Errors
    ///
    /// See [`CreateError`].
    pub async fn create_fresh(
        &self,
        name: &str,
        permissions: Permissions,
        lifetime: Option<Duration>,
    ) -> Result<(TokenRecord, Secret), CreateError> {
        let created = self.request_fresh(name, permissions, lifetime, None).await;
        self.inner.changes.count(ChangeKind::Creation, created)
    }

    /// Like [`create_fresh`](Self::create_fresh), on behalf of `by`, whose ID is recorded. `by` is trusted to be
    /// authenticated. It cannot create the operator token, which nobody could delete afterwards.
    ///
    /// # Errors
    ///
    /// See [`CreateError`]. [`CreateError::NotAdmin`] comes before anything that depends on the token to create.
    pub async fn create_fresh_by(
        &self,
        by: &Principal,
        name: &str,
        permissions: Permissions,
        lifetime: Option<Duration>,
    ) -> Result<(TokenRecord, Secret), CreateError> {
        let created = self.try_create_fresh_by(by, name, permissions, lifetime).await;
        self.inner.changes.count(ChangeKind::Creation, created)
    }

    async fn try_create_fresh_by(
        &self,
        by: &Principal,
        name: &str,
        permissions: Permissions,
        lifetime: Option<Duration>,
    ) -> Result<(TokenRecord, Secret), CreateError> {
        if !by.is_admin() {
            return Err(CreateError::NotAdmin);
        }
        if name == TokenName::OPERATOR && self.is_certainly_gone(TokenId::OPERATOR) {
            return Err(CreateError::OperatorToken);
        }
        self.request_fresh(name, permissions, lifetime, Some(by.into())).await
    }

    async fn request_fresh(
        &self,
        name: &str,
        permissions: Permissions,
        lifetime: Option<Duration>,
        by: Option<Actor>,
    ) -> Result<(TokenRecord, Secret), CreateError> {
        let (token, secret) = NewToken::fresh(name.parse()?, permissions)?;
        let record = self.request_lifetime(token, lifetime, by).await?;
        Ok((record, secret))
    }

    async fn request_lifetime(
        &self,
        token: NewToken,
        lifetime: Option<Duration>,
        by: Option<Actor>,
    ) -> Result<TokenRecord, CreateError> {
        let now = self.now();
        self.request_creation(token.with_lifetime(now, lifetime)?, by, now).await
    }

    async fn request_creation(
        &self,
        token: NewToken,
        by: Option<Actor>,
        at: Timestamp,
    ) -> Result<TokenRecord, CreateError> {
        let digest = token.digest;
        let creation = Creation::new(token, by, at).ok_or(CreateError::InvalidOperator)?;
        match self.inner.store.create(creation.requested_from(self.origin)).await? {
            CreationOutcome::Created(record) => Ok(record),
            CreationOutcome::Unauthorized => Err(CreateError::Unauthorized),
            CreationOutcome::NameTaken if self.is_live(&digest).await? => Err(CreateError::AlreadyExists),
            CreationOutcome::NameTaken => Err(CreateError::NameTaken),
            CreationOutcome::DigestTaken => Err(CreateError::SecretTaken),
            CreationOutcome::DigestDeleted => Err(CreateError::SecretDeleted),
        }
    }

    /// Whether a token has this digest.
    async fn is_live(&self, digest: &Digest) -> Result<bool, StoreError> {
        let Inner { store, live, .. } = &*self.inner;
        match store.shared() {
            // The copy may lack a token that another node has just created.
            Some(shared) => Ok(shared.find(digest).await?.is_some()),
            None => Ok(live.find(digest).is_some()),
        }
    }

    /// Deletes the token whose ID has the text `id`, on behalf of `by`. Returns its ID. Durable when it returns `Ok`; the
    /// token is refused by then.
    ///
    /// An expired token can be deleted, and an admin token may delete itself. `by` is trusted to be authenticated. If it is a
    /// token that is deleted before this change is made, the change is refused; a store decides that. Expiry was decided
    /// when `by` was authenticated: a change that was requested in time is made.
    ///
    /// # Errors
    ///
    /// See [`DeleteError`]. [`DeleteError::NotAdmin`] comes before anything that depends on the token to delete.
    pub async fn delete(&self, by: &Principal, id: &str) -> Result<TokenId, DeleteError> {
        self.inner.changes.count(ChangeKind::Deletion, self.try_delete(by, id).await)
    }

    async fn try_delete(&self, by: &Principal, id: &str) -> Result<TokenId, DeleteError> {
        if !by.is_admin() {
            return Err(DeleteError::NotAdmin);
        }
        let id: TokenId = id.parse().map_err(|_| self.not_found(by))?;
        if self.is_certainly_gone(id) {
            return Err(self.not_found(by));
        }
        self.request_deletion(id, by).await
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
        self.inner.changes.count(ChangeKind::Deletion, self.try_delete_by_name(by, name).await)
    }

    async fn try_delete_by_name(&self, by: &Principal, name: &str) -> Result<TokenId, DeleteError> {
        if !by.is_admin() {
            return Err(DeleteError::NotAdmin);
        }
        let name = TokenName::existing(name).map_err(|_| self.not_found(by))?;
        if name.is_operator() && self.is_certainly_gone(TokenId::OPERATOR) {
            return Err(self.not_found(by));
        }
        self.request_deletion(name, by).await
    }

    /// Whether no token with this ID is live, as far as that can be told without the store.
    fn is_certainly_gone(&self, id: TokenId) -> bool {
        !self.inner.live.contains(id) && self.inner.store.shared().is_none()
    }

    /// The error for a token that is not live. A principal that is deleted itself by now does not learn that.
    fn not_found(&self, by: &Principal) -> DeleteError {
        // A copy of what others change may lack it, although it is live.
        let was_deleted = by.is_token() && self.inner.store.shared().is_none() && !self.inner.live.holds(by);
        if was_deleted { DeleteError::Unauthorized } else { DeleteError::NotFound }
    }

    async fn request_deletion(&self, token: impl Into<TokenSelector>, by: &Principal) -> Result<TokenId, DeleteError> {
        let deletion = Deletion::new(token, by.into(), self.now()).ok_or(DeleteError::OperatorToken)?;
        let deletion = deletion.requested_from(self.origin).with_idempotency_key(self.idempotency_key.clone());
        match self.inner.store.delete(deletion).await? {
            DeletionOutcome::Deleted(id) => Ok(id),
            DeletionOutcome::Unauthorized => Err(DeleteError::Unauthorized),
            DeletionOutcome::NotFound => Err(DeleteError::NotFound),
        }
    }

    /// Gives the operator token another secret, on behalf of nobody: for a command on the machine. Returns the token, and
    /// its new secret, which is kept nowhere else. Durable when it returns `Ok`; the old secret is refused by then.
    ///
    /// The token keeps its ID, its name and its time of creation, and does not expire. A regeneration wakes whatever waits
    /// for the end of the old secret ([`until_deleted`](Self::until_deleted)), as a deletion does: it was let in with a
    /// secret that is refused now.
    ///
    /// # Errors
    ///
    /// See [`RegenerateError`].
    pub async fn regenerate_operator(&self) -> Result<(TokenRecord, Secret), RegenerateError> {
        self.inner.changes.count(ChangeKind::Regeneration, self.request_regeneration(None).await)
    }

    /// Like [`regenerate_operator`](Self::regenerate_operator), on behalf of `by`, which must be the operator token. Another
    /// admin token could take its place otherwise, and nobody could delete it. `by` is trusted to be authenticated.
    ///
    /// Of two regenerations by the same secret, one succeeds.
    ///
    /// # Errors
    ///
    /// See [`RegenerateError`].
    pub async fn regenerate_operator_by(&self, by: &Principal) -> Result<(TokenRecord, Secret), RegenerateError> {
        self.inner.changes.count(ChangeKind::Regeneration, self.request_regeneration(Some(by.into())).await)
    }

    async fn request_regeneration(&self, by: Option<Actor>) -> Result<(TokenRecord, Secret), RegenerateError> {
        let secret = Secret::generate()?;
        let regeneration = Regeneration::new(secret.digest(), by, self.now()).ok_or(RegenerateError::NotOperator)?;
        match self.inner.store.regenerate(regeneration.requested_from(self.origin)).await? {
            RegenerationOutcome::Regenerated(record) => Ok((record, secret)),
            RegenerationOutcome::Unauthorized => Err(RegenerateError::Unauthorized),
            RegenerationOutcome::NotFound => Err(RegenerateError::NotFound),
            RegenerationOutcome::DigestTaken => Err(RegenerateError::SecretTaken),
        }
    }

    /// Returns the live tokens with an ID greater than `after`, sorted by ID, at most `limit` of them. Fewer than
    /// `limit` means that there are no more. Afterwards [`LiveTokens::last_used`] knows of their uses what the store knows.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn page(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<TokenRecord>, StoreError> {
        self.inner.store.page(after, limit).await
    }

    /// Saves now when tokens were used last; see [`TokenStore::save_uses`].
    pub async fn save_uses(&self) {
        self.inner.store.save_uses().await;
    }

    /// Returns the next part of the audit trail; see [`TokenStore::audit`].
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn audit(
        &self,
        from: AuditPosition,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        self.inner.store.audit(from, since, limit).await
    }

    /// How many changes of this kind were requested with this outcome since the catalog was opened.
    pub fn changes(&self, kind: ChangeKind, outcome: ChangeOutcome) -> u64 {
        self.inner.changes.read(kind, outcome)
    }

    /// What the store has done since it was opened.
    pub fn store_statistics(&self) -> StoreStatistics {
        self.inner.store.statistics()
    }

    /// Whether the store can commit changes now.
    ///
    /// # Errors
    ///
    /// See [`TokenStore::probe`].
    pub async fn probe_store(&self) -> Result<(), StoreError> {
        self.inner.store.probe().await
    }

    /// Whether a store that others change too answers now. One that alone changes its tokens need not be asked.
    ///
    /// # Errors
    ///
    /// See [`SharedStore::reach`](crate::SharedStore::reach).
    pub async fn reach_store(&self) -> Result<(), StoreError> {
        match self.inner.store.shared() {
            Some(shared) => shared.reach().await,
            None => Ok(()),
        }
    }
}
