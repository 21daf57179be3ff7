//! Objects as the query carries them: the texts of their properties.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::scalar::{Scalar, Texts, Value, ValueError};

/// The properties of an object in a query, decoded. The name of an array is repeated for each item.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties<'r> {
    pairs: Vec<(Cow<'r, str>, Cow<'r, str>)>,
}

impl<'r> Properties<'r> {
    /// The properties of the object that the texts of a message stand for.
    ///
    /// # Errors
    ///
    /// [`ValueError::Missing`] without texts, and [`ValueError::Invalid`] if they do not stand for an object.
    pub fn of(texts: Option<Texts<'r>>) -> Result<Self, ValueError> {
        match texts {
            Some(Texts::Properties(properties)) => Ok(properties),
            Some(Texts::One(_) | Texts::Many(_)) => Err(ValueError::Invalid),
            None => Err(ValueError::Missing),
        }
    }

    /// The value of a property.
    ///
    /// # Errors
    ///
    /// A [`ValueError`] that names the property.
    pub fn get<V: Value>(&self, name: &'static str) -> Result<V, ValueError> {
        let mut texts: Vec<_> = self.iter().filter(|(key, _)| *key == name).map(|(_, text)| text.into()).collect();
        let texts = match texts.len() {
            0 => None,
            1 if !V::IS_ARRAY => texts.pop().map(Texts::One),
            _ => Some(Texts::Many(texts)),
        };
        V::from_texts(texts).map_err(|error| match error {
            ValueError::Missing => ValueError::MissingProperty(name),
            _ => ValueError::InvalidProperty(name),
        })
    }

    /// Adds a property, unless the value is a `None`.
    pub fn add(&mut self, name: &'static str, value: &impl Value) {
        match value.to_texts() {
            Some(Texts::One(text)) => self.push(name.into(), text),
            Some(Texts::Many(texts)) => texts.into_iter().for_each(|text| self.push(name.into(), text)),
            // An object within an object has no form.
            Some(Texts::Properties(_)) | None => {}
        }
    }

    pub(crate) fn push(&mut self, name: Cow<'r, str>, text: Cow<'r, str>) {
        self.pairs.push((name, text));
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The names and texts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, text)| (name.as_ref(), text.as_ref()))
    }
}

impl fmt::Debug for Properties<'_> {
    /// Omits the texts, which may be secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Properties([redacted])")
    }
}

/// A map of scalars; each name is given once.
impl<S: Scalar> Value for BTreeMap<String, S> {
    fn from_texts(texts: Option<Texts<'_>>) -> Result<Self, ValueError> {
        let mut map = Self::new();
        for (name, text) in Properties::of(texts)?.iter() {
            let value = S::from_text(text).ok_or(ValueError::Invalid)?;
            if map.insert(name.to_owned(), value).is_some() {
                return Err(ValueError::Invalid);
            }
        }
        Ok(map)
    }

    fn to_texts(&self) -> Option<Texts<'static>> {
        let mut properties = Properties::default();
        self.iter().for_each(|(name, value)| properties.push(name.clone().into(), value.to_text().into()));
        Some(Texts::Properties(properties))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(pairs: &[(&'static str, &'static str)]) -> Properties<'static> {
        Properties { pairs: pairs.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect() }
    }

    #[test]
    fn each_property_has_its_type() {
        let given = properties(&[("a", "1"), ("list", "x"), ("list", "y"), ("one", "z")]);
        assert_eq!(given.get("a"), Ok(1_i64));
        assert_eq!(given.get("list"), Ok(vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!(given.get("one"), Ok(vec!["z".to_owned()]));
        assert_eq!(given.get("none"), Ok(None::<i64>));
        assert_eq!(given.get::<i64>("none"), Err(ValueError::MissingProperty("none")));
        assert_eq!(given.get::<i64>("one"), Err(ValueError::InvalidProperty("one")));
        assert_eq!(given.get::<Option<String>>("list"), Err(ValueError::InvalidProperty("list")));
    }

    #[test]
    fn properties_are_written_as_they_are_read() {
        let mut written = Properties::default();
        written.add("a", &1_i64);
        written.add("none", &None::<i64>);
        written.add("list", &vec!["x".to_owned(), "y".to_owned()]);
        assert_eq!(written, properties(&[("a", "1"), ("list", "x"), ("list", "y")]));
        assert_eq!(format!("{written:?}"), "Properties([redacted])");
    }

    #[test]
    fn a_map_has_any_names_each_once() {
        let read = |pairs| BTreeMap::<String, i64>::from_texts(Some(Texts::Properties(properties(pairs))));
        let map = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
        assert_eq!(read(&[("b", "2"), ("a", "1")]), Ok(map.clone()));
        assert_eq!(map.to_texts(), Some(Texts::Properties(properties(&[("a", "1"), ("b", "2")]))));
        assert_eq!(read(&[("a", "1"), ("a", "1")]), Err(ValueError::Invalid));
        assert_eq!(read(&[("a", "x")]), Err(ValueError::Invalid));
    }
}
