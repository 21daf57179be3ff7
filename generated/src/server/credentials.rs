//! The credential that a request carries.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use super::parameters::Query;
use super::response::Rejection;
use crate::Location;
use crate::security::{Credential, SecurityKind, SecurityScheme};

/// The one credential that a request carries under one of an operation's schemes, or `None` where the operation
/// demands none.
///
/// A request is refused that carries none, several, one of a scheme that the operation does not list, or a malformed
/// one (RFC 6750, section 2: a client uses one method for each request).
pub(super) fn find<'r>(
    security: &'static [SecurityScheme],
    parts: &'r Parts,
) -> Result<Option<Credential<'r>>, Rejection> {
    if security.is_empty() {
        return Ok(None);
    }
    only(security, parts).map(Some).ok_or(Rejection::Unauthenticated(security))
}

fn only<'r>(security: &'static [SecurityScheme], parts: &'r Parts) -> Option<Credential<'r>> {
    let mut found = match header(&parts.headers, AUTHORIZATION.as_str())? {
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
    found
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
        Location::Header => Some(header(&parts.headers, name)?.map(Cow::Borrowed)),
        Location::Query => Query::of(parts).only(name).ok(),
        Location::Cookie => {
            let mut found = None;
            // HTTP/2 may carry each cookie in a header of its own (RFC 9113, section 8.2.3).
            for cookies in parts.headers.get_all(COOKIE) {
                let pairs = cookies.to_str().ok()?.split("; ").filter_map(|pair| pair.split_once('='));
                for (_, value) in pairs.filter(|(key, _)| *key == name) {
                    if found.replace(Cow::Borrowed(value)).is_some() {
                        return None;
                    }
                }
            }
            Some(found)
        }
        Location::Path => None,
    }
}

/// The value of a header that is there at most once: `None` where it is there twice or is not visible ASCII.
fn header<'r>(headers: &'r HeaderMap, name: &'static str) -> Option<Option<&'r str>> {
    let mut values = headers.get_all(name.parse::<HeaderName>().ok()?).iter();
    let Some(value) = values.next() else { return Some(None) };
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok().map(Some)
}

#[cfg(test)]
mod tests;
