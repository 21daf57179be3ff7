//! The parameters of an operation, from the texts of a request to values.

use std::borrow::Cow;
use std::fmt;

use http::request::Parts;

use super::query::{Query, decoded};
use super::rejection::Rejection;
use super::{message, router};
use crate::validation::Violation;
use crate::{Location, Operation, Parameter, Style, Texts, Value};

/// The parameters that a request carries for an operation.
#[derive(Clone, Copy)]
pub struct Parameters<'r> {
    pub(super) operation: &'static Operation,
    pub(super) parts: &'r Parts,
    /// The path of the request without the base of the service.
    pub(super) path: &'r str,
}

impl<'r> Parameters<'r> {
    /// The value of the parameter at this index of [`Operation::parameters`].
    ///
    /// # Errors
    ///
    /// A [`Rejection::Parameter`] that names it.
    ///
    /// # Panics
    ///
    /// If the operation has no such parameter.
    pub fn get<V: Value>(&self, index: usize) -> Result<V, Rejection> {
        let parameter = &self.operation.parameters[index];
        let texts = self.texts(parameter)?.or_else(|| default_of(parameter));
        V::from_texts(texts).map_err(|error| Rejection::parameter(parameter.name, error.problem()))
    }

    /// The value of a required parameter, if it is within the limits of its schema.
    ///
    /// # Errors
    ///
    /// A [`Rejection::Parameter`] that names it.
    pub fn checked<V: Value>(
        &self,
        index: usize,
        check: impl FnOnce(&V) -> Result<(), Violation>,
    ) -> Result<V, Rejection> {
        let value = self.get(index)?;
        check(&value).map_err(|violation| self.violated(index, &violation))?;
        Ok(value)
    }

    /// The same for an optional parameter.
    ///
    /// # Errors
    ///
    /// A [`Rejection::Parameter`] that names it.
    pub fn optional_checked<V: Value>(
        &self,
        index: usize,
        check: impl FnOnce(&V) -> Result<(), Violation>,
    ) -> Result<Option<V>, Rejection> {
        let value: Option<V> = self.get(index)?;
        value.as_ref().map_or(Ok(()), check).map_err(|violation| self.violated(index, &violation))?;
        Ok(value)
    }

    fn violated(&self, index: usize, violation: &Violation) -> Rejection {
        Rejection::parameter(self.operation.parameters[index].name, violation.to_string())
    }

    /// The decoded texts that the request carries for a parameter.
    fn texts(&self, parameter: &Parameter) -> Result<Option<Texts<'r>>, Rejection> {
        let Parameter { name, location, style, .. } = *parameter;
        Ok(match (location, style) {
            (Location::Query, Style::Single) => Query::of(self.parts).single(name)?.map(Texts::One),
            (Location::Query, Style::Repeated) => Query::of(self.parts).repeated(name)?.map(Texts::Many),
            (Location::Query, Style::Separated(separator)) => {
                Query::of(self.parts).separated(name, separator)?.map(Texts::Many)
            }
            (Location::Query, Style::Properties(_) | Style::OtherNames(_) | Style::Deep) => {
                let found = Query::of(self.parts).properties(parameter, self.operation)?;
                (parameter.required || !found.is_empty()).then_some(Texts::Properties(found))
            }
            (Location::Header, Style::Single) => message::header(self.parts, name)?.map(Cow::Borrowed).map(Texts::One),
            (Location::Header, _) => message::header_items(self.parts, name)?.map(Texts::Many),
            (Location::Path, style) => {
                let raw = router::capture(self.operation.path, self.path, name);
                raw.map(|raw| split(name, raw, style)).transpose()?
            }
            (Location::Cookie, style) => {
                let raw = message::raw_cookie(self.parts, name)?;
                raw.map(|raw| split(name, raw, style)).transpose()?
            }
        })
    }
}

impl fmt::Debug for Parameters<'_> {
    /// Omits the values, which may be secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Parameters").field("operation", &self.operation.id).finish_non_exhaustive()
    }
}

fn default_of(parameter: &Parameter) -> Option<Texts<'static>> {
    match (parameter.default, parameter.style) {
        ([], _) => None,
        ([text], Style::Single) => Some(Texts::One(Cow::Borrowed(text))),
        (texts, _) => Some(Texts::Many(texts.iter().copied().map(Cow::Borrowed).collect())),
    }
}

/// Decodes a value in a path or a cookie, whose items are separated by commas.
fn split<'r>(name: &'static str, raw: &'r str, style: Style) -> Result<Texts<'r>, Rejection> {
    match style {
        Style::Single => plus_is_plus(name, raw).map(Texts::One),
        _ => raw.split(',').map(|item| plus_is_plus(name, item)).collect::<Result<_, _>>().map(Texts::Many),
    }
}

/// Decodes a text in a path or a cookie, in which a plus sign stands for itself.
fn plus_is_plus<'r>(name: &'static str, text: &'r str) -> Result<Cow<'r, str>, Rejection> {
    if !text.contains('+') {
        return decoded(name, text);
    }
    decoded(name, &text.replace('+', "%2B")).map(|value| Cow::Owned(value.into_owned()))
}

#[cfg(test)]
mod tests {
    use http::{Method, Request};

    use super::*;

    static OPERATION: Operation = Operation::new("o", Method::GET, "/files/{name}/{parts}").parameters(&[
        Parameter::new("limit", Location::Query).default(&["10"]),
        Parameter::new("sort", Location::Query).style(Style::Repeated).default(&["name", "size"]),
        Parameter::new("x-tags", Location::Header).style(Style::Separated(',')),
        Parameter::new("name", Location::Path).required(),
        Parameter::new("parts", Location::Path).required().style(Style::Separated(',')),
        Parameter::new("session", Location::Cookie).required(),
    ]);

    fn request(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let builder =
            headers.iter().fold(Request::builder().uri(uri), |builder, (name, value)| builder.header(*name, *value));
        builder.body(()).expect("a request").into_parts().0
    }

    fn parameters(parts: &Parts) -> Parameters<'_> {
        Parameters { operation: &OPERATION, parts, path: parts.uri.path() }
    }

    #[test]
    fn each_parameter_is_read_from_its_location_in_its_style() {
        let headers = [("x-tags", "a, b"), ("x-tags", "c"), ("cookie", "x=1; session=a+b%20c")];
        let request = request("/files/a+b%2F/1,2%2C3?limit=7&sort=x&sort=y", &headers);
        let parameters = parameters(&request);
        assert_eq!(parameters.get::<u32>(0).ok(), Some(7));
        assert_eq!(parameters.get::<Vec<String>>(1).ok(), Some(vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!(
            parameters.get::<Option<Vec<String>>>(2).ok().flatten().map(|tags| tags.concat()),
            Some("abc".into())
        );
        assert_eq!(parameters.get::<String>(3).ok().as_deref(), Some("a+b/"));
        assert_eq!(parameters.get::<Vec<String>>(4).ok(), Some(vec!["1".to_owned(), "2,3".to_owned()]));
        assert_eq!(parameters.get::<String>(5).ok().as_deref(), Some("a+b c"));
    }

    #[test]
    fn a_missing_parameter_has_its_default_or_is_rejected() {
        let request = request("/files/a/b", &[]);
        let parameters = parameters(&request);
        assert_eq!(parameters.get::<u32>(0).ok(), Some(10));
        assert_eq!(parameters.get::<Vec<String>>(1).ok(), Some(vec!["name".to_owned(), "size".to_owned()]));
        assert_eq!(parameters.get::<Option<Vec<String>>>(2).ok(), Some(None));
        let rejection = parameters.get::<String>(5).expect_err("it is required");
        assert_eq!(rejection.to_string(), "the parameter `session` is missing");
    }

    #[test]
    fn a_value_beyond_a_limit_is_rejected() {
        let request = request("/files/a/b?limit=7", &[]);
        let parameters = parameters(&request);
        let check = |most| move |limit: &u32| crate::validation::maximum(limit, most);
        assert_eq!(parameters.checked(0, check(7)).ok(), Some(7));
        assert_eq!(parameters.optional_checked(0, check(7)).ok(), Some(Some(7)));
        for rejection in [
            parameters.checked(0, check(6)).expect_err("it is too large"),
            parameters.optional_checked(0, check(6)).expect_err("it is too large"),
        ] {
            assert_eq!(rejection.to_string(), "the parameter `limit` must be at most 6");
        }
    }
}
