//! Responses: those that the document declares, and those to requests that reach no implementation.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use http_body::Body as _;
use serde::Serialize;
use swagger::ApiError;

use super::Body;
use super::route::Route;
use crate::is_unavailable;
use crate::security::{AuthenticationError, SecurityKind, SecurityScheme};

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
        .map_err(|error| Rejection::failed(route.operation().id, ApiError(error.to_string())))?;
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
        challenge(&mut response, security, if security.is_empty() { "" } else { "insufficient_scope" });
    }
    response
}

/// The response to the same request with HEAD (RFC 9110, section 9.3.2). hyper leaves the body away over HTTP/1.1, and
/// sends it over HTTP/2.
pub(super) fn without_body(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        parts.headers.insert(CONTENT_LENGTH, length.into());
    }
    Response::from_parts(parts, super::full(Bytes::new()))
}

/// A request that is answered without a declared response of its operation.
#[derive(Debug)]
pub(super) enum Rejection {
    UnknownPath,
    MethodNotAllowed { allow: String },
    Unauthenticated(&'static [SecurityScheme]),
    Parameter { name: &'static str, problem: Cow<'static, str> },
    Unavailable,
    Internal,
}

impl Rejection {
    pub(super) fn parameter(name: &'static str, problem: &'static str) -> Self {
        Rejection::Parameter { name, problem: Cow::Borrowed(problem) }
    }

    pub(super) fn unauthenticated(error: AuthenticationError, security: &'static [SecurityScheme]) -> Self {
        match error {
            AuthenticationError::Refused => Rejection::Unauthenticated(security),
            AuthenticationError::Unavailable => Rejection::Unavailable,
        }
    }

    /// What failed goes to the log; the client is told only whether a retry makes sense.
    pub(super) fn failed(operation: &'static str, error: ApiError) -> Self {
        let ApiError(reason) = &error;
        if is_unavailable(&error) {
            tracing::warn!(operation, reason, "the implementation is unavailable");
            Rejection::Unavailable
        } else {
            tracing::error!(operation, reason, "the implementation failed");
            Rejection::Internal
        }
    }

    pub(super) fn into_response(self) -> Response<Body> {
        match self {
            Rejection::UnknownPath => message(StatusCode::NOT_FOUND, "there is nothing at this path"),
            Rejection::MethodNotAllowed { allow } => {
                let mut response = message(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "this path does not have this method; see the header Allow",
                );
                let allow = HeaderValue::try_from(allow).expect("the document's methods are tokens");
                response.headers_mut().insert(ALLOW, allow);
                response
            }
            Rejection::Unauthenticated(security) => {
                let mut response = message(
                    StatusCode::UNAUTHORIZED,
                    "a valid credential is required; see the header WWW-Authenticate",
                );
                challenge(&mut response, security, "");
                response
            }
            Rejection::Parameter { name, problem } => {
                message(StatusCode::BAD_REQUEST, &format!("the parameter `{name}` {problem}"))
            }
            Rejection::Unavailable => {
                let mut response = message(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "this could not be done now, or it is not known whether it was; it is safe to try again",
                );
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                response
            }
            Rejection::Internal => message(StatusCode::INTERNAL_SERVER_ERROR, "an internal error"),
        }
    }
}

/// The document's `ErrorMessage`.
fn message(status: StatusCode, error: &str) -> Response<Body> {
    #[derive(Serialize)]
    struct ErrorMessage<'m> {
        error: &'m str,
    }
    let body = serde_json::to_vec(&ErrorMessage { error }).expect("a string is serializable");
    let mut response = Response::new(super::full(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Names the schemes that the operation accepts (RFC 9110, section 11.6.1). API keys have no challenge; where there is
/// nothing else, `Bearer` stands for them, because a 401 must carry one.
fn challenge(response: &mut Response<Body>, security: &[SecurityScheme], error: &str) {
    let lists = |kind| security.iter().any(|scheme| scheme.kind == kind);
    let error = if error.is_empty() { String::new() } else { format!(", error=\"{error}\"") };
    let mut append = |name: &str| {
        let value = HeaderValue::try_from(format!("{name} realm=\"influxdb3\"{error}")).expect("visible ASCII");
        response.headers_mut().append(WWW_AUTHENTICATE, value);
    };
    if lists(SecurityKind::Bearer) || !lists(SecurityKind::Basic) {
        append("Bearer");
    }
    if lists(SecurityKind::Basic) {
        append("Basic");
    }
}

#[cfg(test)]
mod tests;
