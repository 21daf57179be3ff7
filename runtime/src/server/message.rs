//! The headers and cookies of a request.

use std::borrow::Cow;
use std::str;

use http::HeaderValue;
use http::header::{COOKIE, GetAll};
use http::request::Parts;

use super::rejection::Rejection;

const NOT_ASCII: &str = "is not visible ASCII";
const REPEATED: &str = "was given more than once";

/// The value of a header that may be given once.
pub(super) fn header<'r>(parts: &'r Parts, name: &'static str) -> Result<Option<&'r str>, Rejection> {
    single(parts.headers.get_all(name)).map_err(|problem| Rejection::parameter(name, problem))
}

/// The only value of a header, or what is wrong with its values.
pub(super) fn single(values: GetAll<'_, HeaderValue>) -> Result<Option<&str>, &'static str> {
    let mut values = values.iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(REPEATED);
    }
    text(value).map(Some).ok_or(NOT_ASCII)
}

/// The same as [`HeaderValue::to_str`], but many bytes at a time. A header's value has no control characters, so its
/// ASCII is visible.
pub(super) fn text(value: &HeaderValue) -> Option<&str> {
    str::from_utf8(value.as_bytes()).ok().filter(|text| text.is_ascii())
}

/// The items of a header that is a list with commas. The list may continue in further headers of that name (RFC 9110,
/// section 5.3), and its empty items do not count (section 5.6.1).
pub(super) fn header_items<'r>(parts: &'r Parts, name: &'static str) -> Result<Option<Vec<Cow<'r, str>>>, Rejection> {
    let mut items = Vec::new();
    for value in parts.headers.get_all(name) {
        let listed = text(value).ok_or(Rejection::parameter(name, NOT_ASCII))?;
        items.extend(listed.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Cow::Borrowed));
    }
    Ok(parts.headers.contains_key(name).then_some(items))
}

/// The undecoded value of a cookie that may be given once. HTTP/2 may carry each cookie in a header of its own (RFC
/// 9113, section 8.2.3).
pub(super) fn raw_cookie<'r>(parts: &'r Parts, name: &'static str) -> Result<Option<&'r str>, Rejection> {
    let mut found = None;
    for cookies in parts.headers.get_all(COOKIE) {
        let listed = text(cookies).ok_or(Rejection::parameter(name, NOT_ASCII))?;
        let pairs = listed.split(';').filter_map(|pair| pair.trim().split_once('='));
        for (_, value) in pairs.filter(|(key, _)| *key == name) {
            if found.replace(value).is_some() {
                return Err(Rejection::parameter(name, REPEATED));
            }
        }
    }
    Ok(found)
}
