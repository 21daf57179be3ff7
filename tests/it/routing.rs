//! Which requests reach the operation, and in which order the server checks a request.

use crate::client::{Client, Request};
use crate::document::{DELETED, PARAMETER, PATH};
use crate::running::Server;

const OTHER_PATHS: [&str; 19] = [
    "/",
    "/api",
    "/api/v3/configure",
    "/api/v3/configure/token/",
    "/api/v3/configure/token//",
    "/api/v3/configure/token/7",
    "/api/v3/configure/tokens",
    "/api/v3/configure/toke",
    "/api/v3/configure/Token",
    "/API/v3/configure/token",
    "//api/v3/configure/token",
    "/api//v3/configure/token",
    "/api/v3/configure//token",
    "/api/v3/configure/%74oken",
    "/api/v3/configure%2Ftoken",
    "/api/v3/configure/token%20",
    "/api/v3/configure/token;id=7",
    "/api/v3/./configure/token",
    "/api/v3/x/../configure/token",
];

#[tokio::test]
async fn a_similar_path_is_not_found() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    let (token, _) = server.token("*:*:*").await;
    for mut client in server.clients().await {
        for path in OTHER_PATHS {
            let target = format!("{path}?{PARAMETER}={token}");
            let answer = client.send(&Request::new("DELETE", target).bearer(&operator)).await;
            assert_eq!(
                (answer.status.as_u16(), &*answer.message()),
                (404, "there is no resource at this path"),
                "{path}"
            );
        }
    }
    assert!(server.catalog.live().contains(token.id));
}

#[tokio::test]
async fn the_target_may_be_an_absolute_uri() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    let mut client = server.http1().await;
    for prefix in ["http://tokens.test", "HTTP://127.0.0.1:1", "https://tokens.test:443"] {
        let (token, _) = server.token("*:*:*").await;
        let target = format!("{prefix}{PATH}?{PARAMETER}={token}");
        assert_eq!(client.send(&Request::new("DELETE", target).bearer(&operator)).await.status, DELETED, "{prefix}");
    }
    let answer =
        client.send(&Request::new("DELETE", format!("http://tokens.test/?{PARAMETER}=7")).bearer(&operator)).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn an_asterisk_and_a_connect_request_are_not_found() {
    let server = Server::in_memory().await;
    let mut client = server.http1().await;
    for request in [Request::new("OPTIONS", "*"), Request::new("CONNECT", "tokens.test:80")] {
        let answer = client.send(&request).await;
        assert_eq!((answer.status.as_u16(), &*answer.message()), (404, "there is no resource at this path"));
    }
}

#[tokio::test]
async fn another_method_is_rejected_with_the_allowed_one() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    let (token, _) = server.token("*:*:*").await;
    for mut client in server.clients().await {
        for method in
            ["GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS", "TRACE", "delete", "Delete", "PURGE", "DELETED"]
        {
            let answer =
                client.send(&Request::new(method, format!("{PATH}?{PARAMETER}={token}")).bearer(&operator)).await;
            assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "DELETE"), "{method}");
        }
        // A response to HEAD has a length but no body. The next response on the connection is still read correctly.
        assert_eq!(client.send(&Request::delete(12345).bearer(&operator)).await.status, 404);
    }
    assert!(server.catalog.live().contains(token.id));
}

#[tokio::test]
async fn the_path_is_checked_before_the_method_and_the_method_before_the_credentials() {
    let server = Server::in_memory().await;
    for mut client in server.clients().await {
        assert_eq!(status(&mut client, Request::new("GET", "/")).await, 404);
        assert_eq!(status(&mut client, Request::new("DELETE", "/")).await, 404);
        assert_eq!(status(&mut client, Request::new("GET", PATH)).await, 405);
        assert_eq!(status(&mut client, Request::new("GET", PATH).bearer("wrong")).await, 405);
    }
}

#[tokio::test]
async fn the_credentials_are_checked_before_the_parameters() {
    let server = Server::in_memory().await;
    let mut messages = Vec::new();
    for mut client in server.clients().await {
        for query in ["", "{id}=7", "{id}=7&{id}=8", "{id}=%zz", "{id}=%FF", "x=1"] {
            let query = query.replace("{id}", PARAMETER);
            for request in [Request::query(&query), Request::query(&query).bearer("wrong")] {
                let answer = client.send(&request).await;
                assert_eq!(answer.status, 401, "{query}");
                messages.push(answer.message());
            }
        }
    }
    messages.dedup();
    assert_eq!(messages.len(), 1);
}

#[tokio::test]
async fn the_parameters_are_checked_before_the_permission_and_the_permission_before_the_token() {
    let server = Server::in_memory().await;
    server.operator().await;
    let (_, reader) = server.token("db:*:read,write system:*:read").await;
    for mut client in server.clients().await {
        for query in ["", "{id}=7&{id}=8", "{id}=%zz"].map(|query| query.replace("{id}", PARAMETER)) {
            assert_eq!(status(&mut client, Request::query(&query).bearer(&reader)).await, 400, "{query}");
        }
        for token in ["0", "12345", "07", "", "none"] {
            let answer = client.send(&Request::delete(token).bearer(&reader)).await;
            assert!(answer.is_insufficient_scope());
            assert_eq!(answer.message(), "only an admin token may delete tokens");
        }
    }
}

#[tokio::test]
async fn a_malformed_request_closes_its_connection_but_not_the_server() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    for bytes in [
        &b"nonsense\r\n\r\n"[..],
        b"DELETE /api/v3/configure/token?x=\xff HTTP/1.1\r\n\r\n",
        b"DELETE /api/v3/configure/token?x=1 2 HTTP/1.1\r\n\r\n",
        b"DELETE / HTTP/1.1\r\nbad name: x\r\n\r\n",
        b"DELETE / HTTP/1.1\r\na: x\0y\r\n\r\n",
        b"DELETE / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"DELETE / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    ] {
        let mut client = server.http1().await;
        client.write(bytes).await.unwrap();
        assert_eq!(client.receive_unchecked().await, 400, "{}", bytes.escape_ascii());
        client.expect_end().await;
    }
    assert_eq!(server.http1().await.send(&Request::delete(7).bearer(&operator)).await.status, 404);
}

async fn status(client: &mut Client, request: Request) -> u16 {
    client.send(&request).await.status.as_u16()
}
