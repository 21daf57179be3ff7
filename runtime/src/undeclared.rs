//! Responses that the client cannot return as declared.

use std::error::Error;
use std::fmt;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use crate::BoxError;

/// A response that its operation does not declare, as the client received it: one with another status, or one whose
/// body or header is not as declared, such as a proxy's 502 in HTML or an enum's value of a newer server.
///
/// Neither its text nor its `Debug` output repeats a header or the body, which may hold secrets.
pub struct UndeclaredResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    problem: BoxError,
}

impl UndeclaredResponse {
    /// A response, and what is wrong with it: "its body is not JSON".
    pub fn new(status: StatusCode, headers: HeaderMap, body: Bytes, problem: impl Into<BoxError>) -> Self {
        Self { status, headers, body, problem: problem.into() }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body; only its beginning if it broke off, or was longer than the client reads.
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

impl fmt::Display for UndeclaredResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(formatter)
    }
}

impl fmt::Debug for UndeclaredResponse {
    /// Of the headers only `Content-Type`, and of the body only its length.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UndeclaredResponse")
            .field("status", &self.status)
            .field("content_type", &self.headers.get(CONTENT_TYPE))
            .field("length", &self.body.len())
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}

impl Error for UndeclaredResponse {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.problem.source()
    }
}
