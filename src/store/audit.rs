//! The audit trail: what a store keeps of each change.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::token::{Timestamp, TokenId, TokenName};

/// Where a change was requested.
///
/// A variant that is added later breaks every complete match, on purpose: a store must not lose one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Over the network, by a client with this address.
    Peer(IpAddr),
    /// By a command on the machine, which ran under this user ID, if it is known.
    Command(Option<u32>),
    /// By a token file.
    TokenFile,
}

/// `203.0.113.7`, `command`, `command of user 1000`, or `token file`; [`str::parse`] reads it back.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(address) => address.fmt(f),
            Self::Command(None) => f.write_str("command"),
            Self::Command(Some(user)) => write!(f, "command of user {user}"),
            Self::TokenFile => f.write_str("token file"),
        }
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        match text {
            "command" => Ok(Self::Command(None)),
            "token file" => Ok(Self::TokenFile),
            _ => match text.strip_prefix("command of user ") {
                Some(user) => user.parse().map(|user| Self::Command(Some(user))).map_err(|_| InvalidOrigin),
                None => text.parse().map(Self::Peer).map_err(|_| InvalidOrigin),
            },
        }
    }
}

/// The error for a text that is not an [`Origin`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an origin is an IP address, a command or a token file")]
pub struct InvalidOrigin;

/// A record of the audit trail: one change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// What was done.
    pub change: AuditedChange,
    /// The token that was created, regenerated or deleted.
    pub token: TokenId,
    /// The name that the token had. `None` if the token was deleted before the store kept names.
    pub name: Option<TokenName>,
    /// When the change was requested.
    pub at: Timestamp,
    /// The token that requested the change, or another identity. `None` means that no token did: a command on the machine,
    /// or a token file.
    pub by: Option<TokenId>,
    /// The name of the token that requested the change. `None` if no token did, or its name is not known.
    pub by_name: Option<TokenName>,
    /// Where the change was requested. `None` if it is not known.
    pub origin: Option<Origin>,
}

/// What was done to a token.
///
/// A variant that is added later breaks every complete match, on purpose: a reader must not take one for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditedChange {
    /// It was created.
    Created,
    /// It got another secret.
    Regenerated,
    /// It was deleted.
    Deleted,
}

/// `created`, `regenerated` or `deleted`.
impl fmt::Display for AuditedChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Regenerated => "regenerated",
            Self::Deleted => "deleted",
        })
    }
}

/// A place between two records of an audit trail. The default is the beginning.
///
/// A store decides what the numbers mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditPosition(pub [u64; 4]);

/// A part of an audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// Some records, in the order in which the changes were made.
    pub records: Vec<AuditRecord>,
    /// Where the next page begins. `None` if the trail has ended.
    pub next: Option<AuditPosition>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_back_from_its_text() {
        let address = |text: &str| Origin::Peer(text.parse().unwrap());
        let origins = [Origin::Command(None), Origin::Command(Some(1000)), Origin::TokenFile, address("203.0.113.7")];
        for origin in origins.into_iter().chain([address("2001:db8::1")]) {
            assert_eq!(origin.to_string().parse(), Ok(origin));
        }
        for text in ["", "commands", "command of user -1", "command of user ", "localhost", "203.0.113.7:80"] {
            assert_eq!(text.parse::<Origin>(), Err(InvalidOrigin), "{text}");
        }
    }
}
