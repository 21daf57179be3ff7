//! What a deletion does, on each store.

use std::collections::HashSet;
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use influxdb3_tokens::TokenId;

use crate::client::{Client, Request};
use crate::limits::within;
use crate::running::Server;

#[tokio::test]
async fn who_waits_for_a_deletion_learns_of_it_from_each_store() {
    for server in Server::each().await {
        let operator = server.operator().await;
        let ((id, secret), (_, other)) = (server.token("*:*:*").await, server.token("*:*:*").await);
        let until_deleted = |secret| server.catalog.until_deleted(&server.catalog.authenticate(secret).unwrap());
        let waiting: Vec<_> = (0..100).map(|_| tokio::spawn(until_deleted(&secret))).collect();
        let mut stays = until_deleted(&other);
        assert!((&mut stays).now_or_never().is_none());
        assert_eq!(server.http1().await.send(&Request::delete(id).bearer(&operator)).await.status, 204);
        for task in waiting {
            within("the deletion to be noticed", task).await.unwrap();
        }
        assert!(stays.now_or_never().is_none());
    }
}

#[tokio::test]
async fn a_token_is_deleted_once_and_not_found_from_then_on() {
    for server in Server::each().await {
        let operator = server.operator().await;
        for mut client in server.clients().await {
            let (id, _) = server.token("*:*:*").await;
            assert_eq!(status(&mut client, id, &operator).await, 204);
            for _ in 0..2 {
                let answer = client.send(&Request::delete(id).bearer(&operator)).await;
                assert_eq!((answer.status.as_u16(), &*answer.body), (404, &b""[..]));
            }
        }
        for mut client in server.clients().await {
            assert_eq!(status(&mut client, 12345, &operator).await, 404);
        }
    }
}

#[tokio::test]
async fn a_deleted_token_is_refused_from_the_next_request_on_whatever_the_connection() {
    for server in Server::each().await {
        let operator = server.operator().await;
        for deleter in 0..2 {
            let mut clients = server.clients().await;
            let (id, secret) = server.token("*:*:*").await;
            for client in &mut clients {
                assert_eq!(status(client, 12345, &secret).await, 404);
            }
            assert_eq!(status(&mut clients[deleter], id, &operator).await, 204);
            for client in clients.iter_mut().chain(&mut server.clients().await) {
                assert_eq!(status(client, 12345, &secret).await, 401);
            }
        }
    }
}

#[tokio::test]
async fn an_admin_token_may_delete_itself_and_is_refused_then() {
    for server in Server::each().await {
        for mut client in server.clients().await {
            let (id, secret) = server.token("*:*:*").await;
            assert_eq!(status(&mut client, id, &secret).await, 204);
            assert_eq!(status(&mut client, id, &secret).await, 401);
        }
    }
}

#[tokio::test]
async fn an_expired_token_can_be_deleted() {
    for server in Server::each().await {
        let operator = server.operator().await;
        for (mut client, name) in server.clients().await.into_iter().zip(["a", "b"]) {
            let (id, _) = server.create(name, "*:*:*", Some(Duration::from_secs(1))).await;
            server.clock.advance(Duration::from_secs(2));
            assert_eq!(status(&mut client, id, &operator).await, 204);
            assert_eq!(status(&mut client, id, &operator).await, 404);
        }
    }
}

#[tokio::test]
async fn a_token_that_is_not_an_admin_token_may_delete_nothing() {
    for server in Server::each().await {
        for permissions in ["db:*:read,write", "system:*:read", "db:a:read system:health:read"] {
            let (id, secret) = server.token(permissions).await;
            for mut client in server.clients().await {
                let answer = client.send(&Request::delete(id).bearer(&secret)).await;
                assert!(answer.is_insufficient_scope());
                assert_eq!(answer.message(), "only an admin token may delete tokens");
            }
            assert!(server.catalog.live().contains(id));
        }
    }
}

#[tokio::test]
async fn the_operator_token_stays() {
    for server in Server::each().await {
        let operator = server.operator().await;
        let (_, admin) = server.token("*:*:*").await;
        for mut client in server.clients().await {
            for secret in [&operator, &admin] {
                let answer = client.send(&Request::delete(0).bearer(secret)).await;
                assert!(answer.is_insufficient_scope());
                assert_eq!(answer.message(), "the operator token cannot be deleted");
            }
        }
        assert!(server.catalog.live().contains(TokenId::OPERATOR));
    }
}

#[tokio::test]
async fn where_there_is_no_operator_token_it_is_not_found() {
    let server = Server::in_memory().await;
    let (_, admin) = server.token("*:*:*").await;
    for mut client in server.clients().await {
        assert_eq!(status(&mut client, 0, &admin).await, 404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_concurrent_deletions_of_a_token_exactly_one_gets_204() {
    const ROUNDS: usize = 20;
    for server in Server::each().await {
        let operator = server.operator().await;
        let mut clients: Vec<Client> = Vec::new();
        for _ in 0..4 {
            clients.extend(server.clients().await);
        }
        for _ in 0..ROUNDS {
            let (id, _) = server.token("*:*:*").await;
            let request = Request::delete(id).bearer(&operator);
            let answers = join_all(clients.iter_mut().map(|client| client.send(&request))).await;
            let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
            statuses.sort();
            assert_eq!(statuses, [204, 404, 404, 404, 404, 404, 404, 404]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_clients_that_delete_the_same_tokens_get_204_once_for_each() {
    const TOKENS: usize = 1000;
    for server in Server::each().await {
        let operator = server.operator().await;
        let created = join_all((0..TOKENS).map(|_| server.token("db:a:read"))).await;
        let (ids, secrets): (Vec<_>, Vec<_>) = created.into_iter().unzip();

        let (one, two) = (server.http2().await, server.http2().await);
        let delete_all = |client: &crate::client::Http2| {
            let deletions = ids.iter().map(|id| {
                let (mut client, id, operator) = (client.clone(), *id, operator.clone());
                tokio::spawn(async move { (id, client.send(&Request::delete(id).bearer(&operator)).await.status) })
            });
            join_all(deletions.collect::<Vec<_>>())
        };
        let (first, second) = tokio::join!(delete_all(&one), delete_all(&two));
        let answers: Vec<_> = first.into_iter().chain(second).map(Result::unwrap).collect();
        let deleted: Vec<_> = answers.iter().filter(|(_, status)| *status == 204).map(|(id, _)| *id).collect();
        assert_eq!(deleted.len(), TOKENS);
        assert_eq!(deleted.iter().collect::<HashSet<_>>().len(), TOKENS);
        assert!(answers.iter().all(|(_, status)| *status == 204 || *status == 404));

        assert_eq!(server.catalog.live().len(), 1);
        let mut client = server.http1().await;
        for secret in &secrets {
            let answer = client.send(&Request::delete(12345).bearer(secret)).await;
            assert!(answer.status == 401 && !answer.is_insufficient_scope());
        }
    }
}

async fn status(client: &mut Client, id: impl std::fmt::Display, secret: &str) -> u16 {
    client.send(&Request::delete(id).bearer(secret)).await.status.as_u16()
}
