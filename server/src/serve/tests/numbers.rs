//! Limits of numbers: connections, memory, and rejected credentials.

use std::time::Duration;

use http::Request;
use http::header::AUTHORIZATION;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use influxdb3_token_api::OPERATIONS;
use influxdb3_tokens::{NewToken, Permissions};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep};

use super::{
    HTTP1_REQUEST, HTTP2_REQUEST, HTTP2_START_WITHOUT_WINDOW, TestServer, connection, limits, server, within_an_hour,
};

const STRANGER: [u8; 4] = [192, 0, 2, 1];
const OTHER: [u8; 4] = [198, 51, 100, 7];

#[tokio::test(start_paused = true)]
async fn at_the_limit_the_connection_that_has_waited_the_longest_makes_room() {
    let server = server(limits(|limits| limits.max_connections = 3)).await;
    let mut connections = Vec::new();
    for _ in 0..4 {
        connections.push(connect(&server, STRANGER).await);
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(working(&mut connections).await, [false, true, true, true]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_deleted_a_token_keeps_its_connection_while_strangers_come() {
    let server = server(limits(|limits| limits.max_connections = 3)).await;
    let mut connections = vec![connect(&server, STRANGER).await];
    assert!(request(&mut connections[0], &deletion(&admin(&server).await)).await.starts_with("HTTP/1.1 2"));
    for _ in 0..20 {
        sleep(Duration::from_secs(1)).await;
        connections.push(connect(&server, STRANGER).await);
    }
    let working = working(&mut connections).await;
    assert_eq!((working[0], working.iter().filter(|works| **works).count()), (true, 3));
}

#[tokio::test(start_paused = true)]
async fn one_address_does_not_take_the_connections_of_others() {
    let server = server(limits(|limits| limits.max_connections_per_address = 2)).await;
    let mut good = [connect(&server, OTHER).await];
    let mut connections = Vec::new();
    for _ in 0..4 {
        sleep(Duration::from_secs(1)).await;
        connections.push(connect(&server, STRANGER).await);
    }
    assert_eq!(working(&mut connections).await, [false, false, true, true]);
    assert_eq!(working(&mut good).await, [true]);
}

#[tokio::test(start_paused = true)]
async fn a_network_of_64_bits_counts_as_one_address() {
    let server = server(limits(|limits| limits.max_connections_per_address = 2)).await;
    let mut connections = Vec::new();
    for address in ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:0:0:3", "2001:db8:0:1::1", "2001:db8:0:1::2"] {
        sleep(Duration::from_secs(1)).await;
        connections.push(connection(&server, address.parse().unwrap(), b"").await.unwrap());
    }
    assert_eq!(working(&mut connections).await, [false, true, true, true, true]);
}

#[tokio::test(start_paused = true)]
async fn a_proxy_on_the_same_machine_may_have_any_number_of_connections() {
    let server = server(limits(|limits| limits.max_connections_per_address = 1)).await;
    for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        let mut connections = Vec::new();
        for _ in 0..3 {
            connections.push(connection(&server, address.parse().unwrap(), b"").await.unwrap());
        }
        assert_eq!(working(&mut connections).await, [true; 3], "{address}");
    }
}

#[tokio::test(start_paused = true)]
async fn connections_that_take_the_most_memory_are_closed_first() {
    let server = server(limits(|limits| limits.max_connection_memory = 64 << 10)).await;
    let mut idle = [connect(&server, OTHER).await, connect(&server, OTHER).await];
    // Each does not read, and holds a full buffer.
    let mut greedy = Vec::new();
    for _ in 0..4 {
        let mut client = connect(&server, STRANGER).await;
        let requests = HTTP1_REQUEST.repeat(1000);
        greedy.push(tokio::spawn(async move { while client.write_all(&requests).await.is_ok() {} }));
    }
    sleep(Duration::from_secs(5)).await;
    // Memory for one of them is left. That one would be closed at the limit of time.
    assert_eq!(greedy.iter().filter(|task| task.is_finished()).count(), 3);
    assert_eq!(working(&mut idle).await, [true, true]);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_wrong_tokens_is_answered_late_and_nobody_else_is() {
    let server = server(limits(|limits| limits.max_failures = 10)).await;
    let (secret, wrong) = (admin(&server).await, deletion("apiv3_wrong"));
    let mut stranger = connect(&server, STRANGER).await;
    let begun = Instant::now();
    for _ in 0..20 {
        assert!(request(&mut stranger, &wrong).await.starts_with("HTTP/1.1 401"));
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    // Several at a time, since the allowance returns meanwhile.
    for seconds in 1..=3 {
        let mut strangers = Vec::new();
        for _ in 0..15 {
            strangers.push(connect(&server, STRANGER).await);
        }
        let responses = strangers.iter_mut().map(|stranger| request(stranger, &wrong));
        let responses = futures::future::join_all(responses).await;
        assert!(responses.iter().all(|response| response.starts_with("HTTP/1.1 401")));
        assert_eq!(begun.elapsed().as_secs(), seconds);
    }

    // The same address, as behind a proxy, and another; a valid token, a wrong one, and no credential.
    let begun = Instant::now();
    let mut stranger = connect(&server, STRANGER).await;
    assert!(request(&mut stranger, &deletion(&secret)).await.starts_with("HTTP/1.1 2"));
    assert!(request(&mut stranger, HTTP1_REQUEST).await.starts_with("HTTP/1.1 404"));
    assert!(request(&mut connect(&server, OTHER).await, &wrong).await.starts_with("HTTP/1.1 401"));
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn late_responses_leave_streams_of_a_proxy_to_others() {
    let server = server(limits(|limits| {
        limits.max_failures = 1;
        limits.max_streams = 8;
    }))
    .await;
    let io = TokioIo::new(connect(&server, STRANGER).await);
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await;
    let (client, connection) = handshake.unwrap();
    tokio::spawn(connection);
    let begun = Instant::now();
    let responses = (0..8).map(|_| {
        let request = Request::delete(format!("http://x{}", OPERATIONS[0].path)).header(AUTHORIZATION, "Bearer wrong");
        let sent = client.clone().send_request(request.body(Empty::<Bytes>::new()).unwrap());
        async move {
            assert_eq!(within_an_hour(sent).await.unwrap().status(), 401);
            begun.elapsed().as_secs()
        }
    });
    let mut seconds = futures::future::join_all(responses).await;
    seconds.sort_unstable();
    assert_eq!(seconds, [0, 0, 0, 0, 0, 0, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn the_addresses_of_wrong_tokens_are_forgotten() {
    let server = server(limits(|limits| limits.max_failures = 10)).await;
    for network in 0..20_000_u16 {
        server.failures.hold_back(std::net::Ipv6Addr::from([0x2001, 0xdb8, 0, network, 0, 0, 0, 0]).into()).await;
        assert!(server.failures.addresses() <= 10_001);
    }
    sleep(Duration::from_secs(5)).await;
    assert_eq!(server.failures.addresses(), 0);
}

#[tokio::test(start_paused = true)]
async fn more_streams_than_allowed_are_refused() {
    const REFUSED: &[u8] = b"\0\0\x04\x03\0\0\0\0\x05\0\0\0\x07";
    let server = server(limits(|limits| limits.max_streams = 2)).await;
    let mut sent = HTTP2_START_WITHOUT_WINDOW.to_vec();
    for stream in [1, 3, 5] {
        sent.extend(HTTP2_REQUEST);
        let id = sent.len() - HTTP2_REQUEST.len() + 8;
        sent[id] = stream;
    }
    let mut client = connection(&server, STRANGER.into(), &sent).await.unwrap();
    let mut received = Vec::new();
    within_an_hour(client.read_to_end(&mut received)).await.unwrap();
    assert!(received.windows(REFUSED.len()).any(|frame| frame == REFUSED), "{}", received.escape_ascii());
}

async fn connect(server: &TestServer, address: [u8; 4]) -> DuplexStream {
    connection(server, address.into(), b"").await.unwrap()
}

/// The secret of a new admin token.
async fn admin(server: &TestServer) -> String {
    let (token, secret) = NewToken::fresh("admin".parse().unwrap(), Permissions::ADMIN).unwrap();
    server.service.catalog().create(token).await.unwrap();
    secret.expose().to_owned()
}

/// A request with this secret to delete the token that has it, if any has.
fn deletion(secret: &str) -> Vec<u8> {
    let (path, parameter) = (OPERATIONS[0].path, OPERATIONS[0].parameters[0].name);
    let value = if parameter == "id" { "1" } else { "admin" };
    format!("DELETE {path}?{parameter}={value} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {secret}\r\n\r\n").into()
}

/// The response, or its beginning. Empty if the connection was closed.
async fn request(client: &mut DuplexStream, request: &[u8]) -> String {
    let mut response = vec![0; 1024];
    if client.write_all(request).await.is_err() {
        return String::new();
    }
    let count = within_an_hour(client.read(&mut response)).await.unwrap_or(0);
    String::from_utf8_lossy(&response[..count]).into_owned()
}

/// Which of these connections still get a response.
async fn working(clients: &mut [DuplexStream]) -> Vec<bool> {
    let mut working = Vec::new();
    for client in clients {
        working.push(!request(client, HTTP1_REQUEST).await.is_empty());
    }
    working
}

#[tokio::test(start_paused = true)]
async fn the_greatest_limits_can_be_chosen() {
    let server = server(limits(|limits| {
        (limits.max_connections, limits.max_connections_per_address) = (usize::MAX, usize::MAX);
        (limits.max_connection_memory, limits.max_head_size) = (usize::MAX, usize::MAX);
        (limits.max_headers, limits.max_target_size) = (usize::MAX, usize::MAX);
        (limits.min_head_rate, limits.max_streams, limits.max_failures) = (0, u32::MAX, u32::MAX);
        (limits.head_timeout, limits.idle_timeout) = (Duration::MAX, Duration::MAX);
        (limits.write_timeout, limits.failure_delay) = (Duration::MAX, Duration::MAX);
    }))
    .await;
    let mut client = connect(&server, STRANGER).await;
    assert!(request(&mut client, HTTP1_REQUEST).await.starts_with("HTTP/1.1 404"));
    let mut client = connection(&server, STRANGER.into(), HTTP2_REQUEST).await.unwrap();
    assert!(within_an_hour(client.read(&mut [0; 1024])).await.is_ok());
    // More headers than `http` can hold.
    for (count, status) in [(24_000, "HTTP/1.1 404"), (24_600, "HTTP/1.1 431"), (40_000, "HTTP/1.1 431")] {
        let headers: String = (0..count).map(|number| format!("h{number}: 1\r\n")).collect();
        let head = format!("GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        let client = connect(&server, STRANGER).await;
        let (mut received, mut sent) = tokio::io::split(client);
        let mut response = [0; 1024];
        // After a refusal, the rest of the head is not taken; ignore the error.
        let (length, _) = tokio::join!(within_an_hour(received.read(&mut response)), sent.write_all(head.as_bytes()));
        assert!(response[..length.unwrap()].starts_with(status.as_bytes()), "{count} headers");
    }
}
