//! Removes from a line what may be a token, wherever it came from.
//!
//! No line is meant to contain one. This is the second line of defence: for a client that sends its token as a span ID, or
//! for a token that somebody used as a name.

use std::borrow::Cow;

/// How every token begins, in any case.
const PREFIX: &[u8] = b"apiv3";

/// The least number of characters that follow the prefix of a token.
const SHORTEST: usize = 17;

/// How a line shows a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Values {
    /// In quotation marks with escapes, or as it is. A token has no spaces, but may have quotation marks.
    Raw,
    /// In quotation marks with escapes, unless it has neither spaces nor quotation marks.
    Quoted,
}

/// The line, with each text that may be a token replaced.
pub(in crate::cli) fn redact(line: &[u8], values: Values) -> Cow<'_, [u8]> {
    let Some(mut start) = find(line) else { return Cow::Borrowed(line) };
    let (mut rest, mut redacted) = (line, Vec::new());
    loop {
        let (before, from) = rest.split_at(start);
        redacted.extend_from_slice(before);
        let (prefix, after) = from.split_at(PREFIX.len());
        let mut length = length(after, values);
        if values == Values::Raw && before.ends_with(b"\"") && after[..length].ends_with(b"\"") {
            // It ends the value that the one before the prefix began.
            length -= 1;
        }
        redacted.extend_from_slice(prefix);
        redacted.extend_from_slice(if length < SHORTEST { &after[..length] } else { b"[redacted]" });
        rest = &after[length..];
        match find(rest) {
            Some(next) => start = next,
            None => break,
        }
    }
    redacted.extend_from_slice(rest);
    Cow::Owned(redacted)
}

fn find(line: &[u8]) -> Option<usize> {
    line.windows(PREFIX.len()).position(|part| part.eq_ignore_ascii_case(PREFIX))
}

/// How many bytes may belong to the same token: up to a space, or up to the quotation mark that ends a quoted value.
fn length(bytes: &[u8], values: Values) -> usize {
    let mut length = 0;
    while let Some(&byte) = bytes.get(length) {
        match byte {
            b'\\' if values == Values::Quoted => length += 2,
            b'"' if values == Values::Quoted => break,
            byte if byte.is_ascii_graphic() || !byte.is_ascii() => length += 1,
            _ => break,
        }
    }
    length.min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(line: &str, values: Values) -> String {
        String::from_utf8(redact(line.as_bytes(), values).into_owned()).unwrap()
    }

    /// What a generated token, the shortest one, and one with every character that a token can have have after the prefix.
    fn bodies() -> [String; 4] {
        ["A".repeat(86), "A".repeat(16), ('!'..='~').collect(), "\"\\'`\"\\,}]:{[(<".repeat(39)]
    }

    #[test]
    fn what_may_be_a_token_is_replaced_wherever_it_stands_in_a_text() {
        for body in bodies() {
            for (line, expected) in [
                (format!("a id={:?} b\n", format!("apiv3_{body}")), "a id=\"apiv3[redacted]\" b\n"),
                (format!("a id=apiv3_{body} b\n"), "a id=apiv3[redacted] b\n"),
                (format!("APIV3_{body}\n"), "APIV3[redacted]\n"),
                (format!("apiv3%5F{body}&apiv3_{body}\n"), "apiv3[redacted]\n"),
                (format!("apiv3_{body} apiv3_{body}"), "apiv3[redacted] apiv3[redacted]"),
            ] {
                assert_eq!(redacted(&line, Values::Raw), expected, "{line}");
            }
        }
    }

    #[test]
    fn what_may_be_a_token_is_replaced_in_json_which_stays_json() {
        let inner =
            |token: &str| [token.to_owned(), format!("id={token}"), format!("{token:?}"), format!("a {token} b")];
        for body in bodies() {
            for text in inner(&format!("apiv3_{body}")) {
                let line = serde_json::json!({"a": &text, &text: 1, "b": [&text, 7]}).to_string() + "\n";
                let redacted = redacted(&line, Values::Quoted);
                let read: serde_json::Value = serde_json::from_str(&redacted).unwrap();
                assert_eq!(read["b"][1], 7);
                assert_eq!(redacted.matches("apiv3[redacted]").count(), 3, "{redacted}");
                assert!(redacted.len() < 120 && redacted.ends_with('\n'), "{redacted}");
            }
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for line in ["", "\n", "apiv", "apiv3", "a token is `apiv3_` and more\n", "apiv3_short apiv3_x\\"] {
            assert_eq!(redacted(line, Values::Raw), line);
            assert_eq!(redacted(line, Values::Quoted), line);
        }
        assert!(matches!(redact(b"a usual line\n", Values::Raw), Cow::Borrowed(_)));
    }
}
