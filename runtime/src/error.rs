//! Failures that no declared response describes.

use std::error::Error;

use http::StatusCode;

use crate::UndeclaredResponse;

/// Any error that can be sent to another thread.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why a call of a generated trait has no declared response.
///
/// An implementation returns it to the service, and the client returns it to its caller. The service logs the source
/// and never sends it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The call cannot be served now, or its outcome is unknown. The caller may repeat it.
    ///
    /// The service answers 503 with `Retry-After`. The client returns it for a 503 and if it receives no response.
    #[error("the service is unavailable")]
    Unavailable {
        /// The reason, for the log.
        source: BoxError,
    },
    /// The credential that the service accepted is not valid any more, because it was revoked meanwhile.
    ///
    /// The service answers as if it had rejected the credential. The client does not return it.
    #[error("the credential is not valid any more")]
    Unauthenticated,
    /// The operation is not implemented.
    ///
    /// The service answers 501. The client returns it for a 501 that the operation does not declare. In a crate that was
    /// generated with default stubs, a method that an implementation lacks returns it.
    #[error("the operation is not implemented")]
    NotImplemented {
        /// The reason, for the log.
        source: BoxError,
    },
    /// The server sent a response that the operation does not declare, such as a 401 whose body is of another type. The
    /// client returns it; the service answers 500 for it.
    #[error("undeclared response {status}")]
    Undeclared {
        /// The status of the response.
        status: StatusCode,
        /// The whole response.
        #[source]
        response: Box<UndeclaredResponse>,
    },
    /// The call failed for another reason. The service answers 500.
    #[error("the call failed")]
    Internal {
        /// The reason, for the log.
        source: BoxError,
    },
}

impl ApiError {
    /// An [`ApiError::Unavailable`] with this reason.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable { source: source.into() }
    }

    /// An [`ApiError::NotImplemented`] with this reason.
    pub fn not_implemented(source: impl Into<BoxError>) -> Self {
        Self::NotImplemented { source: source.into() }
    }

    /// An [`ApiError::Internal`] with this reason.
    pub fn internal(source: impl Into<BoxError>) -> Self {
        Self::Internal { source: source.into() }
    }

    /// The error for a response that the operation does not declare. A 503 is [`ApiError::Unavailable`], whatever follows
    /// its status, and a 501 is [`ApiError::NotImplemented`].
    pub fn undeclared(response: UndeclaredResponse) -> Self {
        match response.status() {
            StatusCode::SERVICE_UNAVAILABLE => Self::unavailable(response),
            StatusCode::NOT_IMPLEMENTED => Self::not_implemented(response),
            status => Self::Undeclared { status, response: Box::new(response) },
        }
    }

    /// The response that the operation does not declare, if the client received one. It has headers and body.
    pub fn response(&self) -> Option<&UndeclaredResponse> {
        match self {
            Self::Undeclared { response, .. } => Some(response),
            Self::Unavailable { source } | Self::NotImplemented { source } => source.downcast_ref(),
            Self::Unauthenticated | Self::Internal { .. } => None,
        }
    }

    /// Whether the caller may repeat the call.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// The text of an error and of its sources, separated by colons.
pub fn with_sources(error: &dyn Error) -> String {
    let sources = std::iter::successors(error.source(), |&error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::header::{HeaderMap, HeaderValue, SET_COOKIE};

    use super::*;

    #[test]
    fn an_error_names_its_sources() {
        let error = ApiError::internal(ApiError::unavailable("the disk is full"));
        assert_eq!(with_sources(&error), "the call failed: the service is unavailable: the disk is full");
    }

    #[test]
    fn an_undeclared_response_is_kept_but_not_printed() {
        for code in [StatusCode::BAD_GATEWAY, StatusCode::NOT_IMPLEMENTED, StatusCode::SERVICE_UNAVAILABLE] {
            let headers = HeaderMap::from_iter([(SET_COOKIE, HeaderValue::from_static("hunter2"))]);
            let body = Bytes::from_static(b"hunter2");
            let error = ApiError::undeclared(UndeclaredResponse::new(code, headers, body, "its body is not JSON"));
            assert_eq!(error.is_unavailable(), code == 503);
            let response = error.response().expect("it is kept");
            assert_eq!((response.status(), &response.body()[..]), (code, &b"hunter2"[..]));
            assert_eq!(response.headers()[SET_COOKIE], "hunter2");
            let printed = format!("{error:?} {}", with_sources(&error));
            assert!(printed.contains("its body is not JSON") && !printed.contains("hunter2"), "{printed}");
        }
        assert!(ApiError::unavailable("the disk is full").response().is_none());
    }
}
