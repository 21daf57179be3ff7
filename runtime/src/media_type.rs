//! Media types and ranges of them.

use std::borrow::Cow;
use std::str;

/// The index of the first group that contains a media type. A group that names it goes before one that has a range that
/// covers it, and a narrow range goes before a wide one: `application/*+json`, `application/*`, `*/*`. If several groups
/// name it with different parameters, the one decides whose parameters it has.
pub(crate) fn position(groups: &[&[&str]], media_type: &str) -> Option<usize> {
    let closeness = |types: &&[&str]| types.iter().filter_map(|declared| fit(declared, media_type)).max();
    let mut best = None;
    for (index, found) in groups.iter().map(closeness).enumerate() {
        if found > best.map(|(_, fit)| fit) {
            best = found.map(|fit| (index, fit));
        }
    }
    best.map(|(index, _)| index)
}

/// How well a declared media type or range fits a media type; a larger value fits better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// `*/*`
    Any,
    /// `text/*`
    Kind,
    /// `application/*+json`
    Suffix,
    /// The media type with other parameters than declared.
    OtherParameters,
    /// The media type with this number of declared parameters.
    Named(usize),
}

fn fit(declared: &str, media_type: &str) -> Option<Fit> {
    let (range, of) = (essence(declared), essence(media_type));
    if range.eq_ignore_ascii_case(of) {
        let has = |(name, value): (&str, &str)| {
            parameter(media_type, name).is_some_and(|given| given.eq_ignore_ascii_case(value))
        };
        let declared: Vec<_> = parameters(declared).collect();
        let all = declared.iter().copied().all(has);
        return Some(if all { Fit::Named(declared.len()) } else { Fit::OtherParameters });
    }
    let ((kind, subtype), (of_kind, of_subtype)) = (range.split_once('/')?, of.split_once('/')?);
    if kind == "*" {
        return (subtype == "*").then_some(Fit::Any);
    }
    if !kind.eq_ignore_ascii_case(of_kind) {
        return None;
    }
    match subtype.strip_prefix('*') {
        Some("") => Some(Fit::Kind),
        // A structured syntax suffix (RFC 6839); the type of the syntax itself belongs to the range.
        Some(suffix) if suffix.starts_with('+') => {
            let of_suffix = of_subtype.rsplit_once('+').map_or(of_subtype, |(_, suffix)| suffix);
            suffix[1..].eq_ignore_ascii_case(of_suffix).then_some(Fit::Suffix)
        }
        _ => None,
    }
}

/// A text in the charset that its media type names: UTF-8, which is the default, or Latin 1.
pub(crate) fn decoded<'b>(media_type: Option<&str>, bytes: &'b [u8]) -> Result<Cow<'b, str>, TextError> {
    let charset = media_type.and_then(|media_type| parameter(media_type, "charset")).unwrap_or("utf-8");
    match &*charset.to_ascii_lowercase() {
        "utf-8" | "utf8" | "us-ascii" | "ascii" => {
            str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| TextError::NotUtf8)
        }
        "iso-8859-1" | "latin1" => Ok(bytes.iter().copied().map(char::from).collect()),
        _ => Err(TextError::Charset),
    }
}

/// Why bytes are not a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TextError {
    #[error("is not UTF-8")]
    NotUtf8,
    #[error("has a charset that is not supported; supported: UTF-8, ISO-8859-1")]
    Charset,
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

fn parameter<'m>(media_type: &'m str, name: &str) -> Option<&'m str> {
    parameters(media_type).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The parameters of a media type. Their values are tokens, with or without quotation marks.
fn parameters(media_type: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = media_type.split(';').skip(1).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_media_type_goes_before_a_range_and_a_narrow_range_before_a_wide_one() {
        let groups: &[&[&str]] = &[
            &["*/*"],
            &["application/*"],
            &["application/*+json", "text/*"],
            &["text/plain; charset=utf-8", "application/json"],
        ];
        for (media_type, expected) in [
            ("text/plain", 3),
            ("Text/Plain;charset=latin1", 3),
            ("application/json", 3),
            ("APPLICATION/JSON ; charset=\"utf-8\"", 3),
            ("application/vnd.x+json", 2),
            ("application/vnd.x+JSON;v=1", 2),
            ("application/vnd.x+xml", 1),
            ("text/csv", 2),
            ("image/png", 0),
        ] {
            assert_eq!(position(groups, media_type), Some(expected), "{media_type}");
        }
        assert_eq!(position(&groups[2..], "application/json"), Some(1));
        assert_eq!(position(&groups[2..3], "application/json"), Some(0));
        for media_type in ["image/png", "application/xml", "application/vnd.json", "text", ""] {
            assert_eq!(position(&groups[2..], media_type), None, "{media_type}");
        }
    }

    #[test]
    fn parameters_decide_between_groups_that_name_the_same_media_type() {
        let groups: &[&[&str]] = &[&["application/json;v=1"], &["application/json; V=2"], &["application/json"]];
        for (media_type, expected) in [
            ("application/json; v=1", 0),
            ("application/json;charset=utf-8;v=2", 1),
            ("application/json", 2),
            ("application/json;v=3", 2),
        ] {
            assert_eq!(position(groups, media_type), Some(expected), "{media_type}");
        }
        assert_eq!(position(&groups[..2], "application/json;v=3"), Some(0));
    }

    #[test]
    fn a_text_has_the_charset_that_its_media_type_names() {
        for (media_type, expected) in [
            (None, Ok("é")),
            (Some("text/plain"), Ok("é")),
            (Some("text/plain; Charset=\"UTF-8\""), Ok("é")),
            (Some("text/plain;charset=ISO-8859-1"), Ok("Ã©")),
            (Some("text/plain;charset=utf-16"), Err(TextError::Charset)),
        ] {
            assert_eq!(decoded(media_type, "é".as_bytes()).as_deref(), expected.as_ref().copied(), "{media_type:?}");
        }
        assert_eq!(decoded(None, b"\xff"), Err(TextError::NotUtf8));
    }
}
