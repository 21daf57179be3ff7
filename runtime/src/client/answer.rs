//! A response that is taken apart.

use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Collected, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use crate::{ApiError, BoxError, Payload, Style, Texts, Value, media_type};

/// The longest body that is read into memory, in bytes. A [`Payload`] has no limit.
const BODY_LIMIT: usize = 64 << 20;

/// How many characters of an undeclared body an error repeats.
const EXCERPT: usize = 200;

/// The response to a call.
pub struct Answer {
    response: Response<Incoming>,
}

impl Answer {
    pub(super) fn new(response: Response<Incoming>) -> Self {
        Self { response }
    }

    /// The status code.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Checks that the response has no body.
    ///
    /// # Errors
    ///
    /// If it has one: then it is not the declared response.
    pub async fn empty(self) -> Result<(), ApiError> {
        let status = self.status();
        let body = self.bytes().await?;
        if body.is_empty() { Ok(()) } else { Err(unexpected(status, &body)) }
    }

    /// The value of a JSON body.
    ///
    /// # Errors
    ///
    /// If the body breaks off or is not the declared JSON.
    pub async fn json<V: DeserializeOwned>(self) -> Result<V, ApiError> {
        let status = self.status();
        serde_json::from_slice(&self.bytes().await?).map_err(|error| undeclared(status, error))
    }

    /// The body as a text.
    ///
    /// # Errors
    ///
    /// If the body breaks off or is not UTF-8.
    pub async fn text(self) -> Result<String, ApiError> {
        let status = self.status();
        String::from_utf8(self.bytes().await?.into()).map_err(|error| undeclared(status, error))
    }

    /// The body as it arrives, with its media type.
    pub fn payload(self) -> Payload {
        let (head, body) = self.response.into_parts();
        let unnamed = HeaderValue::from_static("application/octet-stream");
        let content_type = head.headers.get(CONTENT_TYPE).cloned().unwrap_or(unnamed);
        Payload::stream(content_type, body.into_data_stream())
    }

    /// The index of the group of media types that the body's belongs to; 0 if the response does not name one.
    ///
    /// # Errors
    ///
    /// If the media type is in none of the groups.
    pub fn group(&self, groups: &[&[&str]]) -> Result<usize, ApiError> {
        let Some(value) = self.response.headers().get(CONTENT_TYPE) else { return Ok(0) };
        let found = value.to_str().ok().and_then(|value| media_type::position(groups, value));
        found.ok_or_else(|| undeclared(self.status(), format!("it has the content type {value:?}")))
    }

    /// The value of a declared header.
    ///
    /// # Errors
    ///
    /// If it is required and missing, or of another type.
    pub fn header<V: Value>(&self, name: &'static str, style: Style) -> Result<V, ApiError> {
        let headers = self.response.headers();
        let mut texts = Vec::new();
        for value in headers.get_all(name) {
            let text = value.to_str().map_err(|error| undeclared(self.status(), error))?;
            match style {
                Style::Single => texts.push(text),
                // The one header whose values cannot be joined (RFC 9110, section 5.3).
                _ if name.eq_ignore_ascii_case(SET_COOKIE.as_str()) => texts.push(text),
                _ => texts.extend(text.split(',').map(str::trim).filter(|item| !item.is_empty())),
            }
        }
        let texts = match (style, &texts[..]) {
            (_, _) if !headers.contains_key(name) => None,
            (Style::Single, [text, ..]) => Some(Texts::One((*text).into())),
            _ => Some(Texts::Many(texts.into_iter().map(Into::into).collect())),
        };
        V::from_texts(texts).map_err(|error| undeclared(self.status(), format!("its header {name} {error}")))
    }

    /// The error for a response that the operation does not declare.
    pub async fn undeclared(self) -> ApiError {
        let status = self.status();
        match self.bytes().await {
            Ok(body) => unexpected(status, &body),
            Err(error) => error,
        }
    }

    async fn bytes(self) -> Result<Bytes, ApiError> {
        let status = self.status();
        let read = Limited::new(self.response.into_body(), BODY_LIMIT).collect().await;
        read.map(Collected::to_bytes).map_err(|error| undeclared(status, error))
    }
}

impl fmt::Debug for Answer {
    /// Omits headers and body, which may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Answer").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// The error for a response with an undeclared body. It repeats only the beginning of the body.
fn unexpected(status: StatusCode, body: &[u8]) -> ApiError {
    let text: String = String::from_utf8_lossy(body).chars().take(EXCERPT).collect();
    undeclared(status, format!("its body is {text:?}"))
}

/// The error for an undeclared response. A 503 is [`ApiError::Unavailable`], whatever follows its status, and a 501 is
/// [`ApiError::NotImplemented`].
fn undeclared(status: StatusCode, source: impl Into<BoxError>) -> ApiError {
    match status {
        StatusCode::SERVICE_UNAVAILABLE => ApiError::unavailable(source),
        StatusCode::NOT_IMPLEMENTED => ApiError::not_implemented(source),
        _ => ApiError::Undeclared { status, source: source.into() },
    }
}
