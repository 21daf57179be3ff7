//! The span ID of a request, which the response repeats.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderValue};

use super::X_SPAN_ID;

/// The longest span ID that is accepted from a request, in bytes.
const LONGEST: usize = 128;

/// The longest span ID that is logged, in bytes. A `traceparent` (W3C Trace Context) has 55.
const LONGEST_LOGGED: usize = 64;

/// The span ID that the request carries, if it has at most 128 visible ASCII characters; otherwise a new one.
pub(super) fn accept_or_make(headers: &HeaderMap) -> HeaderValue {
    let mut span_id = match headers.get(X_SPAN_ID) {
        Some(value) if acceptable(value.as_bytes()) => value.clone(),
        _ => make(),
    };
    // No other response has this value. Kept out of the table of HTTP/2 (RFC 7541), it evicts no header that repeats.
    span_id.set_sensitive(true);
    span_id
}

/// The text of a span ID that came from [`accept_or_make`].
pub(super) fn as_str(span_id: &HeaderValue) -> &str {
    span_id.to_str().expect("a span ID is visible ASCII")
}

/// The span ID as a log may show it. One that is longer than 64 bytes or contains other characters than letters, digits and
/// `-._:` is not shown: the client may have sent a secret.
pub fn logged_span_id(span_id: &str) -> &str {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if span_id.len() <= LONGEST_LOGGED && span_id.bytes().all(is_usual) { span_id } else { "[not shown]" }
}

fn acceptable(value: &[u8]) -> bool {
    !value.is_empty() && value.len() <= LONGEST && value.iter().all(u8::is_ascii_graphic)
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// 128 bits from a keyed hash of a counter, as hexadecimal digits: unique, without asking the system for entropy.
fn make() -> HeaderValue {
    static KEYS: LazyLock<[RandomState; 2]> = LazyLock::new(Default::default);
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let hashes = KEYS.each_ref().map(|key| key.hash_one(count).to_ne_bytes());
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(hashes.as_flattened()) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]]);
    }
    HeaderValue::from_bytes(&digits).expect("hexadecimal digits are visible ASCII")
}

#[cfg(test)]
mod tests;
