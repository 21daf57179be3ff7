//! A request as generated code reads it: its parameters, and its body by media type.

use std::fmt;
#[cfg(any(feature = "form", feature = "json"))]
use std::str;

use bytes::{Buf, Bytes};
use futures::{StreamExt, TryStreamExt, future, stream};
use http::HeaderValue;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http_body::Frame;
use http_body_util::{BodyExt, Collected, LengthLimitError, Limited, StreamBody};
#[cfg(any(feature = "form", feature = "json"))]
use serde::de::DeserializeOwned;

use super::parameters::Parameters;
use super::rejection::Rejection;
use super::{RequestBody, service::Failure};
use crate::media_type::{self, TextError};
use crate::validation::Violation;
use crate::{BoxError, Operation, Payload, Scalar};

/// The longest body that is read into memory, in bytes. A [`Payload`] has no limit.
const BODY_LIMIT: usize = 10 << 20;

/// A request for an operation.
pub struct Request<'r, B> {
    pub(super) parameters: &'r Parameters<'r>,
    /// `None` once it is taken.
    pub(super) body: Option<B>,
}

impl<'r, B: RequestBody> Request<'r, B> {
    /// The operation.
    pub fn operation(&self) -> &'static Operation {
        self.parameters.operation
    }

    /// The parameters. The body is dropped.
    pub fn without_body(&mut self) -> &'r Parameters<'r> {
        self.body = None;
        self.parameters
    }

    /// The parameters, and the body to read.
    ///
    /// # Panics
    ///
    /// If the body is taken already.
    pub fn take_parts(&mut self) -> (&'r Parameters<'r>, RequestReader<'r, B>) {
        let Parameters { operation, parts, .. } = *self.parameters;
        let body = self.body.take().expect("generated code takes the body once");
        (self.parameters, RequestReader { operation, parts, body })
    }
}

impl<B> fmt::Debug for Request<'_, B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Request").field("operation", &self.parameters.operation.id).finish_non_exhaustive()
    }
}

/// Reads the body of a request in the way of its media type.
pub struct RequestReader<'r, B> {
    operation: &'static Operation,
    parts: &'r Parts,
    body: B,
}

impl<'r, B: RequestBody> RequestReader<'r, B> {
    /// The index of the group of [`Operation::request_body`] that the body's media type belongs to; 0 if the request
    /// does not name a media type.
    ///
    /// # Errors
    ///
    /// [`Rejection::UnsupportedMediaType`] for a media type that the operation does not declare.
    pub fn group(&self) -> Result<usize, Rejection> {
        let mut values = self.parts.headers.get_all(CONTENT_TYPE).iter();
        let Some(value) = values.next() else { return Ok(0) };
        let value = value.to_str().ok().filter(|_| values.next().is_none());
        let found = value.and_then(|value| media_type::position(self.operation.request_body, value));
        found.ok_or_else(|| Rejection::UnsupportedMediaType {
            declared: Vec::from_iter(self.operation.request_content_types()).join(", "),
        })
    }

    /// The body, or `None` if it is empty. A body of unknown length may turn out to be empty.
    ///
    /// # Errors
    ///
    /// [`Rejection::Body`] if it cannot be read.
    pub async fn present(self) -> Result<Option<RequestReader<'r, impl RequestBody>>, Rejection> {
        let data = self.body.into_data_stream().map_err(|error| -> BoxError { error.into() });
        let mut data = Box::pin(data.map_ok(|mut data| data.copy_to_bytes(data.remaining())));
        loop {
            match data.try_next().await {
                Ok(Some(bytes)) if bytes.is_empty() => {}
                Ok(Some(bytes)) => {
                    let all = stream::once(future::ready(Ok(bytes))).chain(data);
                    let body = StreamBody::new(all.map_ok(Frame::data));
                    return Ok(Some(RequestReader { operation: self.operation, parts: self.parts, body }));
                }
                Ok(None) => return Ok(None),
                Err(_) => return Err(unreadable()),
            }
        }
    }

    /// The value of a JSON body.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] that says what is wrong with the body and where.
    #[cfg(feature = "json")]
    pub async fn json<V: DeserializeOwned>(self) -> Result<V, Rejection> {
        let bytes = self.bytes().await?;
        if bytes.is_empty() {
            return Err(Rejection::body("is missing"));
        }
        // From bytes, serde_json would accept any in the text of a property that the schema does not have.
        let text = str::from_utf8(&bytes).map_err(|_| Rejection::body("is not UTF-8"))?;
        let mut json = serde_json::Deserializer::from_str(text);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| mismatch("JSON", &error))?;
        json.end().map_err(|error| Rejection::body(format!("is not the declared JSON: {error}")))?;
        Ok(value)
    }

    /// The value of a form. `separated` names the arrays that are one field, with the separator between their items.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] that says what is wrong with the body and where.
    #[cfg(feature = "form")]
    pub async fn form<V: DeserializeOwned>(self, separated: &[(&str, char)]) -> Result<V, Rejection> {
        let bytes = self.bytes().await?;
        let text = str::from_utf8(&bytes).ok();
        // The library would replace bytes that are not UTF-8 with a replacement character.
        let text = text.filter(|text| crate::form::decode(text).is_some());
        let text = text.ok_or_else(|| Rejection::body("is not percent-encoded UTF-8"))?;
        let text = crate::form::repeated(text, separated)
            .map_err(|name| Rejection::body(format!("is not the declared form: `{name}`: was given more than once")))?;
        let form = serde_html_form::Deserializer::from_bytes(text.as_bytes());
        serde_path_to_error::deserialize(form).map_err(|error| mismatch("form", &error))
    }

    /// The value of a body that is a text.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] that says what is wrong with the body.
    pub async fn text<V: Scalar>(self) -> Result<V, Rejection> {
        let content_type = self.parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let bytes = self.bytes().await?;
        let text = media_type::decoded(content_type, &bytes).map_err(|error| match error {
            TextError::NotUtf8 => Rejection::body("is not UTF-8"),
            TextError::Charset => Rejection::UnsupportedCharset,
        })?;
        V::from_text(&text).ok_or_else(|| Rejection::body("is not of the declared type"))
    }

    /// The body as it arrives, with its media type: `unnamed` if the request does not name one.
    pub fn payload(self, unnamed: &'static str) -> Payload {
        let content_type = self.parts.headers.get(CONTENT_TYPE).cloned();
        let bytes = self.body.into_data_stream().map_ok(|mut data| data.copy_to_bytes(data.remaining()));
        Payload::stream(content_type.unwrap_or(HeaderValue::from_static(unnamed)), bytes)
    }

    async fn bytes(self) -> Result<Bytes, Rejection> {
        // RFC 9110, section 8.4. An operation that declares the header takes payloads.
        let mut encodings = self.parts.headers.get_all(CONTENT_ENCODING).iter();
        if encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(Rejection::UnsupportedEncoding);
        }
        if self.body.size_hint().lower() > BODY_LIMIT as u64 {
            return Err(Rejection::BodyTooLong { limit: BODY_LIMIT });
        }
        let read = Limited::new(self.body, BODY_LIMIT).collect().await;
        read.map(Collected::to_bytes).map_err(|error| {
            if error.is::<LengthLimitError>() { Rejection::BodyTooLong { limit: BODY_LIMIT } } else { unreadable() }
        })
    }
}

impl<B> fmt::Debug for RequestReader<'_, B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RequestReader").field("operation", &self.operation.id).finish_non_exhaustive()
    }
}

/// The value of a body, if it is within the limits of its schema.
///
/// # Errors
///
/// [`Rejection::Body`] if it is not.
pub fn checked<V>(value: V, check: impl FnOnce(&V) -> Result<(), Violation>) -> Result<V, Failure> {
    match check(&value) {
        Ok(()) => Ok(value),
        Err(violation) => Err(Rejection::body(violation.to_string()).into()),
    }
}

fn unreadable() -> Rejection {
    Rejection::body("could not be read")
}

/// Says where and how a value differs from its declaration.
#[cfg(any(feature = "form", feature = "json"))]
fn mismatch<E: fmt::Display>(kind: &str, error: &serde_path_to_error::Error<E>) -> Rejection {
    let place = match error.path().to_string() {
        path if path == "." => String::new(),
        path => format!("`{path}`: "),
    };
    Rejection::body(format!("is not the declared {kind}: {place}{}", error.inner()))
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use http::Method;
    use http_body_util::Full;

    use super::*;

    static OPERATION: Operation =
        Operation::new("o", Method::POST, "/").request_body(&[&["text/plain"], &["text/csv", "image/*"]]);

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let request =
            headers.iter().fold(http::Request::builder(), |builder, (name, value)| builder.header(*name, *value));
        request.body(()).expect("a request").into_parts().0
    }

    fn reader<B>(parts: &Parts, body: B) -> RequestReader<'_, B> {
        RequestReader { operation: &OPERATION, parts, body }
    }

    fn text(headers: &[(&str, &str)], body: &'static str) -> Result<String, String> {
        let read = block_on(reader(&parts(headers), Full::new(Bytes::from(body))).text());
        read.map_err(|rejection| rejection.to_string())
    }

    #[test]
    fn a_media_type_selects_its_group() {
        let group = |headers: &[(&str, &str)]| reader(&parts(headers), Full::<Bytes>::default()).group().ok();
        assert_eq!(group(&[]), Some(0));
        assert_eq!(group(&[("content-type", "Text/Plain; charset=utf-8")]), Some(0));
        assert_eq!(group(&[("content-type", "image/png")]), Some(1));
        assert_eq!(group(&[("content-type", "text/html")]), None);
        assert_eq!(group(&[("content-type", "text/csv"), ("content-type", "text/csv")]), None);
    }

    #[test]
    fn a_text_has_the_declared_type_and_a_charset_that_is_supported() {
        let read = |content_type: &str, body: &'static [u8]| {
            let read = block_on(reader(&parts(&[("content-type", content_type)]), Full::new(Bytes::from(body))).text());
            read.map_err(|rejection: Rejection| (rejection.status().as_u16(), rejection.to_string()))
        };
        assert_eq!(read("text/plain", b"-7"), Ok(-7_i64));
        assert_eq!(read("text/plain", b"seven"), Err((400, "the body is not of the declared type".to_owned())));
        assert_eq!(read("text/plain", b"\xff"), Err((400, "the body is not UTF-8".to_owned())));
        assert_eq!(read("text/plain; charset=iso-8859-1", b"7"), Ok(7));
        assert_eq!(read("text/plain; charset=utf-16", b"\x007").map_err(|(status, _)| status), Err(415));
    }

    #[cfg(feature = "json")]
    #[test]
    fn json_is_utf_8_also_where_it_is_not_read() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Object {}
        let read = |body: &'static [u8]| {
            let read = block_on(reader(&parts(&[]), Full::new(Bytes::from(body))).json::<Object>());
            read.map_err(|rejection| rejection.to_string())
        };
        assert_eq!(read(br#"{"unknown": "a"}"#), Ok(Object {}));
        assert_eq!(read(b"{\"unknown\": \"\xff\"}"), Err("the body is not UTF-8".to_owned()));
    }

    #[test]
    fn a_compressed_body_is_rejected() {
        let compressed = Err("a compressed body is not supported".to_owned());
        assert_eq!(text(&[("content-encoding", "identity")], "a"), Ok("a".to_owned()));
        assert_eq!(text(&[("content-encoding", "gzip")], "a"), compressed);
        assert_eq!(text(&[("content-encoding", "identity"), ("content-encoding", "gzip")], "a"), compressed);
    }

    #[test]
    fn a_body_is_read_up_to_the_limit_whether_its_length_is_known_or_not() {
        let read = |length: usize, known: bool| {
            let bytes = Bytes::from(vec![b'a'; length]);
            let parts = parts(&[]);
            let stream = StreamBody::new(stream::iter([Ok::<_, BoxError>(Frame::data(bytes.clone()))]));
            let read = if known {
                block_on(reader(&parts, Full::new(bytes)).text::<String>())
            } else {
                block_on(reader(&parts, stream).text::<String>())
            };
            read.map(|text| text.len()).map_err(|rejection| rejection.status().as_u16())
        };
        for known in [true, false] {
            assert_eq!(read(BODY_LIMIT, known), Ok(BODY_LIMIT), "{known}");
            assert_eq!(read(BODY_LIMIT + 1, known), Err(413), "{known}");
        }
    }
}
