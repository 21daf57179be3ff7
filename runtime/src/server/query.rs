//! The query of a request.

use std::borrow::Cow;

use super::rejection::Rejection;
use crate::form::decode;
use crate::{Operation, Parameter, Properties, Style};
use http::request::Parts;

/// The decoded value of a query parameter that is required, and may be given only once.
///
/// # Errors
///
/// A [`Rejection::Parameter`] that names it, if it is missing, given more than once, or not percent-encoded UTF-8.
pub fn query_parameter<'r>(parts: &'r Parts, name: &'static str) -> Result<Cow<'r, str>, Rejection> {
    Query::of(parts).single(name)?.ok_or(Rejection::parameter(name, "is missing"))
}

/// The decoded values of a query parameter that may be given any number of times, in their order.
///
/// # Errors
///
/// A [`Rejection::Parameter`] that names it, if a value is not percent-encoded UTF-8.
pub fn query_parameters<'r>(parts: &'r Parts, name: &'static str) -> Result<Vec<Cow<'r, str>>, Rejection> {
    Ok(Query::of(parts).repeated(name)?.unwrap_or_default())
}

/// The query of a request: pairs `name=value`, separated by `&`, both sides percent-encoded.
#[derive(Clone, Copy)]
pub(super) struct Query<'r> {
    text: &'r str,
}

impl<'r> Query<'r> {
    pub(super) fn of(parts: &'r Parts) -> Self {
        Self { text: parts.uri.query().unwrap_or_default() }
    }

    /// The value of a parameter that may be given once. A name without a `=` has an empty value.
    pub(super) fn single(self, name: &'static str) -> Result<Option<Cow<'r, str>>, Rejection> {
        self.raw(name)?.map(|value| decoded(name, value)).transpose()
    }

    /// The values of a parameter that is repeated for each value, or `None` if it is missing.
    pub(super) fn repeated(self, name: &'static str) -> Result<Option<Vec<Cow<'r, str>>>, Rejection> {
        let values: Vec<_> = self.values(name).map(|value| decoded(name, value)).collect::<Result<_, _>>()?;
        Ok((!values.is_empty()).then_some(values))
    }

    /// The values of a parameter that is given once, with a separator between the values. A comma separates unless it
    /// is encoded. A space or a bar is always encoded, so no value can contain one.
    pub(super) fn separated(self, name: &'static str, separator: char) -> Result<Option<Vec<Cow<'r, str>>>, Rejection> {
        let Some(value) = self.raw(name)? else { return Ok(None) };
        if separator == ',' {
            return value.split(separator).map(|item| decoded(name, item)).collect::<Result<_, _>>().map(Some);
        }
        let value = decoded(name, value)?;
        Ok(Some(value.split(separator).map(|item| Cow::Owned(item.to_owned())).collect()))
    }

    /// The properties of an object.
    pub(super) fn properties(
        self,
        parameter: &Parameter,
        operation: &'static Operation,
    ) -> Result<Properties<'r>, Rejection> {
        let mut found = Properties::default();
        for (key, value) in self.pairs() {
            // A pair whose name is malformed belongs to another parameter.
            let Some(key) = decode(key) else { continue };
            let property = match parameter.style {
                Style::Deep => deep(parameter.name, &key).map(|property| property.to_owned().into()),
                Style::Properties(names) => names.contains(&key.as_ref()).then_some(key),
                Style::OtherNames(names) => {
                    let in_another = |other: &Parameter| other.style == Style::Deep && deep(other.name, &key).is_some();
                    let is_other = names.contains(&key.as_ref()) || operation.parameters.iter().any(in_another);
                    (!key.is_empty() && !is_other).then_some(key)
                }
                Style::Single | Style::Repeated | Style::Separated(_) => None,
            };
            if let Some(property) = property {
                found.push(property, decoded(parameter.name, value)?);
            }
        }
        Ok(found)
    }

    /// The undecoded value of a parameter that may be given once.
    fn raw(self, name: &'static str) -> Result<Option<&'r str>, Rejection> {
        let mut values = self.values(name);
        let first = values.next();
        if values.next().is_some() { Err(Rejection::parameter(name, "was given more than once")) } else { Ok(first) }
    }

    /// The undecoded values of a parameter. A pair whose name is malformed belongs to another parameter.
    fn values(self, name: &'static str) -> impl Iterator<Item = &'r str> {
        self.pairs().filter(move |(key, _)| decode(key).is_some_and(|key| key == name)).map(|(_, value)| value)
    }

    /// The undecoded names and values.
    fn pairs(self) -> impl Iterator<Item = (&'r str, &'r str)> {
        self.text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }
}

/// The property that a name means for a parameter: `limit` for `filter[limit]`.
fn deep<'k>(parameter: &str, name: &'k str) -> Option<&'k str> {
    let property = name.strip_prefix(parameter)?.strip_prefix('[')?.strip_suffix(']')?;
    (!property.contains(['[', ']'])).then_some(property)
}

pub(super) fn decoded<'r>(name: &'static str, text: &'r str) -> Result<Cow<'r, str>, Rejection> {
    decode(text).ok_or(Rejection::parameter(name, "is not percent-encoded UTF-8"))
}

#[cfg(test)]
mod tests;
