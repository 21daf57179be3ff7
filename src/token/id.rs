use std::fmt;
use std::str::FromStr;

/// The ID of a token, unique in a store. A store does not reuse the ID of a deleted token.
///
/// The text form is the decimal number in canonical form: `7`, not `07`, `+7` or `7.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId(u64);

impl TokenId {
    /// The ID of the operator token. The other tokens count up from 1.
    pub const OPERATOR: Self = Self(0);

    /// The ID with this number.
    pub const fn from_u64(id: u64) -> Self {
        Self(id)
    }

    /// The number of this ID.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TokenId {
    type Err = InvalidTokenId;

    fn from_str(text: &str) -> Result<Self, InvalidTokenId> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let canonical = text == "0" || !text.starts_with('0');
        if !(digits && canonical) {
            return Err(InvalidTokenId);
        }
        text.parse().map(Self).map_err(|_| InvalidTokenId)
    }
}

/// The error for a text that is not a [`TokenId`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token ID is a decimal number from 0 to 18446744073709551615, without sign or leading zeros")]
pub struct InvalidTokenId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_in_canonical_form_round_trips() {
        for text in ["0", "7", "10", "18446744073709551615"] {
            assert_eq!(text.parse::<TokenId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_id_in_any_other_form_is_refused() {
        for text in ["", " 7", "7 ", "07", "00", "+7", "-0", "7.0", "7e0", "0x7", "٧", "18446744073709551616"] {
            assert_eq!(text.parse::<TokenId>(), Err(InvalidTokenId), "{text:?}");
        }
    }
}
