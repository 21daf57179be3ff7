//! The changes that a store makes: what is requested, and the outcome.

use crate::token::{NewToken, Timestamp, TokenId, TokenName, TokenRecord};
#[cfg(doc)]
use crate::token::{Permissions, SecretOrigin};

/// A request to create a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    token: NewToken,
    at: Timestamp,
}

impl Creation {
    /// The creation of `token`, requested at the time `at`.
    ///
    /// Returns `None` for an operator token ([`TokenName::OPERATOR`]) without [`Permissions::ADMIN`].
    pub fn new(token: NewToken, at: Timestamp) -> Option<Self> {
        (token.permissions.is_admin() || !token.name.is_operator()).then_some(Self { token, at })
    }

    /// The token to create.
    pub fn token(&self) -> &NewToken {
        &self.token
    }

    /// When the token was requested, which is its time of creation.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The record of the token under the ID that a store has given it.
    pub fn into_record(self, id: TokenId) -> TokenRecord {
        let NewToken { name, digest, origin: _, expires_at, permissions } = self.token;
        TokenRecord { id, name, digest, created_at: self.at, expires_at, permissions }
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
    /// Nothing changed: the secret was given ([`SecretOrigin::Given`]), and a deleted token had this digest.
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
