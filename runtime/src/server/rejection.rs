//! Requests that are answered without a declared response of their operation.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::realm::Realm;
use crate::security::{AuthenticationError, AuthenticationOutcome, SecurityRequirement};
use crate::{Body, Operation};

/// Why a request is rejected. Its text is the message that the client receives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Rejection {
    /// The head of the request is malformed or too long, so that the connection cannot go on.
    Head {
        /// The status: 400, 414, 431 or 505.
        status: StatusCode,
        /// The message for the client.
        message: &'static str,
    },
    /// 400: the header `Host` is not as RFC 9112, section 3.2, and RFC 9113, section 8.3.1, require it.
    Host {
        /// The message after the name of the header: "is missing".
        problem: &'static str,
    },
    /// 404: the document has no such path.
    UnknownPath,
    /// 405: the path does not have this method.
    MethodNotAllowed {
        /// The methods that it has, as the header `Allow` lists them.
        allow: String,
    },
    /// 401: the request satisfies none of the alternatives.
    Unauthenticated {
        /// The alternatives under which credentials are accepted.
        security: &'static [SecurityRequirement],
        /// Why the request's credentials are not. The client does not learn it.
        reason: AuthenticationError,
    },
    /// 401 or 403 with `error="insufficient_scope"` (RFC 6750, section 3.1): the credential is valid, but does not permit
    /// this.
    InsufficientScope {
        /// The alternatives under which credentials are accepted.
        security: &'static [SecurityRequirement],
        /// Whether the status is 403. An operation that does not declare 403 is answered with 401.
        forbidden: bool,
        /// The message for the client.
        message: Cow<'static, str>,
    },
    /// 400: a parameter is missing or malformed.
    Parameter {
        /// The parameter's name in the request.
        name: &'static str,
        /// The message after the name: "is missing".
        problem: Cow<'static, str>,
    },
    /// 400: the body is missing or malformed.
    Body {
        /// The message after the words "the body": "is missing".
        problem: Cow<'static, str>,
    },
    /// 415: the operation does not declare the media type of the body.
    UnsupportedMediaType {
        /// The media types that it declares, separated by commas.
        declared: String,
    },
    /// 415: the body is compressed.
    UnsupportedEncoding,
    /// 415: the body is a text in another charset than UTF-8 and Latin 1.
    UnsupportedCharset,
    /// 413: the body is too long.
    BodyTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// 501: the implementation lacks the operation.
    NotImplemented,
    /// 503: the implementation or the authenticator is unavailable. The log has the reason.
    Unavailable,
    /// 500: the implementation failed or panicked. The log has the reason.
    Internal,
}

impl Rejection {
    /// The status code of the response.
    pub fn status(&self) -> StatusCode {
        match self {
            Rejection::Head { status, .. } => *status,
            Rejection::Host { .. } => StatusCode::BAD_REQUEST,
            Rejection::UnknownPath => StatusCode::NOT_FOUND,
            Rejection::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Rejection::InsufficientScope { forbidden: true, .. } => StatusCode::FORBIDDEN,
            Rejection::Unauthenticated { .. } | Rejection::InsufficientScope { .. } => StatusCode::UNAUTHORIZED,
            Rejection::Parameter { .. } | Rejection::Body { .. } => StatusCode::BAD_REQUEST,
            Rejection::UnsupportedMediaType { .. } | Rejection::UnsupportedEncoding | Rejection::UnsupportedCharset => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Rejection::BodyTooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Rejection::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Rejection::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Rejection::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// How the credentials of the request fared, as far as the rejection says it: most can come before the credentials are
    /// looked at.
    pub fn authentication(&self) -> AuthenticationOutcome {
        match self {
            Rejection::Unauthenticated { reason, .. } => AuthenticationOutcome::Rejected(*reason),
            Rejection::InsufficientScope { .. } => {
                AuthenticationOutcome::Rejected(AuthenticationError::InsufficientScope)
            }
            _ => AuthenticationOutcome::Unchecked,
        }
    }

    pub(super) fn parameter(name: &'static str, problem: impl Into<Cow<'static, str>>) -> Self {
        Rejection::Parameter { name, problem: problem.into() }
    }

    pub(super) fn body(problem: impl Into<Cow<'static, str>>) -> Self {
        Rejection::Body { problem: problem.into() }
    }

    /// The credential of a request does not have the scopes that the operation lists.
    pub(super) fn insufficient_scope(security: &'static [SecurityRequirement], operation: Option<&Operation>) -> Self {
        let forbidden = operation.is_some_and(|operation| operation.declares(StatusCode::FORBIDDEN.as_u16()));
        let message = Cow::Borrowed("the credential does not have the required scopes");
        Rejection::InsufficientScope { security, forbidden, message }
    }

    /// The response: an object with the message as `error`, and the headers that belong to the status.
    pub(super) fn response(&self, realm: &Realm) -> Response<Body> {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        let mut response = Response::new(Body::from(self.message().into_json()));
        *response.status_mut() = self.status();
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        match self {
            Rejection::MethodNotAllowed { allow } => {
                // Methods are tokens, but the variant is public and may hold any text.
                if let Ok(allow) = HeaderValue::try_from(allow.as_str()) {
                    response.headers_mut().insert(ALLOW, allow);
                }
            }
            Rejection::Unauthenticated { security, .. } => realm.missing.append_to(&mut response, security),
            Rejection::InsufficientScope { security, .. } => realm.insufficient.append_to(&mut response, security),
            Rejection::Unavailable => {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }

    fn message(&self) -> Message {
        match self {
            Rejection::Head { message, .. } => Message::Varying((*message).to_owned()),
            Rejection::Host { problem } => Message::Varying(format!("the header `Host` {problem}")),
            Rejection::UnknownPath => fixed!("there is no resource at this path"),
            Rejection::MethodNotAllowed { .. } => {
                fixed!("the method is not allowed for this path; the `Allow` header lists those that are")
            }
            Rejection::Unauthenticated { .. } => {
                fixed!("a valid credential is required")
            }
            Rejection::InsufficientScope { message, .. } => Message::Varying(message.to_string()),
            Rejection::Parameter { name, problem } => Message::Varying(format!("the parameter `{name}` {problem}")),
            Rejection::Body { problem } => Message::Varying(format!("the body {problem}")),
            Rejection::UnsupportedMediaType { declared } => {
                Message::Varying(format!("the media type of the body is not supported; supported: {declared}"))
            }
            Rejection::UnsupportedEncoding => fixed!("a compressed body is not supported"),
            Rejection::UnsupportedCharset => {
                fixed!("the charset of the body is not supported; supported: UTF-8, ISO-8859-1")
            }
            Rejection::BodyTooLong { limit } => Message::Varying(format!("the body is longer than {limit} bytes")),
            Rejection::NotImplemented => fixed!("the operation is not implemented"),
            Rejection::Unavailable => {
                fixed!("the service is unavailable, or it is unknown whether the change was made")
            }
            Rejection::Internal => fixed!("internal server error"),
        }
    }
}

/// The message for a client.
enum Message {
    /// Always the same, and also as JSON, so that it is not serialized for each response.
    Fixed { text: &'static str, json: &'static str },
    /// Different for each request.
    Varying(String),
}

/// A text without characters that JSON escapes.
macro_rules! fixed {
    ($text:literal) => {
        Message::Fixed { text: $text, json: concat!("{\"error\":\"", $text, "\"}") }
    };
}
use fixed;

impl Message {
    fn into_json(self) -> Bytes {
        #[derive(Serialize)]
        struct ErrorMessage {
            error: String,
        }
        match self {
            Message::Fixed { json, .. } => Bytes::from_static(json.as_bytes()),
            Message::Varying(error) => {
                serde_json::to_vec(&ErrorMessage { error }).expect("a string is serializable").into()
            }
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            Message::Fixed { text, .. } => formatter.write_str(text),
            Message::Varying(text) => formatter.write_str(&text),
        }
    }
}

impl Error for Rejection {}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use http::header::WWW_AUTHENTICATE;
    use http_body_util::BodyExt;

    use super::*;
    use crate::Status;
    use crate::security::{SecurityKind, SecurityScheme};

    static REALM: Realm = crate::server::realm!("test");
    const BEARER: &[SecurityRequirement] =
        &[SecurityRequirement::new(&[SecurityScheme::new("bearer", SecurityKind::Bearer)])];

    fn body(response: Response<Body>) -> serde_json::Value {
        let body = block_on(response.into_body().collect()).expect("the body is complete");
        serde_json::from_slice(&body.to_bytes()).expect("the body is JSON")
    }

    #[test]
    fn every_rejection_is_a_message_with_its_status() {
        for (rejection, status, error) in [
            (Rejection::Head { status: StatusCode::URI_TOO_LONG, message: "too \"long\"" }, 414, "too \"long\""),
            (Rejection::Host { problem: "is missing" }, 400, "the header `Host` is missing"),
            (Rejection::UnknownPath, 404, "there is no resource at this path"),
            (
                Rejection::MethodNotAllowed { allow: String::new() },
                405,
                "the method is not allowed for this path; the `Allow` header lists those that are",
            ),
            (
                Rejection::Unauthenticated { security: &[], reason: AuthenticationError::Unknown },
                401,
                "a valid credential is required",
            ),
            (insufficient_scope(false), 401, "\"no\""),
            (insufficient_scope(true), 403, "\"no\""),
            (Rejection::parameter("id", "is not \"it\""), 400, "the parameter `id` is not \"it\""),
            (Rejection::body("is missing"), 400, "the body is missing"),
            (
                Rejection::UnsupportedMediaType { declared: "a/b, c/d".to_owned() },
                415,
                "the media type of the body is not supported; supported: a/b, c/d",
            ),
            (Rejection::UnsupportedEncoding, 415, "a compressed body is not supported"),
            (
                Rejection::UnsupportedCharset,
                415,
                "the charset of the body is not supported; supported: UTF-8, ISO-8859-1",
            ),
            (Rejection::BodyTooLong { limit: 7 }, 413, "the body is longer than 7 bytes"),
            (Rejection::NotImplemented, 501, "the operation is not implemented"),
            (Rejection::Unavailable, 503, "the service is unavailable, or it is unknown whether the change was made"),
            (Rejection::Internal, 500, "internal server error"),
        ] {
            let response = rejection.response(&REALM);
            assert_eq!(response.status(), status);
            assert_eq!(rejection.to_string(), error);
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
            assert_eq!(response.headers().contains_key(RETRY_AFTER), status == 503);
            assert_eq!(body(response), serde_json::json!({ "error": error }));
        }
    }

    #[test]
    fn a_rejected_method_lists_those_that_are_allowed() {
        let response = Rejection::MethodNotAllowed { allow: "DELETE, POST".to_owned() }.response(&REALM);
        assert_eq!(response.headers()[ALLOW], "DELETE, POST");
    }

    fn insufficient_scope(forbidden: bool) -> Rejection {
        Rejection::InsufficientScope { security: BEARER, forbidden, message: "\"no\"".into() }
    }

    #[test]
    fn a_rejected_credential_gets_a_challenge() {
        let challenge = |rejection: Rejection| rejection.response(&REALM).headers().get(WWW_AUTHENTICATE).cloned();
        let with = |text: &str| Some(HeaderValue::try_from(text).expect("a header"));
        assert_eq!(
            challenge(Rejection::Unauthenticated { security: BEARER, reason: AuthenticationError::Missing }),
            with(r#"Bearer realm="test""#)
        );
        for forbidden in [false, true] {
            let expected = with(r#"Bearer realm="test", error="insufficient_scope""#);
            assert_eq!(challenge(insufficient_scope(forbidden)), expected);
        }
        assert_eq!(challenge(Rejection::Unavailable), None);
    }

    #[test]
    fn missing_scopes_are_answered_with_403_if_the_operation_declares_it() {
        static DECLARED: Operation =
            Operation::new("a", http::Method::GET, "/").responses(&[crate::Response::new(Status::Code(403))]);
        static OTHERS: Operation = Operation::new("b", http::Method::GET, "/")
            .responses(&[crate::Response::new(Status::Class(4)), crate::Response::new(Status::Default)]);
        let status = |operation| Rejection::insufficient_scope(BEARER, operation).status().as_u16();
        assert_eq!([Some(&DECLARED), Some(&OTHERS), None].map(status), [403, 401, 401]);
    }
}
