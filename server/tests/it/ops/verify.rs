//! `/verify`, asked without a proxy.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Bytes;
use influxdb3_tokens::Catalog;

use super::{OPS_BIND, get, send, text};
use crate::creation::create;
use crate::process::{DataDir, Running};

/// A server with a token of these permissions.
async fn started(permissions: &str) -> (DataDir, Running, String) {
    let directory = DataDir::new();
    let catalog: Catalog = directory.catalog().await;
    let secret = create(&catalog, "client", permissions, None).await.1;
    drop(catalog);
    let server = directory.start(&[OPS_BIND]);
    (directory, server, secret)
}

async fn verify(server: &Running, target: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
    let request = Request::get(target);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    send(server.operations(), request.body(Empty::new()).unwrap()).await
}

#[tokio::test]
async fn a_credential_in_authorization_passes_and_its_token_is_named() {
    let (_directory, server, secret) = started("db:a:read").await;
    let basic = format!("Basic {}", STANDARD.encode(format!("any:{secret}")));
    for value in [format!("Bearer {secret}"), format!("bearer {secret}"), format!("Token {secret}"), basic] {
        for method in ["GET", "POST", "DELETE", "OPTIONS", "PROPFIND"] {
            let request = Request::builder().method(method).uri("/verify").header("authorization", &value);
            // Some proxies send the host of the request.
            let request = request.header("host", "tokens.example.com");
            let answer = send(server.operations(), request.body(Empty::new()).unwrap()).await;
            assert_eq!(answer.status(), 200, "{method}");
            assert_eq!(answer.headers()["x-token-id"], "1");
            assert_eq!(answer.headers()["x-token-permissions"], "db:a:read");
            assert_eq!(answer.headers()["cache-control"], "no-store");
        }
    }
}

#[tokio::test]
async fn any_other_credential_is_refused_with_one_text() {
    let (_directory, server, secret) = started("db:a:read").await;
    let (bearer, query) = (format!("Bearer {secret}"), format!("/verify?p={secret}"));
    let wrong = format!("Bearer {secret}x");
    for (target, headers) in [
        ("/verify", &[][..]),
        ("/verify", &[("authorization", &*wrong)]),
        ("/verify", &[("authorization", &*secret)]),
        ("/verify", &[("authorization", &*bearer), ("authorization", &*bearer)]),
        (&query, &[]),
        ("/verify", &[("cookie", &*bearer)]),
        // Not even the syntax of a permission is told to a stranger.
        ("/verify?permission=nonsense", &[]),
    ] {
        let answer = verify(&server, target, headers).await;
        assert_eq!(answer.status(), 401, "{target}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"influxdb3\"");
        assert!(!answer.headers().contains_key("x-token-id"));
        assert_eq!(answer.body(), r#"{"error":"a valid credential is required"}"#);
    }
}

#[tokio::test]
async fn credentials_are_counted_like_those_of_the_api() {
    let (_directory, server, secret) = started("db:a:read").await;
    let bearer = format!("Bearer {secret}");
    for (target, headers) in [
        ("/verify", &[("authorization", &*bearer)][..]),
        ("/verify", &[]),
        ("/verify/x", &[]),
        ("/verify?permission=db:b:read", &[("authorization", &*bearer)]),
        ("/tokens", &[("authorization", &*bearer)]),
        ("/tokens", &[]),
    ] {
        verify(&server, target, headers).await;
    }
    let metrics = text(get(server.operations(), "/metrics").await);
    for (outcome, reason, count) in [
        ("accepted", "none", 1),
        ("rejected", "missing", 3),
        ("rejected", "insufficient", 2),
        ("rejected", "unknown", 0),
    ] {
        let line =
            format!("influxdb3_tokens_authentications_total{{outcome=\"{outcome}\",reason=\"{reason}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
}

#[tokio::test]
async fn every_required_permission_must_be_allowed() {
    let (_directory, server, secret) = started("db:a:read,write db:b:read system:*:read").await;
    let bearer = format!("Bearer {secret}");
    for (target, status) in [
        ("/verify?permission=db:a:write", 200),
        ("/verify?permission=db:a,b:read&permission=system:ping:read", 200),
        ("/verify?permission=db%3Aa%3Aread,write", 200),
        ("/verify?permission=db:b:write", 403),
        ("/verify?permission=db:a:read&permission=db:b:write", 403),
        ("/verify?permission=db:*:read", 403),
        ("/verify?permission=*:*:*", 403),
        ("/verify?permission=", 400),
        ("/verify?permission=db:a", 400),
        ("/verify?permission=db:a:read%20db:b:write", 400),
        ("/verify?permission=%ff", 400),
        ("/verify?permission=db:a:read&permission=x", 400),
        // A slip in the proxy's configuration lets no token pass.
        ("/verify?permissions=db:a:read", 400),
        ("/verify?permission=db:a:read&x", 400),
        ("/verify?", 200),
    ] {
        let answer = verify(&server, target, &[("authorization", &bearer)]).await;
        assert_eq!(answer.status(), status, "{target}");
        assert_eq!(answer.headers().contains_key("x-token-id"), status == 200);
        if status == 403 {
            let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
            assert!(challenge.contains("insufficient_scope"), "{challenge}");
        }
    }
}

#[tokio::test]
async fn behind_a_prefix_a_header_requires_permissions_and_the_query_is_of_the_request() {
    let (_directory, server, secret) = started("db:a:read").await;
    let bearer = format!("Bearer {secret}");
    for (target, required, status) in [
        ("/verify/write?permission=nonsense", &["db:a:read"][..], 200),
        ("/verify/write?p=x&permission=db:b:write", &[], 200),
        ("/verify/", &["db:a:read", "db:b:read"], 403),
        ("/verify", &["db:b:read"], 403),
        ("/verify/x", &["nonsense"], 400),
        ("/verify/x", &["\u{e9}"], 400),
    ] {
        let required = required.iter().map(|permission| ("x-required-permission", *permission));
        let headers: Vec<_> = required.chain([("authorization", &*bearer)]).collect();
        assert_eq!(verify(&server, target, &headers).await.status(), status, "{target}");
    }
    assert_eq!(verify(&server, "/verifyx", &[("authorization", &bearer)]).await.status(), 404);
}

#[tokio::test]
async fn permissions_in_a_header_are_short_ascii_or_empty() {
    let (_directory, server, secret) = started("db:caf\u{e9}:read").await;
    let answer = verify(&server, "/verify", &[("authorization", &format!("Bearer {secret}"))]).await;
    assert_eq!(answer.headers()["x-token-permissions"], "db:caf%C3%A9:read");

    let names: Vec<_> = (0..600).map(|number| number.to_string()).collect();
    let (_directory, server, secret) = started(&format!("db:{}:read", names.join(","))).await;
    let answer =
        verify(&server, "/verify?permission=db:599:read", &[("authorization", &format!("Bearer {secret}"))]).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["x-token-id"], "1");
    assert_eq!(answer.headers()["x-token-permissions"], "");
}
