use futures::executor::block_on;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Method, Request as HttpRequest};
use http_body_util::{BodyExt, Full};

use super::*;
use crate::security::{Authentication, AuthenticationError, SecurityKind, SecurityRequirement, SecurityScheme};
use crate::server::Reply;

static REALM: Realm = crate::server::realm!("test");

const BEARER: SecurityRequirement = SecurityRequirement::new(&[SecurityScheme::new("bearer", SecurityKind::Bearer)]);

static OPERATIONS: &[Operation] = &[
    Operation::new("public", Method::GET, "/public"),
    Operation::new("private", Method::GET, "/private").security(&[BEARER]),
    Operation::new("optional", Method::GET, "/optional").security(&[BEARER, SecurityRequirement::ANONYMOUS]),
];

/// Calls a function for every operation, as a generated trait would call an implementation.
struct Api(fn() -> Result<Response<Body>, Failure>);

struct Small;

impl<C: Sync> Document<Api, C> for Small {
    const OPERATIONS: &'static [Operation] = OPERATIONS;
    const BASE_PATH: &'static str = "/base";
    const REALM: &'static Realm = &REALM;

    async fn call<B: RequestBody>(Api(answer): &Api, _: &mut Request<'_, B>, _: &C) -> Result<Response<Body>, Failure> {
        answer()
    }
}

struct Everybody;

impl Authenticator for Everybody {
    type Principal = ();

    async fn authenticate(&self, _: Authentication<'_>) -> Result<(), AuthenticationError> {
        Ok(())
    }
}

fn answer(path: &str, answer: fn() -> Result<Response<Body>, Failure>) -> Response<Body> {
    let service: Service<Small, _, _> = Service::new(Api(answer), Everybody);
    let request = HttpRequest::get(path).header("host", "a.test").header("authorization", "Bearer any");
    block_on(service.handle(request.body(Full::<&[u8]>::default()).expect("a request")))
}

fn answer_anonymous(path: &str, answer: fn() -> Result<Response<Body>, Failure>) -> Response<Body> {
    let service: Service<Small, _, _> = Service::new(Api(answer), Everybody);
    let request = HttpRequest::get(path).header("host", "a.test");
    block_on(service.handle(request.body(Full::<&[u8]>::default()).expect("a request")))
}

fn text(response: Response<Body>) -> String {
    let body = block_on(response.into_body().collect()).expect("the body is complete");
    String::from_utf8(body.to_bytes().into()).expect("the body is UTF-8")
}

#[test]
fn the_base_path_precedes_the_path_of_each_operation() {
    assert_eq!(answer("/base/public", || Reply::new(204).empty()).status(), 204);
    for path in ["/public", "/base", "/base/base/public", "/bas/public"] {
        assert_eq!(answer(path, || Reply::new(204).empty()).status(), 404, "{path}");
    }
}

#[test]
fn the_host_is_checked_before_the_path_and_the_method() {
    for (method, target) in
        [(Method::GET, "/base/public"), (Method::GET, "/other"), (Method::POST, "/base/public"), (Method::OPTIONS, "*")]
    {
        let service: Service<Small, _, _> = Service::new(Api(|| panic!("not called")), Everybody);
        let request = HttpRequest::builder().method(method).uri(target).header("host", "a b");
        let request = request.body(Full::<&[u8]>::default());
        let response = block_on(service.handle(request.expect("a request")));
        assert_eq!(response.status(), 400, "{target}");
        assert_eq!(text(response), r#"{"error":"the header `Host` is invalid"}"#);
    }
}

#[test]
fn a_failure_is_logged_and_its_reason_is_not_sent() {
    let unavailable = answer("/base/public", || Err(ApiError::unavailable("secret").into()));
    assert_eq!(unavailable.status(), 503);
    assert!(unavailable.headers().contains_key(RETRY_AFTER));
    assert!(!text(unavailable).contains("secret"));
    let internal = answer("/base/public", || Err(ApiError::internal("secret").into()));
    assert_eq!(internal.status(), 500);
    assert!(!internal.headers().contains_key(RETRY_AFTER));
    assert!(!text(internal).contains("secret"));
    let lacking = answer("/base/public", || Err(ApiError::not_implemented("secret").into()));
    assert_eq!(lacking.status(), 501);
    assert_eq!(text(lacking), r#"{"error":"the operation is not implemented"}"#);
}

#[test]
fn a_credential_that_was_revoked_meanwhile_is_answered_like_a_rejected_one() {
    let revoked = answer("/base/private", || Err(ApiError::Unauthenticated.into()));
    let rejected = answer_anonymous("/base/private", || Reply::new(204).empty());
    for response in [&revoked, &rejected] {
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()[WWW_AUTHENTICATE], r#"Bearer realm="test""#);
    }
    assert_eq!(text(revoked), text(rejected));
}

#[test]
fn a_panic_is_answered_with_500() {
    let response = answer("/base/public", || panic!("on purpose"));
    assert_eq!(response.status(), 500);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
}

#[test]
fn a_declared_401_gets_a_challenge_unless_it_has_one() {
    let challenge = |response: Response<Body>| response.headers()[WWW_AUTHENTICATE].clone();
    let plain = || Reply::new(401).empty();
    assert_eq!(challenge(answer("/base/public", plain)), r#"Bearer realm="test""#);
    for path in ["/base/private", "/base/optional"] {
        assert_eq!(challenge(answer(path, plain)), r#"Bearer realm="test", error="insufficient_scope""#, "{path}");
    }
    assert_eq!(challenge(answer_anonymous("/base/optional", plain)), r#"Bearer realm="test""#);
    let own = answer("/base/private", || Reply::new(401).header("WWW-Authenticate", &"Own".to_owned())?.empty());
    assert_eq!(challenge(own), "Own");
}
