//! Counts the allocations of a request from the bytes read to the bytes written, including those of hyper.

use std::str;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use influxdb3_tokens::{MemoryStore, TokenApi};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime;

use crate::creation::create;
use crate::document::{PARAMETER, PATH};

#[test]
fn a_request_without_a_credential_costs_at_most_6_allocations() {
    let counted = allocations(&http1::Builder::new(), |_| String::new(), "HTTP/1.1 401 ");
    assert!(counted <= 6, "{counted}");
}

/// With `half_close`, hyper does not read ahead. To read ahead, it needs a second buffer, because the first still holds
/// the request.
#[test]
fn a_request_without_a_credential_costs_at_most_4_allocations_with_half_close() {
    let counted = allocations(http1::Builder::new().half_close(true), |_| String::new(), "HTTP/1.1 401 ");
    assert!(counted <= 4, "{counted}");
}

#[test]
fn a_request_for_an_unknown_token_costs_at_most_9_allocations() {
    let headers = |secret: &str| format!("authorization: Bearer {secret}\r\n");
    let counted = allocations(&http1::Builder::new(), headers, "HTTP/1.1 404 ");
    assert!(counted <= 9, "{counted}");
}

/// Counts the allocations per request. `headers` makes the headers of the requests from the secret of an admin token.
fn allocations(protocol: &http1::Builder, headers: impl Fn(&str) -> String, status: &str) -> u64 {
    /// Enough that the average does not show occasional allocations.
    const REQUESTS: u64 = 1000;
    let runtime = runtime::Builder::new_current_thread().build().unwrap();
    let (mut client, head) = runtime.block_on(async {
        let api = TokenApi::builder(Arc::new(MemoryStore::new())).build().await.unwrap();
        let (_, secret) = create(api.catalog(), "_admin", "*:*:*", None).await;
        let (client, server) = duplex(4096);
        tokio::spawn(protocol.serve_connection(TokioIo::new(server), api));
        (client, format!("DELETE {PATH}?{PARAMETER}=77 HTTP/1.1\r\nhost: tokens.test\r\n{}\r\n", headers(&secret)))
    });
    let mut exchange = || runtime.block_on(exchange(&mut client, &head, status));
    exchange();
    let counted = allocation_counter::measure(|| (0..REQUESTS).for_each(|_| exchange()));
    counted.count_total / REQUESTS
}

/// Sends a request and reads the whole response, without allocating.
async fn exchange(connection: &mut DuplexStream, head: &str, status: &str) {
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut buffer = [0; 1024];
    let mut read = 0;
    while !is_whole(&buffer[..read]) {
        let received = connection.read(&mut buffer[read..]).await.unwrap();
        assert!(received > 0, "the connection ended within the response: {}", buffer[..read].escape_ascii());
        read += received;
    }
    assert!(buffer.starts_with(status.as_bytes()), "{}", buffer[..read].escape_ascii());
}

fn is_whole(response: &[u8]) -> bool {
    let Some((head, body)) = str::from_utf8(response).unwrap().split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() == length.map_or(0, |length| length.parse().unwrap())
}
