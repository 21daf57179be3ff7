//! Values as the texts that paths, queries, headers, cookies and bodies carry.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::{Properties, Secret};

/// A value that one text stands for in a path, a query, a header, a cookie or a body of `text/plain`.
///
/// It is not meant to be implemented for `Vec` and `Option`: [`Value`] covers those.
pub trait Scalar: Sized {
    /// The value that a decoded text stands for, or `None` if the text is not of this type.
    fn from_text(text: &str) -> Option<Self>;

    /// The text that stands for the value, before any encoding.
    fn to_text(&self) -> String;

    /// The same, without a copy if the value is a text.
    fn into_text(self) -> String {
        self.to_text()
    }
}

impl Scalar for String {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn to_text(&self) -> String {
        self.clone()
    }

    fn into_text(self) -> String {
        self
    }
}

macro_rules! plain {
    ($($type:ty)*) => {
        $(
            impl Scalar for $type {
                fn from_text(text: &str) -> Option<Self> {
                    text.parse().ok()
                }

                fn to_text(&self) -> String {
                    self.to_string()
                }
            }
        )*
    };
}
plain!(bool i32 i64 i128 u32 u64);

macro_rules! finite {
    ($($type:ty)*) => {
        $(
            /// Numbers as JSON has them: neither infinite nor `NaN`.
            impl Scalar for $type {
                fn from_text(text: &str) -> Option<Self> {
                    text.parse().ok().filter(|number: &Self| number.is_finite())
                }

                fn to_text(&self) -> String {
                    self.to_string()
                }
            }
        )*
    };
}
finite!(f32 f64);

/// Base64 (RFC 4648, section 4).
impl Scalar for swagger::ByteArray {
    fn from_text(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok().map(Self)
    }

    fn to_text(&self) -> String {
        STANDARD.encode(&self.0)
    }
}

impl Scalar for Secret {
    fn from_text(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// RFC 3339, section 5.6.
#[cfg(feature = "chrono")]
impl Scalar for chrono::DateTime<chrono::Utc> {
    fn from_text(text: &str) -> Option<Self> {
        chrono::DateTime::parse_from_rfc3339(text).ok().map(Into::into)
    }

    fn to_text(&self) -> String {
        self.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
    }
}

#[cfg(feature = "chrono")]
plain!(chrono::NaiveDate);
#[cfg(feature = "uuid")]
plain!(uuid::Uuid);

/// The decoded texts that a message carries for one parameter or header.
#[derive(Clone, PartialEq, Eq)]
pub enum Texts<'r> {
    /// The text of a scalar.
    One(Cow<'r, str>),
    /// The texts of the items of an array.
    Many(Vec<Cow<'r, str>>),
    /// The texts of the properties of an object.
    Properties(Properties<'r>),
}

impl fmt::Debug for Texts<'_> {
    /// Omits the texts, which may be secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Texts::One(_) => "One([redacted])",
            Texts::Many(_) => "Many([redacted])",
            Texts::Properties(_) => "Properties([redacted])",
        })
    }
}

/// A parameter's or header's value: a [`Scalar`], an array of scalars (`Vec`), a map of scalars, a generated struct of
/// these, or any of them in an `Option`.
pub trait Value: Sized {
    /// Whether one text stands for an array of one item.
    const IS_ARRAY: bool = false;

    /// Reads the value from the texts of a message, which are `None` if the message does not carry it.
    ///
    /// # Errors
    ///
    /// [`ValueError::Missing`] if a value is required, and [`ValueError::Invalid`] if a text is not of the type.
    fn from_texts(texts: Option<Texts<'_>>) -> Result<Self, ValueError>;

    /// The texts of the value, or `None` if a message does not carry it.
    fn to_texts(&self) -> Option<Texts<'static>>;
}

/// Why texts are not a [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("{}", self.problem())]
pub enum ValueError {
    /// It is required, and the message does not carry it.
    Missing,
    /// A text is not of its type.
    Invalid,
    /// A property of an object is required, and the message does not carry it.
    MissingProperty(&'static str),
    /// The text of a property of an object is not of its type.
    InvalidProperty(&'static str),
}

impl ValueError {
    /// The text of the error, to follow a name: "is missing".
    pub fn problem(self) -> Cow<'static, str> {
        match self {
            Self::Missing => "is missing".into(),
            Self::Invalid => "has an invalid value".into(),
            Self::MissingProperty(name) => format!("has no property `{name}`").into(),
            Self::InvalidProperty(name) => format!("has an invalid value in the property `{name}`").into(),
        }
    }
}

impl<S: Scalar> Value for S {
    fn from_texts(texts: Option<Texts<'_>>) -> Result<Self, ValueError> {
        match texts {
            Some(Texts::One(text)) => S::from_text(&text).ok_or(ValueError::Invalid),
            Some(Texts::Many(_) | Texts::Properties(_)) => Err(ValueError::Invalid),
            None => Err(ValueError::Missing),
        }
    }

    fn to_texts(&self) -> Option<Texts<'static>> {
        Some(Texts::One(Cow::Owned(self.to_text())))
    }
}

impl<S: Scalar> Value for Vec<S> {
    const IS_ARRAY: bool = true;

    fn from_texts(texts: Option<Texts<'_>>) -> Result<Self, ValueError> {
        match texts {
            Some(Texts::Many(texts)) => {
                texts.iter().map(|text| S::from_text(text).ok_or(ValueError::Invalid)).collect()
            }
            Some(Texts::One(_) | Texts::Properties(_)) => Err(ValueError::Invalid),
            None => Err(ValueError::Missing),
        }
    }

    fn to_texts(&self) -> Option<Texts<'static>> {
        Some(Texts::Many(self.iter().map(|item| Cow::Owned(item.to_text())).collect()))
    }
}

impl<V: Value> Value for Option<V> {
    const IS_ARRAY: bool = V::IS_ARRAY;

    fn from_texts(texts: Option<Texts<'_>>) -> Result<Self, ValueError> {
        texts.map(|texts| V::from_texts(Some(texts))).transpose()
    }

    fn to_texts(&self) -> Option<Texts<'static>> {
        self.as_ref().and_then(V::to_texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Option<Texts<'_>> {
        Some(Texts::One(text.into()))
    }

    #[test]
    fn a_required_value_is_demanded_and_an_optional_one_is_not() {
        assert_eq!(i64::from_texts(one("-7")), Ok(-7));
        assert_eq!(i64::from_texts(None), Err(ValueError::Missing));
        assert_eq!(Vec::<i64>::from_texts(None), Err(ValueError::Missing));
        assert_eq!(Option::<i64>::from_texts(one("-7")), Ok(Some(-7)));
        assert_eq!(Option::<i64>::from_texts(None), Ok(None));
    }

    #[test]
    fn a_text_of_another_type_is_invalid() {
        for text in ["", "seven", "7.0", " 7", "9223372036854775808"] {
            assert_eq!(i64::from_texts(one(text)), Err(ValueError::Invalid), "{text}");
            assert_eq!(Option::<i64>::from_texts(one(text)), Err(ValueError::Invalid), "{text}");
        }
        for text in ["inf", "-inf", "NaN", "1e999", "x"] {
            assert_eq!(f64::from_text(text), None, "{text}");
            assert_eq!(f32::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn every_item_of_an_array_has_its_type() {
        let items = |texts: &[&'static str]| Some(Texts::Many(texts.iter().map(|text| (*text).into()).collect()));
        assert_eq!(Vec::from_texts(items(&["1", "2"])), Ok(vec![1_i64, 2]));
        assert_eq!(Vec::<i64>::from_texts(items(&["1", ""])), Err(ValueError::Invalid));
        assert_eq!(Vec::<i64>::from_texts(one("1")), Err(ValueError::Invalid));
        assert_eq!(i64::from_texts(items(&["1"])), Err(ValueError::Invalid));
        assert_eq!(vec![1_i64, 2].to_texts(), items(&["1", "2"]));
        assert_eq!(None::<Vec<i64>>.to_texts(), None);
    }

    #[test]
    fn bytes_are_base64() {
        let bytes = swagger::ByteArray(vec![0xff, 0, 1]);
        assert_eq!(bytes.to_text(), "/wAB");
        assert_eq!(swagger::ByteArray::from_text("/wAB"), Some(bytes));
        assert_eq!(swagger::ByteArray::from_text("_wAB"), None);
    }

    #[cfg(feature = "chrono")]
    #[test]
    fn an_instant_is_rfc_3339_in_utc() {
        let instant = chrono::DateTime::from_text("2026-01-02T04:04:05.678+01:00");
        assert_eq!(instant.as_ref().map(Scalar::to_text).as_deref(), Some("2026-01-02T03:04:05.678Z"));
        assert_eq!(chrono::DateTime::from_text("2026-01-02"), None);
    }
}
