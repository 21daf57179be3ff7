//! The end of a connection whose client still sends.

use std::sync::Arc;
use std::time::Duration;

use influxdb3_tokens::{Catalog, MemoryStore, Permissions, SystemClock, TokenApi};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

use super::{connection, open, serving, within_an_hour};
use crate::serve::Limits;
use crate::serve::connection::Server;

/// Its body is not read, so the connection ends after the response.
const WITH_BODY: &[u8] = b"DELETE /api/v3/configure/token?id=1 HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n";

/// A bare LF.
const MALFORMED: &[u8] = b"GET / HTTP/1.1\nhost: x\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_after_the_response_is_not_read_as_a_request() {
    let catalog = Catalog::open(Arc::new(MemoryStore::new()), Arc::new(SystemClock)).await.unwrap();
    let (_, secret) = catalog.create_fresh("_admin", Permissions::ADMIN, None).await.unwrap();
    let (other, _) = catalog.create_fresh("other", Permissions::ADMIN, None).await.unwrap();
    let server = serving(Server::new(TokenApi::new(catalog.clone()), Limits::default()));
    let mut client = connection(&server, [192, 0, 2, 1].into(), WITH_BODY).await.unwrap();
    let mut response = Vec::new();
    within_an_hour(client.read_to_end(&mut response)).await.unwrap();
    assert!(response.starts_with(b"HTTP/1.1 401"), "{}", response.escape_ascii());

    // An idle connection would rest by now.
    sleep(Duration::from_secs(1)).await;
    let (id, secret) = (other.id, secret.expose());
    let body =
        format!("DELETE /api/v3/configure/token?id={id} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {secret}\r\n\r\n");
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
