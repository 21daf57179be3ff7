//! The credentials that a request carries.

use std::borrow::Cow;
use std::ops::Deref;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::message;
use super::query::Query;
use crate::Location;
use crate::security::{Credential, PeerCertificate, SecurityKind, SecurityRequirement, SecurityScheme};

/// A request, read for its credentials.
#[derive(Clone, Copy)]
pub(super) struct Presented<'r> {
    /// The alternatives of the operation.
    security: &'static [SecurityRequirement],
    parts: &'r Parts,
    /// The value of `Authorization`; empty if the header is missing or not ASCII.
    authorization: &'r str,
    /// The text after `Bearer` or `Basic`, if the value of `Authorization` begins with that.
    bearer: Option<&'r str>,
    basic: Option<&'r str>,
}

impl<'r> Presented<'r> {
    /// `None` if the request has more than one `Authorization` header (RFC 9110, section 11.6.2, allows one).
    pub(super) fn new(security: &'static [SecurityRequirement], parts: &'r Parts) -> Option<Self> {
        let mut values = parts.headers.get_all(AUTHORIZATION).iter();
        let authorization = values.next().and_then(message::text).unwrap_or_default();
        let (bearer, basic) = (after(authorization, "bearer"), after(authorization, "basic"));
        values.next().is_none().then_some(Self { security, parts, authorization, bearer, basic })
    }

    /// The credentials for every scheme of a requirement. `None` if one of them is missing or malformed.
    pub(super) fn credentials(&self, requirement: &SecurityRequirement) -> Option<Credentials<'r>> {
        let read = |scheme| self.credential(scheme, requirement);
        match requirement.schemes {
            [scheme] => Some(Credentials::One([read(scheme)?])),
            schemes => schemes.iter().map(read).collect::<Option<_>>().map(Credentials::Several),
        }
    }

    /// Whether the request carries no credential: neither an `Authorization` header nor anything under a scheme of the
    /// operation.
    pub(super) fn is_anonymous(&self) -> bool {
        let is_absent = |scheme: &SecurityScheme| match scheme.kind {
            SecurityKind::Bearer | SecurityKind::Basic => true,
            SecurityKind::ApiKey { location, name } => api_key(location, name, self.parts) == Ok(None),
            SecurityKind::MutualTls => self.certificate().is_none(),
        };
        let mut schemes = self.security.iter().flat_map(|requirement| requirement.schemes);
        !self.parts.headers.contains_key(AUTHORIZATION) && schemes.all(is_absent)
    }

    /// The credential under one scheme of a requirement.
    fn credential(&self, scheme: &SecurityScheme, requirement: &SecurityRequirement) -> Option<Credential<'r>> {
        match scheme.kind {
            SecurityKind::Bearer => {
                self.bearer.filter(|token| !token.is_empty()).map(Cow::Borrowed).map(Credential::Bearer)
            }
            SecurityKind::Basic => basic(self.basic?),
            SecurityKind::ApiKey { .. } if scheme.kind.is_key_in_authorization() => {
                self.key_in_authorization(requirement).map(Cow::Borrowed).map(Credential::ApiKey)
            }
            SecurityKind::ApiKey { location, name } => {
                api_key(location, name, self.parts).ok().flatten().map(Credential::ApiKey)
            }
            SecurityKind::MutualTls => self.certificate().map(Credential::Certificate),
        }
    }

    /// An API key in `Authorization` takes every value, except those of `Bearer` and `Basic` if the operation lists these
    /// only in other alternatives.
    fn key_in_authorization(&self, requirement: &SecurityRequirement) -> Option<&'r str> {
        let kind = match (self.bearer, self.basic) {
            (Some(_), _) => SecurityKind::Bearer,
            (_, Some(_)) => SecurityKind::Basic,
            (None, None) => return Some(self.authorization).filter(|value| !value.is_empty()),
        };
        let lists = |requirement: &SecurityRequirement| requirement.schemes.iter().any(|scheme| scheme.kind == kind);
        (lists(requirement) || !self.security.iter().any(lists)).then_some(self.authorization)
    }

    fn certificate(&self) -> Option<&'r PeerCertificate> {
        self.parts.extensions.get()
    }
}

/// The credentials for a requirement, in the order of its schemes. One, the usual number, takes no allocation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Credentials<'r> {
    One([Credential<'r>; 1]),
    Several(Vec<Credential<'r>>),
}

impl<'r> Deref for Credentials<'r> {
    type Target = [Credential<'r>];

    fn deref(&self) -> &[Credential<'r>] {
        match self {
            Self::One(one) => one,
            Self::Several(several) => several,
        }
    }
}

/// The text after the name of a scheme, if the value of `Authorization` begins with the name.
fn after<'r>(value: &'r str, scheme: &str) -> Option<&'r str> {
    let (name, rest) = value.split_at_checked(scheme.len())?;
    let is_whole = rest.is_empty() || rest.starts_with(' ');
    (is_whole && name.eq_ignore_ascii_case(scheme)).then(|| rest.trim_start_matches(' '))
}

fn basic(encoded: &str) -> Option<Credential<'static>> {
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    Some(Credential::Basic { username: Cow::Owned(username.to_owned()), password: Cow::Owned(password.to_owned()) })
}

/// An API key that is there, but given twice, not ASCII or not percent-encoded UTF-8.
#[derive(Debug, PartialEq, Eq)]
struct Malformed;

/// `Ok(None)` if the request carries no key.
fn api_key<'r>(location: Location, name: &'static str, parts: &'r Parts) -> Result<Option<Cow<'r, str>>, Malformed> {
    let key = match location {
        Location::Header => message::header(parts, name).map(|key| key.map(Cow::Borrowed)),
        Location::Query => Query::of(parts).single(name),
        Location::Cookie => message::raw_cookie(parts, name).map(|key| key.map(Cow::Borrowed)),
        // OpenAPI has no key in a path.
        Location::Path => return Err(Malformed),
    };
    key.map_err(|_| Malformed)
}

#[cfg(test)]
mod tests;
