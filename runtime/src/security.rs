//! Credentials as security schemes carry them, and the trait that turns them into a principal.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;

use crate::Location;

/// A security scheme of a document (`components.securitySchemes`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityScheme {
    /// The scheme's name in the document.
    pub name: &'static str,
    /// How it carries a credential.
    pub kind: SecurityKind,
}

impl SecurityScheme {
    /// The scheme of this name and kind.
    pub const fn new(name: &'static str, kind: SecurityKind) -> Self {
        Self { name, kind }
    }
}

/// How a security scheme carries a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecurityKind {
    /// `Authorization: Bearer TOKEN` (RFC 6750, section 2.1), with the scheme's name in any case.
    Bearer,
    /// `Authorization: Basic CREDENTIALS` (RFC 7617), with the scheme's name in any case.
    Basic,
    /// An API key: the whole value of the named header, query parameter or cookie.
    ApiKey {
        /// The part of the request that carries the key.
        location: Location,
        /// The name of the header, query parameter or cookie.
        name: &'static str,
    },
}

/// A credential that a request carries under one of the schemes that its operation lists.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential<'r> {
    /// The token of [`SecurityKind::Bearer`].
    Bearer(Cow<'r, str>),
    /// The user name and password of [`SecurityKind::Basic`].
    Basic {
        /// The text before the first colon.
        username: Cow<'r, str>,
        /// The text after it.
        password: Cow<'r, str>,
    },
    /// The value of [`SecurityKind::ApiKey`], decoded.
    ApiKey {
        /// The scheme that carries it.
        scheme: &'static SecurityScheme,
        /// The key.
        value: Cow<'r, str>,
    },
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Credential::Bearer(_) => "Bearer([redacted])",
            Credential::Basic { .. } => "Basic([redacted])",
            Credential::ApiKey { .. } => "ApiKey([redacted])",
        })
    }
}

/// Finds the principal that a request acts as.
///
/// One implementation serves every generated crate. The service calls it once for each request to an operation that
/// lists a security scheme.
pub trait Authenticator: Send + Sync + 'static {
    /// The identity that a request acts as.
    type Principal: Send + Sync + 'static;

    /// The principal that the credential belongs to.
    ///
    /// # Errors
    ///
    /// [`AuthenticationError::Refused`] if the credential is not valid, for whatever reason;
    /// [`AuthenticationError::Unavailable`] if that cannot be decided now.
    fn authenticate(
        &self,
        credential: Credential<'_>,
    ) -> impl Future<Output = Result<Self::Principal, AuthenticationError>> + Send;
}

/// Why a credential yields no principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// The credential is not valid. The service answers 401.
    #[error("the credential is not valid")]
    Refused,
    /// Its validity cannot be decided now. The service answers 503.
    #[error("the credential cannot be checked now")]
    Unavailable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_not_printed() {
        static SCHEME: SecurityScheme = SecurityScheme::new("key", SecurityKind::Bearer);
        for credential in [
            Credential::Bearer("hunter2".into()),
            Credential::Basic { username: "hunter2".into(), password: "hunter2".into() },
            Credential::ApiKey { scheme: &SCHEME, value: "hunter2".into() },
        ] {
            let printed = format!("{credential:?}");
            assert!(printed.contains("[redacted]") && !printed.contains("hunter2"), "{printed}");
        }
    }
}
