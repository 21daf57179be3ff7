use std::fmt;
use std::str::FromStr;

use super::text::is_invisible;

/// The name of a token: 1 to 255 bytes of UTF-8.
///
/// A new name ([`str::parse`]) looks the same to everybody who reads it: it contains no control, formatting or otherwise
/// invisible character, and neither begins nor ends with a blank. A name that a store has already may contain such
/// characters ([`TokenName::existing`]), because earlier versions permitted most of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenName(Box<str>);

impl TokenName {
    /// The name of the operator token. Only the operator token has it.
    pub const OPERATOR: &'static str = "_admin";

    /// The most bytes of a name.
    const MAX_LEN: usize = 255;

    /// A name that a token may have already: for a store that reads its tokens, and to select a token by its name. It
    /// contains no control characters, but may have others that a new name must not have.
    ///
    /// # Errors
    ///
    /// [`InvalidTokenName`] for a text that has never been a name.
    pub fn existing(text: &str) -> Result<Self, InvalidTokenName> {
        if text.is_empty() || text.len() > Self::MAX_LEN {
            return Err(InvalidTokenName::Length);
        }
        if let Some(control) = text.chars().find(|character| character.is_control()) {
            return Err(InvalidTokenName::Invisible(control));
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is [`TokenName::OPERATOR`].
    pub fn is_operator(&self) -> bool {
        self.as_str() == Self::OPERATOR
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TokenName {
    type Err = InvalidTokenName;

    fn from_str(text: &str) -> Result<Self, InvalidTokenName> {
        let name = Self::existing(text)?;
        if let Some(invisible) = text.chars().find(|character| is_invisible(*character)) {
            return Err(InvalidTokenName::Invisible(invisible));
        }
        if text.trim() != text {
            return Err(InvalidTokenName::OuterBlank);
        }
        Ok(name)
    }
}

/// The error for a text that is not a [`TokenName`]. Its message says which rule the text breaks.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTokenName {
    /// The text is empty or too long.
    #[error("a token's name is 1 to {} bytes long", TokenName::MAX_LEN)]
    Length,
    /// The text contains this character.
    #[error(
        "a token's name has no control characters, formatting characters or other invisible ones; this one has U+{:04X}",
        u32::from(*.0)
    )]
    Invisible(char),
    /// The text begins or ends with a blank.
    #[error("a token's name neither begins nor ends with a blank")]
    OuterBlank,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_255_bytes() {
        for good in ["_admin", "a", "ci / döner 🦀", "名前 　 1", "שלום", &"x".repeat(255)] {
            assert_eq!(good.parse::<TokenName>().unwrap().as_str(), good);
            assert_eq!(TokenName::existing(good).unwrap().as_str(), good);
        }
        for bad in ["", &"x".repeat(256), &"ö".repeat(128)] {
            assert_eq!(bad.parse::<TokenName>(), Err(InvalidTokenName::Length), "{bad:?}");
            assert_eq!(TokenName::existing(bad), Err(InvalidTokenName::Length), "{bad:?}");
        }
    }

    #[test]
    fn a_name_has_no_control_characters() {
        for control in ['\0', '\n', '\t', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}'] {
            let (name, error) = (format!("a{control}b"), Err(InvalidTokenName::Invisible(control)));
            assert_eq!((name.parse::<TokenName>(), TokenName::existing(&name)), (error.clone(), error));
        }
    }

    #[test]
    fn a_new_name_has_no_characters_that_nobody_sees_or_that_turn_the_text_round() {
        let bidirectional =
            ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}').chain("\u{200e}\u{200f}\u{61c}".chars());
        let others =
            "\u{ad}\u{200b}\u{200c}\u{200d}\u{2028}\u{2029}\u{2060}\u{3164}\u{e000}\u{fe0f}\u{feff}\u{e0041}\u{ffff}";
        for invisible in bidirectional.chain(others.chars()) {
            for name in [format!("{invisible}"), format!("a{invisible}b"), format!("a{invisible}")] {
                assert_eq!(name.parse::<TokenName>(), Err(InvalidTokenName::Invisible(invisible)), "{name:?}");
                assert_eq!(TokenName::existing(&name).unwrap().as_str(), name);
            }
        }
    }

    #[test]
    fn a_new_name_neither_begins_nor_ends_with_a_blank() {
        for name in [" ", " a", "a ", "\u{a0}a", "a\u{3000}", "\u{2003}"] {
            assert_eq!(name.parse::<TokenName>(), Err(InvalidTokenName::OuterBlank), "{name:?}");
            assert_eq!(TokenName::existing(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn an_error_names_the_rule_and_not_the_text() {
        let message = |name: &str| name.parse::<TokenName>().unwrap_err().to_string();
        assert_eq!(message(""), "a token's name is 1 to 255 bytes long");
        assert_eq!(message("a "), "a token's name neither begins nor ends with a blank");
        assert!(message("a\u{202e}b").ends_with("this one has U+202E"));
        assert!(message("a\nb").ends_with("this one has U+000A"));
    }
}
