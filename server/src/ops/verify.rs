//! `/verify`: tells a proxy whether a request may pass (forward authentication).
//!
//! The proxy sends the headers of the request. The credential is read from `Authorization` as [`RequireToken`] reads it
//! everywhere. Required permissions come from the proxy's configuration: the query of `/verify`, or a header if the proxy
//! puts the path and the query of the request behind `/verify`, as Envoy does.

use std::borrow::Cow;
use std::fmt::Write;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use influxdb3_token_api::SECURITY_SCHEMES;
use influxdb3_token_api::security::{SecurityKind, SecurityRequirement};
use influxdb3_token_api::server::{Rejection, query_parameters};
use influxdb3_tokens::{Permission, Permissions, Principal, TokenApi};

use super::Ops;
use super::requests::{self, Requests};

const PATH: &str = "/verify";
const PARAMETER: &str = "permission";
const X_REQUIRED_PERMISSION: &str = "x-required-permission";
const X_TOKEN_ID: HeaderName = HeaderName::from_static("x-token-id");
const X_TOKEN_PERMISSIONS: HeaderName = HeaderName::from_static("x-token-permissions");

/// The longest value of `X-Token-Permissions`, in bytes; a longer one is left empty. Proxies limit the head of a response,
/// and would answer 500.
const LONGEST: usize = 2048;

/// The schemes whose credential is in `Authorization`. A query belongs to the proxy's configuration, or to a backend.
static SCHEMES: LazyLock<Vec<SecurityRequirement>> = LazyLock::new(|| {
    let in_header = |requirement: &SecurityRequirement| {
        requirement.schemes.iter().all(|scheme| match scheme.kind {
            SecurityKind::Bearer | SecurityKind::Basic => true,
            kind => kind.is_key_in_authorization(),
        })
    };
    let each = SecurityRequirement::each::<{ SECURITY_SCHEMES.len() }>(SECURITY_SCHEMES);
    each.into_iter().filter(in_header).collect()
});

pub(super) fn routes(api: &TokenApi, requests: &Arc<Requests>) -> Router<Ops> {
    let require = requests::counted(api.require_token().security(&SCHEMES), requests, accept);
    let paths = [PATH.to_owned(), format!("{PATH}/"), format!("{PATH}/{{*path}}")];
    paths.iter().fold(Router::new(), |router, path| router.route(path, any(pass))).route_layer(require)
}

/// Whether this is a path of [`routes`]. A proxy may send the `Host` of the request that it asks about.
pub(super) fn is_path(path: &str) -> bool {
    path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A permission that a request must have.
enum Required {
    Admin,
    Permission(Permission),
}

impl FromStr for Required {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == Permissions::ADMIN.to_string() {
            return Ok(Self::Admin);
        }
        text.parse().map(Self::Permission).map_err(|_| ())
    }
}

/// Admits a token that has every required permission.
fn accept(parts: &Parts, principal: &Principal) -> Result<(), Rejection> {
    let of_query = if parts.uri.path() == PATH { permissions_of_query(parts)? } else { Vec::new() };
    let header = |value: &HeaderValue| value.to_str().map(|text| Cow::Owned(text.to_owned()));
    let of_headers = parts.headers.get_all(X_REQUIRED_PERMISSION).iter().map(header);
    let of_headers = of_headers.collect::<Result<Vec<_>, _>>().map_err(|_| malformed(X_REQUIRED_PERMISSION))?;
    for (name, text) in
        of_query.iter().map(|text| (PARAMETER, text)).chain(of_headers.iter().map(|text| (X_REQUIRED_PERMISSION, text)))
    {
        let has = match text.parse().map_err(|()| malformed(name))? {
            Required::Admin => principal.is_admin(),
            Required::Permission(permission) => principal.permissions().covers(&permission),
        };
        if !has {
            // RFC 6750, section 3.1. Every proxy hands 403 on, and a client need not ask for another credential.
            let message = Cow::Borrowed("the token does not have the required permission");
            return Err(Rejection::InsufficientScope { security: &SCHEMES, forbidden: true, message });
        }
    }
    Ok(())
}

/// The permissions that the proxy's configuration requires. Another parameter is a slip there, such as `permissions`, and
/// must not let every token pass.
fn permissions_of_query(parts: &Parts) -> Result<Vec<Cow<'_, str>>, Rejection> {
    let permissions = query_parameters(parts, PARAMETER)?;
    let given = parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    if given.count() != permissions.len() {
        return Err(Rejection::Parameter { name: PARAMETER, problem: "is the only one here".into() });
    }
    Ok(permissions)
}

fn malformed(name: &'static str) -> Rejection {
    let problem = "is not a permission; write `db:NAMES:read,write`, `system:NAMES:read` or `*:*:*`".into();
    Rejection::Parameter { name, problem }
}

/// The request may pass: 200, because Envoy takes no other status for that. The headers are for the backend; both are there always, because some proxies let the client's
/// own through otherwise.
async fn pass(Extension(principal): Extension<Principal>) -> Response {
    let permissions = header_text(&principal.permissions().to_string());
    let permissions = HeaderValue::try_from(permissions).ok().filter(|value| value.len() <= LONGEST);
    let id = HeaderValue::from(principal.id().as_u64());
    let headers = [(X_TOKEN_ID, id), (X_TOKEN_PERMISSIONS, permissions.unwrap_or(HeaderValue::from_static("")))];
    headers.into_response()
}

/// The text with every byte percent-encoded that is not visible ASCII, a space between permissions, or is `%` itself.
fn header_text(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' | 0..b' ' | 0x7f.. => write!(encoded, "%{byte:02X}").expect("a String takes any text"),
            _ => encoded.push(char::from(byte)),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_ascii_in_a_header() {
        assert_eq!(header_text("db:a,b:read db:c:write"), "db:a,b:read db:c:write");
        assert_eq!(header_text("db:é%:read"), "db:%C3%A9%25:read");
        assert_eq!(header_text("db:a\r\n\u{7f}:read"), "db:a%0D%0A%7F:read");
    }

    #[test]
    fn the_credential_is_read_from_authorization_alone() {
        let names: Vec<_> = SCHEMES.iter().map(|requirement| requirement.schemes[0].name).collect();
        assert_eq!(names, ["BasicAuthentication", "BearerAuthentication", "TokenAuthentication"]);
    }

    #[test]
    fn a_proxy_may_put_the_path_of_the_request_behind_that_of_verify() {
        for (path, is_verify) in
            [(PATH, true), ("/verify/", true), ("/verify/a/b", true), ("/verifyx", false), ("/", false)]
        {
            assert_eq!(is_path(path), is_verify, "{path}");
        }
    }
}
