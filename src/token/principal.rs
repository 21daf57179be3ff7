use std::fmt;

use super::{Digest, Permissions, Timestamp, TokenId, TokenRecord};

/// On whose behalf a request acts: a live token, or another identity that an authenticator has made a principal of.
/// Cheap to clone.
///
/// It holds only what authentication and authorization need, so that a million of them stay small.
#[derive(Clone)]
pub struct Principal {
    digest: Digest,
    id: TokenId,
    /// Milliseconds since the Unix epoch, or [`NEVER`]; and [`TOKEN`]. An `Option` and a `bool` would take sixteen more
    /// bytes for each token.
    expires_at: u64,
    permissions: Permissions,
}

/// The bit that says that this is a token, and not an identity that an authenticator made.
const TOKEN: u64 = 1 << 63;

const NEVER: u64 = TOKEN - 1;

impl Principal {
    /// A principal with this ID.
    ///
    /// For an authenticator that accepts other credentials than tokens. It chooses an ID that no token has, which the
    /// audit trail records when the principal deletes a token, and refuses expired credentials itself. A new principal is
    /// not a live token: [`Catalog::authenticate`] never returns it, and [`Catalog::until_deleted`] treats it as deleted.
    /// A change on behalf of a token is refused once that token is deleted, but not one on behalf of a new principal.
    ///
    /// [`Catalog::authenticate`]: crate::Catalog::authenticate
    /// [`Catalog::until_deleted`]: crate::Catalog::until_deleted
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

    /// The moment from which the token is refused. `None` means that it does not expire.
    pub fn expires_at(&self) -> Option<Timestamp> {
        Timestamp::from_millis(self.expires_at & !TOKEN)
    }

    /// Marks this as a token.
    pub(crate) fn into_token(self) -> Self {
        Self { expires_at: self.expires_at | TOKEN, ..self }
    }

    /// Whether this is a token that was live, so that a store can tell whether it still is.
    pub(crate) fn is_token(&self) -> bool {
        self.expires_at & TOKEN != 0
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

/// Principals are equal if both their IDs and their digests are.
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
    fn a_principal_keeps_its_expiry_or_its_absence() {
        for expires_at in [None, Some(Timestamp::EPOCH), Some(Timestamp::MAX)] {
            let digest = Digest::from_bytes([0; 64]);
            let principal = Principal::new(TokenId::OPERATOR, digest, expires_at, Permissions::ADMIN);
            assert_eq!((principal.expires_at(), principal.is_token()), (expires_at, false));
            let token = principal.into_token();
            assert_eq!((token.expires_at(), token.is_token()), (expires_at, true));
        }
    }

    #[test]
    fn principals_are_equal_if_their_ids_and_digests_are() {
        let principal =
            |id, byte| Principal::new(TokenId::from_u64(id), Digest::from_bytes([byte; 64]), None, Permissions::ADMIN);
        assert_eq!(principal(1, 2), principal(1, 2));
        assert_ne!(principal(1, 2), principal(1, 3));
        assert_ne!(principal(1, 2), principal(2, 2));
    }

    #[test]
    fn debug_output_of_a_principal_has_no_digest() {
        let principal = Principal::new(TokenId::from_u64(7), Digest::from_bytes([1; 64]), None, Permissions::ADMIN);
        let shown = format!("{principal:?}");
        assert!(shown.contains("TokenId(7)") && !shown.contains("Digest"), "{shown}");
    }

    #[test]
    fn a_principal_takes_88_bytes() {
        assert_eq!(size_of::<Principal>(), 88);
    }
}
