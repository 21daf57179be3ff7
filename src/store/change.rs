//! The changes that a store makes: what is requested, and the outcome.

use crate::token::{Digest, NewToken, Timestamp, TokenId, TokenName, TokenRecord};
#[cfg(doc)]
use crate::token::{Permissions, SecretOrigin};

/// A request to create a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    token: NewToken,
    by: Option<TokenId>,
    at: Timestamp,
}

impl Creation {
    /// The creation of `token`, requested by the token `by` at the time `at`. `None` as `by` means that no token requests
    /// it: a command on the machine, or a token file.
    ///
    /// Returns `None` for an operator token ([`TokenName::OPERATOR`]) without [`Permissions::ADMIN`] or with an expiry.
    pub fn new(token: NewToken, by: Option<TokenId>, at: Timestamp) -> Option<Self> {
        let may_be_operator = token.permissions.is_admin() && token.expires_at.is_none();
        (may_be_operator || !token.name.is_operator()).then_some(Self { token, by, at })
    }

    /// The token to create.
    pub fn token(&self) -> &NewToken {
        &self.token
    }

    /// The token that requested the creation, if one did.
    pub fn by(&self) -> Option<TokenId> {
        self.by
    }

    /// When the token was requested, which is its time of creation.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The record of the token under the ID that a store has given it.
    pub fn into_record(self, id: TokenId) -> TokenRecord {
        let NewToken { name, digest, origin: _, expires_at, permissions } = self.token;
        TokenRecord { id, name, digest, created_at: self.at, created_by: self.by, expires_at, permissions }
    }
}

/// The outcome of a [`Creation`].
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreationOutcome {
    /// The token is live and has this record.
    Created(TokenRecord),
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
    by: TokenId,
    at: Timestamp,
}

/// Says which live token is meant.
///
/// A store resolves a name when it makes the change, not before. Names can be used again, so an ID that somebody looked
/// up earlier and the name may lead to different tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSelector {
    /// The token with this ID.
    Id(TokenId),
    /// The live token with this name.
    Name(TokenName),
}

impl Deletion {
    /// The deletion of `token`, requested by the token `by` at the time `at`.
    ///
    /// Returns `None` for the operator token. It cannot be deleted, because its ID is fixed and IDs are not reused.
    pub fn new(token: impl Into<TokenSelector>, by: TokenId, at: Timestamp) -> Option<Self> {
        let token = token.into();
        (!token.is_operator()).then_some(Self { token, by, at })
    }

    /// The token to delete; neither [`TokenId::OPERATOR`] nor [`TokenName::OPERATOR`].
    pub fn token(&self) -> &TokenSelector {
        &self.token
    }

    /// The token that requested the deletion.
    pub fn by(&self) -> TokenId {
        self.by
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
    /// Nothing changed: no live token has this ID or name.
    NotFound,
}

/// A request to replace the secret of the operator token by a new one. A store keeps it as an entry of its audit trail.
///
/// The token keeps its ID, its name and its time of creation. It has no expiry afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regeneration {
    digest: Digest,
    replaces: Option<Digest>,
    at: Timestamp,
}

impl Regeneration {
    /// The regeneration to a fresh secret with the digest `digest`, requested at the time `at`.
    ///
    /// `replaces` is the digest of the secret that the request was authenticated with, if it was: that of the operator
    /// token. `None` means that no token requests it, but a command on the machine.
    pub fn new(digest: Digest, replaces: Option<Digest>, at: Timestamp) -> Self {
        Self { digest, replaces, at }
    }

    /// The digest of the new secret.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The digest that the operator token must still have. `None` means that any digest is replaced.
    pub fn replaces(&self) -> Option<&Digest> {
        self.replaces.as_ref()
    }

    /// The token that requested the regeneration, if one did: [`TokenId::OPERATOR`].
    pub fn by(&self) -> Option<TokenId> {
        self.replaces.map(|_| TokenId::OPERATOR)
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
    /// Nothing changed: no operator token is live.
    NotFound,
    /// Nothing changed: the operator token does not have the digest to replace. An earlier regeneration replaced it.
    Superseded,
    /// Nothing changed: the new digest is not fresh. A live token has it, or a deleted token had it, or the operator
    /// token before another regeneration.
    DigestTaken,
}
