//! Limits of time.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use http::{HeaderValue, Response};
use hyper::body::Bytes;
use influxdb3_token_api::Payload;
use influxdb3_token_api::server::{Body, Rejection};
use influxdb3_tokens::{MemoryStore, TokenApi};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep};

use super::{
    HTTP1_REQUEST, HTTP2_REQUEST, HTTP2_START, HTTP2_START_WITHOUT_WINDOW, connection, limits, open, server, serving,
    within_an_hour,
};
use crate::serve::Limits;
use crate::serve::connection::Shared;

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_request_is_closed_after_30_seconds() {
    for sent in [&b""[..], b"PRI * HT", HTTP2_START] {
        assert_eq!(seconds_open(&[sent]).await, 30, "{}", sent.escape_ascii());
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_over_http2_that_begins_in_pieces_has_as_much_time_for_its_first_request() {
    let mut client = open(Limits::default(), &HTTP2_START[..3]).await;
    sleep(Duration::from_secs(1)).await;
    client.write_all(&HTTP2_START[3..]).await.unwrap();
    // After 30 with the second before.
    assert_eq!(closed_after(client, b"", None).await, 29);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_slowly_is_not_awaited() {
    // At less than 50 bytes a second, until the rate counts.
    for begun in [&b"GET / HT"[..], b"PRI"] {
        assert_eq!(seconds_open(&[begun]).await, 10, "{}", begun.escape_ascii());
    }
    let steady = open(Limits::default(), &[]).await;
    let seconds = closed_after(steady, b"GET / HTTP/1.1\r\nhost: x\r\na: ", Some(&[b'x'; 60])).await;
    assert_eq!(seconds, 30, "the whole head has a limit too");
}

#[tokio::test(start_paused = true)]
async fn a_connection_over_http1_is_closed_75_seconds_after_its_last_response() {
    assert_eq!(seconds_open(&[HTTP1_REQUEST]).await, 75);
    // The beginning of a second head, which arrived with the first.
    assert_eq!(seconds_open(&[HTTP1_REQUEST, b"GET / HT"]).await, 75);
}

#[tokio::test(start_paused = true)]
async fn a_second_head_has_the_limits_of_the_first() {
    let mut client = open(Limits::default(), HTTP1_REQUEST).await;
    let mut response = [0; 1024];
    assert!(client.read(&mut response).await.unwrap() > 0);
    // The connection rests meanwhile, and continues.
    sleep(Duration::from_secs(40)).await;
    client.write_all(HTTP1_REQUEST).await.unwrap();
    assert!(client.read(&mut response).await.unwrap() > 0);
    sleep(Duration::from_secs(40)).await;
    assert_eq!(closed_after(client, b"GET / HT", None).await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_began_with_the_previous_request_is_complete_after_a_rest() {
    let mut client = open(Limits::default(), &[HTTP1_REQUEST, &HTTP1_REQUEST[..9]].concat()).await;
    let mut response = [0; 1024];
    assert!(client.read(&mut response).await.unwrap() > 0);
    sleep(Duration::from_secs(3)).await;
    client.write_all(&HTTP1_REQUEST[9..]).await.unwrap();
    let count = within_an_hour(client.read(&mut response)).await.unwrap();
    assert!(response[..count].starts_with(b"HTTP/1.1 404"), "{}", response[..count].escape_ascii());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_waits_takes_little_memory() {
    let server = server(Limits::default()).await;
    let memory = || server.connections.memory();
    let mut client = connection(&server, [192, 0, 2, 1].into(), &HTTP1_REQUEST[..9]).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!(memory() < 4 << 10, "{}", memory());
    for request in [&HTTP1_REQUEST[9..], HTTP1_REQUEST] {
        client.write_all(request).await.unwrap();
        assert!(client.read(&mut [0; 1024]).await.unwrap() > 0);
        assert!(memory() > 16 << 10, "{}", memory());
        sleep(Duration::from_secs(1)).await;
        assert!(memory() < 4 << 10, "{}", memory());
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_in_pieces_takes_longer_than_a_connection_may_be_idle() {
    let render = |_: &Rejection, mut response: Response<Body>| {
        let pieces = stream::iter(0..3).then(|_| async {
            sleep(Duration::from_secs(100)).await;
            Ok::<_, Infallible>(Bytes::from_static(b"piece"))
        });
        *response.body_mut() = Payload::stream(HeaderValue::from_static("text/plain"), pieces).into();
        response
    };
    let api = TokenApi::builder(Arc::new(MemoryStore::new())).rejections(render).build().await.unwrap();
    let server = serving(Shared::new(api, Limits::default()));
    let mut client = connection(&server, [192, 0, 2, 1].into(), HTTP1_REQUEST).await.unwrap();
    let mut response = Vec::new();
    within_an_hour(client.read_to_end(&mut response)).await.unwrap();
    assert_eq!(response.windows(5).filter(|bytes| bytes == b"piece").count(), 3, "{}", response.escape_ascii());
    assert!(response.ends_with(b"0\r\n\r\n"), "{}", response.escape_ascii());
}

#[tokio::test(start_paused = true)]
async fn a_connection_over_http2_is_closed_20_seconds_after_a_ping_without_an_answer() {
    assert_eq!(seconds_open(&[HTTP2_START, HTTP2_REQUEST]).await, 30 + 20);
}

/// PING with an acknowledgement of the server's. Hyper sends these bytes.
const PONG: &[u8] = b"\0\0\x08\x06\x01\0\0\0\0\x3b\x7c\xdb\x7a\x0b\x87\x16\xb4";

#[tokio::test(start_paused = true)]
async fn a_connection_over_http2_is_closed_80_seconds_after_its_last_request_though_its_client_answers_pings() {
    // A window of 0 for the streams: the response waits.
    let start = [HTTP2_START_WITHOUT_WINDOW, HTTP2_REQUEST].concat();
    let client = open(Limits::default(), &start).await;
    assert_eq!(closed_after(client, b"", Some(PONG)).await, 80);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_disconnected_after_20_seconds() {
    let mut client = open(Limits::default(), b"").await;
    let begun = Instant::now();
    let requests = async { while client.write_all(HTTP1_REQUEST).await.is_ok() {} };
    within_an_hour(requests).await;
    assert_eq!(begun.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn every_limit_of_time_can_be_chosen() {
    let limits = limits(|limits| {
        limits.head_timeout = Duration::from_secs(2);
        limits.idle_timeout = Duration::from_secs(7);
        limits.write_timeout = Duration::from_secs(3);
    });
    assert_eq!(closed_after(open(limits.clone(), b"").await, b"", None).await, 2);
    assert_eq!(closed_after(open(limits.clone(), HTTP1_REQUEST).await, b"", None).await, 7);
    let mut client = open(limits, b"").await;
    let begun = Instant::now();
    within_an_hour(async { while client.write_all(HTTP1_REQUEST).await.is_ok() {} }).await;
    assert_eq!(begun.elapsed().as_secs(), 3);
}

/// How long a connection stays open whose client sends this, and nothing more.
async fn seconds_open(sent: &[&[u8]]) -> u64 {
    closed_after(open(Limits::default(), &sent.concat()).await, b"", None).await
}

/// How many seconds pass until the server closes the connection of a client that sends this and then the same bytes
/// every second.
async fn closed_after(mut client: DuplexStream, first: &[u8], each_second: Option<&[u8]>) -> u64 {
    let begun = Instant::now();
    client.write_all(first).await.unwrap();
    let (mut received, mut sent) = tokio::io::split(client);
    let sending = async {
        while let Some(bytes) = each_second {
            sleep(Duration::from_secs(1)).await;
            // The connection may have been closed; ignore the error.
            let _ = sent.write_all(bytes).await;
        }
        std::future::pending::<()>().await;
    };
    let mut all = Vec::new();
    tokio::select! {
        // Closed with an error or without.
        _ = within_an_hour(received.read_to_end(&mut all)) => {}
        () = sending => {}
    }
    begun.elapsed().as_secs()
}
