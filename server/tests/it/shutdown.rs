//! A server that is told to stop still answers the requests in flight.

use std::sync::Arc;

use rustix::process::Signal;
use tokio::time::Instant;

use crate::client::Request;
use crate::connections::{stoppable, until_refused};
use crate::creation::create;
use crate::document::DELETED;
use crate::limits::within;
use crate::process::{DataDir, Running};
use crate::recorded::Recording;
use crate::running::{Fault, Gate};

#[tokio::test]
async fn a_request_in_flight_is_answered_in_full_after_a_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        for protocol in 0..2 {
            let directory = DataDir::new();
            let operator = directory.operator().await;
            let (token, _) = create(&directory.catalog().await, "ci", "db:a:read", None).await;
            let cluster = directory.cluster();
            let recording = Recording::of(&directory);
            let server = Running::start(recording.attach(directory.serve(&[])));
            let mut idle = server.http1(cluster).await;
            assert_eq!(idle.send(&Request::delete(12345).bearer(&operator)).await.status, 404);
            let mut client = server.clients(cluster).await.into_iter().nth(protocol).unwrap();

            let gate = recording.hold_next_sync();
            let in_flight = tokio::spawn(async move { client.send(&Request::delete(token).bearer(&operator)).await });
            let held = gate.reached().await;
            server.signaller()(signal);
            until_refused(server.address).await;
            // A server that does not wait would have closed all connections by now.
            idle.expect_end().await;
            drop(held);
            let answer = within("the answer", in_flight).await.expect("the request in flight is answered");
            assert_eq!(answer.status, DELETED);

            let (status, printed) = server.wait();
            assert!(status.success(), "{printed}");
            assert!(!directory.catalog().await.live().contains(token.id));
        }
    }
}

#[tokio::test]
async fn a_second_signal_aborts_requests_in_flight() {
    let directory = DataDir::new();
    let operator = directory.operator().await;
    let (token, _) = create(&directory.catalog().await, "ci", "db:a:read", None).await;
    let cluster = directory.cluster();
    let recording = Recording::of(&directory);
    let server = Running::start(recording.attach(directory.serve(&[])));
    let mut client = server.http1(cluster).await;

    let gate = recording.hold_next_sync();
    let in_flight = tokio::spawn(async move { client.try_send(&Request::delete(token).bearer(&operator)).await });
    let held = gate.reached().await;
    let signal = server.signaller();
    signal(Signal::TERM);
    until_refused(server.address).await;
    signal(Signal::TERM);
    assert!(in_flight.await.unwrap().is_none());
    drop(held);
    let (status, printed) = server.wait();
    assert!(status.success() && printed.contains("after a second signal"), "{printed}");
}

/// Once the requests are in flight, the test pauses tokio's clock, which then jumps to the next timer whenever every
/// task waits.
#[tokio::test]
async fn requests_that_do_not_complete_delay_the_shutdown_by_10_seconds() {
    let (server, store, stop, task) = stoppable().await;
    let (operator, (token, _)) = (server.operator().await, server.token("*:*:*").await);
    let mut in_flight = Vec::new();
    for mut client in server.clients().await {
        let gate = Arc::new(Gate::default());
        store.inject(Fault::Waits(Arc::clone(&gate)));
        let request = Request::delete(token).bearer(&operator);
        in_flight.push(Box::pin(async move { client.send(&request).await }));
        tokio::select! {
            answer = in_flight.last_mut().unwrap() => panic!("{answer:?}"),
            () = gate.reached() => {}
        }
    }
    tokio::time::pause();
    let begun = Instant::now();
    stop.send(()).unwrap();
    within("the server to end", task).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 10);
}
