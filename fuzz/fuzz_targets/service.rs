//! The whole service from bytes: all that a client sends on a connection, which the last byte cuts into pieces.
//!
//! The connection ends. Each response has a status that the document or HTTP has for it, and the headers that every
//! response has. Tokens are deleted only for one who knows the secret of an admin token, one for each 204.
#![no_main]

use std::time::Duration;

use influxdb3_tokens::{Catalog, TokenApi, TokenId};
use influxdb3_tokens_fuzz::{block_on, catalog, contains, secret};
use influxdb3_tokens_server::fuzzing::serve_one;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

/// What the protocol itself refuses, before there is a request to answer.
const OF_THE_PROTOCOL: [u16; 6] = [400, 408, 414, 431, 501, 505];
const OF_THE_SERVICE: [u16; 8] = [204, 400, 401, 404, 405, 414, 431, 505];

libfuzzer_sys::fuzz_target!(|sent: &[u8]| block_on(async {
    let api = TokenApi::new(catalog().await);
    let (client, server) = duplex(1 << 12);
    let received = tokio::select! {
        received = exchange(client, sent) => received,
        () = serve_one(server, api.clone()) => unreachable!("it serves until it is dropped"),
    };

    // HTTP/2 is binary, and may spell the secret in Huffman's code.
    if sent.starts_with(b"PRI") {
        return;
    }
    let responses = responses(&received);
    responses.iter().for_each(check);
    check_tokens(api.catalog(), sent, &responses);
}));

/// Sends all, reads all, and returns it. The clock jumps to the next timer when nothing happens.
async fn exchange(client: DuplexStream, sent: &[u8]) -> Vec<u8> {
    let (mut reading, mut writing) = tokio::io::split(client);
    let send = async {
        let size = sent.last().map_or(1, |last| usize::from(*last) * 8 + 1);
        for piece in sent.chunks(size) {
            // The server may have closed the connection.
            if writing.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let _ = writing.shutdown().await;
    };
    let mut received = Vec::new();
    let receive = reading.read_to_end(&mut received);
    let both = async { tokio::join!(send, receive).1 };
    timeout(Duration::from_secs(3600), both).await.expect("the connection ends").expect("it ends without an error");
    received
}

#[derive(Debug)]
struct Response<'a> {
    status: u16,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a [u8],
}

impl<'a> Response<'a> {
    fn header(&self, name: &str) -> Option<&'a str> {
        let mut values = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
        let first = values.next();
        assert_eq!(values.next(), None, "{name} is there once");
        first
    }
}

/// The responses on a connection over HTTP/1, as a strict reader sees them.
fn responses(mut received: &[u8]) -> Vec<Response<'_>> {
    let mut responses = Vec::new();
    while !received.is_empty() {
        let end = received.windows(4).position(|window| window == b"\r\n\r\n").expect("a head ends");
        let head = std::str::from_utf8(&received[..end]).expect("a head is ASCII");
        let mut lines = head.split("\r\n");
        let status_line = lines.next().expect("a head has a line");
        let status = status_line.strip_prefix("HTTP/1.1 ").or_else(|| status_line.strip_prefix("HTTP/1.0 "));
        let status = status.and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok()).expect("a status line");
        let headers: Vec<_> = lines.map(|line| line.split_once(": ").expect("a header has a colon")).collect();
        let mut response = Response { status, headers, body: b"" };
        received = &received[end + 4..];
        let length = response.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        assert_eq!(response.header("transfer-encoding"), None, "bodies have a known length");
        // The answer to HEAD names the length of a body that does not follow.
        let follows = received.len() >= length && !received.starts_with(b"HTTP/1.");
        if follows {
            (response.body, received) = received.split_at(length);
        }
        if status != 100 {
            responses.push(response);
        }
    }
    responses
}

fn check(response: &Response<'_>) {
    let Response { status, body, .. } = response;
    let answered = response.header("cluster-uuid").is_some();
    let declared = if answered { &OF_THE_SERVICE[..] } else { &OF_THE_PROTOCOL[..] };
    assert!(declared.contains(status), "{response:?}");
    assert_eq!(response.header("x-span-id").is_some(), answered, "{response:?}");
    assert_eq!(response.header("www-authenticate").is_some(), *status == 401, "{response:?}");
    assert_eq!(response.header("allow"), (*status == 405).then_some("DELETE"), "{response:?}");
    if *status == 204 {
        assert!(body.is_empty() && response.header("content-length").is_none(), "{response:?}");
    }
    if answered && !body.is_empty() {
        assert_eq!(response.header("content-type"), Some("application/json"), "{response:?}");
        let _: serde_json::Value = serde_json::from_slice(body).expect("an ErrorMessage is JSON");
    }
}

fn check_tokens(catalog: &Catalog, sent: &[u8], responses: &[Response<'_>]) {
    assert!(catalog.live().contains(TokenId::OPERATOR), "the operator token cannot be deleted");
    let deleted = 3 - catalog.live().len();
    let acknowledged = responses.iter().filter(|response| response.status == 204).count();
    assert_eq!(deleted, acknowledged, "each deletion is acknowledged");
    let is_admin = [0, 1].into_iter().any(|index| contains(sent, secret(index).expose()));
    assert!(deleted == 0 || is_admin, "nobody who knows no secret deletes a token");
}
