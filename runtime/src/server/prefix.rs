//! The path below which a larger server serves a service.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use http::uri::PathAndQuery;

/// A path below which a service serves, such as `/influx`: it begins with a slash and does not end with one.
///
/// The service compares it with the path of a request byte by byte, like the document's own paths.
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

/// The error for a text that is not a [`Prefix`]. It says which form a prefix has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPrefix {
    path: String,
}

impl fmt::Display for InvalidPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:?} is not a path prefix: it must begin with `/`, must not end with `/`, and must be percent-encoded, like \
             `/influx`; omit the option to serve without a prefix",
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
    fn any_other_text_is_not_a_prefix_and_the_error_says_why() {
        for path in ["", "/", "influx", "/influx/", "/a?b", "/a#b", "/a b", "/\u{e9}", "/a\n", "http://a/b"] {
            let message = path.parse::<Prefix>().expect_err(path).to_string();
            assert!(message.starts_with(&format!("{path:?} is not a path prefix")) && message.contains("`/influx`"));
        }
    }
}
