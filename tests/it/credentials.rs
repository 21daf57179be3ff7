//! Which credentials the server accepts. A rejection does not tell why.

use std::time::Duration;

use http::header::AUTHORIZATION;
use influxdb3_token_api::SECURITY_SCHEMES;
use influxdb3_token_api::security::{SecurityKind, SecurityRequirement};
use influxdb3_token_api::server::{Guard, REALM};
use influxdb3_tokens::{CatalogApi, NewToken, Permissions, Secret};

use crate::client::Request;
use crate::document::{DELETED, PARAMETER, PATH, Token};
use crate::rejected::rejected_requests;
use crate::running::Server;

#[tokio::test]
async fn all_rejected_credentials_get_the_same_response() {
    for server in Server::each().await {
        let operator = server.operator().await;
        let (token, other) = server.token("*:*:*").await;
        let (_, deleted) = deleted(&server, &operator).await;
        let (_, expired) = server.create("expired", "*:*:*", Some(Duration::from_millis(5))).await;
        server.clock.advance(Duration::from_millis(5));
        let mut rejected = vec![Request::delete(token), Request::delete(token).bearer(&deleted)];
        rejected.push(Request::delete(token).bearer(&expired));
        rejected.extend(rejected_requests(token, &operator, &other));

        for mut client in server.clients().await {
            let first = client.send(&rejected[0]).await;
            assert_eq!(first.status, 401);
            assert_eq!(first.challenge(), r#"Bearer realm="influxdb3""#);
            assert_eq!(first.message(), "a valid credential is required");
            let first = first.substance();
            for request in &rejected {
                assert_eq!(client.send(request).await.substance(), first, "{request:?}");
            }
        }
        assert!(server.catalog.live().contains(token.id));
    }
}

/// Creates and deletes a token, and returns it with its secret.
async fn deleted(server: &Server, operator: &str) -> (Token, String) {
    let (token, secret) = server.token("*:*:*").await;
    assert_eq!(server.http1().await.send(&Request::delete(token).bearer(operator)).await.status, DELETED);
    (token, secret)
}

#[tokio::test]
async fn the_scheme_is_case_insensitive_and_several_spaces_may_follow_it() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    for mut client in server.clients().await {
        for scheme in ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer   "] {
            let (token, _) = server.token("db:a:read").await;
            let request = Request::delete(token).with(AUTHORIZATION, format!("{scheme}{operator}"));
            assert_eq!(client.send(&request).await.status, DELETED, "{scheme:?}");
        }
    }
}

#[tokio::test]
async fn parameters_of_the_query_scheme_do_not_affect_a_bearer_token() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    for mut client in server.clients().await {
        let (token, _) = server.token("db:a:read").await;
        let request = Request::query(&format!("u=x&p=wrong&{PARAMETER}={token}&p=%zz")).bearer(&operator);
        assert_eq!(client.send(&request).await.status, DELETED);
    }
}

#[tokio::test]
async fn a_token_is_accepted_until_the_millisecond_of_its_expiry() {
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
async fn a_credential_is_valid_for_its_request_and_not_for_the_connection() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    for mut client in server.clients().await {
        assert_eq!(client.send(&Request::delete(12345).bearer(&operator)).await.status, 404);
        assert_eq!(client.send(&Request::delete(12345)).await.status, 401);
        assert_eq!(client.send(&Request::new("DELETE", PATH)).await.status, 401);
        assert_eq!(client.send(&Request::delete(12345).bearer(&operator)).await.status, 404);
    }
}

/// A person can make such secrets, for a token file.
#[tokio::test]
async fn a_secret_with_any_visible_characters_is_accepted_under_each_scheme() {
    use base64::Engine;
    let server = Server::in_memory().await;
    let every: String = ('!'..='~').collect();
    for (index, rest) in
        ["x".repeat(16), every.clone(), format!("{every}:%41+&=#{every}"), "~".repeat(512)].iter().enumerate()
    {
        let secret = format!("apiv3_{rest}");
        let parsed: Secret = secret.parse().unwrap();
        let name = format!("number {index}").parse().unwrap();
        let token = server.catalog.create(NewToken::given(name, Permissions::ADMIN, &parsed)).await.unwrap();
        for mut client in server.clients().await {
            assert_eq!(client.send(&Request::delete(12345).bearer(&secret)).await.status, 404, "{secret}");
            for wrong in [&secret[..secret.len() - 1], &format!("{secret}!"), &secret.to_uppercase()] {
                assert_eq!(client.send(&Request::delete(12345).bearer(wrong)).await.status, 401, "{wrong}");
            }
        }
        let guard = Guard::new(CatalogApi::new(server.catalog.clone()), &REALM);
        for scheme in SECURITY_SCHEMES {
            let encoded: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let basic = base64::engine::general_purpose::STANDARD.encode(format!("user:{secret}"));
            let (query, authorization) = match scheme.kind {
                SecurityKind::Bearer => (String::new(), format!("Bearer {secret}")),
                SecurityKind::Basic => (String::new(), format!("Basic {basic}")),
                _ if scheme.kind.is_key_in_authorization() => (String::new(), format!("Token {secret}")),
                _ => (format!("?u=user&p={encoded}"), String::new()),
            };
            let mut request = http::Request::get(format!("/{query}"));
            if !authorization.is_empty() {
                request = request.header(AUTHORIZATION, authorization);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            let requirement: &'static [SecurityRequirement] =
                Box::leak(Box::new([SecurityRequirement::new(std::slice::from_ref(scheme))]));
            let Ok(principal) = guard.check(requirement, &parts).await else { panic!("{scheme:?} {secret}") };
            assert_eq!(principal.id(), token.id);
        }
    }
}
