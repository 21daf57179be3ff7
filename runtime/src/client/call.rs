//! A request that is put together.

use std::error::Error;
use std::fmt;

use http::header::{ACCEPT, CONTENT_TYPE, COOKIE};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderName, HeaderValue, Request, Uri};
use serde::Serialize;
use swagger::auth::AuthData;
use swagger::{Has, XSpanIdString};

use super::encoding::{encode, encode_all, encode_before, failed, header_value, join};
use super::{Answer, Client};
use crate::{ApiError, Body, Location, Operation, Parameter, Payload, Scalar, Style, Texts, Value};

/// A call of an operation: a request that its parameters and its body are added to.
pub struct Call<'c> {
    pub(super) client: &'c Client,
    pub(super) operation: &'static Operation,
    pub(super) request: Request<Body>,
    /// The operation's path, whose parameters are replaced one by one.
    path: String,
    pub(super) query: String,
}

impl<'c> Call<'c> {
    /// A request with the headers that every request has: the media types that the operation responds with, the span ID
    /// and the credentials.
    ///
    /// # Errors
    ///
    /// If a header cannot carry the span ID, or the request cannot carry the credentials.
    pub fn new<C>(client: &'c Client, operation: &'static Operation, context: &C) -> Result<Self, ApiError>
    where
        C: Has<Option<AuthData>> + Has<XSpanIdString>,
    {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = operation.method.clone();
        if let Some(accept) = accept(operation) {
            request.headers_mut().insert(ACCEPT, accept);
        }
        let XSpanIdString(span_id) = Has::<XSpanIdString>::get(context);
        let span_id = HeaderValue::try_from(span_id).map_err(failed("the span ID"))?;
        request.headers_mut().insert("x-span-id", span_id);
        let mut call = Self { client, operation, request, path: operation.path.to_owned(), query: String::new() };
        call.add_credentials(Has::<Option<AuthData>>::get(context).as_ref())?;
        Ok(call)
    }

    /// Adds the parameter with this index, unless the value is a `None`.
    ///
    /// # Errors
    ///
    /// If the request cannot carry the value at the parameter's location.
    ///
    /// # Panics
    ///
    /// If the operation has no such parameter.
    pub fn parameter(&mut self, index: usize, value: &impl Value) -> Result<(), ApiError> {
        let parameter = &self.operation.parameters[index];
        match (parameter.location, value.to_texts()) {
            (_, None) => Ok(()),
            (Location::Query, Some(texts)) => self.in_query(parameter, texts),
            (Location::Path, Some(texts)) => self.in_path(parameter.name, texts),
            (Location::Header, Some(texts)) => self.in_header(parameter.name, texts),
            (Location::Cookie, Some(Texts::One(text))) => self.in_cookie(parameter.name, &encode(&text)),
            (Location::Cookie, Some(Texts::Many(texts))) if texts.is_empty() => Ok(()),
            (Location::Cookie, Some(Texts::Many(texts))) => self.in_cookie(parameter.name, &encode_all(&texts)),
            (Location::Cookie, Some(Texts::Properties(_))) => Err(is_an_object(parameter.name)),
        }
    }

    /// Gives the request a JSON body.
    ///
    /// # Errors
    ///
    /// If the value cannot be serialized.
    pub fn json(&mut self, content_type: &'static str, value: &impl Serialize) -> Result<(), ApiError> {
        let bytes = serde_json::to_vec(value).map_err(failed("the request's body"))?;
        self.body(HeaderValue::from_static(content_type), bytes.into());
        Ok(())
    }

    /// Gives the request a form as its body. `separated` names the arrays that are one field, with the separator between
    /// their items.
    ///
    /// # Errors
    ///
    /// If the value cannot be serialized, or an item contains its separator and the separator cannot be encoded.
    #[cfg(feature = "form")]
    pub fn form(
        &mut self,
        content_type: &'static str,
        value: &impl Serialize,
        separated: &[(&str, char)],
    ) -> Result<(), ApiError> {
        let text = serde_html_form::to_string(value).map_err(failed("the request's body"))?;
        let text = crate::form::joined(text, separated).map_err(|(name, separator)| {
            ApiError::internal(format!("an item of the field {name} contains {separator:?}, which separates items"))
        })?;
        self.body(HeaderValue::from_static(content_type), text.into());
        Ok(())
    }

    /// Gives the request a text as its body.
    ///
    /// # Errors
    ///
    /// None; the result is that of the other methods for bodies.
    pub fn text(&mut self, content_type: &'static str, value: impl Scalar) -> Result<(), ApiError> {
        self.body(HeaderValue::from_static(content_type), value.into_text().into());
        Ok(())
    }

    /// Gives the request a body of any length.
    ///
    /// # Errors
    ///
    /// None; the result is that of the other methods for bodies.
    pub fn payload(&mut self, payload: Payload) -> Result<(), ApiError> {
        self.body(payload.content_type().clone(), payload.into());
        Ok(())
    }

    /// Sends the request.
    ///
    /// # Errors
    ///
    /// [`ApiError::Unavailable`] if no response arrives.
    pub async fn send(self) -> Result<Answer, ApiError> {
        let Self { client, mut request, path, query, .. } = self;
        let base = client.address.path().trim_end_matches('/');
        let target: PathAndQuery = format!("{base}{path}{query}").parse().map_err(failed("the request's path"))?;
        let mut address = client.address.clone().into_parts();
        address.scheme = address.scheme.or(Some(Scheme::HTTP));
        address.path_and_query = Some(target);
        *request.uri_mut() = Uri::from_parts(address).map_err(failed("the request's URI"))?;
        client.http.request(request).await.map(Answer::new).map_err(no_response)
    }

    fn body(&mut self, content_type: HeaderValue, body: Body) {
        self.request.headers_mut().insert(CONTENT_TYPE, content_type);
        *self.request.body_mut() = body;
    }

    fn in_query(&mut self, parameter: &Parameter, texts: Texts<'_>) -> Result<(), ApiError> {
        match (parameter.style, texts) {
            (_, Texts::One(text)) => self.pair(parameter.name, &encode(&text)),
            (Style::Separated(','), Texts::Many(texts)) if !texts.is_empty() => {
                self.pair(parameter.name, &encode_all(&texts));
            }
            (Style::Separated(separator), Texts::Many(texts)) if !texts.is_empty() => {
                self.pair(parameter.name, &encode(&join(parameter.name, separator, &texts)?));
            }
            (_, Texts::Many(texts)) => texts.iter().for_each(|text| self.pair(parameter.name, &encode(text))),
            (Style::Deep, Texts::Properties(properties)) => properties
                .iter()
                .for_each(|(property, text)| self.pair(&format!("{}[{property}]", parameter.name), &encode(text))),
            (_, Texts::Properties(properties)) => {
                properties.iter().for_each(|(property, text)| self.pair(property, &encode(text)));
            }
        }
        Ok(())
    }

    /// Appends a pair to the query.
    pub(super) fn pair(&mut self, name: &str, encoded: &str) {
        self.query.push(if self.query.is_empty() { '?' } else { '&' });
        self.query.push_str(&encode(name));
        self.query.push('=');
        self.query.push_str(encoded);
    }

    fn in_path(&mut self, name: &'static str, texts: Texts<'_>) -> Result<(), ApiError> {
        let braced = format!("{{{name}}}");
        let after = self.operation.path.split_once(&braced).map_or("", |(_, after)| after);
        // The text between this parameter and another one of the same segment.
        let separator = after.split_once('{').map(|(text, _)| text).filter(|text| !text.contains('/'));
        let encoded = match (&texts, separator) {
            (Texts::One(text), Some(separator)) => encode_before(separator, text),
            (Texts::One(text), None) => encode(text),
            (Texts::Many(texts), Some(separator)) => {
                texts.iter().map(|text| encode_before(separator, text)).collect::<Vec<_>>().join(",")
            }
            (Texts::Many(texts), None) => encode_all(texts),
            (Texts::Properties(_), _) => return Err(is_an_object(name)),
        };
        if encoded.is_empty() {
            return Err(ApiError::internal(format!("the parameter {name} is empty, so it cannot be in a path")));
        }
        self.path = self.path.replacen(&braced, &encoded, 1);
        Ok(())
    }

    fn in_header(&mut self, name: &'static str, texts: Texts<'_>) -> Result<(), ApiError> {
        let header = header_name(name)?;
        // The writer of the message frames it (RFC 9112, section 6).
        if matches!(header.as_str(), "content-length" | "transfer-encoding") {
            return Ok(());
        }
        let text = match texts {
            Texts::One(text) => text.into_owned(),
            Texts::Many(texts) if texts.is_empty() => return Ok(()),
            // Spaces around an item do not belong to it (RFC 9110, section 5.6.1).
            Texts::Many(texts) if texts.iter().any(|text| text.is_empty() || **text != *text.trim()) => {
                let problem = format!("an item of the parameter {name} is empty, or begins or ends with a space");
                return Err(ApiError::internal(problem));
            }
            Texts::Many(texts) => join(name, ',', &texts)?,
            Texts::Properties(_) => return Err(is_an_object(name)),
        };
        self.request.headers_mut().insert(header, header_value(name, &text)?);
        Ok(())
    }

    /// Adds a pair to the cookies.
    pub(super) fn in_cookie(&mut self, name: &'static str, text: &str) -> Result<(), ApiError> {
        let before = self.request.headers().get(COOKIE).and_then(|value| value.to_str().ok());
        let cookies = before.map_or(String::new(), |cookies| format!("{cookies}; ")) + &format!("{name}={text}");
        let mut value = HeaderValue::try_from(cookies).map_err(failed(name))?;
        value.set_sensitive(true);
        self.request.headers_mut().insert(COOKIE, value);
        Ok(())
    }
}

impl fmt::Debug for Call<'_> {
    /// Omits the request, whose parameters and credential may be secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Call").field("operation", &self.operation.id).finish_non_exhaustive()
    }
}

/// The error for a call that received no response.
fn no_response(error: hyper_util::client::legacy::Error) -> ApiError {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    if cause.is_some_and(hyper::Error::is_parse) {
        ApiError::unavailable(InvalidHead(error))
    } else {
        ApiError::unavailable(error)
    }
}

/// The error for a response whose head cannot be read. hyper says of a `Content-Length` of 2^64 - 1 that the head is too
/// large.
#[derive(Debug, thiserror::Error)]
#[error("the head of the response is invalid or too large, or its Content-Length is impossible")]
struct InvalidHead(#[source] hyper_util::client::legacy::Error);

fn is_an_object(name: &str) -> ApiError {
    ApiError::internal(format!("the parameter {name} is an object, which only a query carries"))
}

pub(super) fn header_name(name: &'static str) -> Result<HeaderName, ApiError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(failed(name))
}

/// The media types of all responses, each once.
fn accept(operation: &Operation) -> Option<HeaderValue> {
    let mut media_types = Vec::new();
    for &media_type in operation.responses.iter().flat_map(|response| response.content_types) {
        // `Accept` has no range for a suffix (RFC 9110, section 12.5.1).
        let media_type = media_type.split_once("/*+").map_or(media_type.into(), |(kind, _)| format!("{kind}/*"));
        if !media_types.contains(&media_type) {
            media_types.push(media_type);
        }
    }
    (!media_types.is_empty()).then(|| HeaderValue::try_from(media_types.join(", ")).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use http::Method;
    use http::header::AUTHORIZATION;

    use super::*;
    use crate::Context;
    use crate::security::{SecurityKind, SecurityRequirement, SecurityScheme};

    const IN_QUERY: SecurityScheme =
        SecurityScheme::new("key", SecurityKind::ApiKey { location: Location::Query, name: "p" });
    const IN_COOKIE: SecurityScheme =
        SecurityScheme::new("key", SecurityKind::ApiKey { location: Location::Cookie, name: "session" });

    static OPERATION: Operation = Operation::new("o", Method::GET, "/{items}-{name}").parameters(&[
        Parameter::new("items", Location::Path).required().style(Style::Separated(',')),
        Parameter::new("name", Location::Path).required(),
    ]);
    static QUERY: Operation =
        Operation::new("query", Method::GET, "/").security(&[SecurityRequirement::new(&[IN_QUERY])]);
    static COOKIE: Operation =
        Operation::new("cookie", Method::GET, "/").security(&[SecurityRequirement::new(&[IN_COOKIE])]);

    fn client() -> Client {
        Client::try_new("http://user:hunter2@localhost").expect("an address")
    }

    fn call<'c>(client: &'c Client, operation: &'static Operation, credential: Option<AuthData>) -> Call<'c> {
        Call::new(client, operation, &Context::new(XSpanIdString::default(), credential)).expect("a credential")
    }

    #[test]
    fn no_secret_is_printed_and_headers_with_one_are_sensitive() {
        let client = client();
        let key = || Some(AuthData::ApiKey("hunter2".to_owned()));
        for (call, header) in [
            (call(&client, &OPERATION, Some(AuthData::Bearer("hunter2".to_owned()))), Some(AUTHORIZATION)),
            (call(&client, &COOKIE, key()), Some(http::header::COOKIE)),
            (call(&client, &QUERY, key()), None),
        ] {
            assert!(header.is_none_or(|name| call.request.headers()[name].is_sensitive()));
            let printed = format!("{call:?} {client:?}");
            assert!(!printed.contains("hunter2"), "{printed}");
        }
    }

    #[test]
    fn items_before_another_parameter_do_not_contain_what_separates_them() {
        let client = client();
        let mut call = call(&client, &OPERATION, None);
        call.parameter(0, &vec!["a-b".to_owned(), "c".to_owned()]).expect("a path can carry it");
        call.parameter(1, &"d-e".to_owned()).expect("a path can carry it");
        assert_eq!(call.path, "/a%2Db,c-d-e");
    }

    #[test]
    fn a_path_does_not_carry_an_empty_text() {
        let client = client();
        assert!(call(&client, &OPERATION, None).parameter(1, &String::new()).is_err());
    }
}
