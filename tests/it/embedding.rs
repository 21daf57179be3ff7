//! The API embedded in a larger server, with its options.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use influxdb3_token_api::security::{Authentication, AuthenticationError, Authenticator, Credential, PeerAddress};
use influxdb3_token_api::server::{Body, RequestBody};
use influxdb3_tokens::{
    AuditPosition, Catalog, CatalogApi, Digest, MemoryStore, Origin, Permissions, Principal, SystemClock, TokenApi,
    TokenId,
};
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::client::{Http1, Request};
use crate::creation;
use crate::document::{DELETED, PARAMETER, PATH, Token};
use crate::running::SetClock;
use crate::serving;

#[tokio::test]
async fn a_prefix_precedes_the_path() {
    let api = TokenApi::builder(Arc::new(MemoryStore::new())).prefix("/influx".parse().unwrap()).build().await.unwrap();
    let (operator, victim) = (create(api.catalog(), "_admin").await, create(api.catalog(), "ci").await);
    let mut client = connect(&api).await;
    for target in
        [PATH, "/influx", "/influx/", "/influx/influx/api/v3/configure/token", "/influxapi/v3/configure/token"]
    {
        let answer = client.send(&Request::new("DELETE", format!("{target}?{PARAMETER}=1")).bearer(&operator.1)).await;
        assert_eq!(
            (answer.status.as_u16(), &*answer.message()),
            (404, "there is no resource at this path"),
            "{target}"
        );
    }
    let target = format!("/influx{PATH}?{PARAMETER}={}", victim.0);
    assert_eq!(client.send(&Request::new("GET", target.clone())).await.status, 405);
    assert_eq!(client.send(&Request::new("DELETE", target.clone()).bearer(&operator.1)).await.status, DELETED);
}

#[tokio::test]
async fn the_embedder_may_replace_the_clock() {
    let clock = Arc::new(SetClock::default());
    let api = TokenApi::builder(Arc::new(MemoryStore::new())).clock(Arc::clone(&clock) as _).build().await.unwrap();
    let (_, secret) = creation::create(api.catalog(), "soon gone", "*:*:*", Some(Duration::from_secs(60))).await;
    let mut client = connect(&api).await;
    assert_eq!(client.send(&Request::delete(12345).bearer(&secret)).await.status, 404);
    clock.advance(Duration::from_secs(60));
    assert_eq!(client.send(&Request::delete(12345).bearer(&secret)).await.status, 401);
}

#[tokio::test]
async fn the_audit_trail_has_the_peer_address_that_the_embedder_inserts() {
    let api = TokenApi::builder(Arc::new(MemoryStore::new())).build().await.unwrap();
    let operator = create(api.catalog(), "_admin").await;
    for peer in [None, Some("2001:db8::1".parse::<std::net::IpAddr>().unwrap())] {
        let victim = create(api.catalog(), "ci").await;
        let target = format!("{PATH}?{PARAMETER}={}", victim.0);
        let request = http::Request::delete(target).header("host", "localhost");
        let request = request.header("authorization", format!("Bearer {}", operator.1));
        let mut request = request.body(Empty::<Bytes>::new()).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(PeerAddress::from(peer));
        }
        assert_eq!(api.handle(request).await.status(), DELETED);
        let trail = api.catalog().audit(AuditPosition::default(), None, 99).await.unwrap();
        let last = trail.records.last().unwrap();
        assert_eq!((last.token, last.origin), (victim.0.id, peer.map(Origin::Peer)));
    }
    assert!(api.catalog().live().last_used(TokenId::OPERATOR).is_some());
}

/// Accepts a JWT besides tokens.
#[derive(Clone)]
struct Jwt(CatalogApi);

impl Authenticator for Jwt {
    type Principal = Principal;

    async fn authenticate(&self, request: Authentication<'_>) -> Result<Principal, AuthenticationError> {
        match request.only() {
            Some((_, Credential::Bearer(jwt))) if jwt == "signed.by.us" => {
                let no_token = Digest::from_bytes([0; 64]);
                Ok(Principal::new(TokenId::from_u64(u64::MAX), no_token, None, Permissions::ADMIN))
            }
            _ => self.0.authenticate(request).await,
        }
    }
}

#[tokio::test]
async fn the_embedder_may_replace_the_authenticator() {
    let catalog = catalog().await;
    let (token, secret) = create(&catalog, "ci").await;
    let api = TokenApi::over(catalog.clone()).authenticator(Jwt(CatalogApi::new(catalog))).build();
    let mut client = connect(&api).await;
    assert_eq!(client.send(&Request::delete(token).bearer("signed.by.them")).await.status, 401);
    assert_eq!(client.send(&Request::delete(12345).bearer(&secret)).await.status, 404);
    assert_eq!(client.send(&Request::delete(token).bearer("signed.by.us")).await.status, DELETED);
    assert_eq!(client.send(&Request::delete(12345).bearer(&secret)).await.status, 401);
}

#[tokio::test]
async fn the_embedder_may_change_the_response_to_a_rejected_request() {
    let api = TokenApi::over(catalog().await).rejections(|rejection, response| {
        let (mut parts, _) = response.into_parts();
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        Response::from_parts(parts, format!("{}: {rejection}", rejection.status().as_u16()).into())
    });
    let api = api.build();
    for (method, target, status) in [("GET", "/", 404), ("GET", PATH, 405), ("DELETE", PATH, 401)] {
        let request = http::Request::builder()
            .method(method)
            .uri(target)
            .header("host", "x")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let response = api.handle(request).await;
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/plain");
        assert_eq!(response.headers()["cluster-uuid"], api.catalog().cluster_uuid().to_string());
        assert!(response.headers().contains_key("x-span-id"));
        assert_eq!(response.headers().contains_key("www-authenticate"), status == 401);
        assert!(text(response).await.starts_with(&format!("{status}: ")));
    }
}

#[tokio::test]
async fn both_service_traits_accept_any_body() {
    let catalog = catalog().await;
    let (_, operator) = create(&catalog, "_admin").await;
    let api = TokenApi::new(catalog);
    answers_both(&api, &operator, Empty::<Bytes>::new).await;
    answers_both(&api, &operator, || Full::new(&b"any"[..])).await;
    answers_both(&api, &operator, String::new).await;
    answers_both(&api, &operator, || Empty::<Bytes>::new().boxed()).await;
    answers_both(&api, &operator, || StreamBody::new(stream::empty::<std::io::Result<Frame<Bytes>>>())).await;
    answers_both(&api, &operator, || axum::body::Body::from("any")).await;
}

async fn answers_both<B: RequestBody>(api: &TokenApi, operator: &str, body: impl Fn() -> B) {
    let request = || {
        let builder = http::Request::delete(format!("{PATH}?{PARAMETER}=12345")).header("host", "x");
        builder.header("authorization", format!("Bearer {operator}")).body(body()).unwrap()
    };
    assert_eq!(api.clone().oneshot(request()).await.unwrap().status(), StatusCode::NOT_FOUND);
    let by_hyper = hyper::service::Service::call(api, request()).await;
    assert_eq!(by_hyper.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_axum_router_serves_the_api_among_its_routes() {
    let catalog = catalog().await;
    let (_, operator) = create(&catalog, "_admin").await;
    let (token, _) = create(&catalog, "ci").await;
    let router = axum::Router::<()>::new().nest_service("/influx", TokenApi::new(catalog.clone()));
    let request = http::Request::delete(format!("/influx{PATH}?{PARAMETER}={token}")).header("host", "x");
    let request = request.header("authorization", format!("Bearer {operator}")).body(axum::body::Body::empty());
    assert_eq!(router.oneshot(request.unwrap()).await.unwrap().status(), DELETED);
    assert!(!catalog.live().contains(token.id));
}

pub(crate) async fn catalog() -> Catalog {
    Catalog::open(Arc::new(MemoryStore::new()), Arc::new(SystemClock)).await.unwrap()
}

/// Creates an admin token, and returns it with its secret.
async fn create(catalog: &Catalog, name: &str) -> (Token, String) {
    creation::create(catalog, name, "*:*:*", None).await
}

async fn connect<A: Authenticator<Principal = Principal>>(api: &TokenApi<A>) -> Http1 {
    Http1::connect(serve(api.clone()).await, api.catalog().cluster_uuid()).await
}

/// Serves on a free port until the test's runtime ends.
async fn serve<A: Authenticator<Principal = Principal>>(api: TokenApi<A>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serving::serve(listener, api));
    address
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}
