//! The server's texts as reports show them: without secrets, without characters that act on a terminal, and not too long.

use openapi_stub_runtime::Printable;

/// Removes secrets from a text.
pub(super) type Redact<'r> = &'r dyn Fn(&str) -> String;

/// How many bytes of a text are read.
const READ: usize = 16 << 10;

/// The longest text of several lines, in characters.
const LONGEST_TEXT: usize = 2_000;

/// The most lines of a text.
const MOST_LINES: usize = 20;

/// The longest text within a line, in characters.
const LONGEST_EXCERPT: usize = 200;

/// A body, with its line breaks. If it is cut, a last line states its length.
pub(super) fn body(bytes: &[u8], redact: Redact<'_>) -> String {
    let text = decoded(bytes, redact);
    let mut shown = String::new();
    let mut characters = 0;
    for (number, line) in text.lines().enumerate() {
        if number == MOST_LINES || characters >= LONGEST_TEXT {
            shown.push_str(&format!("\u{2026} ({} bytes in all)\n", bytes.len()));
            break;
        }
        let cut = first(line, LONGEST_TEXT - characters);
        characters += line.chars().count();
        shown.push_str(&format!("{}\n", Printable(cut)));
        if cut.len() < line.len() {
            shown.push_str(&format!("\u{2026} ({} bytes in all)\n", bytes.len()));
            break;
        }
    }
    shown.truncate(shown.trim_end_matches('\n').len());
    shown
}

/// A text in one line.
pub(super) fn line(bytes: &[u8], redact: Redact<'_>) -> String {
    let text = decoded(bytes, redact);
    let cut = first(text.trim(), LONGEST_EXCERPT);
    let mut shown = Printable(cut).to_string();
    if cut.len() < text.trim().len() || bytes.len() > READ {
        shown.push('\u{2026}');
    }
    shown
}

/// A text in one line and in quotation marks.
pub(super) fn quoted(bytes: &[u8], redact: Redact<'_>) -> String {
    format!("\"{}\"", line(bytes, redact))
}

/// The beginning of a text, without secrets. Bytes that are not UTF-8 are written `\xNN`.
///
/// Far more is read than is shown. A secret that is cut at the end of what was read is therefore never shown in part.
fn decoded(bytes: &[u8], redact: Redact<'_>) -> String {
    let mut text = String::new();
    for chunk in bytes[..bytes.len().min(READ)].utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    redact(&text)
}

fn first(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_secrets(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn plain_text_is_shown_as_it_is() {
        let text = "{\"error\": \"it's \\\"here\\\"\",\n  \"data\": \u{e9}\u{4e2d}}";
        assert_eq!(body(text.as_bytes(), &no_secrets), text);
        assert_eq!(line(b"Not found\n", &no_secrets), "Not found");
        assert_eq!(line(b"a\r\nb", &no_secrets), "a\\r\\nb");
    }

    #[test]
    fn what_acts_on_a_terminal_is_escaped() {
        for (sent, shown) in [
            ("\u{1b}[2J\u{7}", "\\u{1b}[2J\\u{7}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\tb\0", "a\\tb\\0"),
            ("over\rwritten", "over\\rwritten"),
        ] {
            assert_eq!(body(sent.as_bytes(), &no_secrets), shown);
            assert_eq!(line(sent.as_bytes(), &no_secrets), shown);
        }
        assert_eq!(line(b"\xff\xc3(", &no_secrets), "\\xff\\xc3(");
    }

    #[test]
    fn a_long_text_is_cut_and_its_length_stated() {
        let shown = body("x".repeat(1 << 20).as_bytes(), &no_secrets);
        assert_eq!(shown, format!("{}\n\u{2026} (1048576 bytes in all)", "x".repeat(LONGEST_TEXT)));
        let shown = body("\n".repeat(5_000).as_bytes(), &no_secrets);
        assert_eq!(shown.trim(), "\u{2026} (5000 bytes in all)");
        let shown = body("line\n".repeat(MOST_LINES).as_bytes(), &no_secrets);
        assert_eq!(shown, "line\n".repeat(MOST_LINES).trim_end());
        assert_eq!(line("\u{e9}".repeat(1_000).as_bytes(), &no_secrets).chars().count(), LONGEST_EXCERPT + 1);
    }

    #[test]
    fn a_secret_is_removed_before_a_text_is_cut() {
        let text = format!("{}SECRET", "x".repeat(LONGEST_EXCERPT - 3));
        let shown = line(text.as_bytes(), &|text| text.replace("SECRET", "[secret]"));
        assert!(shown.ends_with("x[se\u{2026}"), "{shown}");
    }
}
