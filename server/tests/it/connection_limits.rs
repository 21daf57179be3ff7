//! Limits of connections and requests, over real sockets. The tests of `serve` go past those of time.

#[cfg(target_os = "linux")]
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
#[cfg(target_os = "linux")]
use influxdb3_tokens_server::listen;
use influxdb3_tokens_server::{Limits, serve_within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::client::Request;
use crate::document::{DELETED, PATH};
use crate::limits::within;
use crate::running::{Fault, FaultyStore, Gate, Server};

/// A server over a store in memory with these limits, and the store.
async fn limited(change: impl FnOnce(&mut Limits)) -> (Server, Arc<FaultyStore>) {
    let store = Arc::new(FaultyStore::default());
    let mut limits = Limits::default();
    change(&mut limits);
    let server = Server::served(Arc::clone(&store) as _, |listener, api| {
        tokio::spawn(serve_within(limits, listener, api, std::future::pending()));
    });
    (server.await, store)
}

#[tokio::test]
async fn a_head_of_over_16_kib_or_100_headers_is_answered_with_431() {
    let server = Server::in_memory().await;
    let header = |length| format!("a: {}\r\n", "b".repeat(length));
    for (headers, status) in [
        (header(16_000), "404"),
        (header(16_400), "431"),
        (header(1_000_000), "431"),
        (header(1).repeat(99), "404"),
        (header(1).repeat(100), "431"),
    ] {
        let head = format!("DELETE / HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        assert_eq!(status_of(server.address, head.as_bytes()).await, status, "{} bytes", head.len());
    }
}

#[tokio::test]
async fn headers_of_over_16_kib_over_http2_are_answered_with_431() {
    let server = Server::in_memory().await;
    let mut client = server.http2().await;
    let request = |length| Request::new("DELETE", "/").with("a", "b".repeat(length));
    assert_eq!(client.send(&request(15_000)).await.status, 404);
    assert_eq!(client.send_unchecked(&request(17_000)).await, 431);
    assert_eq!(client.send(&request(1)).await.status, 404);
}

#[tokio::test]
async fn a_target_of_over_8_kib_is_answered_with_414() {
    let server = Server::in_memory().await;
    let target = |length| format!("{PATH}?{}", "x".repeat(length - PATH.len() - 1));
    for (length, status) in [(8_192, 401), (8_193, 414), (12_000, 414)] {
        for mut client in server.clients().await {
            let answer = client.send(&Request::new("DELETE", target(length))).await;
            assert_eq!(answer.status, status, "{length} bytes");
        }
    }
}

#[tokio::test]
async fn limits_of_heads_can_be_chosen() {
    let (server, _) = limited(|limits| {
        limits.max_head_size = 9_000;
        limits.max_headers = 10;
        limits.max_target_size = 20;
    })
    .await;
    let header = |length| format!("a: {}\r\n", "b".repeat(length));
    for (target, headers, status) in [
        ("/", header(8_900), "404"),
        ("/", header(9_000), "431"),
        ("/", header(1).repeat(9), "404"),
        ("/", header(1).repeat(10), "431"),
        ("/2345678901234567890", String::new(), "404"),
        ("/23456789012345678901", String::new(), "414"),
    ] {
        let head = format!("DELETE {target} HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        assert_eq!(status_of(server.address, head.as_bytes()).await, status, "{head}");
    }
}

#[tokio::test]
async fn a_connection_is_refused_only_if_the_server_works_for_all_others() {
    let (server, store) = limited(|limits| limits.max_connections = 1).await;
    let (operator, (token, _)) = (server.operator().await, server.token("*:*:*").await);
    let gate = Arc::new(Gate::default());
    store.inject(Fault::Waits(Arc::clone(&gate)));
    let mut client = server.http1().await;
    let request = Request::delete(token).bearer(&operator);
    let in_flight = tokio::spawn(async move { (client.send(&request).await, client) });
    gate.reached().await;

    let mut refused = TcpStream::connect(server.address).await.unwrap();
    // It may see the end of the connection or a reset.
    assert_eq!(within("a refusal", refused.read(&mut [0])).await.unwrap_or(0), 0);

    gate.open();
    let (answer, mut client) = in_flight.await.unwrap();
    assert_eq!(answer.status, DELETED);
    assert_eq!(server.http1().await.send(&Request::delete(7)).await.status, 401);
    client.expect_end().await;
}

#[tokio::test]
async fn requests_in_flight_have_a_limit_of_time_when_the_server_stops() {
    let store = Arc::new(FaultyStore::default());
    let (stop, stopped) = oneshot::channel();
    let mut limits = Limits::default();
    limits.drain_timeout = Duration::from_millis(10);
    let mut task = None;
    let server = Server::served(Arc::clone(&store) as _, |listener, api| {
        task = Some(tokio::spawn(serve_within(limits, listener, api, stopped.map(drop))));
    })
    .await;
    let (operator, (token, _)) = (server.operator().await, server.token("*:*:*").await);
    let gate = Arc::new(Gate::default());
    store.inject(Fault::Waits(Arc::clone(&gate)));
    let mut client = server.http1().await;
    let request = Request::delete(token).bearer(&operator);
    let in_flight = tokio::spawn(async move { client.try_send(&request).await.is_none() });
    gate.reached().await;
    stop.send(()).unwrap();
    within("the server to end", task.unwrap()).await.unwrap();
    assert!(in_flight.await.unwrap(), "the connection is closed without a response");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_keeps_little_for_a_client_that_does_not_read() {
    let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (connection, _) = within("the connection", listener.accept()).await.unwrap();
    assert!(rustix::net::sockopt::socket_send_buffer_size(&connection).unwrap() <= 64 << 10);
    assert!(rustix::net::sockopt::socket_recv_buffer_size(&connection).unwrap() <= 64 << 10);
}

/// The status of the response to these bytes.
async fn status_of(server: SocketAddr, head: &[u8]) -> String {
    let mut client = TcpStream::connect(server).await.unwrap();
    // The server may respond, and close the connection, before it has received everything.
    let _ = client.write_all(head).await;
    let mut response = [0; 12];
    within("a response", client.read_exact(&mut response)).await.unwrap();
    String::from_utf8_lossy(&response[9..]).into_owned()
}
