//! Silent connections are closed after the times that the documentation of [`serve`](super::serve) states.
//!
//! The clock stands still, and jumps to the next timer when every task waits.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use influxdb3_tokens::{MemoryStore, TokenApi};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{Instant, timeout};

use super::connect;

const HTTP1_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// The preface, and empty SETTINGS.
const HTTP2_START: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// HEADERS of stream 1: `GET`, `http`, `/`, and the authority `x`.
const HTTP2_REQUEST: &[u8] = b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01x";

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_request_is_closed_after_30_seconds() {
    for sent in [&b""[..], b"PRI * HT", b"GET / HT", HTTP2_START] {
        assert_eq!(seconds_open(&[sent]).await, 30, "{}", sent.escape_ascii());
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_over_http1_is_closed_30_seconds_after_its_last_response() {
    for begun in [&b""[..], b"GET / HT"] {
        assert_eq!(seconds_open(&[HTTP1_REQUEST, begun]).await, 30, "{}", begun.escape_ascii());
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_over_http2_is_closed_20_seconds_after_a_ping_without_an_answer() {
    assert_eq!(seconds_open(&[HTTP2_START, HTTP2_REQUEST]).await, 30 + 20);
}

/// How long a connection stays open whose client sends this, and nothing more.
async fn seconds_open(sent: &[&[u8]]) -> u64 {
    let api = TokenApi::builder(Arc::new(MemoryStore::new())).build().await.unwrap();
    let connections = GracefulShutdown::new();
    let (mut client, server) = duplex(1 << 16);
    client.write_all(&sent.concat()).await.unwrap();
    let begun = Instant::now();
    connect(server, &api, &connections);
    let end = timeout(Duration::from_secs(3600), client.read_to_end(&mut Vec::new())).await;
    end.expect("the connection ends within an hour").unwrap();
    begun.elapsed().as_secs()
}
