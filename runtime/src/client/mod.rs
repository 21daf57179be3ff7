//! Calls of a generated trait over HTTP.
//!
//! | item | contents |
//! |---|---|
//! | [`Client`], [`AddressError`] | the connections to a server |
//! | [`Call`], [`Answer`] | what generated code is made of: a request that is put together, a response that is taken apart |

mod address;
mod answer;
mod call;
mod credentials;
mod encoding;

use std::fmt;
#[cfg(feature = "tls")]
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use swagger::auth::AuthData;

use crate::Body;

pub use address::AddressError;
pub use answer::Answer;
pub use call::Call;
/// The version of rustls whose configuration [`Client::with_tls`] takes.
#[cfg(feature = "tls")]
pub use rustls;

/// The time limit for making a connection. The caller limits the time of a call.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(feature = "tls")]
type Connector = hyper_rustls::HttpsConnector<HttpConnector>;
#[cfg(not(feature = "tls"))]
type Connector = HttpConnector;

/// The client of a server: it implements the trait of every generated crate, over HTTP/1.1, and over HTTP/2 if the
/// server offers it under TLS.
///
/// Clones are cheap and share their connections. The context of a call carries the credential
/// ([`AuthData`]) and the span ID ([`XSpanIdString`](swagger::XSpanIdString)); [`credential`](Self::credential) adds
/// credentials of the client. A call that receives no response, or 503, fails with
/// [`ApiError::Unavailable`](crate::ApiError::Unavailable); one whose response differs from the document fails with
/// [`ApiError::Undeclared`](crate::ApiError::Undeclared), which has the response.
#[derive(Clone)]
pub struct Client {
    http: HttpClient<Connector, Body>,
    address: Uri,
    /// Security schemes by name, and their credentials.
    credentials: Arc<Vec<(Box<str>, AuthData)>>,
}

impl Client {
    /// A client of the server at an address such as `http://localhost:8181`. The path of the address, if it has one,
    /// precedes that of each operation. The client connects when the first call is made.
    ///
    /// # Errors
    ///
    /// An [`AddressError`] if no request can be sent to the address.
    pub fn try_new(address: &str) -> Result<Self, AddressError> {
        Ok(Self::through(connector()?, address::parse(address)?))
    }

    /// A client with a TLS configuration of your own, such as one that trusts other certificates than the system's or
    /// presents a client certificate. Its ALPN protocols are replaced by those that the client speaks.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use openapi_stub_runtime::client::rustls::crypto::ring;
    /// use openapi_stub_runtime::client::rustls::{ClientConfig, RootCertStore};
    /// use openapi_stub_runtime::client::Client;
    ///
    /// let roots = RootCertStore::empty(); // add the certificates to trust
    /// let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
    ///     .with_safe_default_protocol_versions()?
    ///     .with_root_certificates(roots)
    ///     .with_no_client_auth();
    /// let client = Client::with_tls("https://localhost:8181", config)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// An [`AddressError`] if no request can be sent to the address.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn with_tls(address: &str, config: rustls::ClientConfig) -> Result<Self, AddressError> {
        Ok(Self::through(https(config), address::parse(address)?))
    }

    fn through(connector: Connector, address: Uri) -> Self {
        let http = HttpClient::builder(TokioExecutor::new()).build(connector);
        Self { http, address, credentials: Arc::default() }
    }

    /// Sets the credential for the security scheme with this name. A credential that does not fit the scheme, such as a
    /// bearer token for an API key, is not sent.
    ///
    /// A call sends the credentials for one alternative of its operation's security: the first that the credential of its
    /// context and those of the client suffice for, or else the first that those of the client suffice for. In an
    /// alternative, the credential of the context is for a scheme that the client has none for, if it fits one, and
    /// otherwise replaces one of the client's. Two schemes that read one header share a credential. If the credentials
    /// suffice for no alternative, the call sends that of its context alone.
    ///
    /// A client certificate (`mutualTLS`) belongs to the connection: pass one to `with_tls`.
    #[must_use]
    pub fn credential(mut self, scheme: &str, credential: AuthData) -> Self {
        let credentials = Arc::make_mut(&mut self.credentials);
        credentials.retain(|(name, _)| **name != *scheme);
        credentials.push((scheme.into(), credential));
        self
    }
}

impl fmt::Debug for Client {
    /// Omits everything of the address but its host and port.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = (self.address.host(), self.address.port_u16());
        formatter.debug_struct("Client").field("host", &host).field("port", &port).finish_non_exhaustive()
    }
}

#[cfg(feature = "tls")]
fn connector() -> Result<Connector, AddressError> {
    use hyper_rustls::ConfigBuilderExt;
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(io::Error::other);
    let config = config.and_then(|config| config.with_native_roots()).map_err(AddressError::Certificates)?;
    Ok(https(config.with_no_client_auth()))
}

#[cfg(feature = "tls")]
fn https(mut config: rustls::ClientConfig) -> Connector {
    // The connector panics if it is given any.
    config.alpn_protocols.clear();
    let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config);
    let mut tcp = tcp();
    tcp.enforce_http(false);
    builder.https_or_http().enable_all_versions().wrap_connector(tcp)
}

#[cfg(not(feature = "tls"))]
fn connector() -> Result<Connector, AddressError> {
    Ok(tcp())
}

fn tcp() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.set_nodelay(true);
    connector
}
