//! The two kinds of failure that an implementation can report.

use std::fmt::Display;

use swagger::ApiError;

/// [`ApiError`] is one string without a kind, so that the kind has to travel in the string.
const UNAVAILABLE: &str = "unavailable: ";

/// The error for a call that cannot be served now but may be repeated: the service answers it with 503 and
/// `Retry-After`, and the client returns it for such an answer, or where there was none. The service logs `reason` and
/// never sends it.
pub fn unavailable(reason: impl Display) -> ApiError {
    ApiError(format!("{UNAVAILABLE}{reason}"))
}

/// Whether an error was made by [`unavailable`]. All others are answered with 500.
pub fn is_unavailable(error: &ApiError) -> bool {
    error.0.starts_with(UNAVAILABLE)
}
