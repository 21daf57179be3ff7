//! The operations listener of a running server.

#[cfg(target_os = "linux")]
mod forward_authentication;
mod health;
mod metrics;
mod pages;
mod verify;

use std::net::SocketAddr;

use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::document::{PARAMETER, PATH, Token};
use crate::limits::within;

/// The option that starts the listener, for [`DataDir::start`](crate::process::DataDir::start).
pub(crate) const OPS_BIND: &str = "--ops-bind=127.0.0.1:0";

/// Sends a request on a connection of its own. Without a header `Host`, it names the address.
pub(crate) async fn send(address: SocketAddr, mut request: Request<Empty<Bytes>>) -> Response<Bytes> {
    let host = address.to_string().parse().unwrap();
    request.headers_mut().entry("host").or_insert(host);
    let exchange = async {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        connection.abort();
        Response::from_parts(parts, body)
    };
    within("the answer of the operations listener", exchange).await
}

pub(crate) async fn get(address: SocketAddr, target: &str) -> Response<Bytes> {
    send(address, Request::get(target).body(Empty::new()).unwrap()).await
}

/// The deletion of a token by the one with this secret.
pub(crate) fn deletion(token: Token, secret: &str) -> Request<Empty<Bytes>> {
    let request = Request::delete(format!("{PATH}?{PARAMETER}={token}"));
    request.header("authorization", format!("Bearer {secret}")).body(Empty::new()).unwrap()
}

/// The body of a response, which must be text.
pub(crate) fn text(response: Response<Bytes>) -> String {
    String::from_utf8(response.into_body().into()).unwrap()
}
