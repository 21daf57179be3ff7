//! A store that fails.

use std::sync::Arc;

use influxdb3_tokens::StoreError;

use crate::client::Request;
use crate::running::{Fault, FaultyStore, Server};

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
