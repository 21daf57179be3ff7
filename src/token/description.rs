use std::fmt;
use std::str::FromStr;

/// What a token is for, in its creator's words: 1 to 1,024 bytes of UTF-8 without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenDescription(Box<str>);

impl TokenDescription {
    /// The most bytes of a description.
    const MAX_LEN: usize = 1024;

    /// The description as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TokenDescription {
    type Err = InvalidTokenDescription;

    fn from_str(text: &str) -> Result<Self, InvalidTokenDescription> {
        if text.is_empty() || text.len() > Self::MAX_LEN {
            return Err(InvalidTokenDescription::Length);
        }
        match text.chars().find(|character| character.is_control()) {
            Some(control) => Err(InvalidTokenDescription::Control(control)),
            None => Ok(Self(text.into())),
        }
    }
}

/// The error for a text that is not a [`TokenDescription`]. Its message says which rule the text breaks.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTokenDescription {
    /// The text is empty or too long.
    #[error("a token's description is 1 to {} bytes long", TokenDescription::MAX_LEN)]
    Length,
    /// The text contains this character.
    #[error("a token's description has no control characters; this one has U+{:04X}", u32::from(*.0))]
    Control(char),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_short_and_has_no_control_characters() {
        let longest = "a".repeat(TokenDescription::MAX_LEN);
        for text in ["a", " for Grafana, see wiki ", "\u{1f468}\u{200d}\u{1f33e}", &longest] {
            assert_eq!(text.parse::<TokenDescription>().unwrap().as_str(), text);
        }
        let too_long = format!("{longest}a");
        for (text, error) in [
            ("", InvalidTokenDescription::Length),
            (too_long.as_str(), InvalidTokenDescription::Length),
            ("two\nlines", InvalidTokenDescription::Control('\n')),
            ("\u{9b}31m", InvalidTokenDescription::Control('\u{9b}')),
        ] {
            assert_eq!(text.parse::<TokenDescription>(), Err(error));
        }
    }
}
