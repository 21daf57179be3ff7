//! The credential that a request carries.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::parameters::{self, Query};
use super::rejection::Rejection;
use crate::Location;
use crate::security::{Credential, SecurityKind, SecurityScheme};

/// The one credential that a request carries under one of an operation's schemes, or `None` where the operation
/// demands none.
///
/// A request is refused that carries none, several, one of a scheme that the operation does not list, or a malformed
/// one (RFC 6750, section 2: a client uses one method for each request).
///
/// Where a credential is optional, `None` stands for a request that carries none.
pub(super) fn find<'r>(
    security: &'static [SecurityScheme],
    optional: bool,
    parts: &'r Parts,
) -> Result<Option<Credential<'r>>, Rejection> {
    if security.is_empty() {
        return Ok(None);
    }
    match at_most_one(security, parts) {
        Some(None) if optional => Ok(None),
        Some(Some(credential)) => Ok(Some(credential)),
        _ => Err(Rejection::Unauthenticated(security)),
    }
}

/// The credential of a request, `Some(None)` where it carries none.
fn at_most_one<'r>(security: &'static [SecurityScheme], parts: &'r Parts) -> Option<Option<Credential<'r>>> {
    let mut found = match parameters::once(parts.headers.get_all(AUTHORIZATION)).ok()? {
        Some(value) => Some(authorization(security, value)?),
        None => None,
    };
    for scheme in security.iter().filter(|scheme| !is_key_in_authorization(scheme)) {
        let SecurityKind::ApiKey { location, name } = scheme.kind else { continue };
        if let Some(value) = api_key(location, name, parts)? {
            if found.is_some() {
                return None;
            }
            found = Some(Credential::ApiKey { scheme, value });
        }
    }
    Some(found)
}

/// Reads an `Authorization` header under the schemes that use it. An API key of that name takes what is neither
/// `Bearer` nor `Basic`, or one of them that the operation does not list.
fn authorization<'r>(security: &'static [SecurityScheme], value: &'r str) -> Option<Credential<'r>> {
    let (name, rest) = value.split_once(' ').unwrap_or((value, ""));
    let rest = rest.trim_start_matches(' ');
    let scheme = security.iter().find(|scheme| match scheme.kind {
        SecurityKind::Bearer => name.eq_ignore_ascii_case("bearer"),
        SecurityKind::Basic => name.eq_ignore_ascii_case("basic"),
        SecurityKind::ApiKey { .. } => false,
    });
    match scheme.map(|scheme| scheme.kind) {
        Some(SecurityKind::Bearer) => (!rest.is_empty()).then_some(Credential::Bearer(Cow::Borrowed(rest))),
        Some(SecurityKind::Basic) => basic(rest),
        _ => {
            let scheme = security.iter().find(|scheme| is_key_in_authorization(scheme))?;
            Some(Credential::ApiKey { scheme, value: Cow::Borrowed(value) })
        }
    }
}

fn basic(encoded: &str) -> Option<Credential<'static>> {
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    Some(Credential::Basic { username: Cow::Owned(username.to_owned()), password: Cow::Owned(password.to_owned()) })
}

/// Whether a scheme is an API key whose header is `Authorization`.
fn is_key_in_authorization(scheme: &SecurityScheme) -> bool {
    match scheme.kind {
        SecurityKind::Bearer | SecurityKind::Basic => false,
        SecurityKind::ApiKey { location, name } => {
            location == Location::Header && name.eq_ignore_ascii_case(AUTHORIZATION.as_str())
        }
    }
}

/// `Some(None)` where there is no key, `None` where it is malformed or given twice.
fn api_key<'r>(location: Location, name: &'static str, parts: &'r Parts) -> Option<Option<Cow<'r, str>>> {
    match location {
        Location::Header => Some(parameters::header(parts, name).ok()?.map(Cow::Borrowed)),
        Location::Query => Query::of(parts).only(name).ok(),
        Location::Cookie => Some(parameters::raw_cookie(parts, name).ok()?.map(Cow::Borrowed)),
        Location::Path => None,
    }
}

#[cfg(test)]
mod tests;
