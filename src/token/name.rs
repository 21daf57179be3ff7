use std::fmt;
use std::str::FromStr;

/// The name of a token: 1 to 255 bytes of UTF-8 without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenName(Box<str>);

impl TokenName {
    /// The name of the operator token. Only the operator token has it.
    pub const OPERATOR: &'static str = "_admin";

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
        if text.is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
            return Err(InvalidTokenName);
        }
        Ok(Self(text.into()))
    }
}

/// The error for a text that is not a [`TokenName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token's name is 1 to 255 bytes long and has no control characters")]
pub struct InvalidTokenName;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_255_bytes_and_no_control_characters() {
        for good in ["_admin", "a", "ci / döner 🦀", &"x".repeat(255)] {
            assert_eq!(good.parse::<TokenName>().unwrap().as_str(), good);
        }
        for bad in ["", "a\nb", "\u{7f}", "\u{85}", "a\0", &"x".repeat(256), &"ö".repeat(128)] {
            assert_eq!(bad.parse::<TokenName>(), Err(InvalidTokenName), "{bad:?}");
        }
    }
}
