//! A server that is told to stop answers the requests that have begun.

use rustix::process::Signal;

use crate::client::Request;
use crate::limits::within;
use crate::process::{DataDir, Running};
use crate::recorded::Recording;
use crate::running::{create, until_refused};

#[tokio::test]
async fn a_request_in_flight_is_answered_in_full_after_a_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        for protocol in 0..2 {
            let directory = DataDir::new();
            let operator = directory.operator().await;
            let (id, _) = create(&directory.catalog().await, "ci", "db:a:read", None).await;
            let cluster = directory.cluster();
            let recording = Recording::of(&directory);
            let server = Running::start(recording.attach(directory.serve(&[])));
            let mut idle = server.http1(cluster).await;
            assert_eq!(idle.send(&Request::delete(12345).bearer(&operator)).await.status, 404);
            let mut client = server.clients(cluster).await.into_iter().nth(protocol).unwrap();

            let gate = recording.hold_next_sync();
            let in_flight = tokio::spawn(async move { client.send(&Request::delete(id).bearer(&operator)).await });
            let held = gate.reached().await;
            server.signaller()(signal);
            until_refused(server.address).await;
            // By then a server that does not wait has closed all connections.
            idle.expect_end().await;
            drop(held);
            let answer = within("the answer", in_flight).await.expect("the request in flight is answered");
            assert_eq!(answer.status, 204);

            let (status, printed) = server.wait();
            assert!(status.success(), "{printed}");
            assert!(!directory.catalog().await.live().contains(id));
        }
    }
}
