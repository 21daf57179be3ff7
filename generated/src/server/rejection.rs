//! Requests that are answered without a declared response of their operation.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use http::StatusCode;

use crate::security::{AuthenticationError, SecurityScheme};
use crate::{ApiError, is_unavailable};

/// Why a request is refused. Its text is what the client is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Rejection {
    /// 404: the document has no such path.
    UnknownPath,
    /// 405: the path does not have this method.
    MethodNotAllowed {
        /// The methods that it has, as the header `Allow` names them.
        allow: String,
    },
    /// 401: there is no valid credential under one of these schemes, or more than one.
    Unauthenticated(&'static [SecurityScheme]),
    /// 401 with `error="insufficient_scope"` (RFC 6750, section 3.1): what the credential permits is not enough.
    InsufficientScope {
        /// The schemes under which a credential is accepted.
        schemes: &'static [SecurityScheme],
        /// What the client is told.
        message: Cow<'static, str>,
    },
    /// 400: a parameter is missing or not as the document has it.
    Parameter {
        /// The parameter's name in the request.
        name: &'static str,
        /// What is told after the name.
        problem: Cow<'static, str>,
    },
    /// 503: the implementation or the authenticator is unavailable. The log has the reason.
    Unavailable,
    /// 500: the implementation failed, or panicked. The log has the reason.
    Internal,
}

impl Rejection {
    /// The status that it is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Rejection::UnknownPath => StatusCode::NOT_FOUND,
            Rejection::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Rejection::Unauthenticated(_) | Rejection::InsufficientScope { .. } => StatusCode::UNAUTHORIZED,
            Rejection::Parameter { .. } => StatusCode::BAD_REQUEST,
            Rejection::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Rejection::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(super) fn parameter(name: &'static str, problem: &'static str) -> Self {
        Rejection::Parameter { name, problem: Cow::Borrowed(problem) }
    }

    pub(super) fn unauthenticated(error: AuthenticationError, schemes: &'static [SecurityScheme]) -> Self {
        match error {
            AuthenticationError::Refused => Rejection::Unauthenticated(schemes),
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
}

/// What a client is told.
pub(super) enum Message {
    /// Always the same; also as the document's `ErrorMessage`, so that nothing is serialized for it.
    Fixed { text: &'static str, json: &'static str },
    /// What was wrong with this very request.
    Varying(String),
}

/// A text without characters that JSON escapes.
macro_rules! fixed {
    ($text:literal) => {
        Message::Fixed { text: $text, json: concat!("{\"error\":\"", $text, "\"}") }
    };
}

impl Rejection {
    pub(super) fn message(&self) -> Message {
        match self {
            Rejection::UnknownPath => fixed!("there is nothing at this path"),
            Rejection::MethodNotAllowed { .. } => fixed!("this path does not have this method; see the header Allow"),
            Rejection::Unauthenticated(_) => {
                fixed!("a valid credential is required; see the header WWW-Authenticate")
            }
            Rejection::InsufficientScope { message, .. } => Message::Varying(message.to_string()),
            Rejection::Parameter { name, problem } => Message::Varying(format!("the parameter `{name}` {problem}")),
            Rejection::Unavailable => {
                fixed!("this could not be done now, or it is not known whether it was; it is safe to try again")
            }
            Rejection::Internal => fixed!("an internal error"),
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
