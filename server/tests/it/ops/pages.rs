//! The pages of the operations listener, without a browser; `make test-page` has one.

use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Bytes;
use influxdb3_token_api::security::SecurityKind;
use influxdb3_token_api::{Location, OPERATIONS};
use influxdb3_tokens::TokenName;

use super::{OPS_BIND, get, send, text};
use crate::creation::create;
use crate::process::{DataDir, Running};

fn started() -> (DataDir, Running) {
    let directory = DataDir::new();
    let server = directory.start(&[OPS_BIND]);
    (directory, server)
}

async fn with(server: &Running, target: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
    let request = headers.iter().fold(Request::get(target), |request, (name, value)| request.header(*name, *value));
    send(server.operations(), request.body(Empty::new()).unwrap()).await
}

#[tokio::test]
async fn every_file_has_a_policy_and_is_sent_once() {
    let (_directory, server) = started();
    for target in [
        "/",
        "/page/page.js",
        "/page/page.css",
        "/page/icon.svg",
        "/docs",
        "/docs/docs.js",
        "/docs/swagger-ui-bundle.js",
        "/openapi.json",
        "/openapi.yaml",
    ] {
        let answer = get(server.operations(), target).await;
        assert_eq!(answer.status(), 200, "{target}");
        let headers = answer.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("script-src 'self' ") && !policy.contains("eval"), "{policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["cache-control"], "no-cache");
        let tag = headers["etag"].to_str().unwrap();
        let again = with(&server, target, &[("if-none-match", tag)]).await;
        assert_eq!((again.status().as_u16(), again.body().len()), (304, 0), "{target}");
    }
    let policy = get(server.operations(), "/").await.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("require-trusted-types-for 'script'"), "{policy}");
}

#[tokio::test]
async fn the_list_needs_an_admin_token_and_has_no_secret() {
    let directory = DataDir::new();
    let catalog = directory.catalog().await;
    let operator = create(&catalog, TokenName::OPERATOR, "*:*:*", None).await.1;
    let (_, reader) = create(&catalog, "<b>reader</b>", "db:a:read", None).await;
    for number in 2..=5 {
        create(&catalog, &format!("token-{number}"), "db:a:read", None).await;
    }
    drop(catalog);
    let server = directory.start(&[OPS_BIND]);
    let bearer = format!("Bearer {operator}");

    let answer = with(&server, "/tokens?limit=4", &[("authorization", &bearer)]).await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["content-type"], "application/json");
    let list = text(answer);
    assert!(!list.contains("apiv3_"), "{list}");
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!((&list["tokens"][1]["name"], &list["next"]), (&"<b>reader</b>".into(), &3.into()));
    let rest = text(with(&server, "/tokens?limit=4&after=3", &[("authorization", &bearer)]).await);
    let rest: serde_json::Value = serde_json::from_str(&rest).unwrap();
    assert_eq!((rest["tokens"].as_array().unwrap().len(), &rest["next"]), (2, &serde_json::Value::Null));

    let lists = |kind| {
        let mut schemes = OPERATIONS[0].security.iter().flat_map(|requirement| requirement.schemes);
        schemes.any(|scheme| scheme.kind == kind)
    };
    // The list takes a credential in the query only if the document's operation does, and then from an admin token.
    let in_query =
        if lists(SecurityKind::ApiKey { location: Location::Query, name: "p" }) { &reader } else { &operator };
    let of_reader = format!("Bearer {reader}");
    for (target, headers, status) in [
        ("/tokens", &[][..], 401),
        ("/tokens", &[("authorization", &*of_reader)], 401),
        (&format!("/tokens?p={in_query}"), &[], 401),
        ("/tokens", &[("authorization", &*bearer), ("authorization", &*bearer)], 401),
        ("/tokens?limit=0", &[("authorization", &*bearer)], 400),
        ("/tokens?limit=1001", &[("authorization", &*bearer)], 400),
        ("/tokens?limit=1&limit=1", &[("authorization", &*bearer)], 400),
        ("/tokens?after=-1", &[("authorization", &*bearer)], 400),
        ("/tokens?limit=0", &[], 401),
    ] {
        let answer = with(&server, target, headers).await;
        assert_eq!(answer.status(), status, "{target}");
        if status == 401 {
            // A browser asks for a password if it finds the scheme Basic, so only the document may list it.
            let mut challenges = answer.headers().get_all("www-authenticate").iter();
            assert!(
                lists(SecurityKind::Basic)
                    || challenges.all(|challenge| challenge.to_str().unwrap().starts_with("Bearer "))
            );
        }
        let body = text(answer);
        assert!(!body.contains("reader"), "{body}");
    }
}
