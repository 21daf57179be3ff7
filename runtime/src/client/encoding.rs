//! Texts as paths, queries, headers and cookies carry them.

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{ApiError, BoxError};

/// Every character except the unreserved ones (RFC 3986, section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// The text of a path parameter that `separator` and another parameter follow in the same segment. Characters of the
/// separator are encoded within the text, so that the service finds its end.
pub(super) fn encode_before(separator: &str, text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode = |byte: u8| {
        if plain(byte) && !separator.as_bytes().contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(encode).collect()
}

/// Encoded texts with commas between them. A comma within a text is encoded.
pub(super) fn encode_all<T: AsRef<str>>(texts: &[T]) -> String {
    texts.iter().map(|text| encode(text.as_ref())).collect::<Vec<_>>().join(",")
}

/// Texts with a separator between them that cannot be encoded within a text.
pub(super) fn join<T: AsRef<str>>(name: &str, separator: char, texts: &[T]) -> Result<String, ApiError> {
    if texts.iter().any(|text| text.as_ref().contains(separator)) {
        let problem = format!("an item of the parameter {name} contains {separator:?}, which separates items");
        return Err(ApiError::internal(problem));
    }
    Ok(texts.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(&separator.to_string()))
}

/// A text as the value of a header, which is ASCII and neither begins nor ends with a space (RFC 9110, section 5.5).
pub(super) fn header_value(name: &str, text: &str) -> Result<HeaderValue, ApiError> {
    if !text.is_ascii() || text != text.trim() {
        let problem = format!("{name} is not ASCII, or begins or ends with a space, so it cannot be in a header");
        return Err(ApiError::internal(problem));
    }
    HeaderValue::try_from(text).map_err(failed(name))
}

/// Whether a text can be the value of a cookie (RFC 6265, section 4.1.1).
pub(super) fn is_cookie_value(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte))
}

/// Why a part of a message cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{part}")]
struct PartError {
    part: String,
    source: BoxError,
}

/// Turns an error into an [`ApiError`] that names the part of the message.
pub(super) fn failed<E: Into<BoxError>>(part: &str) -> impl Fn(E) -> ApiError + use<'_, E> {
    |error| ApiError::internal(PartError { part: part.to_owned(), source: error.into() })
}
