//! The credential that a request carries.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::message;
use super::query::Query;
use super::rejection::Rejection;
use crate::Location;
use crate::security::{Credential, SecurityKind, SecurityScheme};

/// The credential that a request carries under one of an operation's schemes. `None` for a public operation, and for an
/// operation whose credential is optional if the request carries none.
///
/// Rejects a request without a credential, with several, with a malformed one, or with one under a scheme that the
/// operation does not list (RFC 6750, section 2: a client uses one method for each request).
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

/// The credential of a request, or `Some(None)` if it carries none. `None` if it carries several or a malformed one.
fn at_most_one<'r>(security: &'static [SecurityScheme], parts: &'r Parts) -> Option<Option<Credential<'r>>> {
    let mut found = match message::single(parts.headers.get_all(AUTHORIZATION)).ok()? {
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

/// Reads an `Authorization` header under the schemes that use it. An API key in that header takes every value except
/// those of `Bearer` and `Basic`, if the operation lists these.
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

/// `Some(None)` if the request carries no key, `None` if the key is malformed or given twice.
fn api_key<'r>(location: Location, name: &'static str, parts: &'r Parts) -> Option<Option<Cow<'r, str>>> {
    match location {
        Location::Header => Some(message::header(parts, name).ok()?.map(Cow::Borrowed)),
        Location::Query => Query::of(parts).single(name).ok(),
        Location::Cookie => Some(message::raw_cookie(parts, name).ok()?.map(Cow::Borrowed)),
        Location::Path => None,
    }
}

#[cfg(test)]
mod tests;
