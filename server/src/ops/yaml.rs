//! JSON as YAML, in the order of its keys.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Writes a JSON text as YAML in block style. Texts are quoted as in JSON, which YAML 1.2 includes, unless they are plain
/// words.
pub(super) fn from_json(json: &str) -> serde_json::Result<String> {
    let mut yaml = String::new();
    let mut json = serde_json::Deserializer::from_str(json);
    Writer { yaml: &mut yaml, depth: 0, place: Place::Top }.deserialize(&mut json)?;
    json.end()?;
    yaml.push('\n');
    Ok(yaml)
}

/// Writes one value.
struct Writer<'y> {
    yaml: &'y mut String,
    /// How many collections it is in.
    depth: usize,
    place: Place,
}

/// What the value follows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Key,
    Dash,
}

impl Writer<'_> {
    fn scalar(self, text: &str) {
        if self.place != Place::Top {
            self.yaml.push(' ');
        }
        self.yaml.push_str(text);
    }

    /// Begins the next entry of a collection: on a new line, unless it is the first after a dash.
    fn entry(&mut self, is_first: bool) {
        match (is_first, self.place) {
            (true, Place::Top) => {}
            (true, Place::Dash) => self.yaml.push(' '),
            _ => {
                self.yaml.push('\n');
                (0..self.depth).for_each(|_| self.yaml.push_str("  "));
            }
        }
    }

    fn inner(&mut self, place: Place) -> Writer<'_> {
        Writer { yaml: self.yaml, depth: self.depth + 1, place }
    }
}

/// A text as a plain scalar if nothing can take it for anything else, otherwise quoted.
fn quoted(text: &str) -> String {
    let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.'));
    const OTHERS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if is_word && !OTHERS.iter().any(|other| text.eq_ignore_ascii_case(other)) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

impl<'de> DeserializeSeed<'de> for Writer<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Writer<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.scalar("null");
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.scalar(&value.to_string());
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.scalar(&value.to_string());
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.scalar(&value.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.scalar(&serde_json::Value::from(value).to_string());
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.scalar(&quoted(value));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let mut is_first = true;
        // Written ahead of an item, which may not come.
        loop {
            let before = self.yaml.len();
            self.entry(is_first);
            self.yaml.push('-');
            if items.next_element_seed(self.inner(Place::Dash))?.is_none() {
                self.yaml.truncate(before);
                break;
            }
            is_first = false;
        }
        if is_first {
            self.scalar("[]");
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        let mut is_first = true;
        while let Some(key) = entries.next_key::<String>()? {
            self.entry(is_first);
            self.yaml.push_str(&quoted(&key));
            self.yaml.push(':');
            entries.next_value_seed(self.inner(Place::Key))?;
            is_first = false;
        }
        if is_first {
            self.scalar("{}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_yaml_in_its_order() {
        let json = r#"{"openapi": "3.0.3", "b": {"x": [1, -2, 2.5, true, null], "é": "a: b\n\"c\""}, "a": [{"k": "v", "l": [[], {}]}, ["s", ["t"]], "no"], "404": {}}"#;
        let yaml = r#"openapi: "3.0.3"
b:
  x:
    - 1
    - -2
    - 2.5
    - true
    - null
  "é": "a: b\n\"c\""
a:
  - k: v
    l:
      - []
      - {}
  - - s
    - - t
  - "no"
"404": {}
"#;
        assert_eq!(from_json(json).unwrap(), yaml);
        assert_eq!(from_json("[]").unwrap(), "[]\n");
        assert_eq!(from_json("7").unwrap(), "7\n");
        assert!(from_json("{} x").is_err());
    }
}
