//! Deletions, on each store.

use std::collections::HashSet;
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use influxdb3_tokens::TokenId;

use crate::client::{Client, Request};
use crate::document::{DELETED, Token};
use crate::limits::within;
use crate::running::Server;

#[tokio::test]
async fn a_deletion_notifies_the_waiters_of_its_token_and_no_others() {
    for server in Server::each().await {
        let operator = server.operator().await;
        let ((token, secret), (_, other)) = (server.token("*:*:*").await, server.token("*:*:*").await);
        let until_deleted = |secret| server.catalog.until_deleted(&server.catalog.authenticate(secret).unwrap());
        let waiting: Vec<_> = (0..100).map(|_| tokio::spawn(until_deleted(&secret))).collect();
        let mut stays = until_deleted(&other);
        assert!((&mut stays).now_or_never().is_none());
        assert_eq!(server.http1().await.send(&Request::delete(token).bearer(&operator)).await.status, DELETED);
        for task in waiting {
            within("the deletion to be noticed", task).await.unwrap();
        }
        assert!(stays.now_or_never().is_none());
    }
}

#[tokio::test]
async fn a_token_is_deleted_once_and_not_found_afterwards() {
    for server in Server::each().await {
        let operator = server.operator().await;
        for mut client in server.clients().await {
            let (token, _) = server.token("*:*:*").await;
            assert_eq!(status(&mut client, token, &operator).await, DELETED);
            for _ in 0..2 {
                let answer = client.send(&Request::delete(token).bearer(&operator)).await;
                assert_eq!((answer.status.as_u16(), &*answer.body), (404, &b""[..]));
            }
        }
        for mut client in server.clients().await {
            assert_eq!(status(&mut client, 12345, &operator).await, 404);
        }
    }
}

#[tokio::test]
async fn a_deleted_token_is_rejected_at_once_on_every_connection() {
    for server in Server::each().await {
        let operator = server.operator().await;
        for deleter in 0..2 {
            let mut clients = server.clients().await;
            let (token, secret) = server.token("*:*:*").await;
            for client in &mut clients {
                assert_eq!(status(client, 12345, &secret).await, 404);
            }
            assert_eq!(status(&mut clients[deleter], token, &operator).await, DELETED);
            for client in clients.iter_mut().chain(&mut server.clients().await) {
                assert_eq!(status(client, 12345, &secret).await, 401);
            }
        }
    }
}

#[tokio::test]
async fn an_admin_token_may_delete_itself_and_is_rejected_afterwards() {
    for server in Server::each().await {
        for mut client in server.clients().await {
            let (token, secret) = server.token("*:*:*").await;
            assert_eq!(status(&mut client, token, &secret).await, DELETED);
            assert_eq!(status(&mut client, token, &secret).await, 401);
        }
    }
}

#[tokio::test]
async fn an_expired_token_can_be_deleted() {
    for server in Server::each().await {
        let operator = server.operator().await;
        for (mut client, name) in server.clients().await.into_iter().zip(["a", "b"]) {
            let (token, _) = server.create(name, "*:*:*", Some(Duration::from_secs(1))).await;
            server.clock.advance(Duration::from_secs(2));
            assert_eq!(status(&mut client, token, &operator).await, DELETED);
            assert_eq!(status(&mut client, token, &operator).await, 404);
        }
    }
}

#[tokio::test]
async fn only_an_admin_token_may_delete_tokens() {
    for server in Server::each().await {
        for permissions in ["db:*:read,write", "system:*:read", "db:a:read system:health:read"] {
            let (token, secret) = server.token(permissions).await;
            for mut client in server.clients().await {
                let answer = client.send(&Request::delete(token).bearer(&secret)).await;
                assert!(answer.is_insufficient_scope());
                assert_eq!(answer.message(), "only an admin token may delete tokens");
            }
            assert!(server.catalog.live().contains(token.id));
        }
    }
}

#[tokio::test]
async fn the_operator_token_cannot_be_deleted() {
    for server in Server::each().await {
        let operator = server.operator().await;
        let (_, admin) = server.token("*:*:*").await;
        for mut client in server.clients().await {
            for secret in [&operator, &admin] {
                let answer = client.send(&Request::delete(Token::OPERATOR).bearer(secret)).await;
                assert!(answer.is_insufficient_scope());
                assert_eq!(answer.message(), "the operator token cannot be deleted");
            }
        }
        assert!(server.catalog.live().contains(TokenId::OPERATOR));
    }
}

#[tokio::test]
async fn an_operator_token_that_does_not_exist_is_not_found() {
    let server = Server::in_memory().await;
    let (_, admin) = server.token("*:*:*").await;
    for mut client in server.clients().await {
        assert_eq!(status(&mut client, Token::OPERATOR, &admin).await, 404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_one_of_concurrent_deletions_of_a_token_succeeds() {
    const ROUNDS: usize = 20;
    for server in Server::each().await {
        let operator = server.operator().await;
        let mut clients: Vec<Client> = Vec::new();
        for _ in 0..4 {
            clients.extend(server.clients().await);
        }
        for _ in 0..ROUNDS {
            let (token, _) = server.token("*:*:*").await;
            let request = Request::delete(token).bearer(&operator);
            let answers = join_all(clients.iter_mut().map(|client| client.send(&request))).await;
            let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
            statuses.sort();
            assert_eq!(statuses, [DELETED, 404, 404, 404, 404, 404, 404, 404]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_clients_that_delete_the_same_tokens_succeed_once_per_token() {
    const TOKENS: usize = 1000;
    for server in Server::each().await {
        let operator = server.operator().await;
        let created = join_all((0..TOKENS).map(|_| server.token("db:a:read"))).await;
        let (tokens, secrets): (Vec<_>, Vec<_>) = created.into_iter().unzip();

        let (one, two) = (server.http2().await, server.http2().await);
        let delete_all = |client: &crate::client::Http2| {
            let deletions = tokens.iter().map(|token| {
                let (mut client, token, operator) = (client.clone(), *token, operator.clone());
                tokio::spawn(
                    async move { (token, client.send(&Request::delete(token).bearer(&operator)).await.status) },
                )
            });
            join_all(deletions.collect::<Vec<_>>())
        };
        let (first, second) = tokio::join!(delete_all(&one), delete_all(&two));
        let answers: Vec<_> = first.into_iter().chain(second).map(Result::unwrap).collect();
        let deleted: Vec<_> =
            answers.iter().filter(|(_, status)| *status == DELETED).map(|(token, _)| *token).collect();
        assert_eq!(deleted.len(), TOKENS);
        assert_eq!(deleted.iter().collect::<HashSet<_>>().len(), TOKENS);
        assert!(answers.iter().all(|(_, status)| *status == DELETED || *status == 404));

        assert_eq!(server.catalog.live().len(), 1);
        let mut client = server.http1().await;
        for secret in &secrets {
            let answer = client.send(&Request::delete(12345).bearer(secret)).await;
            assert!(answer.status == 401 && !answer.is_insufficient_scope());
        }
    }
}

async fn status(client: &mut Client, token: impl std::fmt::Display, secret: &str) -> u16 {
    client.send(&Request::delete(token).bearer(secret)).await.status.as_u16()
}
