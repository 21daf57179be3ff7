//! The API over HTTP.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use http::uri::{InvalidUri, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use swagger::auth::AuthData;
use swagger::{ApiError, Has, XSpanIdString};

use crate::unavailable;

mod operations;

/// The address of the document's first server, with the defaults of its variables.
pub const DEFAULT_ADDRESS: &str = "https://localhost:8181";

/// How long a connection may take to be made. How long a call may take is for its caller to say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest response body that is read, in bytes.
const LONGEST_BODY: usize = 64 << 20;

/// What is encoded: all but the unreserved characters (RFC 3986, section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(feature = "client-tls")]
type Connector = hyper_rustls::HttpsConnector<HttpConnector>;
#[cfg(not(feature = "client-tls"))]
type Connector = HttpConnector;

/// [`Api`](crate::Api) over HTTP/1.1, and over HTTP/2 where the server offers it under TLS. Cheap to clone: clones
/// share their connections.
///
/// The context of a call carries the credential ([`AuthData`]) and the span ID ([`XSpanIdString`]). A call that gets no
/// response, or 503, fails with an error of which [`is_unavailable`](crate::is_unavailable) is true.
#[derive(Clone, Debug)]
pub struct Client {
    http: HttpClient<Connector, Full<Bytes>>,
    address: Uri,
}

/// Why an address cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum AddressError {
    /// It is not a URI.
    Malformed(InvalidUri),
    /// It has no host.
    NoHost,
    /// Its scheme is neither `http` nor, with the feature `client-tls`, `https`.
    UnsupportedScheme(String),
    /// The system's certificates could not be read.
    Certificates(std::io::Error),
}

impl fmt::Display for AddressError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressError::Malformed(_) => formatter.write_str("the address is not a URI"),
            AddressError::NoHost => formatter.write_str("the address has no host, as in http://localhost:8181"),
            AddressError::UnsupportedScheme(scheme) if scheme == "https" => {
                formatter.write_str("this client was built without TLS (feature `client-tls`)")
            }
            AddressError::UnsupportedScheme(scheme) => {
                write!(formatter, "the address has the scheme {scheme:?} instead of http or https")
            }
            AddressError::Certificates(_) => formatter.write_str("the system's certificates could not be read"),
        }
    }
}

impl Error for AddressError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            AddressError::Malformed(error) => Some(error),
            AddressError::Certificates(error) => Some(error),
            AddressError::NoHost | AddressError::UnsupportedScheme(_) => None,
        }
    }
}

impl Client {
    /// A client of the server at an address such as [`DEFAULT_ADDRESS`]; its path, if it has one, precedes that of
    /// each operation. Connects when the first call is made.
    ///
    /// # Errors
    ///
    /// An [`AddressError`] for an address that no request can be sent to.
    pub fn try_new(address: &str) -> Result<Self, AddressError> {
        let address: Uri = address.parse().map_err(AddressError::Malformed)?;
        if address.host().is_none_or(str::is_empty) {
            return Err(AddressError::NoHost);
        }
        let scheme = address.scheme().cloned().unwrap_or(Scheme::HTTP);
        if scheme != Scheme::HTTP && (scheme != Scheme::HTTPS || cfg!(not(feature = "client-tls"))) {
            return Err(AddressError::UnsupportedScheme(scheme.to_string()));
        }
        let http = HttpClient::builder(TokioExecutor::new()).build(connector()?);
        Ok(Self { http, address })
    }

    /// A request with what each has: address, span ID, credential.
    fn request<C>(&self, method: Method, path: &str, query: &str, context: &C) -> Result<Request<Full<Bytes>>, ApiError>
    where
        C: Has<Option<AuthData>> + Has<XSpanIdString>,
    {
        let base = self.address.path().trim_end_matches('/');
        let target: PathAndQuery = format!("{base}{path}{query}").parse().map_err(failed("the request's path"))?;
        let mut parts = self.address.clone().into_parts();
        parts.scheme = parts.scheme.or(Some(Scheme::HTTP));
        parts.path_and_query = Some(target);

        let mut request = Request::new(Full::default());
        *request.method_mut() = method;
        *request.uri_mut() = Uri::from_parts(parts).map_err(failed("the request's URI"))?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let XSpanIdString(span_id) = Has::<XSpanIdString>::get(context);
        headers.insert("x-span-id", HeaderValue::try_from(span_id).map_err(failed("the span ID"))?);
        if let Some(credential) = Has::<Option<AuthData>>::get(context) {
            headers.insert(AUTHORIZATION, authorization(credential)?);
        }
        Ok(request)
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), ApiError> {
        let response = self.http.request(request).await.map_err(|error| unavailable(chain("no response", &error)))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST_BODY).collect().await;
        Ok((status, body.map_err(|error| ApiError(format!("the response's body: {error}")))?.to_bytes()))
    }
}

#[cfg(feature = "client-tls")]
fn connector() -> Result<Connector, AddressError> {
    let builder = hyper_rustls::HttpsConnectorBuilder::new().with_native_roots().map_err(AddressError::Certificates)?;
    let mut tcp = tcp();
    tcp.enforce_http(false);
    Ok(builder.https_or_http().enable_all_versions().wrap_connector(tcp))
}

#[cfg(not(feature = "client-tls"))]
fn connector() -> Result<Connector, AddressError> {
    Ok(tcp())
}

fn tcp() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.set_nodelay(true);
    connector
}

/// The value of `Authorization`, marked as sensitive so that it is not printed.
fn authorization(credential: &AuthData) -> Result<HeaderValue, ApiError> {
    use base64::Engine;
    let text = match credential {
        AuthData::Bearer(token) => format!("Bearer {token}"),
        AuthData::Basic(username, password) => {
            let pair = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
            format!("Basic {pair}")
        }
        AuthData::ApiKey(key) => key.clone(),
    };
    let mut value = HeaderValue::try_from(text).map_err(failed("the credential"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// A query from pairs of names and values, with its question mark; empty where there are none.
fn query(pairs: &[(&str, Option<String>)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let given = pairs.iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value)));
    let pairs: Vec<String> = given.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn json<V: DeserializeOwned>(body: &[u8]) -> Result<V, ApiError> {
    serde_json::from_slice(body).map_err(failed("the response's body"))
}

/// A response that the document does not declare. Of its body only the beginning is kept.
fn undeclared(status: StatusCode, body: &[u8]) -> ApiError {
    let text: String = String::from_utf8_lossy(body).chars().take(200).collect();
    let reason = format!("undeclared response {status}: {text:?}");
    if status == StatusCode::SERVICE_UNAVAILABLE { unavailable(reason) } else { ApiError(reason) }
}

/// Wraps an error, with all its causes, in the API's own.
fn failed<E: Error>(what: &'static str) -> impl Fn(E) -> ApiError {
    move |error| ApiError(chain(what, &error))
}

fn chain(what: &str, error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.fold(what.to_owned(), |text, cause| format!("{text}: {cause}"))
}
