//! Routes of a larger server, behind `RequireToken`.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use influxdb3_token_api::security::{SecurityKind, SecurityRequirement, SecurityScheme};
use influxdb3_token_api::server::Rejection;
use influxdb3_tokens::{Action, Catalog, MemoryStore, Principal, RequireToken, TokenApi};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::creation::create;
use crate::document::Token;
use crate::embedding::catalog;
use crate::limits::within;
use crate::running::SetClock;

const BEARER: &[SecurityRequirement] =
    &[SecurityRequirement::new(&[SecurityScheme::new("BearerAuthentication", SecurityKind::Bearer)])];

#[tokio::test]
async fn a_credential_under_any_scheme_of_the_document_is_accepted() {
    let catalog = catalog().await;
    let (token, secret) = token(&catalog, "db:a:read").await;
    let app = app(RequireToken::new(&catalog));
    let basic = format!("Basic {}", STANDARD.encode(format!("any:{secret}")));
    let (bearer, word, query) = (format!("Bearer {secret}"), format!("Token {secret}"), format!("/?p={secret}"));
    let (bearer, word, basic, secret): (&str, &str, &str, &str) = (&bearer, &word, &basic, &secret);
    for (target, values) in [
        ("/", &[bearer][..]),
        ("/", &[word]),
        ("/", &[basic]),
        (&query, &[]),
        // One satisfied alternative is enough.
        (&query, &[bearer]),
        (&query, &["Bearer wrong"]),
        ("/?p=wrong", &[bearer]),
    ] {
        let answer = send(&app, target, values).await;
        assert_eq!((answer.status, answer.text), (StatusCode::OK, token.id.to_string()), "{target}");
    }
    for (target, values) in [
        ("/", &[][..]),
        ("/", &[bearer, bearer]),
        ("/", &[bearer, word]),
        (&query, &[bearer, bearer]),
        ("/?p=wrong", &["Bearer wrong"]),
        (&format!("{query}&p={secret}"), &[]),
        ("/", &[secret]),
    ] {
        let answer = send(&app, target, values).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{target}");
        assert_eq!(answer.text, r#"{"error":"a valid credential is required"}"#);
        assert_eq!(answer.challenges, [r#"Bearer realm="influxdb3""#, r#"Basic realm="influxdb3""#]);
    }
}

#[tokio::test]
async fn a_token_that_was_rejected_as_expired_stays_rejected_when_the_clock_is_set_back() {
    let (clock, hour) = (Arc::new(SetClock::default()), Duration::from_secs(3600));
    let catalog = Catalog::open(Arc::new(MemoryStore::new()), Arc::clone(&clock) as _).await.unwrap();
    let (_, brief) = create(&catalog, "brief", "db:a:read", Some(hour)).await;
    let (_, unlimited) = create(&catalog, "unlimited", "db:a:read", None).await;
    let app = app(RequireToken::new(&catalog));
    let (brief, unlimited) = (format!("Bearer {brief}"), format!("Bearer {unlimited}"));
    let session = catalog.authenticate(&brief["Bearer ".len()..]).unwrap();
    let mut statuses = Vec::new();
    for step in [SetClock::advance, SetClock::set_back] {
        statuses.push(send(&app, "/", &[&brief]).await.status);
        step(&clock, hour);
    }
    statuses.push(send(&app, "/", &[&brief]).await.status);
    assert_eq!(statuses, [200, 401, 401]);
    assert_eq!(send(&app, "/", &[&unlimited]).await.status, 200);
    // A session that waits for a deletion asks for the expiry itself, and learns the same.
    assert!(catalog.is_expired(&session));
    assert!(catalog.until_deleted(&session).now_or_never().is_none());
}

#[tokio::test]
async fn only_the_given_alternatives_are_accepted() {
    let catalog = catalog().await;
    let (_, secret) = token(&catalog, "db:a:read").await;
    let app = app(RequireToken::new(&catalog).security(BEARER));
    assert_eq!(send(&app, "/", &[&format!("Bearer {secret}")]).await.status, StatusCode::OK);
    let answer = send(&app, "/", &[&format!("Token {secret}")]).await;
    assert_eq!(
        (answer.status, answer.challenges),
        (StatusCode::UNAUTHORIZED, vec![r#"Bearer realm="influxdb3""#.into()])
    );
}

#[tokio::test]
async fn a_token_without_the_permission_is_rejected() {
    let catalog = catalog().await;
    let (_, admin) = token(&catalog, "*:*:*").await;
    let (_, reader) = token(&catalog, "db:a:read").await;
    let (_, writer) = token(&catalog, "db:a,b:write").await;
    let require = || RequireToken::new(&catalog).security(BEARER);
    for (app, message, allowed, rejected) in [
        (app(require().admin()), "only an admin token may do this", &[&admin][..], &[&reader, &writer][..]),
        (
            app(require().database(Action::Read, "a")),
            "the token may not read from this database",
            &[&admin, &reader],
            &[&writer],
        ),
        (
            app(require().database(Action::Write, "a")),
            "the token may not write to this database",
            &[&admin, &writer],
            &[&reader],
        ),
        (
            app(require().database(Action::Write, "c")),
            "the token may not write to this database",
            &[&admin],
            &[&reader, &writer],
        ),
    ] {
        for secret in allowed {
            assert_eq!(send(&app, "/", &[&format!("Bearer {secret}")]).await.status, StatusCode::OK, "{message}");
        }
        for secret in rejected {
            let answer = send(&app, "/", &[&format!("Bearer {secret}")]).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            assert_eq!(answer.challenges, [r#"Bearer realm="influxdb3", error="insufficient_scope""#]);
            assert_eq!(answer.text, format!(r#"{{"error":"{message}"}}"#));
        }
    }
}

#[tokio::test]
async fn the_database_may_be_named_in_the_query() {
    let catalog = catalog().await;
    let (_, secret) = token(&catalog, "db:a,b/c,d+e:write").await;
    let app = app(RequireToken::new(&catalog).database_in_query(Action::Write, "db"));
    let bearer = format!("Bearer {secret}");
    for target in ["/?db=a", "/?x=1&db=a", "/?db=b%2Fc", "/?%64b=d%2Be"] {
        assert_eq!(send(&app, target, &[&bearer]).await.status, StatusCode::OK, "{target}");
    }
    for target in ["/?db=A", "/?db=", "/?db=*", "/?db=a,b/c", "/?db=d+e"] {
        assert_eq!(send(&app, target, &[&bearer]).await.status, StatusCode::UNAUTHORIZED, "{target}");
    }
    for (target, problem) in [
        ("/", "is missing"),
        ("/?DB=a", "is missing"),
        ("/?db=a&db=a", "was given more than once"),
        ("/?db=%zz", "is not percent-encoded UTF-8"),
    ] {
        let answer = send(&app, target, &[&bearer]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{target}");
        assert_eq!(answer.text, format!(r#"{{"error":"the parameter `db` {problem}"}}"#));
    }
}

#[tokio::test]
async fn the_database_may_be_named_anywhere_in_the_request() {
    let catalog = catalog().await;
    let (_, secret) = token(&catalog, "db:a:read").await;
    let app = app(RequireToken::new(&catalog).database_of(Action::Read, |parts| {
        let name = parts.uri.path().strip_prefix("/db/").filter(|name| !name.is_empty());
        name.map(Cow::Borrowed).ok_or(Rejection::UnknownPath)
    }));
    for (target, status) in [("/db/a", 200), ("/db/b", 401), ("/db/", 404), ("/", 404)] {
        assert_eq!(send(&app, target, &[&format!("Bearer {secret}")]).await.status, status, "{target}");
    }
}

#[tokio::test]
async fn the_credentials_are_checked_before_the_name_and_the_name_before_the_permission() {
    let catalog = catalog().await;
    let (_, reader) = token(&catalog, "db:a:read").await;
    let app = app(RequireToken::new(&catalog).database_in_query(Action::Write, "db"));
    let bearer = format!("Bearer {reader}");
    for (target, values, status) in
        [("/", &["Bearer wrong"][..], 401), ("/", &[], 401), ("/", &[&bearer], 400), ("/?db=a", &[&bearer], 401)]
    {
        assert_eq!(send(&app, target, values).await.status, status, "{target} {}", values.len());
    }
}

#[tokio::test]
async fn a_deleted_token_is_rejected_at_once() {
    let catalog = catalog().await;
    let (_, operator) = token(&catalog, "*:*:*").await;
    let (deleted, secret) = token(&catalog, "*:*:*").await;
    let api = TokenApi::new(catalog.clone());
    let app = app(api.require_token().admin());
    let bearer = format!("Bearer {secret}");
    assert_eq!(send(&app, "/", &[&bearer]).await.status, StatusCode::OK);
    let by = catalog.authenticate(&operator).unwrap();
    let until_deleted = tokio::spawn(catalog.until_deleted(&catalog.authenticate(&secret).unwrap()));
    catalog.delete(&by, &deleted.id.to_string()).await.unwrap();
    assert_eq!(send(&app, "/", &[&bearer]).await.status, StatusCode::UNAUTHORIZED);
    within("the deletion to be noticed", until_deleted).await.unwrap();
}

#[tokio::test]
async fn only_a_rejection_has_the_headers_of_the_api() {
    let catalog = catalog().await;
    let (_, secret) = token(&catalog, "db:a:read").await;
    let app = app(RequireToken::new(&catalog));
    let rejected = app.clone().oneshot(request("/", &[]).unwrap()).await.unwrap();
    assert_eq!(rejected.headers()["cluster-uuid"], catalog.cluster_uuid().to_string());
    assert_eq!(rejected.headers()["x-span-id"], "mine");
    assert_eq!(rejected.headers()["content-type"], "application/json");
    let passed = app.oneshot(request("/", &[&format!("Bearer {secret}")]).unwrap()).await.unwrap();
    assert!(!passed.headers().contains_key("cluster-uuid") && !passed.headers().contains_key("x-span-id"));
}

#[tokio::test]
async fn the_embedder_may_change_the_response_to_a_rejection() {
    let catalog = catalog().await;
    let api = TokenApi::over(catalog).rejections(teapot).build();
    for require in [RequireToken::new(api.catalog()).rejections(teapot), api.require_token()] {
        let answer = send(&app(require), "/", &[]).await;
        assert_eq!((answer.status, answer.text), (StatusCode::IM_A_TEAPOT, "401 Unauthorized".to_owned()));
    }
}

fn teapot(
    rejection: &Rejection,
    _: Response<influxdb3_token_api::server::Body>,
) -> Response<influxdb3_token_api::server::Body> {
    let response = Response::builder().status(StatusCode::IM_A_TEAPOT);
    response.body(rejection.status().to_string().into()).unwrap()
}

#[tokio::test]
async fn the_layer_may_wrap_a_whole_router() {
    let catalog = catalog().await;
    let (_, secret) = token(&catalog, "db:a:read").await;
    let app = Router::new().route("/", get(caller)).layer(RequireToken::new(&catalog));
    assert_eq!(send(&app, "/nowhere", &[]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(send(&app, "/nowhere", &[&format!("Bearer {secret}")]).await.status, StatusCode::NOT_FOUND);
}

/// A service that panics unless it was polled ready before the call. Its clones start unready.
#[derive(Default)]
struct Reserved(Arc<AtomicBool>, bool);

impl Clone for Reserved {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), false)
    }
}

impl Service<Request<String>> for Reserved {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.1 = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        assert!(std::mem::take(&mut self.1), "the service was called before it was ready");
        self.0.store(true, Ordering::SeqCst);
        std::future::ready(Ok(Response::new(request.into_body())))
    }
}

#[tokio::test]
async fn the_layer_calls_the_service_that_it_polled_ready() {
    let catalog = catalog().await;
    let (_, secret) = token(&catalog, "db:a:read").await;
    let called = Arc::new(AtomicBool::new(false));
    let mut service = RequireToken::new(&catalog).layer(Reserved(Arc::clone(&called), false));
    for (value, calls) in [("Bearer wrong", false), (&*format!("Bearer {secret}"), true)] {
        let request = Request::builder().header("authorization", value).body("kept".to_owned()).unwrap();
        let response = service.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(called.load(Ordering::SeqCst), calls);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body == "kept", calls);
    }
}

#[tokio::test]
async fn an_error_of_the_inner_service_is_passed_on() {
    let catalog = catalog().await;
    let (_, secret) = token(&catalog, "db:a:read").await;
    let failing = service_fn(|_: Request<()>| async { Err::<Response<String>, _>("broken") });
    let service = RequireToken::new(&catalog).layer(failing);
    let request = Request::builder().header("authorization", format!("Bearer {secret}")).body(()).unwrap();
    assert_eq!(service.oneshot(request).await.err(), Some("broken"));
}

/// Routes behind the layer that answer with the ID of the caller's token.
fn app<L>(layer: L) -> Router
where
    L: Layer<axum::routing::Route> + Clone + Send + Sync + 'static,
    L::Service: Service<Request<Body>, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request<Body>>>::Response: axum::response::IntoResponse + 'static,
{
    Router::new().route("/", get(caller)).route("/{*rest}", get(caller)).route_layer(layer)
}

async fn caller(Extension(principal): Extension<Principal>) -> String {
    principal.id().to_string()
}

struct Answer {
    status: StatusCode,
    challenges: Vec<String>,
    text: String,
}

async fn send(app: &Router, target: &str, authorization: &[&str]) -> Answer {
    let response = app.clone().oneshot(request(target, authorization).unwrap()).await.unwrap();
    let challenges = response.headers().get_all("www-authenticate").iter();
    let challenges = challenges.map(|value| value.to_str().unwrap().to_owned()).collect();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Answer { status, challenges, text: String::from_utf8(body.into()).unwrap() }
}

fn request(target: &str, authorization: &[&str]) -> http::Result<Request<Body>> {
    let builder = Request::get(target).header("x-span-id", "mine");
    let builder = authorization.iter().fold(builder, |builder, value| builder.header("authorization", *value));
    builder.body(Body::empty())
}

/// Creates a token, and returns it with its secret.
async fn token(catalog: &Catalog, permissions: &str) -> (Token, String) {
    create(catalog, &format!("token {}", catalog.live().len()), permissions, None).await
}
