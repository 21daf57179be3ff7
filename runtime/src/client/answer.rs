//! A response that is taken apart.

use std::fmt;
use std::str;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderValue, Response, StatusCode, response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::{ApiError, BoxError, Payload, Scalar, Style, Texts, UndeclaredResponse, Value, media_type};

/// The longest body that is read into memory, in bytes. A [`Payload`] has no limit.
const BODY_LIMIT: usize = 64 << 20;

/// The response to a call.
///
/// An error of its methods has the whole response ([`ApiError::response`]), so that nothing is lost of one that differs
/// from its declaration.
pub struct Answer {
    head: response::Parts,
    body: Incoming,
}

impl Answer {
    pub(super) fn new(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        Self { head, body }
    }

    /// The status code.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// Checks that the response has no body.
    ///
    /// # Errors
    ///
    /// If it has one: then it is not the declared response.
    pub async fn empty(mut self) -> Result<(), ApiError> {
        let body = self.complete().await?;
        if body.is_empty() {
            return Ok(());
        }
        Err(self.differs(body, "it has a body, and the operation declares none"))
    }

    /// The value of a JSON body.
    ///
    /// # Errors
    ///
    /// If the body breaks off or is not the declared JSON.
    pub async fn json<V: DeserializeOwned>(mut self) -> Result<V, ApiError> {
        let body = self.complete().await?;
        // From bytes, serde_json would accept any in the text of a property that the schema does not have.
        let Ok(text) = str::from_utf8(&body) else { return Err(self.differs(body, "its body is not UTF-8")) };
        serde_json::from_str(text).map_err(|error| self.differs(body.clone(), json_problem(&error)))
    }

    /// The value of a body that is a text.
    ///
    /// # Errors
    ///
    /// If the body breaks off or is not a text of the declared type.
    pub async fn text<V: Scalar>(mut self) -> Result<V, ApiError> {
        let body = self.complete().await?;
        let content_type = self.head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        match media_type::decoded(content_type, &body) {
            Ok(text) => V::from_text(&text).ok_or_else(|| self.differs(body, "its body is not of the declared type")),
            Err(error) => Err(self.differs(body, format!("its body {error}"))),
        }
    }

    /// The body as it arrives, with its media type.
    pub fn payload(self) -> Payload {
        let unnamed = HeaderValue::from_static("application/octet-stream");
        let content_type = self.head.headers.get(CONTENT_TYPE).cloned().unwrap_or(unnamed);
        Payload::stream(content_type, self.body.into_data_stream())
    }

    /// The index of the group of media types that the body's belongs to; 0 if the response does not name one.
    ///
    /// # Errors
    ///
    /// If the media type is in none of the groups.
    pub async fn group(&mut self, groups: &[&[&str]]) -> Result<usize, ApiError> {
        let Some(value) = self.head.headers.get(CONTENT_TYPE) else { return Ok(0) };
        let found = value.to_str().ok().and_then(|value| media_type::position(groups, value));
        let problem = format!("the operation does not declare its content type {value:?}");
        match found {
            Some(index) => Ok(index),
            None => Err(self.refused(problem).await),
        }
    }

    /// The value of a declared header. An optional header whose value is not of its type is treated as missing: status
    /// and body matter more than a header that the caller may have no use for.
    ///
    /// # Errors
    ///
    /// If it is required and missing, or of another type.
    pub async fn header<V: Value>(&mut self, name: &'static str, style: Style) -> Result<V, ApiError> {
        let problem = match self.texts(name, style) {
            None => "is not UTF-8".to_owned(),
            Some(texts) => match V::from_texts(texts) {
                Ok(value) => return Ok(value),
                Err(error) => error.to_string(),
            },
        };
        if let Ok(missing) = V::from_texts(None) {
            return Ok(missing);
        }
        Err(self.refused(format!("its header {name} {problem}")).await)
    }

    /// The error for a response that the operation does not declare.
    pub async fn undeclared(mut self) -> ApiError {
        self.refused("the operation does not declare its status").await
    }

    /// The texts of a header, `Some(None)` without it, and `None` if it is not UTF-8.
    fn texts(&self, name: &str, style: Style) -> Option<Option<Texts<'_>>> {
        let mut texts = Vec::new();
        for value in self.head.headers.get_all(name) {
            let text = str::from_utf8(value.as_bytes()).ok()?;
            match style {
                Style::Single => texts.push(text),
                // The one header whose values cannot be joined (RFC 9110, section 5.3).
                _ if name.eq_ignore_ascii_case(SET_COOKIE.as_str()) => texts.push(text),
                _ => texts.extend(text.split(',').map(str::trim).filter(|item| !item.is_empty())),
            }
        }
        Some(match (style, &texts[..]) {
            (_, _) if !self.head.headers.contains_key(name) => None,
            (Style::Single, [text, ..]) => Some(Texts::One((*text).into())),
            _ => Some(Texts::Many(texts.into_iter().map(Into::into).collect())),
        })
    }

    /// The whole body.
    async fn complete(&mut self) -> Result<Bytes, ApiError> {
        match self.read().await {
            (body, None) => Ok(body),
            (body, Some(error)) => Err(self.differs(body, error)),
        }
    }

    /// The error for a response whose body is not read yet.
    async fn refused(&mut self, problem: impl Into<BoxError>) -> ApiError {
        let (body, _) = self.read().await;
        self.differs(body, problem)
    }

    /// The body up to the limit, and why it is not complete.
    async fn read(&mut self) -> (Bytes, Option<BoxError>) {
        let mut read = BytesMut::new();
        loop {
            match self.body.frame().await {
                None => return (read.freeze(), None),
                Some(Err(error)) => return (read.freeze(), Some(error.into())),
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    let rest = BODY_LIMIT - read.len();
                    read.extend_from_slice(&data[..data.len().min(rest)]);
                    if data.len() > rest {
                        return (read.freeze(), Some(format!("its body is longer than {BODY_LIMIT} bytes").into()));
                    }
                }
            }
        }
    }

    fn differs(&self, body: Bytes, problem: impl Into<BoxError>) -> ApiError {
        ApiError::undeclared(UndeclaredResponse::new(self.status(), self.head.headers.clone(), body, problem))
    }
}

impl fmt::Debug for Answer {
    /// Omits headers and body, which may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Answer").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// What is wrong with a body that was to be JSON. serde's message may repeat a value, which may be a secret; this one
/// contains what serde expected, and never what it found.
fn json_problem(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        Category::Data if message.starts_with("missing field ") => format!("its body: {message}"),
        Category::Data => match message.rsplit_once(", expected ") {
            Some((_, expected)) => format!("its body: expected {expected}"),
            None => format!("its body has a value that the schema does not allow before {place}"),
        },
        Category::Io | Category::Syntax | Category::Eof => format!("its body is not JSON: {place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    #[test]
    fn the_problem_of_a_json_body_does_not_repeat_a_value() {
        #[derive(Debug, serde::Deserialize)]
        #[allow(dead_code, reason = "only their types matter")]
        struct Object {
            number: i64,
            secret: Secret,
        }
        for (body, expected) in [
            ("<html>hunter2", "its body is not JSON: line 1, column 1"),
            ("", "its body is not JSON: line 1, column 0"),
            (r#"{"number": "hunter2, expected hunter2"}"#, "its body: expected i64 at line 1 column 38"),
            (r#"{"number": 1}"#, "its body: missing field `secret` at line 1 column 13"),
            (
                r#"{"number": 1, "number": 2}"#,
                "its body has a value that the schema does not allow before line 1, column 22",
            ),
        ] {
            let error = serde_json::from_str::<Object>(body).expect_err("the body differs");
            assert_eq!(json_problem(&error), expected);
        }
    }
}
