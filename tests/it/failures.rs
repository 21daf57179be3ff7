//! A store that fails, bodies that nobody asked for, and the end of the server.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use influxdb3_tokens::{StoreError, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{Body, Client, PATH, Request};
use crate::running::{Fault, FaultyStore, Gate, Server, until_refused};

async fn faulty() -> (Server, Arc<FaultyStore>) {
    let store = Arc::new(FaultyStore::default());
    (Server::over(Arc::clone(&store) as _).await, store)
}

#[tokio::test]
async fn a_store_that_fails_is_answered_with_503_without_the_cause_and_a_retry_works() {
    let (server, store) = faulty().await;
    let operator = server.operator().await;
    for mut client in server.clients().await {
        for error in [
            StoreError::Busy,
            StoreError::unavailable("the cause, with a detail"),
            StoreError::outcome_unknown("the cause, with a detail"),
        ] {
            let (id, secret) = server.token("*:*:*").await;
            store.inject(Fault::Fails(error));
            let answer = client.send(&Request::delete(id).bearer(&operator)).await;
            let told = "the service is unavailable or the outcome is unknown; it is safe to retry";
            assert_eq!((answer.status.as_u16(), &*answer.message()), (503, told));
            assert_eq!(client.send(&Request::delete(12345).bearer(&secret)).await.status, 404);
            assert_eq!(client.send(&Request::delete(id).bearer(&operator)).await.status, 204);
            assert_eq!(client.send(&Request::delete(12345).bearer(&secret)).await.status, 401);
        }
    }
}

#[tokio::test]
async fn a_retry_tells_what_became_of_a_deletion_whose_outcome_was_unknown() {
    let (server, store) = faulty().await;
    let operator = server.operator().await;
    for mut client in server.clients().await {
        let (id, secret) = server.token("*:*:*").await;
        store.inject(Fault::FailsAfterwards(StoreError::outcome_unknown("the cause")));
        assert_eq!(client.send(&Request::delete(id).bearer(&operator)).await.status, 503);
        assert_eq!(client.send(&Request::delete(id).bearer(&operator)).await.status, 404);
        assert_eq!(client.send(&Request::delete(12345).bearer(&secret)).await.status, 401);
    }
}

#[tokio::test]
async fn a_request_that_is_refused_does_not_reach_the_store() {
    let (server, store) = faulty().await;
    let operator = server.operator().await;
    let (id, reader) = server.token("db:a:read").await;
    store.inject(Fault::Panics);
    for mut client in server.clients().await {
        for (request, status) in [
            (Request::delete(id), 401),
            (Request::delete(id).bearer(&reader), 401),
            (Request::delete(0).bearer(&operator), 401),
            (Request::query("").bearer(&operator), 400),
            (Request::delete(12345).bearer(&operator), 404),
        ] {
            assert_eq!(client.send(&request).await.status, status);
        }
    }
}

#[tokio::test]
async fn a_panic_is_answered_with_500_without_detail_and_the_connection_goes_on() {
    let (server, store) = faulty().await;
    let operator = server.operator().await;
    for mut client in server.clients().await {
        let (id, _) = server.token("*:*:*").await;
        store.inject(Fault::Panics);
        let request = Request::delete(id).bearer(&operator);
        let answer = client.send(&request.clone().with("x-span-id", "mine")).await;
        assert_eq!((answer.status.as_u16(), &*answer.message()), (500, "internal server error"));
        assert_eq!(answer.span_id(), "mine");
        assert_eq!(client.send(&request).await.status, 204);
    }
}

#[tokio::test]
async fn a_body_is_not_needed_and_not_waited_for() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    let (id, _) = server.token("*:*:*").await;
    let mut client = server.http1().await;
    let request = Request::delete(id).bearer(&operator).with("content-length", "1000000000");
    assert_eq!(client.send(&request).await.status, 204);
    client.expect_end().await;

    let (id, _) = server.token("*:*:*").await;
    let request = Request::delete(id).bearer(&operator).with("content-type", "application/json");
    assert_eq!(server.http2().await.send_with(&request, endless()).await.status, 204);
}

#[tokio::test]
async fn a_body_that_came_along_is_skipped_and_the_connection_goes_on() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    let mut client = server.http1().await;
    for (framing, body) in
        [(("content-length", "4"), "nope"), (("transfer-encoding", "chunked"), "4\r\nnope\r\n0\r\n\r\n")]
    {
        let (id, _) = server.token("*:*:*").await;
        let head = format!(
            "DELETE {PATH}?id={id} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {operator}\r\n{}: {}\r\n\r\n",
            framing.0, framing.1
        );
        client.write((head + body).as_bytes()).await.unwrap();
        assert_eq!(client.receive("DELETE").await.unwrap().status, 204);
        assert_eq!(client.send(&Request::delete(id).bearer(&operator)).await.status, 404);
    }
}

#[tokio::test]
async fn a_refused_request_is_answered_before_its_body_has_come() {
    let server = Server::in_memory().await;
    for (request, status) in
        [(Request::delete(7), 401), (Request::new("POST", PATH), 405), (Request::new("POST", "/api/v3/write_lp"), 404)]
    {
        let mut client = server.http1().await;
        let large = request.clone().with("content-length", "1000000000000").with("expect", "100-continue");
        assert_eq!(client.send(&large).await.status, status);
        client.expect_end().await;

        let mut client = server.http1().await;
        let chunked = request.clone().with("transfer-encoding", "chunked");
        assert_eq!(client.send(&chunked).await.status, status);

        let mut client = server.http2().await;
        assert_eq!(client.send_with(&request, endless()).await.status, status);
        assert_eq!(client.send(&Request::new("DELETE", "/")).await.status, 404);
    }
}

/// A body that begins and does not go on.
fn endless() -> Body {
    let begin = futures::stream::iter([Ok(Frame::data(Bytes::from_static(&[b'x'; 10_000])))]);
    BodyExt::boxed(StreamBody::new(begin.chain(futures::stream::pending())))
}

#[tokio::test]
async fn requests_in_flight_end_while_new_connections_are_refused() {
    for protocol in 0..2 {
        let (server, store) = faulty().await;
        let (operator, (id, _)) = (server.operator().await, server.token("*:*:*").await);
        let (address, catalog) = (server.address, server.catalog.clone());
        let mut idle = server.http1().await;
        assert_eq!(idle.send(&Request::delete(7).bearer(&operator)).await.status, 404);

        let gate = Arc::new(Gate::default());
        store.inject(Fault::Waits(Arc::clone(&gate)));
        let mut client = server.clients().await.into_iter().nth(protocol).unwrap();
        let in_flight = tokio::spawn(async move {
            let answer = client.send(&Request::delete(id).bearer(&operator)).await;
            (answer, client)
        });
        gate.reached.notified().await;
        let task = server.stop();
        until_refused(address).await;
        idle.expect_end().await;
        assert!(!task.is_finished());

        gate.open.notify_one();
        let (answer, client) = in_flight.await.unwrap();
        assert_eq!(answer.status, 204);
        task.await.unwrap();
        assert!(!catalog.live().contains(id));
        if let Client::One(mut connection) = client {
            connection.expect_end().await;
        }
    }
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_the_server_well() {
    for protocol in 0..2 {
        let (server, store) = faulty().await;
        let (operator, (id, _)) = (server.operator().await, server.token("*:*:*").await);
        let gate = Arc::new(Gate::default());
        store.inject(Fault::Waits(Arc::clone(&gate)));
        let mut client = server.clients().await.into_iter().nth(protocol).unwrap();
        let request = Request::delete(id).bearer(&operator);
        tokio::select! {
            answer = client.send(&request) => panic!("{answer:?}"),
            () = gate.reached.notified() => {}
        }
        drop(client);
        gate.open.notify_one();
        // Over HTTP/2 the request may be given up, and this store then leaves open whether the deletion goes on; others
        // see it through.
        let status = server.http1().await.send(&request).await.status;
        assert!(status == 204 || status == 404, "{status}");
        assert!(!server.catalog.live().contains(id));
    }
}

#[tokio::test]
async fn a_burst_of_clients_need_not_connect_again() {
    let listener = server::listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody accepts them yet.
    let clients = futures::future::try_join_all((0..300).map(|_| TcpStream::connect(address)));
    timeout(Duration::from_secs(60), clients).await.expect("all are connected").unwrap();
}

#[tokio::test]
async fn a_client_that_has_closed_its_side_is_answered() {
    let (server, store) = faulty().await;
    let (operator, (id, _)) = (server.operator().await, server.token("*:*:*").await);
    let gate = Arc::new(Gate::default());
    store.inject(Fault::Waits(Arc::clone(&gate)));
    let mut client = server.http1().await;
    let answered = tokio::spawn(async move { client.send_last(&Request::delete(id).bearer(&operator)).await });
    gate.reached.notified().await;
    // Long enough for the server to see that the client sends no more.
    tokio::time::sleep(Duration::from_millis(50)).await;
    gate.open.notify_one();
    assert_eq!(answered.await.unwrap().expect("a response").status, 204);
}

/// The clock stands still, and jumps to the next timer whenever nothing else is to be done.
#[tokio::test(start_paused = true)]
async fn a_connection_that_makes_no_request_is_closed() {
    let server = Server::in_memory().await;
    for begun in ["", "PRI * HT", "DELETE / HT"] {
        let mut connection = TcpStream::connect(server.address).await.unwrap();
        connection.write_all(begun.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let closed = timeout(Duration::from_secs(3600), connection.read_to_end(&mut answer)).await;
        assert!(closed.is_ok(), "{begun:?}");
    }
}
