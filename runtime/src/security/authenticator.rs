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
    /// [`AuthenticationError::Refused`] if a credential is not valid, for whatever reason;
    /// [`AuthenticationError::InsufficientScope`] if it is, but lacks one of the [scopes](SecurityScheme::scopes);
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
    pub fn of(self, operation: &'static Operation) -> Self {
        Self { operation: Some(operation), ..self }
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

/// Why credentials yield no principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// A credential is not valid. Unless another alternative is accepted, the service answers 401.
    #[error("the credential is not valid")]
    Refused,
    /// The credentials are valid, but lack a required scope. Unless another alternative is accepted, the service answers
    /// with `error="insufficient_scope"` (RFC 6750, section 3.1), and 403 if the operation declares it, otherwise 401.
    #[error("the credential does not have the required scopes")]
    InsufficientScope,
    /// Their validity cannot be decided now. Unless another alternative is accepted, the service answers 503.
    #[error("the credential cannot be checked now")]
    Unavailable,
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
