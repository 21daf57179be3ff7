//! Declared responses.

use std::{fmt, mem};

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body as _;
use serde::Serialize;

use super::service::Failure;
use crate::{ApiError, Body, Operation, Payload, Scalar, Status, Texts, Value};

/// A declared response, put together from the result of a call.
pub struct Reply {
    response: Response<Body>,
}

impl Reply {
    /// A response with this status code.
    ///
    /// # Panics
    ///
    /// If the code does not have three digits.
    pub fn new(status: u16) -> Self {
        Self::of(StatusCode::from_u16(status).expect("the document's status codes have three digits"))
    }

    /// A response that is declared for a class of status codes: 2 for those from 200 to 299.
    ///
    /// # Errors
    ///
    /// If the implementation chose a status code of another class.
    pub fn in_class(class: u16, status: StatusCode) -> Result<Self, Failure> {
        if status.as_u16() / 100 == class { Ok(Self::of(status)) } else { Err(undeclared(status)) }
    }

    /// A response that is declared as `default`.
    ///
    /// # Errors
    ///
    /// If the implementation chose a status code that another response of the operation declares.
    pub fn by_default(operation: &Operation, status: StatusCode) -> Result<Self, Failure> {
        let code = status.as_u16();
        let declared = operation.responses.iter().any(|response| match response.status {
            Status::Code(declared) => declared == code,
            Status::Class(class) => u16::from(class) == code / 100,
            Status::Default => false,
        });
        if declared || code < 200 { Err(undeclared(status)) } else { Ok(Self::of(status)) }
    }

    fn of(status: StatusCode) -> Self {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        Self { response }
    }

    /// Adds a declared header, unless the value is a `None`.
    ///
    /// # Errors
    ///
    /// If the value cannot be in a header: a header is ASCII, neither begins nor ends with a space (RFC 9110, section
    /// 5.5), and no item of a list contains a comma.
    pub fn header(mut self, name: &'static str, value: &impl Value) -> Result<Self, Failure> {
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| impossible(name))?;
        let headers = self.response.headers_mut();
        match value.to_texts() {
            None => {}
            Some(Texts::One(text)) => {
                headers.insert(header, header_value(name, &text)?);
            }
            // The one header whose values cannot be joined (RFC 9110, section 5.3).
            Some(Texts::Many(texts)) if header == SET_COOKIE => {
                for text in texts {
                    headers.append(&header, header_value(name, &text)?);
                }
            }
            Some(Texts::Many(texts)) => {
                if texts.iter().any(|text| text.is_empty() || text.contains(',') || **text != *text.trim()) {
                    return Err(impossible(name));
                }
                headers.insert(header, header_value(name, &texts.join(","))?);
            }
            Some(Texts::Properties(_)) => return Err(impossible(name)),
        }
        Ok(self)
    }

    /// The response without a body.
    ///
    /// # Errors
    ///
    /// None; the result is that of the methods for bodies.
    pub fn empty(self) -> Result<Response<Body>, Failure> {
        Ok(self.response)
    }

    /// The response with a JSON body.
    ///
    /// # Errors
    ///
    /// If the value cannot be serialized.
    pub fn json(self, content_type: &'static str, value: &impl Serialize) -> Result<Response<Body>, Failure> {
        let bytes = serde_json::to_vec(value).map_err(ApiError::internal)?;
        Ok(self.with(HeaderValue::from_static(content_type), bytes.into()))
    }

    /// The response with a text as its body.
    ///
    /// # Errors
    ///
    /// None; the result is that of the other methods for bodies.
    pub fn text(self, content_type: &'static str, value: impl Scalar) -> Result<Response<Body>, Failure> {
        Ok(self.with(HeaderValue::from_static(content_type), value.into_text().into()))
    }

    /// The response with a body of any length, which names its own media type.
    ///
    /// # Errors
    ///
    /// None; the result is that of the other methods for bodies.
    pub fn payload(self, payload: Payload) -> Result<Response<Body>, Failure> {
        Ok(self.with(payload.content_type().clone(), payload.into()))
    }

    fn with(mut self, content_type: HeaderValue, body: Body) -> Response<Body> {
        // A response of these statuses has no content (RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5), even if it is
        // declared for a class of statuses whose other responses have.
        if matches!(self.response.status().as_u16(), 204 | 205 | 304) {
            return self.response;
        }
        self.response.headers_mut().insert(CONTENT_TYPE, content_type);
        *self.response.body_mut() = body;
        self.response
    }
}

impl fmt::Debug for Reply {
    /// Omits the headers, which may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reply").field("status", &self.response.status()).finish_non_exhaustive()
    }
}

/// Makes it the response to the same request with HEAD (RFC 9110, section 9.3.2). hyper omits the body over HTTP/1.1, but
/// sends it over HTTP/2.
pub(super) fn remove_body(response: &mut Response<Body>) {
    let body = mem::take(response.body_mut());
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
}

fn header_value(name: &'static str, text: &str) -> Result<HeaderValue, Failure> {
    let possible = text.is_ascii() && text == text.trim();
    possible.then(|| HeaderValue::try_from(text).ok()).flatten().ok_or_else(|| impossible(name))
}

fn impossible(name: &'static str) -> Failure {
    ApiError::internal(format!("the response's header {name} has a value that a header cannot have")).into()
}

fn undeclared(status: StatusCode) -> Failure {
    ApiError::internal(format!("the operation does not declare this response for the status {status}")).into()
}

#[cfg(test)]
mod tests;
