//! The changes that a store makes: what is requested, and the outcome.

use influxdb3_token_api::IdempotencyKey;

use super::audit::Origin;
use crate::token::{Digest, NewToken, Principal, Timestamp, TokenId, TokenName, TokenRecord};
#[cfg(doc)]
use crate::token::{Permissions, SecretOrigin};

/// On whose behalf a change is requested.
///
/// A request is authenticated before it waits for the store, and its token may be deleted meanwhile. So a store checks
/// the actor of a change again when it makes the change ([`Actor::may_act`]).
///
/// A variant that is added later breaks every complete match, on purpose: a store must not take one for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A token, with the digest of the secret that the request presented. The ID alone does not tell, because a
    /// regeneration replaces the secret of the operator token.
    Token {
        /// The token's ID.
        id: TokenId,
        /// The digest of the secret.
        digest: Digest,
    },
    /// An identity with this ID that is not a token ([`Principal::new`]). Its authenticator vouches for it.
    Other(TokenId),
}

impl Actor {
    /// The ID for the audit trail.
    pub fn id(&self) -> TokenId {
        match self {
            Self::Token { id, .. } | Self::Other(id) => *id,
        }
    }

    /// Whether a change on behalf of this actor may be made: a token must be live and have the digest. `digest_of` returns
    /// the digest of the live token with an ID, as the changes before this one leave it.
    pub fn may_act(&self, digest_of: impl FnOnce(TokenId) -> Option<Digest>) -> bool {
        match self {
            Self::Token { id, digest } => digest_of(*id) == Some(*digest),
            Self::Other(_) => true,
        }
    }
}

impl From<&Principal> for Actor {
    fn from(principal: &Principal) -> Self {
        let (id, digest) = (principal.id(), *principal.digest());
        if principal.is_token() { Self::Token { id, digest } } else { Self::Other(id) }
    }
}

/// A request to create a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    token: NewToken,
    by: Option<Actor>,
    at: Timestamp,
    origin: Option<Origin>,
}

impl Creation {
    /// The creation of `token`, requested by `by` at the time `at`. `None` as `by` means that nobody requests it over the
    /// network: a command on the machine, or a token file.
    ///
    /// Returns `None` for an operator token ([`TokenName::OPERATOR`]) without [`Permissions::ADMIN`] or with an expiry.
    pub fn new(token: NewToken, by: Option<Actor>, at: Timestamp) -> Option<Self> {
        let may_be_operator = token.permissions.is_admin() && token.expires_at.is_none();
        (may_be_operator || !token.name.is_operator()).then_some(Self { token, by, at, origin: None })
    }

    /// Says where the change was requested, for the audit trail.
    pub fn requested_from(self, origin: Option<Origin>) -> Self {
        Self { origin, ..self }
    }

    /// Where the change was requested; `None` if that is not known.
    pub fn origin(&self) -> Option<Origin> {
        self.origin
    }

    /// The token to create.
    pub fn token(&self) -> &NewToken {
        &self.token
    }

    /// On whose behalf the creation was requested, unless a command on the machine or a token file did.
    pub fn by(&self) -> Option<&Actor> {
        self.by.as_ref()
    }

    /// When the token was requested, which is its time of creation.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The record of the token under the ID that a store has given it.
    pub fn into_record(self, id: TokenId) -> TokenRecord {
        let NewToken { name, description, digest, origin: _, expires_at, permissions } = self.token;
        let created_by = self.by.map(|by| by.id());
        TokenRecord { id, name, description, digest, created_at: self.at, created_by, expires_at, permissions }
    }
}

/// The outcome of a [`Creation`].
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreationOutcome {
    /// The token is live and has this record.
    Created(TokenRecord),
    /// Nothing changed: the token that requested the creation is not live, or has another secret.
    Unauthorized,
    /// Nothing changed: a live token has this name.
    NameTaken,
    /// Nothing changed: a live token with another name has this digest.
    DigestTaken,
    /// Nothing changed: the secret was given ([`SecretOrigin::Given`]), and a deleted token had this digest, or the
    /// operator token before a [`Regeneration`].
    DigestDeleted,
}

/// A request to delete a token. A store keeps it as an entry of its audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    token: TokenSelector,
    by: Actor,
    at: Timestamp,
    origin: Option<Origin>,
    idempotency_key: IdempotencyKey,
}

/// Says which live token is meant.
///
/// A store resolves a name when it makes the change, not before. Names can be used again, so an ID that somebody looked
/// up earlier and the name may lead to different tokens.
///
/// A variant that is added later breaks every complete match, on purpose: a store must be able to select by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSelector {
    /// The token with this ID.
    Id(TokenId),
    /// The live token with this name.
    Name(TokenName),
}

impl Deletion {
    /// The deletion of `token`, requested by `by` at the time `at`.
    ///
    /// Returns `None` for the operator token. It cannot be deleted, because its ID is fixed and IDs are not reused.
    pub fn new(token: impl Into<TokenSelector>, by: Actor, at: Timestamp) -> Option<Self> {
        let token = token.into();
        let idempotency_key = IdempotencyKey::default();
        (!token.is_operator()).then_some(Self { token, by, at, origin: None, idempotency_key })
    }

    /// Says where the change was requested, for the audit trail.
    pub fn requested_from(self, origin: Option<Origin>) -> Self {
        Self { origin, ..self }
    }

    /// Where the change was requested; `None` if that is not known.
    pub fn origin(&self) -> Option<Origin> {
        self.origin
    }

    /// Sets the key by which the client marks the repetition of its request.
    pub fn with_idempotency_key(self, idempotency_key: IdempotencyKey) -> Self {
        Self { idempotency_key, ..self }
    }

    /// The key by which the client marks the repetition of its request. A store that may leave the outcome of a deletion open
    /// answers the repetition as it would have answered the first request; another store may ignore the key.
    pub fn idempotency_key(&self) -> &IdempotencyKey {
        &self.idempotency_key
    }

    /// The token to delete; neither [`TokenId::OPERATOR`] nor [`TokenName::OPERATOR`].
    pub fn token(&self) -> &TokenSelector {
        &self.token
    }

    /// On whose behalf the deletion was requested. A token may delete itself.
    pub fn by(&self) -> &Actor {
        &self.by
    }

    /// When the deletion was requested.
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

impl TokenSelector {
    /// Whether this selects the operator token.
    pub fn is_operator(&self) -> bool {
        match self {
            Self::Id(id) => *id == TokenId::OPERATOR,
            Self::Name(name) => name.is_operator(),
        }
    }
}

impl From<TokenId> for TokenSelector {
    fn from(id: TokenId) -> Self {
        Self::Id(id)
    }
}

impl From<TokenName> for TokenSelector {
    fn from(name: TokenName) -> Self {
        Self::Name(name)
    }
}

/// The outcome of a [`Deletion`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionOutcome {
    /// The token with this ID was live and is deleted.
    Deleted(TokenId),
    /// Nothing changed: the token that requested the deletion is not live, or has another secret.
    Unauthorized,
    /// Nothing changed: no live token has this ID or name.
    NotFound,
}

/// A request to replace the secret of the operator token by a new one. A store keeps it as an entry of its audit trail.
///
/// The token keeps its ID, its name and its time of creation. It has no expiry afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regeneration {
    digest: Digest,
    by: Option<Actor>,
    at: Timestamp,
    origin: Option<Origin>,
}

impl Regeneration {
    /// The regeneration to a fresh secret with the digest `digest`, requested at the time `at`.
    ///
    /// `by` requests it. `None` means that a command on the machine does. Returns `None` for any token but the operator
    /// token, which another one could displace otherwise.
    pub fn new(digest: Digest, by: Option<Actor>, at: Timestamp) -> Option<Self> {
        let may_regenerate = by.is_none_or(|by| matches!(by, Actor::Token { id: TokenId::OPERATOR, .. }));
        may_regenerate.then_some(Self { digest, by, at, origin: None })
    }

    /// Says where the change was requested, for the audit trail.
    pub fn requested_from(self, origin: Option<Origin>) -> Self {
        Self { origin, ..self }
    }

    /// Where the change was requested; `None` if that is not known.
    pub fn origin(&self) -> Option<Origin> {
        self.origin
    }

    /// The digest of the new secret.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The operator token with the secret to replace, unless a command on the machine requested the regeneration.
    pub fn by(&self) -> Option<&Actor> {
        self.by.as_ref()
    }

    /// When the regeneration was requested.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The record of the operator token afterwards.
    pub fn into_record(self, operator: TokenRecord) -> TokenRecord {
        TokenRecord { digest: self.digest, expires_at: None, ..operator }
    }
}

/// The outcome of a [`Regeneration`].
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegenerationOutcome {
    /// The operator token has this record.
    Regenerated(TokenRecord),
    /// Nothing changed: the operator token that requested the regeneration is not live, or has another secret. An earlier
    /// regeneration replaced it.
    Unauthorized,
    /// Nothing changed: no operator token is live.
    NotFound,
    /// Nothing changed: the new digest is not fresh. A live token has it, or a deleted token had it, or the operator
    /// token before another regeneration.
    DigestTaken,
}
