//! Removes from a line what may be a token, wherever it came from.
//!
//! No line is meant to contain one. This is the second line of defence: for a client that sends its token as a span ID, or
//! for a token that somebody used as a name.

use std::borrow::Cow;

/// How every token begins, in any case.
const PREFIX: &[u8] = b"apiv3";

/// The least number of characters that follow the prefix of a token.
const SHORTEST: usize = 16;

/// The line, with each text that may be a token replaced.
pub(super) fn redact(line: &[u8]) -> Cow<'_, [u8]> {
    let Some(mut start) = find(line) else { return Cow::Borrowed(line) };
    let (mut rest, mut redacted) = (line, Vec::new());
    loop {
        let (before, from) = rest.split_at(start);
        redacted.extend_from_slice(before);
        let (prefix, after) = from.split_at(PREFIX.len());
        let length = length(after);
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

/// How many bytes belong to the same value: up to a space or a quotation mark that is not escaped.
fn length(bytes: &[u8]) -> usize {
    let mut length = 0;
    while let Some(&byte) = bytes.get(length) {
        match byte {
            b'\\' => length += 2,
            b'"' => break,
            byte if byte.is_ascii_graphic() || !byte.is_ascii() => length += 1,
            _ => break,
        }
    }
    length.min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(line: &str) -> String {
        String::from_utf8(redact(line.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn what_may_be_a_token_is_replaced_in_text_and_json() {
        let body = "A".repeat(86);
        for (line, expected) in [
            (format!("a id=\"apiv3_{body}\" b\n"), "a id=\"apiv3[redacted]\" b\n"),
            (format!("a id=apiv3_{body} b\n"), "a id=apiv3[redacted] b\n"),
            (format!("APIV3_{body}\n"), "APIV3[redacted]\n"),
            (format!("apiv3%5F{body}&apiv3_{body}\n"), "apiv3[redacted]\n"),
            (format!("{{\"a\":\"apiv3_\\\"{body}\\\\\",\"b\":1}}\n"), "{\"a\":\"apiv3[redacted]\",\"b\":1}\n"),
            (format!("apiv3_{body} apiv3_{body}"), "apiv3[redacted] apiv3[redacted]"),
        ] {
            assert_eq!(redacted(&line), expected, "{line}");
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for line in ["", "\n", "apiv", "apiv3", "a token is `apiv3_` and more\n", "apiv3_short apiv3_x\\"] {
            assert_eq!(redacted(line), line);
        }
        assert!(matches!(redact(b"a usual line\n"), Cow::Borrowed(_)));
    }
}
