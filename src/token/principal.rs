use std::fmt;

use super::{Digest, Permissions, Timestamp, TokenId, TokenRecord};

/// Whom a request acts as: a live token, without its secret, or what an authenticator takes for one. Cheap to clone.
///
/// It holds only what is needed to authenticate and authorize, so that a million of them stay
/// small.
#[derive(Clone)]
pub struct Principal {
    digest: Digest,
    id: TokenId,
    /// `u64::MAX` for never, where an `Option` would cost eight more bytes a token.
    expires_at: u64,
    permissions: Permissions,
}

const NEVER: u64 = u64::MAX;

impl Principal {
    /// The principal of the token with this ID.
    ///
    /// An authenticator of your own makes one for a credential of another kind, with an ID that no token has: the audit
    /// trail names it as what deleted a token. It is for that authenticator to refuse what has expired; and
    /// [`Catalog::until_deleted`](crate::Catalog::until_deleted) takes what is no live token for deleted.
    pub fn new(id: TokenId, digest: Digest, expires_at: Option<Timestamp>, permissions: Permissions) -> Self {
        let expires_at = expires_at.map_or(NEVER, Timestamp::as_millis);
        Self { digest, id, expires_at, permissions }
    }

    /// The token's ID.
    pub fn id(&self) -> TokenId {
        self.id
    }

    /// The digest of the token's secret.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// From when on the token is refused; `None` means never.
    pub fn expires_at(&self) -> Option<Timestamp> {
        Timestamp::from_millis(self.expires_at)
    }

    /// What the token may do.
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// Whether the token may do everything.
    pub fn is_admin(&self) -> bool {
        self.permissions.is_admin()
    }
}

impl From<&TokenRecord> for Principal {
    fn from(record: &TokenRecord) -> Self {
        Self::new(record.id, record.digest, record.expires_at, record.permissions.clone())
    }
}

/// Two principals are equal when they are the same token.
impl PartialEq for Principal {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.digest == other.digest
    }
}

impl Eq for Principal {}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("id", &self.id())
            .field("expires_at", &self.expires_at())
            .field("permissions", &self.permissions())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_kept_and_its_absence_too() {
        for expires_at in [None, Some(Timestamp::EPOCH), Some(Timestamp::MAX)] {
            let digest = Digest::from_bytes([0; 64]);
            let principal = Principal::new(TokenId::OPERATOR, digest, expires_at, Permissions::ADMIN);
            assert_eq!(principal.expires_at(), expires_at);
        }
    }

    #[test]
    fn principals_are_equal_when_both_the_id_and_the_digest_are() {
        let principal =
            |id, byte| Principal::new(TokenId::from_u64(id), Digest::from_bytes([byte; 64]), None, Permissions::ADMIN);
        assert_eq!(principal(1, 2), principal(1, 2));
        assert_ne!(principal(1, 2), principal(1, 3));
        assert_ne!(principal(1, 2), principal(2, 2));
    }

    #[test]
    fn a_principal_is_shown_without_its_digest() {
        let principal = Principal::new(TokenId::from_u64(7), Digest::from_bytes([1; 64]), None, Permissions::ADMIN);
        let shown = format!("{principal:?}");
        assert!(shown.contains("TokenId(7)") && !shown.contains("Digest"), "{shown}");
    }

    #[test]
    fn the_memory_of_a_principal_is_88_bytes() {
        assert_eq!(size_of::<Principal>(), 88);
    }
}
