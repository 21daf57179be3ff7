//! Failures that no declared response describes.

use std::error::Error;

use http::StatusCode;

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
        /// What is wrong with the response, for the log.
        source: BoxError,
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
    use super::*;

    #[test]
    fn an_error_names_its_sources() {
        let error = ApiError::internal(ApiError::unavailable("the disk is full"));
        assert_eq!(with_sources(&error), "the call failed: the service is unavailable: the disk is full");
    }
}
