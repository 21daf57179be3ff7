//! Responses: those that the document declares, and those to requests that are refused.

use std::mem;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use http_body::Body as _;
use serde::Serialize;

use super::Body;
use super::rejection::{Message, Rejection};
use super::route::Route;
use crate::security::{SecurityKind, SecurityScheme};

/// A declared response without a body.
pub(super) fn empty(status: u16, route: Route) -> Response<Body> {
    declared(status, route, super::full(Bytes::new()))
}

/// A declared response with a JSON body.
pub(super) fn json<V: Serialize>(
    status: u16,
    content_type: &'static str,
    value: &V,
    route: Route,
) -> Result<Response<Body>, Rejection> {
    let body = serde_json::to_vec(value)
        .map_err(|error| Rejection::failed(route.operation().id, crate::ApiError(error.to_string())))?;
    let mut response = declared(status, route, super::full(body.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(response)
}

/// An implementation is called only after the credentials were accepted. When it answers 401 all the same, what they
/// permit is not enough (RFC 6750, section 3.1).
fn declared(status: u16, route: Route, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("the document's status codes have three digits");
    if response.status() == StatusCode::UNAUTHORIZED {
        let security = route.operation().security;
        challenge(&mut response, security, if security.is_empty() { Challenges::PLAIN } else { Challenges::SCOPE });
    }
    response
}

/// Makes it the response to the same request with HEAD (RFC 9110, section 9.3.2). hyper leaves the body away over
/// HTTP/1.1, and sends it over HTTP/2.
pub(super) fn remove_body(response: &mut Response<Body>) {
    let body = mem::replace(response.body_mut(), super::full(Bytes::new()));
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
}

/// The response to a request that is refused: the document's `ErrorMessage`, and the headers that belong to the status.
pub(super) fn rejected(rejection: &Rejection) -> Response<Body> {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    let mut response = Response::new(super::full(error_message(rejection)));
    *response.status_mut() = rejection.status();
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    match rejection {
        Rejection::MethodNotAllowed { allow } => {
            // Methods are tokens, but whoever makes a rejection may give it another text.
            if let Ok(allow) = HeaderValue::try_from(allow.as_str()) {
                response.headers_mut().insert(ALLOW, allow);
            }
        }
        Rejection::Unauthenticated(schemes) => challenge(&mut response, schemes, Challenges::PLAIN),
        Rejection::InsufficientScope { schemes, .. } => challenge(&mut response, schemes, Challenges::SCOPE),
        Rejection::Unavailable => {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}

fn error_message(rejection: &Rejection) -> Bytes {
    #[derive(Serialize)]
    struct ErrorMessage {
        error: String,
    }
    match rejection.message() {
        Message::Fixed { json, .. } => Bytes::from_static(json.as_bytes()),
        Message::Varying(error) => {
            serde_json::to_vec(&ErrorMessage { error }).expect("a string is serializable").into()
        }
    }
}

/// The challenge for each kind of scheme that has one.
struct Challenges {
    bearer: HeaderValue,
    basic: HeaderValue,
}

impl Challenges {
    const PLAIN: Self = Self {
        bearer: HeaderValue::from_static("Bearer realm=\"influxdb3\""),
        basic: HeaderValue::from_static("Basic realm=\"influxdb3\""),
    };

    /// Of a credential that was accepted, but does not permit enough (RFC 6750, section 3.1).
    const SCOPE: Self = Self {
        bearer: HeaderValue::from_static("Bearer realm=\"influxdb3\", error=\"insufficient_scope\""),
        basic: HeaderValue::from_static("Basic realm=\"influxdb3\", error=\"insufficient_scope\""),
    };
}

/// Names the schemes that are accepted (RFC 9110, section 11.6.1). API keys have no challenge; where there is nothing
/// else, `Bearer` stands for them, because a 401 must carry one.
fn challenge(response: &mut Response<Body>, schemes: &[SecurityScheme], Challenges { bearer, basic }: Challenges) {
    let lists = |kind| schemes.iter().any(|scheme| scheme.kind == kind);
    let mut append = |value| response.headers_mut().append(WWW_AUTHENTICATE, value);
    if lists(SecurityKind::Bearer) || !lists(SecurityKind::Basic) {
        append(bearer);
    }
    if lists(SecurityKind::Basic) {
        append(basic);
    }
}

#[cfg(test)]
mod tests;
