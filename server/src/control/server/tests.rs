//! Clients and servers that are slow, silent or wrong. The clock is paused, so no test waits as long as its limits.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;

use influxdb3_tokens::{MemoryStore, SystemClock};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::*;
use crate::control::{Client, Create};

const CREATE: &[u8] = b"{\"create\":{\"name\":\"a\",\"permissions\":\"*:*:*\",\"expires_in\":null}}\n";

/// A server that runs until the test ends.
struct Server {
    _directory: TempDir,
    socket: PathBuf,
    catalog: Catalog,
}

impl Server {
    async fn new() -> Self {
        let catalog = Catalog::open(Arc::new(MemoryStore::new()), Arc::new(SystemClock)).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("control.sock");
        let listener = bind(&socket).unwrap();
        let serving = Served { catalog: catalog.clone(), store: None, address: ([127, 0, 0, 1], 8181).into() };
        let path = socket.clone();
        tokio::spawn(async move { serve(listener, &path, serving).await });
        Self { _directory: directory, socket, catalog }
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.socket).await.unwrap()
    }
}

/// Everything until the server closes the connection, which it must do within an hour.
async fn until_closed(stream: &mut UnixStream) -> String {
    let mut received = Vec::new();
    let closed = timeout(Duration::from_secs(3600), stream.read_to_end(&mut received)).await;
    // A connection that is closed while requests wait in it is reset.
    let _ = closed.expect("the server closes the connection");
    String::from_utf8(received).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_request_without_its_line_break_is_not_executed() {
    let served = Server::new().await;
    let mut stream = served.connect().await;
    stream.write_all(CREATE.trim_ascii_end()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(until_closed(&mut stream).await, "");
    assert!(served.catalog.live().is_empty());

    let mut stream = served.connect().await;
    stream.write_all(CREATE).await.unwrap();
    stream.shutdown().await.unwrap();
    assert!(until_closed(&mut stream).await.contains("apiv3_"));
    assert_eq!(served.catalog.live().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_silent_is_closed() {
    let served = Server::new().await;
    for sent in [&b""[..], b"{\"create\":", b"\"show\"\n"] {
        let mut stream = served.connect().await;
        stream.write_all(sent).await.unwrap();
        until_closed(&mut stream).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_long_is_not_read_to_its_end() {
    let served = Server::new().await;
    let mut stream = served.connect().await;
    let _ = stream.write_all(&vec![b' '; 2 * usize::try_from(LONGEST_REQUEST).unwrap()]).await;
    let _ = stream.write_all(CREATE).await;
    assert_eq!(until_closed(&mut stream).await, "");
    assert!(served.catalog.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn further_connections_wait_until_others_end() {
    let served = Server::new().await;
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS {
        silent.push(served.connect().await);
    }
    let begun = Instant::now();
    let mut stream = served.connect().await;
    stream.write_all(CREATE).await.unwrap();
    let mut first = [0];
    stream.read_exact(&mut first).await.unwrap();
    // By the paused clock.
    assert!(begun.elapsed() >= REQUEST_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_up() {
    const REQUESTS: usize = 20_000;
    let served = Server::new().await;
    let token = Create { name: "a".to_owned(), description: None, permissions: "*:*:*".to_owned(), expires_in: None };
    create(&served.catalog, token).await.unwrap();
    let mut stream = served.connect().await;
    let _ = timeout(2 * REPLY_TIMEOUT, stream.write_all(&b"\"show\"\n".repeat(REQUESTS))).await;
    tokio::time::sleep(2 * REPLY_TIMEOUT).await;
    assert!(until_closed(&mut stream).await.matches("\"end\"").count() < REQUESTS);
}

/// What a client says of a server that answers so, and then keeps the connection open.
async fn error_after(reply: Vec<u8>) -> String {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("control.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // The client may have read enough.
        let _ = stream.write_all(&reply).await;
        std::future::pending::<()>().await;
    });
    let client = Client::connect(&socket).await.unwrap();
    let token = Create { name: "a".to_owned(), description: None, permissions: "*:*:*".to_owned(), expires_in: None };
    let error = timeout(Duration::from_secs(3600), client.create(token)).await.expect("a limit").unwrap_err();
    influxdb3_token_api::with_sources(&error)
}

#[tokio::test(start_paused = true)]
async fn the_client_does_not_wait_for_a_server_without_limit() {
    for (reply, reason) in [
        (vec![], "no reply within 60s"),
        (b"{\"created\":".to_vec(), "no reply within 60s"),
        (vec![b' '; 17 << 20], "a message is longer than 16777216 bytes"),
    ] {
        let error = error_after(reply).await;
        assert!(error.contains("the change may have been made") && error.contains(reason), "{error}");
    }
}

#[tokio::test]
async fn a_token_that_expires_at_once_is_not_created() {
    let catalog = Catalog::open(Arc::new(MemoryStore::new()), Arc::new(SystemClock)).await.unwrap();
    let expires_in = Some(Duration::from_nanos(999_999));
    let token = Create { name: "a".to_owned(), description: None, permissions: "*:*:*".to_owned(), expires_in };
    let error = create(&catalog, token).await.unwrap_err();
    assert!(error.to_string().contains("at least a millisecond") && catalog.live().is_empty(), "{error}");
}
