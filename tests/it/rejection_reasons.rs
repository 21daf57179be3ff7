//! The server learns why a credential is rejected; the client does not.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt, Either, Empty};
use influxdb3_token_api::security::AuthenticationError::{
    self, Deleted, Expired, InsufficientScope, Malformed, Missing, Unknown,
};
use influxdb3_token_api::security::AuthenticationOutcome;
use influxdb3_token_api::server::Body;
use influxdb3_tokens::{Action, Catalog, MemoryStore, Secret, SqliteStore, SystemClock, TokenApi};
use tower::{Layer, Service};

use crate::creation::create;
use crate::document::{DELETED, PARAMETER, PATH, Token};
use crate::running::Server;

#[tokio::test]
async fn each_rejection_of_a_credential_has_its_reason_and_they_look_alike() {
    for server in Server::each().await {
        let operator = server.operator().await;
        let (token, reader) = server.token("db:a:read").await;
        let (gone, deleted) = server.token("*:*:*").await;
        let (_, expired) = server.create("expired", "*:*:*", Some(Duration::from_millis(5))).await;
        server.clock.advance(Duration::from_millis(5));
        let unknown = Secret::generate().unwrap();
        let api = TokenApi::new(server.catalog.clone());
        let accepted = answer(&api, gone, Some(&bearer(&operator))).await;
        assert_eq!((accepted.status().as_u16(), reason(&accepted)), (DELETED, None));

        let mut looks = Vec::new();
        for (authorization, expected) in [
            (None, Missing),
            (Some(String::new()), Malformed),
            (Some("Bearer".to_owned()), Malformed),
            (Some("Bearer apiv3_short".to_owned()), Malformed),
            (Some(format!("Digest {operator}")), Malformed),
            (Some(bearer(unknown.expose())), Unknown),
            (Some(bearer(&expired)), Expired),
            (Some(bearer(&deleted)), Deleted),
        ] {
            let response = answer(&api, token, authorization.as_deref()).await;
            assert_eq!(reason(&response), Some(expected));
            let (mut parts, body) = response.into_parts();
            parts.headers.remove("x-span-id");
            looks.push((parts.status, parts.headers, body.collect().await.unwrap().to_bytes()));
        }
        assert!(looks.windows(2).all(|pair| pair[0] == pair[1]), "{looks:?}");

        let response = answer(&api, token, Some(&bearer(&reader))).await;
        assert_eq!((response.status().as_u16(), reason(&response)), (401, Some(InsufficientScope)));
    }
}

#[tokio::test]
async fn a_token_that_was_deleted_before_a_restart_is_told_from_an_unknown_one() {
    let directory = tempfile::tempdir().unwrap();
    let open = async || {
        let store = SqliteStore::open(directory.path().join("data/tokens.db")).unwrap();
        Catalog::open(Arc::new(store), Arc::new(SystemClock)).await.unwrap()
    };
    let catalog = open().await;
    let (_, operator) = create(&catalog, "_admin", "*:*:*", None).await;
    let (token, secret) = create(&catalog, "ci", "*:*:*", None).await;
    let by = catalog.authenticate(&operator).unwrap();
    catalog.delete_by_name(&by, token.name).await.unwrap();
    assert_eq!(catalog.try_authenticate(&secret), Err(Deleted));
    drop(catalog);
    assert_eq!(open().await.try_authenticate(&secret), Err(Deleted));
}

#[tokio::test]
async fn a_secret_that_was_regenerated_counts_as_deleted() {
    let catalog = Catalog::open(Arc::new(MemoryStore::new()), Arc::new(SystemClock)).await.unwrap();
    let (_, old) = create(&catalog, "_admin", "*:*:*", None).await;
    let (_, new) = catalog.regenerate_operator().await.unwrap();
    assert_eq!(catalog.try_authenticate(&old), Err(Deleted));
    assert!(catalog.try_authenticate(new.expose()).is_ok());
}

#[tokio::test]
async fn a_response_says_whether_its_credentials_were_looked_at() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    let api = TokenApi::new(server.catalog.clone());
    let accepted = || Request::builder().header("authorization", bearer(&operator)).method("DELETE");
    let known = format!("{PATH}?{PARAMETER}=77");
    for (request, expected) in [
        (accepted().uri(&known), AuthenticationOutcome::Accepted),
        (accepted().uri(PATH), AuthenticationOutcome::Accepted),
        (accepted().uri(format!("{PATH}/")), AuthenticationOutcome::Unchecked),
        (accepted().uri(&known).method("GET"), AuthenticationOutcome::Unchecked),
        (accepted().uri(&known).header("host", "a b"), AuthenticationOutcome::Unchecked),
        (Request::builder().method("DELETE").uri(&known), AuthenticationOutcome::Rejected(Missing)),
    ] {
        let request = request.body(Empty::<&[u8]>::new()).unwrap();
        let shown = format!("{} {}", request.method(), request.uri());
        assert_eq!(api.handle(request).await.body().authentication(), expected, "{shown}");
    }

    let inner = tower::service_fn(|_| async { Ok::<_, Infallible>(Response::new(Empty::<&[u8]>::new())) });
    let mut route = api.require_token().database_in_query(Action::Read, "db").layer(inner);
    for (request, expected) in [
        (accepted().uri("/"), AuthenticationOutcome::Accepted),
        (Request::builder().uri("/"), AuthenticationOutcome::Rejected(Missing)),
    ] {
        let response = route.call(request.body(Empty::<&[u8]>::new()).unwrap()).await.unwrap();
        let Either::Left(body) = response.into_body() else { panic!("the request was admitted") };
        assert_eq!(body.authentication(), expected);
    }
}

fn bearer(secret: &str) -> String {
    format!("Bearer {secret}")
}

async fn answer(api: &TokenApi, token: Token, authorization: Option<&str>) -> Response<Body> {
    let request = Request::builder().method("DELETE").uri(format!("{PATH}?{PARAMETER}={token}"));
    let request = match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    };
    api.handle(request.body(Empty::<&[u8]>::new()).unwrap()).await
}

fn reason(response: &Response<Body>) -> Option<AuthenticationError> {
    response.body().authentication().rejection()
}
