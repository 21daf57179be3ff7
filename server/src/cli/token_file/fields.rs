//! The fields of a JSON object, which are read one by one: an error names the field, and never shows its value, which may
//! be a secret.

use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

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
            _ if text.trim_ascii().is_empty() => "it is empty".to_owned(),
            serde_json::error::Category::Data => "it is not a JSON object".to_owned(),
            _ => format!("it is not JSON: line {}, column {}", error.line(), error.column()),
        })
    }

    /// Whether there is a field of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| other == name)
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

    /// The secret that a field contains, which must exist.
    ///
    /// # Errors
    ///
    /// If there is none of this name or more than one, or it is not a text.
    pub(super) fn secret(&self, name: &str) -> Result<Zeroizing<String>, String> {
        match self.find(name)? {
            None | Some("null") => Err(missing(name)),
            Some(json) => string(json).ok_or_else(|| format!("`{name}` is not a text")),
        }
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

/// The text that a JSON string stands for. A decoder would leave a copy that is not wiped, if the string has escapes.
fn string(json: &str) -> Option<Zeroizing<String>> {
    let quoted = json.strip_prefix('"')?.strip_suffix('"')?;
    // No escape is shorter than what it stands for, so the text never grows, which would leave a copy too.
    let mut text = Zeroizing::new(String::with_capacity(quoted.len()));
    let mut rest = quoted.chars();
    while let Some(character) = rest.next() {
        text.push(match character {
            '\\' => match rest.next()? {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let (digits, after) = rest.as_str().split_at_checked(4)?;
                    rest = after.chars();
                    // Half of a pair stands for no character, and a secret has no character that takes a pair.
                    char::from_u32(u32::from_str_radix(digits, 16).ok()?).unwrap_or(char::REPLACEMENT_CHARACTER)
                }
                itself => itself,
            },
            plain => plain,
        });
    }
    Some(text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_string_is_decoded_as_by_a_json_decoder_and_does_not_grow() {
        let every: String = ('\0'..='\u{ff}').chain("€\u{2028}".chars()).collect();
        let escaped: String = every.chars().map(|character| format!("\\u{:04X}", u32::from(character))).collect();
        for json in [
            serde_json::to_string(&every).unwrap(),
            format!("\"{escaped}\""),
            r#""""#.to_owned(),
            r#""\/\\\"\b\f\n\r\t\u0041""#.to_owned(),
        ] {
            let text = string(&json).unwrap();
            assert_eq!(*text, serde_json::from_str::<String>(&json).unwrap());
            assert_eq!(text.capacity(), json.len() - 2);
        }
        assert_eq!(*string(r#""a\ud83e\udd80b""#).unwrap(), "a\u{fffd}\u{fffd}b");
        for other in ["1", "null", "[\"a\"]", "{}", "true"] {
            assert!(string(other).is_none(), "{other}");
        }
    }
}
