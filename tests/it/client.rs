//! An HTTP/1.1 and HTTP/2 client that sends any request, even a malformed one, and checks the headers of each response.

use std::convert::Infallible;
use std::fmt::Display;
use std::net::SocketAddr;

use http::header::{ALLOW, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, DATE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::document::{DELETED, PARAMETER, PATH};
use crate::limits::within;

/// A request, which may be malformed.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
}

impl Request {
    pub(crate) fn new(method: &str, target: impl Into<String>) -> Self {
        Self { method: method.to_owned(), target: target.into(), headers: Vec::new() }
    }

    /// A deletion with this query.
    pub(crate) fn query(query: &str) -> Self {
        Self::new("DELETE", format!("{PATH}?{query}"))
    }

    /// The deletion of the token that this text selects. The text is sent as it is.
    pub(crate) fn delete(token: impl Display) -> Self {
        Self::query(&format!("{PARAMETER}={token}"))
    }

    pub(crate) fn with(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    pub(crate) fn bearer(self, secret: &str) -> Self {
        self.with(AUTHORIZATION, format!("Bearer {secret}"))
    }

    fn to_http1(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: tokens.test\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        head.extend(b"\r\n");
        head
    }

    fn to_http2(&self, body: Body) -> http::Request<Body> {
        let uri = format!("http://tokens.test{}", self.target);
        let mut request = http::Request::builder().method(self.method.as_str()).uri(uri).body(body).unwrap();
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, HeaderValue::from_bytes(value).unwrap());
        }
        request
    }
}

/// A response that passed the checks.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The text of the `ErrorMessage`, or an empty string if the response has no body.
    pub(crate) fn message(&self) -> String {
        if self.body.is_empty() {
            return String::new();
        }
        let body: serde_json::Map<_, _> = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(body.keys().collect::<Vec<_>>(), ["error"]);
        body["error"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: impl AsRef<str>) -> &str {
        let mut values = self.headers.get_all(name.as_ref()).iter();
        let (Some(value), None) = (values.next(), values.next()) else { panic!("{}: {self:?}", name.as_ref()) };
        value.to_str().unwrap()
    }

    pub(crate) fn span_id(&self) -> &str {
        self.header("x-span-id")
    }

    /// The challenge of the scheme Bearer, beside which others may stand.
    pub(crate) fn challenge(&self) -> &str {
        let mut challenges = self.headers.get_all(WWW_AUTHENTICATE).iter().map(|value| value.to_str().unwrap());
        challenges.find(|challenge| challenge.starts_with("Bearer ")).unwrap()
    }

    /// Whether the credential is valid but lacks the permission for this request.
    pub(crate) fn is_insufficient_scope(&self) -> bool {
        self.status == 401 && self.challenge() == r#"Bearer realm="influxdb3", error="insufficient_scope""#
    }

    /// The response without its date and span ID, which differ between equal responses.
    pub(crate) fn substance(mut self) -> (StatusCode, Vec<(String, HeaderValue)>, Bytes) {
        self.headers.remove(DATE);
        self.headers.remove("x-span-id");
        let mut headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        headers.sort_by(|a, b| a.0.cmp(&b.0));
        (self.status, headers, self.body)
    }

    /// Checks what every response has in common.
    fn check(self, cluster: Uuid, method: &str) -> Self {
        assert_eq!(self.header("cluster-uuid"), cluster.to_string());
        let span_id = self.span_id();
        assert!((1..=128).contains(&span_id.len()) && span_id.bytes().all(|byte| byte.is_ascii_graphic()), "{span_id}");

        let has_body = method == "HEAD" || !self.body.is_empty();
        assert_eq!(self.headers.contains_key(CONTENT_TYPE), has_body, "{self:?}");
        if has_body {
            assert_eq!(self.header(CONTENT_TYPE), "application/json");
        }
        match self.status.as_u16() {
            DELETED => assert!(
                self.body.is_empty() && (DELETED != 204 || !self.headers.contains_key(CONTENT_LENGTH)),
                "{self:?}"
            ),
            404 if self.body.is_empty() => {}
            _ if method == "HEAD" => assert!(self.body.is_empty(), "{self:?}"),
            400 | 401 | 404 | 405 | 500 | 503 => assert!(!self.message().is_empty(), "{self:?}"),
            _ => panic!("unexpected status: {self:?}"),
        }
        for (status, header) in [(401, WWW_AUTHENTICATE), (405, ALLOW), (503, RETRY_AFTER)] {
            assert_eq!(self.headers.contains_key(&header), self.status == status, "{self:?}");
        }
        if self.status == 503 {
            assert!(self.header(RETRY_AFTER).parse::<u32>().unwrap() > 0);
        }
        self
    }
}

/// A connection over either protocol.
pub(crate) enum Client {
    One(Http1),
    Two(Http2),
}

impl Client {
    pub(crate) async fn send(&mut self, request: &Request) -> Answer {
        match self {
            Self::One(connection) => connection.send(request).await,
            Self::Two(connection) => connection.send(request).await,
        }
    }
}

/// A persistent HTTP/1.1 connection. It writes requests and reads responses without an HTTP library.
pub(crate) struct Http1 {
    stream: BufReader<TcpStream>,
    cluster: Uuid,
}

impl Http1 {
    /// Connects to the server of a cluster.
    pub(crate) async fn connect(address: SocketAddr, cluster: Uuid) -> Self {
        Self { stream: BufReader::new(connect(address).await), cluster }
    }

    pub(crate) async fn send(&mut self, request: &Request) -> Answer {
        self.try_send(request).await.unwrap_or_else(|| panic!("no response to {request:?}"))
    }

    /// `None` if the connection ends before the response is complete.
    pub(crate) async fn try_send(&mut self, request: &Request) -> Option<Answer> {
        self.write(&request.to_http1()).await?;
        self.receive(&request.method).await
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Option<()> {
        within("a request to be sent", self.stream.write_all(bytes)).await.ok()
    }

    /// The response to a request with this method.
    pub(crate) async fn receive(&mut self, method: &str) -> Option<Answer> {
        within("a response", self.receive_in_full(method)).await
    }

    async fn receive_in_full(&mut self, method: &str) -> Option<Answer> {
        let (status, headers) = self.head().await?;
        let length = headers.get(CONTENT_LENGTH).map(|length| length.to_str().unwrap().parse().unwrap());
        let mut body = vec![0; if method == "HEAD" { 0 } else { length.unwrap_or(0) }];
        self.stream.read_exact(&mut body).await.ok()?;
        let answer = Answer { status, headers, body: body.into() };
        assert!(answer.status == 204 || length.is_some(), "{answer:?}");
        Some(answer.check(self.cluster, method))
    }

    async fn head(&mut self) -> Option<(StatusCode, HeaderMap)> {
        let line = self.line().await?;
        let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
        let mut headers = HeaderMap::new();
        loop {
            match self.line().await?.split_once(": ") {
                Some((name, value)) => headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap()),
                None => return Some((status.unwrap(), headers)),
            };
        }
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.ok()?;
        Some(line.strip_suffix("\r\n")?.to_owned())
    }

    /// The status of the response that hyper itself sends to a malformed request.
    pub(crate) async fn receive_unchecked(&mut self) -> StatusCode {
        within("a response", self.head()).await.unwrap().0
    }

    /// Waits until the server closes the connection, and checks that it sends nothing more.
    pub(crate) async fn expect_end(&mut self) {
        let mut rest = Vec::new();
        // If the server has not read everything, the connection is reset; ignore the error.
        let _ = within("the end of the connection", self.stream.read_to_end(&mut rest)).await;
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }
}

/// The body of an [`Http2`] request.
pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// An HTTP/2 connection without TLS, with prior knowledge. Clones share the connection.
#[derive(Clone)]
pub(crate) struct Http2 {
    requests: SendRequest<Body>,
    cluster: Uuid,
}

impl Http2 {
    /// Connects to the server of a cluster.
    pub(crate) async fn connect(address: SocketAddr, cluster: Uuid) -> Self {
        let stream = connect(address).await;
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (requests, connection) = handshake.unwrap();
        tokio::spawn(connection);
        Self { requests, cluster }
    }

    pub(crate) async fn send(&mut self, request: &Request) -> Answer {
        self.send_with(request, Empty::new().boxed()).await
    }

    pub(crate) async fn send_with(&mut self, request: &Request, body: Body) -> Answer {
        self.try_send_with(request, body).await.unwrap()
    }

    pub(crate) async fn try_send_with(&mut self, request: &Request, body: Body) -> hyper::Result<Answer> {
        let response = within("a response", self.requests.send_request(request.to_http2(body))).await?;
        let (parts, body) = response.into_parts();
        let body = within("the body of a response", body.collect()).await?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body }.check(self.cluster, &request.method))
    }
}

async fn connect(address: SocketAddr) -> TcpStream {
    within("a connection", TcpStream::connect(address)).await.unwrap()
}
