//! The end of a connection whose client still sends.

use std::sync::Arc;
use std::time::Duration;

use influxdb3_token_api::OPERATIONS;
use influxdb3_tokens::{Catalog, MemoryStore, Permissions, SystemClock, TokenApi};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep};

use super::{HTTP1_REQUEST, TestServer, connection, limits, open, server, serving, within_an_hour};
use crate::serve::Limits;
use crate::serve::activity::Reason;
use crate::serve::connection::Shared;

/// Its body is not read, so the connection ends after the response.
const WITH_BODY: &[u8] = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n";

/// A bare LF.
const MALFORMED: &[u8] = b"GET / HTTP/1.1\nhost: x\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_after_the_response_is_not_read_as_a_request() {
    let catalog = Catalog::open(Arc::new(MemoryStore::new()), Arc::new(SystemClock)).await.unwrap();
    let (_, secret) = catalog.create_fresh("_admin", Permissions::ADMIN, None).await.unwrap();
    // Its name is its ID, so that it is selected by either.
    let (other, _) = catalog.create_fresh("1", Permissions::ADMIN, None).await.unwrap();
    let server = serving(Shared::new(TokenApi::new(catalog.clone()), Limits::default()));
    let mut client = connection(&server, [192, 0, 2, 1].into(), WITH_BODY).await.unwrap();
    let mut response = Vec::new();
    within_an_hour(client.read_to_end(&mut response)).await.unwrap();
    assert!(response.starts_with(b"HTTP/1.1 404"), "{}", response.escape_ascii());

    // An idle connection would rest by now.
    sleep(Duration::from_secs(1)).await;
    let (id, secret) = (other.id, secret.expose());
    let (path, parameter) = (OPERATIONS[0].path, OPERATIONS[0].parameters[0].name);
    let body = format!("DELETE {path}?{parameter}={id} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {secret}\r\n\r\n");
    // The connection may have been closed; ignore the error.
    let _ = client.write_all(body.as_bytes()).await;
    sleep(Duration::from_secs(5)).await;
    assert!(catalog.live().contains(id), "the body was read as a request");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_still_sends_when_it_is_refused_is_read_for_two_seconds() {
    for refused in [WITH_BODY, MALFORMED] {
        let mut client = open(Limits::default(), refused).await;
        within_an_hour(client.read_to_end(&mut Vec::new())).await.unwrap();
        let begun = Instant::now();
        // A pause of this length must not end it early.
        sleep(Duration::from_millis(1500)).await;
        while client.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(100)).await;
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", refused.escape_ascii());
        }
        assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}, {}", begun.elapsed(), refused.escape_ascii());
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_before_it_is_told_to_close_leaves_room_for_others() {
    let server = server(limits(|limits| limits.max_connections = 1)).await;
    let connections = &server.connections;
    let connected = connections.admit([192, 0, 2, 1].into()).unwrap();
    // The sweep has found the connection, and another thread ends it.
    let found = Arc::clone(&connected);
    drop(connected);
    connections.close(&[found], Reason::Shed);
    within_an_hour(connections.room()).await;
    assert!(connection(&server, [192, 0, 2, 2].into(), HTTP1_REQUEST).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_head_that_began_with_the_previous_request_counts_as_memory() {
    let server = server(Limits::default()).await;
    let mut client = open_on(&server, HTTP1_REQUEST).await;
    // Hyper has the connection now, and reads more at once.
    let begun = [HTTP1_REQUEST, b"GET / HTTP/1.1\r\na: ", &[b'x'; 7000]].concat();
    client.write_all(&begun).await.unwrap();
    assert!(client.read(&mut [0; 1024]).await.unwrap() > 0);
    sleep(Duration::from_secs(1)).await;
    let memory = || server.connections.memory();
    assert!((10_000..12_000).contains(&memory()), "{}", memory());
    client.write_all(&[b'x'; 1000]).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!((11_000..13_000).contains(&memory()), "{}", memory());
}

#[tokio::test(start_paused = true)]
async fn a_head_that_begins_before_the_connection_rests_counts_as_memory() {
    let server = server(Limits::default()).await;
    let mut client = open_on(&server, HTTP1_REQUEST).await;
    let before = server.connections.memory();
    client.write_all(&[b"GET / HTTP/1.1\r\na: ", &[b'x'; 15_000][..]].concat()).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!(server.connections.memory() >= before + 15_000, "{}", server.connections.memory());
}

/// A connection on which this has been answered.
async fn open_on(server: &TestServer, request: &[u8]) -> DuplexStream {
    let mut client = connection(server, [192, 0, 2, 1].into(), request).await.unwrap();
    assert!(client.read(&mut [0; 1024]).await.unwrap() > 0);
    client
}
