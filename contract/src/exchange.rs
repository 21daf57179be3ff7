//! Requests to the server under test, and its responses.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use influxdb3_token_api::with_sources;
use openapi_stub_runtime::without_userinfo;
use rustls::ClientConfig;

use super::CannotRun;
use super::api::Api;
use super::request::Template;
use super::text::{Holders, Text};

/// A client of one server.
#[derive(Debug)]
pub(super) struct Server {
    client: AnyClient,
    address: Address,
    timeout: Duration,
}

/// A client with TLS, or one without, which needs no certificates.
#[derive(Debug)]
enum AnyClient {
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
    Plain(Client<HttpConnector, Full<Bytes>>),
}

/// The address of a server, and its protocol.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// Scheme, authority, and the prefix of each operation's path, without a slash at the end.
    pub(super) base: String,
    /// HTTP/2 by prior knowledge.
    pub(super) http2: bool,
}

/// A response, or the reason why no response arrived.
pub(super) type Answer = Result<Response, String>;

/// A response with its whole body.
#[derive(Clone, Debug)]
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The longest body that is read, in bytes.
const LONGEST_BODY: usize = 16 << 20;

impl Server {
    /// A client with this configuration of TLS, or that of the system.
    pub(super) fn new(
        host: &str,
        tls: Option<ClientConfig>,
        http2: bool,
        timeout: Duration,
    ) -> Result<Self, CannotRun> {
        // A password in the address is not sent, and must not be reported.
        let host = &*without_userinfo(host);
        let invalid = || CannotRun::Address(host.rsplit('@').next().unwrap_or_default().to_owned());
        let uri: Uri = host.parse().map_err(|_| invalid())?;
        if uri.authority().is_none() || uri.query().is_some() {
            return Err(invalid());
        }
        let mut builder = Client::builder(TokioExecutor::new());
        builder.http2_only(http2).pool_timer(TokioTimer::new());
        let client = match uri.scheme_str() {
            Some("http") => AnyClient::Plain(builder.build_http()),
            Some("https") => {
                let https = HttpsConnectorBuilder::new();
                let https = match tls {
                    Some(mut config) => {
                        // The connector panics if it is given any.
                        config.alpn_protocols.clear();
                        https.with_tls_config(config)
                    }
                    None => https.with_native_roots().map_err(CannotRun::Certificates)?,
                };
                AnyClient::Tls(builder.build(https.https_only().enable_all_versions().build()))
            }
            _ => return Err(invalid()),
        };
        let address = Address { base: host.trim_end_matches('/').to_owned(), http2 };
        Ok(Self { client, address, timeout })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) async fn send(&self, template: &Template, holders: &dyn Holders) -> Answer {
        let fill = |text: &Text| text.fill(holders);
        let uri = format!("{}{}", self.address.base, template.target(fill));
        let mut request = Request::new(Full::from(template.body.clone()));
        *request.uri_mut() = uri.parse().map_err(|error| format!("the URI is invalid: {error}"))?;
        *request.method_mut() = Method::from_bytes(template.method.as_bytes()).map_err(|error| error.to_string())?;
        for (name, value) in &template.headers {
            let value = HeaderValue::from_bytes(fill(value).as_bytes()).map_err(|error| format!("{name}: {error}"))?;
            request.headers_mut().append(HeaderName::try_from(name).map_err(|error| error.to_string())?, value);
        }
        tokio::time::timeout(self.timeout, self.exchange(request))
            .await
            .unwrap_or_else(|_| Err(format!("there was no response within {:?}", self.timeout)))
    }

    /// Why the server no longer responds to anything; `None` if it does. Asks twice, in case it only closed a connection.
    pub(super) async fn is_gone(&self, api: &Api, holders: &dyn Holders) -> Option<String> {
        let path = api.operations.first()?.path;
        // Without credentials, and with a method that changes nothing.
        let request = Template::harmless(path);
        let mut reason = None;
        for _ in 0..2 {
            match self.send(&request, holders).await {
                Ok(_) => return None,
                Err(error) => reason = Some(error),
            }
        }
        reason
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Answer {
        let response = match &self.client {
            AnyClient::Tls(client) => client.request(request),
            AnyClient::Plain(client) => client.request(request),
        };
        let response = response.await.map_err(|error| with_sources(&error))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, LONGEST_BODY).collect().await.map_err(|error| with_sources(&*error))?;
        Ok(Response { status: parts.status, headers: parts.headers, body: body.to_bytes() })
    }
}

impl Response {
    /// The first value of a header, if it has one that is visible ASCII.
    pub(super) fn header(&self, name: impl AsRef<str>) -> Option<&str> {
        self.headers.get(name.as_ref()).and_then(|value| value.to_str().ok())
    }
}

#[cfg(test)]
impl Response {
    /// A response for a unit test.
    pub(super) fn of(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Self {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        Self { status: status.try_into().expect("a status has three digits"), headers: map, body: body.into() }
    }
}
