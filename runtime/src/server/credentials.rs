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
    authorization: Authorization<'r>,
}

/// The only `Authorization` header of a request.
#[derive(Clone, Copy)]
enum Authorization<'r> {
    Absent,
    NotAscii,
    Given {
        whole: &'r str,
        /// The name of the scheme.
        name: &'r str,
        /// The text after the name.
        rest: &'r str,
    },
}

/// A credential that is there, but not as its scheme wants it.
#[derive(Debug, PartialEq, Eq)]
struct Malformed;

impl<'r> Presented<'r> {
    /// `None` if the request has more than one `Authorization` header (RFC 9110, section 11.6.2, allows one).
    pub(super) fn new(security: &'static [SecurityRequirement], parts: &'r Parts) -> Option<Self> {
        let mut values = parts.headers.get_all(AUTHORIZATION).iter();
        let value = values.next();
        if values.next().is_some() {
            return None;
        }
        let authorization = match value.map(message::text) {
            None => Authorization::Absent,
            Some(None) => Authorization::NotAscii,
            Some(Some(whole)) => {
                let (name, rest) = whole.split_once(' ').unwrap_or((whole, ""));
                Authorization::Given { whole, name, rest: rest.trim_start_matches(' ') }
            }
        };
        Some(Self { security, parts, authorization })
    }

    /// The credentials for every scheme of a requirement. `None` if one of them is missing or malformed.
    pub(super) fn credentials(&self, requirement: &'static SecurityRequirement) -> Option<Credentials<'r>> {
        let read = |scheme| self.under(scheme, requirement).ok().flatten();
        match requirement.schemes {
            [scheme] => Some(Credentials::One([read(scheme)?])),
            schemes => schemes.iter().map(read).collect::<Option<_>>().map(Credentials::Several),
        }
    }

    /// Whether the request carries no credential: neither an `Authorization` header nor anything under a scheme of the
    /// operation.
    pub(super) fn is_anonymous(&self) -> bool {
        let absent = |requirement: &'static SecurityRequirement| {
            requirement.schemes.iter().all(|scheme| self.under(scheme, requirement) == Ok(None))
        };
        matches!(self.authorization, Authorization::Absent) && self.security.iter().all(absent)
    }

    /// The credential under one scheme of a requirement. `Ok(None)` if the request carries none.
    fn under(
        &self,
        scheme: &SecurityScheme,
        requirement: &SecurityRequirement,
    ) -> Result<Option<Credential<'r>>, Malformed> {
        match scheme.kind {
            SecurityKind::Bearer => match self.after("bearer")? {
                Some("") => Err(Malformed),
                token => Ok(token.map(|token| Credential::Bearer(Cow::Borrowed(token)))),
            },
            SecurityKind::Basic => self.after("basic")?.map(|encoded| basic(encoded).ok_or(Malformed)).transpose(),
            SecurityKind::ApiKey { .. } if scheme.kind.is_key_in_authorization() => {
                self.key_in_authorization(requirement).map(|key| key.map(Cow::Borrowed).map(Credential::ApiKey))
            }
            SecurityKind::ApiKey { location, name } => {
                api_key(location, name, self.parts).map(|key| key.map(Credential::ApiKey))
            }
            SecurityKind::MutualTls => Ok(self.parts.extensions.get::<PeerCertificate>().map(Credential::Certificate)),
        }
    }

    /// The text after the name of a scheme in `Authorization`, if the header has this scheme.
    fn after(&self, scheme: &str) -> Result<Option<&'r str>, Malformed> {
        match self.authorization {
            Authorization::Absent => Ok(None),
            Authorization::NotAscii => Err(Malformed),
            Authorization::Given { name, rest, .. } => Ok(name.eq_ignore_ascii_case(scheme).then_some(rest)),
        }
    }

    /// An API key in `Authorization` takes every value, except those of `Bearer` and `Basic` if the operation lists these
    /// only in other alternatives.
    fn key_in_authorization(&self, requirement: &SecurityRequirement) -> Result<Option<&'r str>, Malformed> {
        let Authorization::Given { whole, name, .. } = self.authorization else {
            return self.after("");
        };
        let lists = |requirement: &SecurityRequirement, kind| requirement.schemes.iter().any(|of| of.kind == kind);
        let belongs_to_another =
            |kind| !lists(requirement, kind) && self.security.iter().any(|alternative| lists(alternative, kind));
        let is_left = (name.eq_ignore_ascii_case("bearer") && belongs_to_another(SecurityKind::Bearer))
            || (name.eq_ignore_ascii_case("basic") && belongs_to_another(SecurityKind::Basic));
        Ok((!is_left).then_some(whole))
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

fn basic(encoded: &str) -> Option<Credential<'static>> {
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    Some(Credential::Basic { username: Cow::Owned(username.to_owned()), password: Cow::Owned(password.to_owned()) })
}

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
