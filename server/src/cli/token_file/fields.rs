//! The fields of a JSON object, which are read one by one: an error names the field, and never shows its value, which may
//! be a secret.

use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of an object, those that nobody asks for included.
pub(super) struct Fields<'t>(Vec<(String, &'t RawValue)>);

impl<'t> Fields<'t> {
    /// The fields of the object with this text.
    ///
    /// # Errors
    ///
    /// Says what the text is not, without showing it.
    pub(super) fn of(text: &'t str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => "it is not a JSON object".to_owned(),
            _ => format!("it is not JSON: line {}, column {}", error.line(), error.column()),
        })
    }

    /// The text of a field that must exist. It borrows from the text of the object.
    ///
    /// # Errors
    ///
    /// If there is none of this name, or more than one.
    pub(super) fn text(&self, name: &str) -> Result<&'t str, String> {
        self.find(name)?.ok_or_else(|| missing(name))
    }

    /// The value of a field that must exist.
    ///
    /// # Errors
    ///
    /// If there is none of this name or more than one, or its type differs from what is expected.
    pub(super) fn required<T: DeserializeOwned>(&self, name: &str, expected: &str) -> Result<T, String> {
        self.optional(name, expected)?.ok_or_else(|| missing(name))
    }

    /// The value of a field; `None` if it is null or does not exist.
    ///
    /// # Errors
    ///
    /// If there is more than one of this name, or its type differs from what is expected.
    pub(super) fn optional<T: DeserializeOwned>(&self, name: &str, expected: &str) -> Result<Option<T>, String> {
        let Some(text) = self.find(name)? else { return Ok(None) };
        serde_json::from_str(text).map_err(|_| format!("`{name}` is not {expected}"))
    }

    fn find(&self, name: &str) -> Result<Option<&'t str>, String> {
        let mut found = self.0.iter().filter(|(other, _)| other == name);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(format!("`{name}` occurs more than once")),
            (first, _) => Ok(first.map(|(_, value)| value.get())),
        }
    }
}

fn missing(name: &str) -> String {
    format!("`{name}` is missing")
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
