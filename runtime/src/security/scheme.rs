//! Security schemes, and what an operation requires of them.

use std::slice;

use crate::Location;

/// Schemes that a request must satisfy together: a security requirement of an operation.
///
/// The requirements of an operation are alternatives. A request is accepted if it satisfies one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecurityRequirement {
    /// The schemes, each with the scopes that are required of its credential.
    pub schemes: &'static [SecurityScheme],
}

impl SecurityRequirement {
    /// The requirement that a request without any credential satisfies, `{}` in a document.
    pub const ANONYMOUS: Self = Self::new(&[]);

    /// The requirement of a valid credential under every one of these schemes.
    pub const fn new(schemes: &'static [SecurityScheme]) -> Self {
        Self { schemes }
    }

    /// A requirement for each scheme: together, the alternatives of a route that accepts any of the schemes.
    ///
    /// # Panics
    ///
    /// If `N` is not the number of schemes. In a constant, that is a compile error.
    ///
    /// ```
    /// use openapi_stub_runtime::security::{SecurityKind, SecurityRequirement, SecurityScheme};
    ///
    /// const SCHEMES: &[SecurityScheme] =
    ///     &[SecurityScheme::new("Basic", SecurityKind::Basic), SecurityScheme::new("Bearer", SecurityKind::Bearer)];
    /// const ANY: &[SecurityRequirement] = &SecurityRequirement::each::<{ SCHEMES.len() }>(SCHEMES);
    ///
    /// assert_eq!(ANY[1].schemes, [SecurityScheme::new("Bearer", SecurityKind::Bearer)]);
    /// ```
    pub const fn each<const N: usize>(schemes: &'static [SecurityScheme]) -> [Self; N] {
        assert!(schemes.len() == N, "N is not the number of schemes");
        let mut each = [Self::ANONYMOUS; N];
        let mut index = 0;
        while index < N {
            each[index] = Self::new(slice::from_ref(&schemes[index]));
            index += 1;
        }
        each
    }

    /// Whether a request without any credential satisfies it.
    pub const fn is_anonymous(&self) -> bool {
        self.schemes.is_empty()
    }
}

/// A security scheme of a document (`components.securitySchemes`), with the scopes that an operation requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecurityScheme {
    /// The scheme's name in the document.
    pub name: &'static str,
    /// How it carries a credential.
    pub kind: SecurityKind,
    /// The scopes, or since OpenAPI 3.1 the roles, that a requirement lists for the scheme. Empty in a document's list of
    /// schemes.
    pub scopes: &'static [&'static str],
}

impl SecurityScheme {
    /// The scheme of this name and kind, without scopes.
    pub const fn new(name: &'static str, kind: SecurityKind) -> Self {
        Self { name, kind, scopes: &[] }
    }

    /// Sets [`scopes`](Self::scopes).
    pub const fn scopes(mut self, scopes: &'static [&'static str]) -> Self {
        self.scopes = scopes;
        self
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
    /// The client's certificate of a TLS connection, which the server that accepts connections puts into the extensions of
    /// each request as a [`PeerCertificate`](super::PeerCertificate).
    MutualTls,
}

impl SecurityKind {
    /// Whether it is an API key whose header is `Authorization`.
    pub fn is_key_in_authorization(self) -> bool {
        matches!(self, Self::ApiKey { location: Location::Header, name } if name.eq_ignore_ascii_case("authorization"))
    }
}
