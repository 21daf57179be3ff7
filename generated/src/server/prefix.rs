//! Where in a larger server a service begins.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use http::uri::PathAndQuery;

/// A path below which a service serves, such as `/influx`: it begins with a slash and does not end with one.
///
/// It is compared with the path of a request byte by byte, as the document's own paths are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Prefix {
    type Err = InvalidPrefix;

    fn from_str(path: &str) -> Result<Self, InvalidPrefix> {
        let delimited = path.starts_with('/') && !path.ends_with('/');
        let possible = path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'));
        if delimited && possible && PathAndQuery::try_from(path).is_ok() {
            Ok(Self(path.to_owned()))
        } else {
            Err(InvalidPrefix { path: path.to_owned() })
        }
    }
}

/// A text that is not a [`Prefix`], and the form it should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPrefix {
    path: String,
}

impl fmt::Display for InvalidPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:?} is not a prefix of paths: begin it with `/`, do not end it with one, and percent-encode what a path \
             cannot have, as in `/influx`; where there is no prefix, give none",
            self.path
        )
    }
}

impl Error for InvalidPrefix {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_begins_with_a_slash_and_does_not_end_with_one_is_a_prefix() {
        for path in ["/influx", "/a/b", "/a%20b", "/~me", "/a//b", "/v1.2;x=y,z"] {
            assert_eq!(path.parse::<Prefix>().as_ref().map(Prefix::as_str), Ok(path));
        }
    }

    #[test]
    fn anything_else_is_none_and_the_error_says_what_to_do() {
        for path in ["", "/", "influx", "/influx/", "/a?b", "/a#b", "/a b", "/\u{e9}", "/a\n", "http://a/b"] {
            let message = path.parse::<Prefix>().expect_err(path).to_string();
            assert!(message.starts_with(&format!("{path:?} is not a prefix")) && message.contains("`/influx`"));
        }
    }
}
