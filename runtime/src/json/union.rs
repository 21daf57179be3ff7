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

/// Reads the alternative that keeps most of a value: the first that loses nothing, or else the first that keeps every
/// property that any other alternative keeps. Properties that no alternative has are ignored, as in any object.
///
/// An object with all properties of one alternative may also be read as another that has fewer. A value that mixes
/// properties of several alternatives, such that each loses one, is an error, so that none is lost.
pub fn closest<T: Serialize, E: de::Error>(
    schema: &str,
    value: &Value,
    readers: &[fn(&Value) -> serde_json::Result<T>],
) -> Result<T, E> {
    let mut found: Vec<(T, Value)> = Vec::new();
    for alternative in readers.iter().filter_map(|read| read(value).ok()) {
        let written = serde_json::to_value(&alternative).map_err(E::custom)?;
        if written == *value {
            return Ok(alternative);
        }
        found.push((alternative, written));
    }
    if found.is_empty() {
        return Err(E::custom(format_args!("must be one of the alternatives of {schema}")));
    }
    let keeps_all = |(_, written): &(T, Value)| found.iter().all(|(_, other)| keeps(value, written, other));
    match found.iter().position(keeps_all) {
        Some(index) => Ok(found.swap_remove(index).0),
        None => Err(E::custom(format_args!("must not mix the properties of several alternatives of {schema}"))),
    }
}

/// Whether everything of `value` that `other` has is in `written` too.
fn keeps(value: &Value, written: &Value, other: &Value) -> bool {
    match (value, other) {
        (Value::Object(value), Value::Object(other)) => value.iter().all(|(name, part)| {
            other.get(name).is_none_or(|other| written.get(name).is_some_and(|written| keeps(part, written, other)))
        }),
        (Value::Array(value), Value::Array(other)) => value.iter().enumerate().all(|(index, part)| {
            other.get(index).is_none_or(|other| written.get(index).is_some_and(|written| keeps(part, written, other)))
        }),
        _ => true,
    }
}

/// Like [`closest`], for the text of a parameter.
pub fn closest_text<T: Scalar>(text: &str, readers: &[fn(&str) -> Option<T>]) -> Option<T> {
    let mut first = None;
    for alternative in readers.iter().filter_map(|read| read(text)) {
        if alternative.to_text() == text {
            return Some(alternative);
        }
        first.get_or_insert(alternative);
    }
    first
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Small {
        a: f64,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Large {
        a: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        b: Option<Vec<Small>>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Other {
        a: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        c: Option<String>,
    }

    #[derive(Debug, PartialEq, Serialize)]
    #[serde(untagged)]
    enum Any {
        Small(Small),
        Large(Large),
        Other(Other),
    }

    fn read(value: &Value) -> serde_json::Result<Any> {
        closest(
            "Any",
            value,
            &[
                |value| Deserialize::deserialize(value).map(Any::Small),
                |value| Deserialize::deserialize(value).map(Any::Large),
                |value| Deserialize::deserialize(value).map(Any::Other),
            ],
        )
    }

    #[test]
    fn the_alternative_that_keeps_most_is_read() {
        let small = |a| Small { a };
        for (value, expected) in [
            (json!({"a": 0.5}), Any::Small(small(0.5))),
            (json!({"a": 0.5, "b": []}), Any::Large(Large { a: 0.5, b: Some(vec![]) })),
            (json!({"a": 0.5, "c": "x"}), Any::Other(Other { a: 0.5, c: Some("x".to_owned()) })),
            // Of these, no alternative keeps all: 1 is written as 1.0, and `unknown` is in none.
            (json!({"a": 1}), Any::Small(small(1.0))),
            (json!({"a": 1, "b": [{"a": 1}]}), Any::Large(Large { a: 1.0, b: Some(vec![small(1.0)]) })),
            (json!({"a": 1, "c": "x", "unknown": 7}), Any::Other(Other { a: 1.0, c: Some("x".to_owned()) })),
        ] {
            assert_eq!(read(&value).expect("an alternative accepts it"), expected, "{value}");
        }
    }

    #[test]
    fn a_value_of_which_every_alternative_loses_something_is_an_error() {
        for (value, expected) in [
            (json!({"a": 1, "b": [], "c": "x"}), "must not mix the properties of several alternatives of Any"),
            (json!({"b": []}), "must be one of the alternatives of Any"),
        ] {
            assert_eq!(read(&value).expect_err("no alternative keeps it").to_string(), expected);
        }
    }
}
