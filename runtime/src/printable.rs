use std::fmt::{Display, Formatter, Result, Write};

/// A text that is printed without an effect on a terminal or a log: on one line, and with each character escaped that is
/// not printable, such as a line break, a terminal escape, or a character that has no width or changes the direction of
/// the text.
///
/// Quotation marks and backslashes stay as they are, so a text that was escaped before stays the same.
///
/// ```
/// use openapi_stub_runtime::Printable;
///
/// assert_eq!(Printable("it's \"red\": \u{1b}[31m\n").to_string(), r#"it's "red": \u{1b}[31m\n"#);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Printable<'t>(pub &'t str);

impl Display for Printable<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        self.0.chars().try_for_each(|c| match c {
            '"' | '\'' | '\\' => formatter.write_char(c),
            _ => c.escape_debug().fmt(formatter),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_act_on_a_terminal_or_a_log_are_escaped() {
        for (text, shown) in [
            ("\u{1b}[2J\u{7}", "\\u{1b}[2J\\u{7}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("user\u{202e}nimda\u{2066}", "user\\u{202e}nimda\\u{2066}"),
            ("a\u{200b}\u{feff}\u{2028}b", "a\\u{200b}\\u{feff}\\u{2028}b"),
            ("a\tb\0", "a\\tb\\0"),
            ("over\rwritten\n", "over\\rwritten\\n"),
            ("\u{e0041}", "\\u{e0041}"),
        ] {
            assert_eq!(Printable(text).to_string(), shown);
            assert_eq!(Printable(shown).to_string(), shown);
        }
    }

    #[test]
    fn a_printable_text_stays_as_it_is() {
        let text = "{\"error\": \"it's \\\"here\\\"\", \"data\": \u{e9}\u{4e2d} 🦀}";
        assert_eq!(Printable(text).to_string(), text);
    }
}
