//! Which credentials are accepted, and that a refusal does not tell why.

use std::time::Duration;

use http::header::AUTHORIZATION;
use influxdb3_tokens::Secret;

use crate::client::{PATH, Request};
use crate::running::Server;

#[tokio::test]
async fn all_refused_credentials_get_the_same_response() {
    for server in Server::each().await {
        let operator = server.operator().await;
        let (id, other) = server.token("*:*:*").await;
        let (_, deleted) = deleted(&server, &operator).await;
        let (_, expired) = server.create("expired", "*:*:*", Some(Duration::from_millis(5))).await;
        server.clock.advance(Duration::from_millis(5));
        let mut refused = vec![Request::delete(id), Request::delete(id).bearer(&deleted)];
        refused.push(Request::delete(id).bearer(&expired));
        refused.extend(refused_requests(id.as_u64(), &operator, &other));

        for mut client in server.clients().await {
            let first = client.send(&refused[0]).await;
            assert_eq!(first.status, 401);
            assert_eq!(first.header("www-authenticate"), r#"Bearer realm="influxdb3""#);
            assert_eq!(first.message(), "a valid credential is required; the `WWW-Authenticate` header names the accepted schemes");
            let first = first.substance();
            for request in &refused {
                assert_eq!(client.send(request).await.substance(), first, "{request:?}");
            }
        }
        assert!(server.catalog.live().contains(id));
    }
}

/// A token that is no longer, and its secret.
async fn deleted(server: &Server, operator: &str) -> (u64, String) {
    let (id, secret) = server.token("*:*:*").await;
    assert_eq!(server.http1().await.send(&Request::delete(id).bearer(operator)).await.status, 204);
    (id.as_u64(), secret)
}

/// Deletions that are refused though they hold a good token in some form.
pub(crate) fn refused_requests(id: u64, operator: &str, other: &str) -> Vec<Request> {
    let request = || Request::delete(id);
    let tokens = not_tokens(operator).into_iter().map(|token| request().bearer(&token));
    let schemes = other_schemes(operator).into_iter().map(|value| request().with(AUTHORIZATION, value));
    let requests = tokens.chain(schemes).chain(doubled(id, operator, other)).chain(elsewhere(id, operator));
    requests.collect()
}

/// What is presented as a token, and is none.
fn not_tokens(operator: &str) -> Vec<String> {
    let (head, last) = operator.split_at(operator.len() - 1);
    vec![
        String::new(),
        "apiv3_".to_owned(),
        Secret::generate().unwrap().expose().to_owned(),
        head.to_owned(),
        format!("{operator}{last}"),
        format!("{operator}="),
        format!("{operator}=="),
        format!("{operator},"),
        format!("{operator} {operator}"),
        format!("\"{operator}\""),
        format!("\t{operator}"),
        operator.to_uppercase(),
        operator.replacen("apiv3_", "APIV3_", 1),
        operator.replacen("apiv3_", "", 1),
        operator.replacen("apiv3_", "apiv3%5F", 1),
        "x".repeat(10_000),
    ]
}

/// Values of `Authorization` that are not of the scheme that the operation lists, or not well-formed.
fn other_schemes(operator: &str) -> Vec<Vec<u8>> {
    use base64::Engine;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("user:{operator}"));
    let mut values: Vec<Vec<u8>> = [
        format!("Token {operator}"),
        format!("token {operator}"),
        format!("Basic {basic}"),
        format!("basic {basic}"),
        format!("Bearer: {operator}"),
        format!("Bearer\t{operator}"),
        format!("Bearer{operator}"),
        format!("Bearer={operator}"),
        format!("Bearer token=\"{operator}\""),
        format!("BearerX {operator}"),
        format!("Digest {operator}"),
        format!("Basic {basic}, Bearer {operator}"),
        operator.to_owned(),
        String::new(),
        "Bearer".to_owned(),
        "Basic".to_owned(),
        "Basic %%%".to_owned(),
    ]
    .map(String::into_bytes)
    .into();
    values.push([b"Bearer ", operator.as_bytes(), b"\xff"].concat());
    values.push([b"Bearer \xc3\xa9", operator.as_bytes()].concat());
    values.push(b"\x80".to_vec());
    values
}

/// More than one `Authorization` header.
fn doubled(id: u64, operator: &str, other: &str) -> Vec<Request> {
    let request = || Request::delete(id);
    vec![
        request().bearer(operator).bearer(operator),
        request().bearer(operator).bearer(other),
        request().bearer(operator).bearer("wrong"),
        request().bearer("wrong").bearer(operator),
        request().bearer("wrong").bearer("wrong"),
        request().bearer(operator).with(AUTHORIZATION, format!("Token {operator}")),
        request().bearer(operator).with(AUTHORIZATION, "Basic x"),
        request().bearer(operator).with(AUTHORIZATION, ""),
        request().with(AUTHORIZATION, "").bearer(operator),
        request().bearer(operator).with(AUTHORIZATION, b"\xff"),
    ]
}

/// A valid token where the operation does not look for one.
fn elsewhere(id: u64, operator: &str) -> Vec<Request> {
    let request = || Request::delete(id);
    vec![
        Request::query(&format!("id={id}&p={operator}")),
        Request::query(&format!("id={id}&u=user&p={operator}")),
        Request::query(&format!("id={id}&access_token={operator}")),
        request().with("proxy-authorization", format!("Bearer {operator}")),
        request().with("x-authorization", format!("Bearer {operator}")),
        request().with("cookie", format!("Authorization=Bearer {operator}; token={operator}")),
        request().with("token", operator),
    ]
}

#[tokio::test]
async fn the_scheme_may_be_written_in_any_case_and_with_several_spaces() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    for mut client in server.clients().await {
        for scheme in ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer   "] {
            let (id, _) = server.token("db:a:read").await;
            let request = Request::delete(id).with(AUTHORIZATION, format!("{scheme}{operator}"));
            assert_eq!(client.send(&request).await.status, 204, "{scheme:?}");
        }
    }
}

#[tokio::test]
async fn the_query_scheme_does_not_disturb_a_bearer() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    for mut client in server.clients().await {
        let (id, _) = server.token("db:a:read").await;
        let request = Request::query(&format!("u=x&p=wrong&id={id}&p=%zz")).bearer(&operator);
        assert_eq!(client.send(&request).await.status, 204);
    }
}

#[tokio::test]
async fn a_token_is_good_until_the_millisecond_of_its_expiry() {
    let server = Server::in_memory().await;
    let (_, secret) = server.create("soon gone", "*:*:*", Some(Duration::from_secs(60))).await;
    for mut client in server.clients().await {
        assert_eq!(client.send(&Request::delete(12345).bearer(&secret)).await.status, 404);
    }
    let [mut one, mut two] = server.clients().await;
    server.clock.advance(Duration::from_millis(59_999));
    assert_eq!(one.send(&Request::delete(12345).bearer(&secret)).await.status, 404);
    assert_eq!(two.send(&Request::delete(12345).bearer(&secret)).await.status, 404);
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(one.send(&Request::delete(12345).bearer(&secret)).await.status, 401);
    assert_eq!(two.send(&Request::delete(12345).bearer(&secret)).await.status, 401);
}

#[tokio::test]
async fn a_credential_is_good_for_one_request_and_not_for_its_connection() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    for mut client in server.clients().await {
        assert_eq!(client.send(&Request::delete(12345).bearer(&operator)).await.status, 404);
        assert_eq!(client.send(&Request::delete(12345)).await.status, 401);
        assert_eq!(client.send(&Request::new("DELETE", PATH)).await.status, 401);
        assert_eq!(client.send(&Request::delete(12345).bearer(&operator)).await.status, 404);
    }
}
