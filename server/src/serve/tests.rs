//! Limits, with a clock that stands still and jumps to the next timer when every task waits.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use influxdb3_tokens::{MemoryStore, TokenApi};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

use super::Limits;
use super::connection::{Shared, connect};

mod ending;
mod numbers;
mod time;
mod tls;
mod turns;

const HTTP1_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// The preface, and empty SETTINGS.
const HTTP2_START: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The preface, and SETTINGS with an initial window of 0.
const HTTP2_START_WITHOUT_WINDOW: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";

/// HEADERS of stream 1: `GET`, `http`, `/`, and the authority `x`.
const HTTP2_REQUEST: &[u8] = b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01x";

type TestServer = Arc<Shared<TokenApi>>;

/// Default limits with these changes.
fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

async fn within_an_hour<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(3600), future).await.expect("it happens within an hour")
}

/// A connection to a server with these limits, on which this has been sent.
async fn open(limits: Limits, sent: &[u8]) -> DuplexStream {
    let server = server(limits).await;
    connection(&server, [192, 0, 2, 1].into(), sent).await.unwrap()
}

/// A server with these limits.
async fn server(limits: Limits) -> TestServer {
    let api = TokenApi::builder(Arc::new(MemoryStore::new())).build().await.unwrap();
    serving(Shared::new(api, limits))
}

/// Enforces the limits of a server until the test's runtime ends.
fn serving(server: TestServer) -> TestServer {
    let sweeping = Arc::clone(&server);
    tokio::spawn(async move { sweeping.connections.sweep_regularly(|| sweeping.failures.forget()).await });
    server
}

/// A connection from this address, on which this has been sent, unless the server refuses it.
async fn connection(server: &TestServer, address: IpAddr, sent: &[u8]) -> Option<DuplexStream> {
    server.connections.room().await;
    let (mut client, stream) = duplex(1 << 16);
    client.write_all(sent).await.unwrap();
    connect(stream, (address, 1).into(), server.connections.admit(address)?, server);
    Some(client)
}
