//! Values of which only their content tells which alternative of a `oneOf` or `anyOf` they are.

use serde::de::{self, DeserializeOwned};
use serde::ser::{self, Serialize, Serializer};
use serde_json::Value;

use crate::Scalar;

/// The properties of an object whose alternative is not known yet.
pub type Fields = serde_json::Map<String, Value>;

/// The text of the property that tells alternatives apart.
pub fn tag<'f>(fields: &'f Fields, property: &str) -> Option<&'f str> {
    fields.get(property)?.as_str()
}

/// Reads the alternative that a tag means, without the property `foreign`, which the alternative does not have itself.
pub fn read_alternative<T, E>(mut fields: Fields, foreign: Option<&str>) -> Result<T, E>
where
    T: DeserializeOwned,
    E: de::Error,
{
    if let Some(property) = foreign {
        fields.remove(property);
    }
    T::deserialize(Value::Object(fields)).map_err(E::custom)
}

/// The error for a tag that is missing or means no alternative. It does not repeat the input.
pub fn unknown_tag<E: de::Error>(property: &str, values: &str) -> E {
    E::custom(format_args!("`{property}` must be one of {values}"))
}

/// Writes an alternative with the property that tells which it is. Keeps one of `tags` that the alternative writes
/// itself.
pub fn write_alternative<T, S>(value: &T, property: &str, tags: &[&str], serializer: S) -> Result<S::Ok, S::Error>
where
    T: Serialize,
    S: Serializer,
{
    let mut value = serde_json::to_value(value).map_err(ser::Error::custom)?;
    if let Some(fields) = value.as_object_mut()
        && tag(fields, property).is_none_or(|given| !tags.contains(&given))
    {
        fields.insert(property.to_owned(), tags.first().copied().into());
    }
    value.serialize(serializer)
}

/// Reads the first alternative that loses nothing of the value, or else the first alternative that accepts it.
///
/// An object with all properties of one alternative may also be read as another that has fewer.
pub fn closest<T: Serialize, E: de::Error>(
    schema: &str,
    value: &Value,
    readers: &[fn(&Value) -> serde_json::Result<T>],
) -> Result<T, E> {
    let alternatives = readers.iter().filter_map(|read| read(value).ok());
    let lossless = |alternative: &T| serde_json::to_value(alternative).is_ok_and(|written| written == *value);
    first_lossless(alternatives, lossless)
        .ok_or_else(|| E::custom(format_args!("must be one of the alternatives of {schema}")))
}

/// Like [`closest`], for the text of a parameter.
pub fn closest_text<T: Scalar>(text: &str, readers: &[fn(&str) -> Option<T>]) -> Option<T> {
    first_lossless(readers.iter().filter_map(|read| read(text)), |alternative| alternative.to_text() == text)
}

fn first_lossless<T>(alternatives: impl Iterator<Item = T>, lossless: impl Fn(&T) -> bool) -> Option<T> {
    let mut first = None;
    for alternative in alternatives {
        if lossless(&alternative) {
            return Some(alternative);
        }
        first.get_or_insert(alternative);
    }
    first
}
