//! The macros that implement serde's traits, [`Scalar`](crate::Scalar) and others for generated models.

/// Implements serde's traits for a struct whose derives are `remote = "Self"`.
///
/// The derived `Deserialize` would accept an array for a struct; this one accepts objects only.
#[doc(hidden)]
#[macro_export]
macro_rules! __object {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize($crate::json::Object(deserializer))
            }
        }
    };
}

/// Implements [`Scalar`](crate::Scalar) for a newtype of a scalar.
#[doc(hidden)]
#[macro_export]
macro_rules! __newtype {
    ($name:ident) => {
        impl $crate::Scalar for $name {
            fn from_text(text: &str) -> Option<Self> {
                $crate::Scalar::from_text(text).map(Self)
            }

            fn to_text(&self) -> String {
                $crate::Scalar::to_text(&self.0)
            }
        }
    };
}

/// Implements [`Value`](crate::Value) for a newtype of an array of scalars that is a property of an object in a query.
#[doc(hidden)]
#[macro_export]
macro_rules! __array {
    ($name:ident) => {
        impl $crate::Value for $name {
            const IS_ARRAY: bool = true;

            fn from_texts(texts: Option<$crate::Texts<'_>>) -> Result<Self, $crate::ValueError> {
                $crate::Value::from_texts(texts).map(Self)
            }

            fn to_texts(&self) -> Option<$crate::Texts<'static>> {
                $crate::Value::to_texts(&self.0)
            }
        }
    };
}

/// Implements [`Value`](crate::Value) for a struct that is an object in a query.
#[doc(hidden)]
#[macro_export]
macro_rules! __properties {
    ($name:ident, { $($field:ident => $property:literal),* $(,)? }) => {
        impl $crate::Value for $name {
            fn from_texts(texts: Option<$crate::Texts<'_>>) -> Result<Self, $crate::ValueError> {
                let properties = $crate::Properties::of(texts)?;
                Ok(Self { $($field: properties.get($property)?),* })
            }

            fn to_texts(&self) -> Option<$crate::Texts<'static>> {
                let mut properties = $crate::Properties::default();
                $(properties.add($property, &self.$field);)*
                Some($crate::Texts::Properties(properties))
            }
        }
    };
}

/// Implements an enum of strings: its values, their texts, and the traits that read and write them.
#[doc(hidden)]
#[macro_export]
macro_rules! __string_enum {
    ($name:ident, $listed:literal, { $($variant:ident => $text:literal),* $(,)? }) => {
        impl $name {
            /// Every value, in the document's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The value as the document writes it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::json::UnknownValue;

            fn from_str(text: &str) -> Result<Self, $crate::json::UnknownValue> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err($crate::json::UnknownValue::new($listed)),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl $crate::Scalar for $name {
            fn from_text(text: &str) -> Option<Self> {
                text.parse().ok()
            }

            fn to_text(&self) -> String {
                self.as_str().to_owned()
            }
        }
    };
}

/// Implements an enum of integers: its values, their numbers, and the traits that read and write them.
#[doc(hidden)]
#[macro_export]
macro_rules! __integer_enum {
    ($name:ident, $listed:literal, { $($variant:ident => $number:literal),* $(,)? }) => {
        impl $name {
            /// Every value, in the document's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The number as the document writes it.
            pub fn as_i64(self) -> i64 {
                match self {
                    $(Self::$variant => $number,)*
                }
            }
        }

        impl TryFrom<i64> for $name {
            type Error = $crate::json::UnknownValue;

            fn try_from(number: i64) -> Result<Self, $crate::json::UnknownValue> {
                match number {
                    $($number => Ok(Self::$variant),)*
                    _ => Err($crate::json::UnknownValue::new($listed)),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.as_i64().fmt(formatter)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::json::UnknownValue;

            fn from_str(text: &str) -> Result<Self, $crate::json::UnknownValue> {
                text.parse().map_err(|_| $crate::json::UnknownValue::new($listed)).and_then(i64::try_into)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_i64(self.as_i64())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = <i64 as serde::Deserialize>::deserialize(deserializer)?;
                number.try_into().map_err(serde::de::Error::custom)
            }
        }

        impl $crate::Scalar for $name {
            fn from_text(text: &str) -> Option<Self> {
                text.parse().ok()
            }

            fn to_text(&self) -> String {
                self.as_i64().to_string()
            }
        }
    };
}

/// Implements `Deserialize` for a `oneOf` or `anyOf` without a discriminator. `$read` is the type to read first:
/// [`Fields`](crate::json::Fields) if every alternative is an object, or else any JSON.
#[doc(hidden)]
#[macro_export]
macro_rules! __read_closest {
    ($name:ident, $label:literal, $read:ty, { $($variant:ident),* $(,)? }) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = <$read as serde::Deserialize>::deserialize(deserializer)?.into();
                $crate::json::closest(
                    $label,
                    &value,
                    &[$(|value| serde::Deserialize::deserialize(value).map(Self::$variant)),*],
                )
            }
        }
    };
}

/// Implements `Deserialize` for a `oneOf` or `anyOf` with a discriminator. `$own` says whether the alternative's own
/// type has the discriminator's property.
#[doc(hidden)]
#[macro_export]
macro_rules! __read_tagged {
    ($name:ident, $property:literal, $listed:literal, { $($variant:ident => [$($tag:literal),+], $own:literal);* $(;)? }) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let fields = <$crate::json::Fields as serde::Deserialize>::deserialize(deserializer)?;
                match $crate::json::tag(&fields, $property) {
                    $(
                        Some($($tag)|+) => {
                            $crate::json::read_alternative(fields, (!$own).then_some($property)).map(Self::$variant)
                        }
                    )*
                    _ => Err($crate::json::unknown_tag($property, $listed)),
                }
            }
        }
    };
}

/// Implements `Serialize` for a `oneOf` or `anyOf` with a discriminator that some alternative does not write itself.
#[doc(hidden)]
#[macro_export]
macro_rules! __write_tagged {
    ($name:ident, $property:literal, { $($variant:ident => [$($tag:literal),+]),* $(,)? }) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(
                        Self::$variant(value) => {
                            $crate::json::write_alternative(value, $property, &[$($tag),+], serializer)
                        }
                    )*
                }
            }
        }
    };
}

/// Implements [`Scalar`](crate::Scalar) for a union of scalars.
#[doc(hidden)]
#[macro_export]
macro_rules! __scalar_union {
    ($name:ident, { $($variant:ident),* $(,)? }) => {
        impl $crate::Scalar for $name {
            fn from_text(text: &str) -> Option<Self> {
                $crate::json::closest_text(
                    text,
                    &[$(|text| $crate::Scalar::from_text(text).map(Self::$variant)),*],
                )
            }

            fn to_text(&self) -> String {
                match self {
                    $(Self::$variant(value) => $crate::Scalar::to_text(value),)*
                }
            }
        }
    };
}
