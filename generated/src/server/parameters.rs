//! Parameters, from the text of a request to a value.

use std::borrow::Cow;
use std::str::FromStr;

use http::request::Parts;
use percent_encoding::percent_decode_str;

use super::response::Rejection;

/// The query of a request: pairs of the form `name=value`, separated by `&`, each percent-encoded.
#[derive(Clone, Copy)]
pub(super) struct Query<'r> {
    text: &'r str,
}

impl<'r> Query<'r> {
    pub(super) fn of(parts: &'r Parts) -> Self {
        Self { text: parts.uri.query().unwrap_or_default() }
    }

    /// The value of a parameter that may be given once. One without a `=` has the empty value.
    pub(super) fn only(self, name: &'static str) -> Result<Option<Cow<'r, str>>, Rejection> {
        let mut found = None;
        for pair in self.text.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            // A parameter whose very name is malformed is not this one.
            if decode(key).is_none_or(|key| key != name) {
                continue;
            }
            if found.is_some() {
                return Err(Rejection::parameter(name, "must be given once"));
            }
            found = Some(decode(value).ok_or(Rejection::parameter(name, "must be percent-encoded UTF-8"))?);
        }
        Ok(found)
    }
}

/// The value of a required parameter.
pub(super) fn required<V: FromStr>(name: &'static str, text: Option<Cow<'_, str>>) -> Result<V, Rejection> {
    optional(name, text)?.ok_or(Rejection::parameter(name, "is required"))
}

/// The value of an optional parameter.
pub(super) fn optional<V: FromStr>(name: &'static str, text: Option<Cow<'_, str>>) -> Result<Option<V>, Rejection> {
    let parse =
        |text: Cow<'_, str>| text.parse().map_err(|_| Rejection::parameter(name, "has a value of another type"));
    text.map(parse).transpose()
}

/// Decodes a part of a query, where `+` is a space. `None` unless every `%` begins two hexadecimal digits and the
/// result is UTF-8.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let spaced = text.replace('+', " ");
    let well_formed = spaced.split('%').skip(1).all(|rest| {
        let digits = rest.as_bytes();
        digits.len() >= 2 && digits[..2].iter().all(u8::is_ascii_hexdigit)
    });
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    well_formed.then(|| Cow::Owned(decoded.into_owned()))
}

#[cfg(test)]
mod tests;
