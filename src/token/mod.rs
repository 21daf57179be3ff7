//! What a token is: parsed once, valid ever after.

mod name;
mod permission;
mod permissions;
mod principal;
mod secret;
mod time;

use std::fmt;
use std::str::FromStr;

pub use name::{InvalidTokenName, TokenName};
pub use permission::{Action, InvalidPermission, Names, Permission, Resource};
pub use permissions::Permissions;
pub use principal::Principal;
pub use secret::{Digest, InvalidSecret, NoEntropy, Secret};
pub use time::Timestamp;

/// The number of a token: unique in a store, and never used again after a deletion.
///
/// Its text is the decimal number in canonical form: `7`, not `07`, `+7` or `7.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId(u64);

impl TokenId {
    /// The operator token's ID. Other tokens count up from 1.
    pub const OPERATOR: Self = Self(0);

    /// The ID with this number.
    pub const fn from_u64(id: u64) -> Self {
        Self(id)
    }

    /// The number of this ID.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TokenId {
    type Err = InvalidTokenId;

    fn from_str(text: &str) -> Result<Self, InvalidTokenId> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let canonical = text == "0" || !text.starts_with('0');
        if !(digits && canonical) {
            return Err(InvalidTokenId);
        }
        text.parse().map(Self).map_err(|_| InvalidTokenId)
    }
}

/// A text that is not a [`TokenId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token ID is a decimal number from 0 to 18446744073709551615, without sign or leading zeros")]
pub struct InvalidTokenId;

/// A token as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// The number the store gave it.
    pub id: TokenId,
    /// Unique among the live tokens of a store.
    pub name: TokenName,
    /// All that is kept of the secret; unique among the live tokens of a store.
    pub digest: Digest,
    /// When the token was created.
    pub created_at: Timestamp,
    /// From when on the token is refused; `None` means never.
    pub expires_at: Option<Timestamp>,
    /// What the token may do.
    pub permissions: Permissions,
}

/// A token that a store has yet to number.
///
/// A token named [`TokenName::OPERATOR`] is the operator token, and must have
/// [`Permissions::ADMIN`]; [`Catalog`](crate::Catalog) hands no other to a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Must be unique among the live tokens of the store.
    pub name: TokenName,
    /// Must be unique among the live tokens of the store.
    pub digest: Digest,
    /// Where the secret comes from.
    pub origin: Origin,
    /// When the token was created.
    pub created_at: Timestamp,
    /// From when on the token is refused; `None` means never.
    pub expires_at: Option<Timestamp>,
    /// What the token may do.
    pub permissions: Permissions,
}

/// Where the secret of a [`NewToken`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was drawn for this token, and nobody has seen it before.
    Drawn,
    /// It was given, and may be that of a deleted token, which must not come back.
    Given,
}

impl NewToken {
    /// Whether this is to be the operator token, whose ID is [`TokenId::OPERATOR`].
    pub fn is_operator(&self) -> bool {
        self.name.is_operator()
    }

    /// The record of this token under the ID that a store gave it.
    pub fn with_id(self, id: TokenId) -> TokenRecord {
        TokenRecord {
            id,
            name: self.name,
            digest: self.digest,
            created_at: self.created_at,
            expires_at: self.expires_at,
            permissions: self.permissions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_in_canonical_form_round_trips() {
        for text in ["0", "7", "10", "18446744073709551615"] {
            assert_eq!(text.parse::<TokenId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_id_in_any_other_form_is_refused() {
        for text in ["", " 7", "7 ", "07", "00", "+7", "-0", "7.0", "7e0", "0x7", "٧", "18446744073709551616"] {
            assert_eq!(text.parse::<TokenId>(), Err(InvalidTokenId), "{text:?}");
        }
    }
}
