//! A request, put together.

use base64::Engine;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, COOKIE};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use http_body_util::Full;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use swagger::auth::AuthData;
use swagger::{ApiError, Has, XSpanIdString};

use super::{Client, failed};
use crate::Scalar;
use crate::security::SecurityKind;
use crate::{Location, Operation};

/// The body of a request.
pub(super) type Body = Full<Bytes>;

fn full(bytes: Bytes) -> Body {
    Full::new(bytes)
}

/// What is encoded: all but the unreserved characters (RFC 3986, section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request of an operation, to which its parameters and its body are added.
pub(super) struct Request {
    head: http::Request<()>,
    body: Body,
    path: String,
    query: String,
}

impl Request {
    /// A request with what each has: media types that can be read, span ID, credential.
    pub(super) fn new<C>(operation: &Operation, accept: Option<&'static str>, context: &C) -> Result<Self, ApiError>
    where
        C: Has<Option<AuthData>> + Has<XSpanIdString>,
    {
        let head = http::Request::new(());
        let mut request = Self { head, body: full(Bytes::new()), path: String::new(), query: String::new() };
        *request.head.method_mut() = operation.method.clone();
        if let Some(accept) = accept {
            request.head.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
        }
        let XSpanIdString(span_id) = Has::<XSpanIdString>::get(context);
        request.head.headers_mut().insert("x-span-id", HeaderValue::try_from(span_id).map_err(failed("the span ID"))?);
        if let Some(credential) = Has::<Option<AuthData>>::get(context) {
            request.credential(credential, operation)?;
        }
        Ok(request)
    }

    /// Adds a credential. An API key goes where the first of the operation's schemes for one says, or else into
    /// `Authorization`.
    fn credential(&mut self, credential: &AuthData, operation: &Operation) -> Result<(), ApiError> {
        let text = match credential {
            AuthData::Bearer(token) => format!("Bearer {token}"),
            AuthData::Basic(username, password) => {
                let pair = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
                format!("Basic {pair}")
            }
            AuthData::ApiKey(key) => {
                let place = operation.security.iter().find_map(|scheme| match scheme.kind {
                    SecurityKind::ApiKey { location, name } => Some((location, name)),
                    SecurityKind::Bearer | SecurityKind::Basic => None,
                });
                match place {
                    Some((Location::Query, name)) => {
                        self.pair(name, &encode(key));
                        return Ok(());
                    }
                    Some((Location::Cookie, name)) if is_cookie_value(key) => return self.pair_in_cookie(name, key),
                    Some((Location::Cookie, _)) => {
                        return Err(ApiError("the credential cannot be in a cookie".to_owned()));
                    }
                    Some((Location::Header, name)) => return self.sensitive(name, key),
                    Some((Location::Path, _)) | None => key.clone(),
                }
            }
        };
        self.sensitive(AUTHORIZATION.as_str(), &text)
    }

    /// Adds a header that is not printed.
    fn sensitive(&mut self, name: &'static str, text: &str) -> Result<(), ApiError> {
        let mut value = header_value("the credential", text)?;
        value.set_sensitive(true);
        self.head.headers_mut().insert(name, value);
        Ok(())
    }

    /// Appends a pair to the query.
    fn pair(&mut self, name: &str, encoded: &str) {
        self.query.push(if self.query.is_empty() { '?' } else { '&' });
        self.query.push_str(&encode(name));
        self.query.push('=');
        self.query.push_str(encoded);
    }

    /// Adds a pair to the cookies.
    fn pair_in_cookie(&mut self, name: &'static str, text: &str) -> Result<(), ApiError> {
        let before = self.head.headers().get(COOKIE).and_then(|value| value.to_str().ok());
        let cookies = before.map_or(String::new(), |cookies| format!("{cookies}; ")) + &format!("{name}={text}");
        let mut value = HeaderValue::try_from(cookies).map_err(failed(name))?;
        value.set_sensitive(true);
        self.head.headers_mut().insert(COOKIE, value);
        Ok(())
    }

    /// Appends text of the path's template.
    pub(super) fn path(&mut self, text: &str) {
        self.path.push_str(text);
    }

    /// Appends a parameter of the query.
    pub(super) fn query(&mut self, name: &'static str, value: &impl Scalar) {
        self.pair(name, &encode(&value.to_text()));
    }

    /// The request as it is sent to a client's server.
    pub(super) fn finish(self, client: &Client) -> Result<http::Request<Body>, ApiError> {
        let base = client.address.path().trim_end_matches('/');
        let target: PathAndQuery =
            format!("{base}{}{}", self.path, self.query).parse().map_err(failed("the request's path"))?;
        let mut address = client.address.clone().into_parts();
        address.scheme = address.scheme.or(Some(Scheme::HTTP));
        address.path_and_query = Some(target);
        let (mut head, ()) = self.head.into_parts();
        head.uri = Uri::from_parts(address).map_err(failed("the request's URI"))?;
        Ok(http::Request::from_parts(head, self.body))
    }
}

/// A text as the value of a header, which is ASCII and neither begins nor ends with a space (RFC 9110, section 5.5).
fn header_value(name: &'static str, text: &str) -> Result<HeaderValue, ApiError> {
    if !text.is_ascii() || text != text.trim() {
        return Err(ApiError(format!(
            "{name} is not ASCII, or begins or ends with a space, and cannot be in a header"
        )));
    }
    HeaderValue::try_from(text).map_err(failed(name))
}

/// Whether a text can be the value of a cookie (RFC 6265, section 4.1.1).
fn is_cookie_value(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte))
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}
