//! Parameters, from the text of a request to a value.

use std::borrow::Cow;
use std::str;

use http::HeaderValue;
use http::header::{COOKIE, GetAll};
use http::request::Parts;
use percent_encoding::percent_decode_str;

use super::rejection::Rejection;
use crate::Scalar;

/// The decoded value of a query parameter that must be given, and once.
///
/// # Errors
///
/// A [`Rejection::Parameter`] that names it: it is missing, given twice, or not percent-encoded UTF-8.
pub fn query_parameter<'r>(parts: &'r Parts, name: &'static str) -> Result<Cow<'r, str>, Rejection> {
    Query::of(parts).only(name)?.ok_or(Rejection::parameter(name, "is required"))
}

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
        self.once(name)?.map(|value| decoded(name, value)).transpose()
    }

    /// The undecoded value of a parameter that may be given once.
    fn once(self, name: &'static str) -> Result<Option<&'r str>, Rejection> {
        let mut values = self.values(name);
        let first = values.next();
        if values.next().is_some() { Err(Rejection::parameter(name, "must be given once")) } else { Ok(first) }
    }

    /// The undecoded values of a parameter. One whose very name is malformed is not this one.
    fn values(self, name: &'static str) -> impl Iterator<Item = &'r str> {
        let pairs = self.text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.filter(move |(key, _)| decode(key).is_some_and(|key| key == name)).map(|(_, value)| value)
    }
}

/// The value of a required parameter.
pub(super) fn required<V: Scalar>(name: &'static str, text: Option<impl AsRef<str>>) -> Result<V, Rejection> {
    optional(name, text)?.ok_or(Rejection::parameter(name, "is required"))
}

/// The value of an optional parameter.
pub(super) fn optional<V: Scalar>(name: &'static str, text: Option<impl AsRef<str>>) -> Result<Option<V>, Rejection> {
    text.map(|text| value(name, text.as_ref())).transpose()
}

fn value<V: Scalar>(name: &'static str, text: &str) -> Result<V, Rejection> {
    V::from_text(text).ok_or(Rejection::parameter(name, "has a value that is not allowed or of another type"))
}

fn decoded<'r>(name: &'static str, text: &'r str) -> Result<Cow<'r, str>, Rejection> {
    decode(text).ok_or(Rejection::parameter(name, "must be percent-encoded UTF-8"))
}

/// Decodes a part of a query, where `+` is a space. `None` unless every `%` begins two hexadecimal digits and the
/// result is UTF-8.
pub(super) fn decode(text: &str) -> Option<Cow<'_, str>> {
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

/// The value of a header that may be given once.
pub(super) fn header<'r>(parts: &'r Parts, name: &'static str) -> Result<Option<&'r str>, Rejection> {
    once(parts.headers.get_all(name)).map_err(|problem| Rejection::parameter(name, problem))
}

/// The only value of a header, or what is wrong with its values.
pub(super) fn once(values: GetAll<'_, HeaderValue>) -> Result<Option<&str>, &'static str> {
    let mut values = values.iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err("must be given once");
    }
    text(value).map(Some).ok_or("must be visible ASCII")
}

/// The same as [`HeaderValue::to_str`], many bytes at a time: there is no control character in a value, so that its
/// ASCII is visible.
fn text(value: &HeaderValue) -> Option<&str> {
    str::from_utf8(value.as_bytes()).ok().filter(|text| text.is_ascii())
}

/// The undecoded value of a cookie that may be given once. HTTP/2 may carry each in a header of its own (RFC 9113,
/// section 8.2.3).
pub(super) fn raw_cookie<'r>(parts: &'r Parts, name: &'static str) -> Result<Option<&'r str>, Rejection> {
    let mut found = None;
    for cookies in parts.headers.get_all(COOKIE) {
        let listed = text(cookies).ok_or(Rejection::parameter(name, "must be visible ASCII"))?;
        let pairs = listed.split(';').filter_map(|pair| pair.trim().split_once('='));
        for (_, value) in pairs.filter(|(key, _)| *key == name) {
            if found.replace(value).is_some() {
                return Err(Rejection::parameter(name, "must be given once"));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
