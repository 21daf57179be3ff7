//! How models are read and written where serde's derives are too lenient or have no form for it.
//!
//! The macros are for generated code: each implements the traits of one kind of model.

mod macros;
mod union;

use serde::de::{Deserialize, Deserializer, Visitor};

#[doc(hidden)]
pub use crate::{
    __array as array, __integer_enum as integer_enum, __newtype as newtype, __object as object,
    __properties as properties, __read_closest as read_closest, __read_tagged as read_tagged,
    __scalar_union as scalar_union, __string_enum as string_enum, __write_tagged as write_tagged,
};
#[doc(hidden)]
pub use union::{Fields, closest, closest_text, read_alternative, tag, unknown_tag, write_alternative};

/// A deserializer that a struct asks for a map, whatever it is told to ask for.
#[doc(hidden)]
#[derive(Debug)]
pub struct Object<D>(pub D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Object<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Keeps a property whose value is null apart from a missing property.
#[doc(hidden)]
pub fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A text or number that is not one of an enum's values. Its message lists them, and never repeats the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {values}")]
pub struct UnknownValue {
    values: &'static str,
}

impl UnknownValue {
    /// The error of a type whose values are listed like this: "read, write".
    pub const fn new(values: &'static str) -> Self {
        Self { values }
    }
}
