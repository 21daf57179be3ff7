//! Responses when the store fails.

use std::sync::Arc;

use influxdb3_tokens::StoreError;

use crate::client::Request;
use crate::document::{DELETED, Token};
use crate::running::{Fault, FaultyStore, Server};

async fn faulty() -> (Server, Arc<FaultyStore>) {
    let store = Arc::new(FaultyStore::default());
    (Server::over(Arc::clone(&store) as _).await, store)
}

#[tokio::test]
async fn a_store_failure_is_a_503_without_the_cause_and_a_retry_succeeds() {
    let (server, store) = faulty().await;
    let operator = server.operator().await;
    for mut client in server.clients().await {
        for error in [
            StoreError::Busy,
            StoreError::unavailable("the cause, with a detail"),
            StoreError::outcome_unknown("the cause, with a detail"),
        ] {
            let (token, secret) = server.token("*:*:*").await;
            store.inject(Fault::Fails(error));
            let answer = client.send(&Request::delete(token).bearer(&operator)).await;
            let message = "the service is unavailable, or it is unknown whether the change was made";
            assert_eq!((answer.status.as_u16(), &*answer.message()), (503, message));
            assert_eq!(client.send(&Request::delete(12345).bearer(&secret)).await.status, 404);
            assert_eq!(client.send(&Request::delete(token).bearer(&operator)).await.status, DELETED);
            assert_eq!(client.send(&Request::delete(12345).bearer(&secret)).await.status, 401);
        }
    }
}

#[tokio::test]
async fn a_retry_after_an_unknown_outcome_tells_the_outcome() {
    let (server, store) = faulty().await;
    let operator = server.operator().await;
    for mut client in server.clients().await {
        let (token, secret) = server.token("*:*:*").await;
        store.inject(Fault::FailsAfterwards(StoreError::outcome_unknown("the cause")));
        assert_eq!(client.send(&Request::delete(token).bearer(&operator)).await.status, 503);
        assert_eq!(client.send(&Request::delete(token).bearer(&operator)).await.status, 404);
        assert_eq!(client.send(&Request::delete(12345).bearer(&secret)).await.status, 401);
    }
}

#[tokio::test]
async fn a_rejected_request_does_not_reach_the_store() {
    let (server, store) = faulty().await;
    let operator = server.operator().await;
    let (token, reader) = server.token("db:a:read").await;
    store.inject(Fault::Panics);
    for mut client in server.clients().await {
        for (request, status) in [
            (Request::delete(token), 401),
            (Request::delete(token).bearer(&reader), 401),
            (Request::delete(Token::OPERATOR).bearer(&operator), 401),
            (Request::query("").bearer(&operator), 400),
            (Request::delete(12345).bearer(&operator), 404),
        ] {
            assert_eq!(client.send(&request).await.status, status);
        }
    }
}

#[tokio::test]
async fn a_panic_is_a_500_without_details_and_the_connection_stays_open() {
    let (server, store) = faulty().await;
    let operator = server.operator().await;
    for mut client in server.clients().await {
        let (token, _) = server.token("*:*:*").await;
        store.inject(Fault::Panics);
        let request = Request::delete(token).bearer(&operator);
        let answer = client.send(&request.clone().with("x-span-id", "mine")).await;
        assert_eq!((answer.status.as_u16(), &*answer.message()), (500, "internal server error"));
        assert_eq!(answer.span_id(), "mine");
        assert_eq!(client.send(&request).await.status, DELETED);
    }
}
