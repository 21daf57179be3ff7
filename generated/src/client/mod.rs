//! The API over HTTP.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::Uri;
use http::uri::{InvalidUri, Scheme};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use swagger::ApiError;

mod operations;
mod request;
mod response;

/// The address of the document's first server, with the defaults of its variables.
pub const DEFAULT_ADDRESS: &str = "https://localhost:8181";

/// How long a connection may take to be made. How long a call may take is for its caller to say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(feature = "client-tls")]
type Connector = hyper_rustls::HttpsConnector<HttpConnector>;
#[cfg(not(feature = "client-tls"))]
type Connector = HttpConnector;

/// [`Api`](crate::Api) over HTTP/1.1, and over HTTP/2 where the server offers it under TLS. Cheap to clone: clones
/// share their connections.
///
/// The context of a call carries the credential ([`AuthData`](swagger::auth::AuthData)) and the span ID
/// ([`XSpanIdString`](swagger::XSpanIdString)). A call that gets no
/// response, or 503, fails with an error of which [`is_unavailable`](crate::is_unavailable) is true.
#[derive(Clone, Debug)]
pub struct Client {
    http: HttpClient<Connector, request::Body>,
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

/// Wraps an error, with all its causes, in the API's own.
fn failed<E: Error>(what: &'static str) -> impl Fn(E) -> ApiError {
    move |error| ApiError(chain(what, &error))
}

fn chain(what: &str, error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.fold(what.to_owned(), |text, cause| format!("{text}: {cause}"))
}
