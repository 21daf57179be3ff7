//! Media types and ranges of them.

/// The index of the first group that contains a media type; a group that names it goes before one that has a range,
/// such as `text/*`, that covers it. Parameters of media types are not compared.
pub(crate) fn position(groups: &[&[&str]], media_type: &str) -> Option<usize> {
    let of = essence(media_type);
    let is = |same: fn(&str, &str) -> bool| {
        groups.iter().position(|types| types.iter().any(|declared| same(essence(declared), of)))
    };
    is(str::eq_ignore_ascii_case).or_else(|| is(covers))
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// Whether a range such as `text/*` or `*/*` covers a media type.
fn covers(range: &str, media_type: &str) -> bool {
    let Some(kind) = range.strip_suffix("/*") else { return false };
    media_type.split_once('/').is_some_and(|(of, _)| kind == "*" || kind.eq_ignore_ascii_case(of))
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn a_named_media_type_goes_before_a_range_that_covers_it() {
        let groups: &[&[&str]] = &[&["*/*"], &["text/*"], &["text/plain; charset=utf-8", "application/json"]];
        for (media_type, expected) in [
            ("text/plain", 2),
            ("Text/Plain;charset=latin1", 2),
            ("application/json", 2),
            ("text/csv", 0),
            ("image/png", 0),
        ] {
            assert_eq!(position(groups, media_type), Some(expected), "{media_type}");
        }
        assert_eq!(position(&groups[1..], "text/csv"), Some(0));
        assert_eq!(position(&groups[1..], "image/png"), None);
        assert_eq!(position(groups, "text"), None);
    }
}
