use std::time::Duration;

use super::{Digest, NoEntropy, Permissions, Secret, Timestamp, TokenDescription, TokenId, TokenName};

/// A token to create: what [`Catalog::create`](crate::Catalog::create) takes.
///
/// [`NewToken::fresh`] makes its secret, [`NewToken::given`] takes one that was made elsewhere. Either way it holds only
/// the digest. Neither sets a description or an
/// expiry:
///
/// ```
/// # use influxdb3_tokens::{NewToken, Permissions, Timestamp};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (token, secret) = NewToken::fresh("ci".parse()?, "db:metrics:write".parse()?)?;
/// let token = NewToken { expires_at: Some(Timestamp::MAX), ..token };
/// assert_eq!(token.digest, secret.digest());
/// # Ok(())
/// # }
/// ```
///
/// A field that is added later breaks every literal and every complete pattern, on purpose: a store that writes the
/// fields one by one must not lose one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Must differ from the name of every live token. [`TokenName::OPERATOR`] makes this the operator token, which must
    /// have [`Permissions::ADMIN`] and no expiry.
    pub name: TokenName,
    /// What the token is for.
    pub description: Option<TokenDescription>,
    /// Must differ from the digest of every live token.
    pub digest: Digest,
    /// Where the secret comes from.
    pub origin: SecretOrigin,
    /// The moment from which the token is refused. `None` means that it does not expire.
    pub expires_at: Option<Timestamp>,
    /// What the token may do.
    pub permissions: Permissions,
}

impl NewToken {
    /// A token with a new secret, which is returned and kept nowhere else.
    ///
    /// # Errors
    ///
    /// [`NoEntropy`] if the operating system's random source fails.
    pub fn fresh(name: TokenName, permissions: Permissions) -> Result<(Self, Secret), NoEntropy> {
        let secret = Secret::generate()?;
        let token = Self { origin: SecretOrigin::Fresh, ..Self::given(name, permissions, &secret) };
        Ok((token, secret))
    }

    /// A token with a secret that was made elsewhere, in a token file for example.
    pub fn given(name: TokenName, permissions: Permissions, secret: &Secret) -> Self {
        let digest = secret.digest();
        Self { name, description: None, digest, origin: SecretOrigin::Given, expires_at: None, permissions }
    }

    /// This token, if it is created at `created_at` and has this lifetime. `None` means that it does not expire.
    ///
    /// # Errors
    ///
    /// [`ExpiryTooLate`] if it would expire after [`Timestamp::MAX`].
    pub fn with_lifetime(self, created_at: Timestamp, lifetime: Option<Duration>) -> Result<Self, ExpiryTooLate> {
        let expires_at = match lifetime {
            Some(lifetime) => Some(created_at.checked_add(lifetime).ok_or(ExpiryTooLate)?),
            None => None,
        };
        Ok(Self { expires_at, ..self })
    }
}

/// The error for a token that would expire after [`Timestamp::MAX`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token would expire after the year 9999")]
pub struct ExpiryTooLate;

/// Where the secret of a [`NewToken`] comes from.
///
/// A variant that is added later breaks every complete match, on purpose: see [`NewToken`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretOrigin {
    /// It was generated for this token, and no other token has ever had it.
    Fresh,
    /// It was made elsewhere. It may be the secret of a deleted token, which must not become valid again.
    Given,
}

/// A token in a store.
///
/// A field that is added later breaks stores at compile time, on purpose: see [`NewToken`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// The ID that the store gave the token.
    pub id: TokenId,
    /// Unique among the live tokens of a store.
    pub name: TokenName,
    /// What the token is for.
    pub description: Option<TokenDescription>,
    /// The digest of the secret, which itself is not stored. Unique among the live tokens of a store.
    pub digest: Digest,
    /// When the token was created.
    pub created_at: Timestamp,
    /// The token that requested the creation. `None` means that no token did: a command on the machine, or a token file.
    pub created_by: Option<TokenId>,
    /// The moment from which the token is refused. `None` means that it does not expire.
    pub expires_at: Option<Timestamp>,
    /// What the token may do.
    pub permissions: Permissions,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_begins_when_the_token_is_created() {
        let token = || NewToken::fresh("ci".parse().unwrap(), Permissions::ADMIN).unwrap().0;
        let created_at = Timestamp::from_millis(Timestamp::MAX.as_millis() - 1000).unwrap();
        let expiry = |seconds| token().with_lifetime(created_at, seconds).map(|token| token.expires_at);
        assert_eq!(expiry(None), Ok(None));
        assert_eq!(expiry(Some(Duration::ZERO)), Ok(Some(created_at)));
        assert_eq!(expiry(Some(Duration::from_secs(1))), Ok(Some(Timestamp::MAX)));
        assert_eq!(expiry(Some(Duration::from_secs(2))), Err(ExpiryTooLate));
        assert_eq!(expiry(Some(Duration::from_secs(u64::MAX))), Err(ExpiryTooLate));
    }
}
