//! Credentials as the document's security schemes carry them, and the trait that turns them into a principal.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;

use crate::Location;

/// A security scheme of the document (`components.securitySchemes`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityScheme {
    /// The scheme's name in the document.
    pub name: &'static str,
    /// How it carries a credential.
    pub kind: SecurityKind,
}

/// How a security scheme carries a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecurityKind {
    /// `Authorization: Bearer TOKEN` (RFC 6750, section 2.1); the scheme's name in any case.
    Bearer,
    /// `Authorization: Basic CREDENTIALS` (RFC 7617); the scheme's name in any case.
    Basic,
    /// An API key: the whole value of the named header, query parameter or cookie.
    ApiKey {
        /// Where the key is carried.
        location: Location,
        /// The name of the header, query parameter or cookie.
        name: &'static str,
    },
}

/// A credential that a request carries, under one of the schemes that its operation lists.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential<'r> {
    /// The token of [`SecurityKind::Bearer`].
    Bearer(Cow<'r, str>),
    /// The user name and password of [`SecurityKind::Basic`].
    Basic {
        /// What stands before the first colon.
        username: Cow<'r, str>,
        /// What stands after it.
        password: Cow<'r, str>,
    },
    /// The value of [`SecurityKind::ApiKey`], decoded.
    ApiKey {
        /// Which of the document's API keys it is.
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

/// Decides who a request acts as. The service asks it once for each request to an operation that lists a scheme.
pub trait Authenticator: Send + Sync + 'static {
    /// Who a request acts as.
    type Principal: Send + Sync + 'static;

    /// The principal that the credential belongs to.
    ///
    /// # Errors
    ///
    /// [`AuthenticationError::Refused`] for a credential that is not valid, for whatever reason;
    /// [`AuthenticationError::Unavailable`] where that cannot be decided now.
    fn authenticate(
        &self,
        credential: Credential<'_>,
    ) -> impl Future<Output = Result<Self::Principal, AuthenticationError>> + Send;
}

/// Why a credential yields no principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// The credential is not valid; answered with 401.
    Refused,
    /// It cannot be decided now whether it is valid; answered with 503.
    Unavailable,
}
