//! The trait that finds the principal of a request.

use std::future::Future;

use super::{Credential, SecurityRequirement, SecurityScheme};
use crate::Operation;

/// Finds the principal that a request acts as.
///
/// One implementation serves every generated crate. The service calls it for each alternative of an operation's security
/// that the request has all credentials for, in the document's order, until one is accepted.
pub trait Authenticator: Send + Sync + 'static {
    /// The identity that a request acts as.
    type Principal: Send + Sync + 'static;

    /// The principal that the credentials belong to. Each of them must be valid; most requirements have
    /// [only one](Authentication::only).
    ///
    /// # Errors
    ///
    /// [`AuthenticationError::Refused`] if a credential is not valid, or a more precise reason, which the client does not
    /// learn; [`AuthenticationError::InsufficientScope`] if it is, but lacks one of the [scopes](SecurityScheme::scopes);
    /// [`AuthenticationError::Unavailable`] if that cannot be decided now.
    fn authenticate(
        &self,
        authentication: Authentication<'_>,
    ) -> impl Future<Output = Result<Self::Principal, AuthenticationError>> + Send;
}

/// One alternative of an operation's security, and the credentials that a request carries for it.
#[derive(Clone, Copy, Debug)]
pub struct Authentication<'r> {
    operation: Option<&'static Operation>,
    requirement: &'static SecurityRequirement,
    credentials: &'r [Credential<'r>],
}

impl<'r> Authentication<'r> {
    /// The credentials for the schemes of a requirement, in the same order.
    ///
    /// # Panics
    ///
    /// If there are not as many credentials as schemes.
    pub fn new(requirement: &'static SecurityRequirement, credentials: &'r [Credential<'r>]) -> Self {
        assert_eq!(requirement.schemes.len(), credentials.len(), "each scheme has one credential");
        Self { operation: None, requirement, credentials }
    }

    /// Sets the operation that is called.
    pub fn of(self, operation: impl Into<Option<&'static Operation>>) -> Self {
        Self { operation: operation.into(), ..self }
    }

    /// The operation that the request calls; `None` for a route that is not in the document.
    pub fn operation(&self) -> Option<&'static Operation> {
        self.operation
    }

    /// The schemes that must be satisfied together, with the scopes that are required.
    pub fn requirement(&self) -> &'static SecurityRequirement {
        self.requirement
    }

    /// Each scheme with its credential.
    ///
    /// Two schemes that read the same part of the request have the same credential.
    pub fn credentials(&self) -> impl Iterator<Item = (&'static SecurityScheme, &'r Credential<'r>)> + use<'r> {
        self.requirement.schemes.iter().zip(self.credentials)
    }

    /// The scheme and its credential, if the requirement has one scheme.
    pub fn only(&self) -> Option<(&'static SecurityScheme, &'r Credential<'r>)> {
        match (self.requirement.schemes, self.credentials) {
            ([scheme], [credential]) => Some((scheme, credential)),
            _ => None,
        }
    }

    /// The credential under the scheme with this name, if the requirement has such a scheme.
    pub fn under(&self, scheme: &str) -> Option<&'r Credential<'r>> {
        self.credentials().find_map(|(listed, credential)| (listed.name == scheme).then_some(credential))
    }
}

/// Why credentials yield no principal. If several alternatives of an operation fail, the greatest reason is the answer.
///
/// The reasons up to [`Deleted`](Self::Deleted) are refusals. The service answers all of them with the same 401, so that a
/// client cannot tell them apart. The server can: the response carries it in an
/// [`AuthenticationOutcome`](super::AuthenticationOutcome).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// The request carries no credential.
    #[error("no credential was sent")]
    Missing,
    /// A credential does not have the form that its scheme requires, or is one of a scheme that is not accepted.
    #[error("the credential is malformed")]
    Malformed,
    /// A credential is not valid, for a reason that is not stated.
    #[error("the credential is not valid")]
    Refused,
    /// Nobody is known to have this credential.
    #[error("the credential is unknown")]
    Unknown,
    /// The credential was valid until it expired.
    #[error("the credential has expired")]
    Expired,
    /// The credential was valid until it was deleted or replaced.
    #[error("the credential was deleted")]
    Deleted,
    /// The credentials are valid, but lack a required scope. The service answers with `error="insufficient_scope"` (RFC
    /// 6750, section 3.1): 403 if the operation declares it, otherwise 401.
    #[error("the credential does not have the required scopes")]
    InsufficientScope,
    /// Their validity cannot be decided now. They may be accepted later, so this precedes the other reasons. The service
    /// answers 503.
    #[error("the credential cannot be checked now")]
    Unavailable,
}

impl AuthenticationError {
    /// The reason in one word, for logs and metrics.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::InsufficientScope => "insufficient",
            Self::Unavailable => "unavailable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::SecurityKind;

    static ONE: SecurityRequirement =
        SecurityRequirement::new(&[SecurityScheme::new("a", SecurityKind::Bearer).scopes(&["read"])]);
    static TWO: SecurityRequirement = SecurityRequirement::new(&[
        SecurityScheme::new("a", SecurityKind::Bearer),
        SecurityScheme::new("b", SecurityKind::Basic),
    ]);

    #[test]
    fn each_credential_belongs_to_its_scheme() {
        let basic = Credential::Basic { username: "u".into(), password: "p".into() };
        let credentials = [Credential::Bearer("t".into()), basic.clone()];
        let two = Authentication::new(&TWO, &credentials);
        let names: Vec<_> = two.credentials().map(|(scheme, _)| scheme.name).collect();
        assert_eq!((names, two.only()), (vec!["a", "b"], None));
        assert_eq!((two.under("b"), two.under("c")), (Some(&basic), None));

        let one = Authentication::new(&ONE, &credentials[..1]);
        let (scheme, credential) = one.only().expect("it has one scheme");
        assert_eq!((scheme.scopes, credential), (&["read"][..], &credentials[0]));
    }

    #[test]
    fn no_secret_is_printed() {
        let credentials = [Credential::Bearer("hunter2".into())];
        assert!(!format!("{:?}", Authentication::new(&ONE, &credentials)).contains("hunter2"));
    }
}
