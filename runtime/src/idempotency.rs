//! The key by which a client marks the repetition of a request.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};

/// The key in the `Idempotency-Key` header of a request, if it has one: the client sends the same key when it repeats the
/// request, because it does not know whether the first one had an effect.
///
/// The service passes it to implementations in the [`Context`](crate::Context). An implementation that keeps no keys may
/// ignore it. The header is that of the IETF's draft "The Idempotency-Key HTTP Header Field"; a key is compared as it was
/// sent, with its quotation marks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdempotencyKey(Option<Arc<str>>);

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// In bytes.
const MAX_LEN: usize = 128;

impl IdempotencyKey {
    /// Reads the key from the headers of a request. A header that is repeated, or whose value is not 1 to 128 visible ASCII
    /// characters, is ignored.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(HEADER).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Self(None) };
        let is_valid = (1..=MAX_LEN).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
        Self(value.to_str().ok().filter(|_| is_valid).map(Arc::from))
    }

    /// Its text.
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(values: &[&'static str]) -> Option<String> {
        let headers = values.iter().map(|value| (HEADER, HeaderValue::from_static(value)));
        IdempotencyKey::of(&headers.collect()).as_str().map(str::to_owned)
    }

    #[test]
    fn a_key_is_one_header_of_visible_characters() {
        assert_eq!(of(&["\"8e03978e\""]).as_deref(), Some("\"8e03978e\""));
        let longest: &'static str = "k".repeat(MAX_LEN).leak();
        assert_eq!(of(&[longest]).as_deref(), Some(longest));
        for values in [&[][..], &[""], &["a b"], &["a", "a"], &["k".repeat(MAX_LEN + 1).leak()]] {
            assert_eq!(of(values), None, "{values:?}");
        }
    }
}
