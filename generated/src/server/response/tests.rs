use futures::executor::block_on;
use http_body_util::BodyExt;

use super::*;
use crate::security::AuthenticationError;
use crate::{ApiError, Location, unavailable};

const BEARER: SecurityScheme = SecurityScheme { name: "bearer", kind: SecurityKind::Bearer };
const BASIC: SecurityScheme = SecurityScheme { name: "basic", kind: SecurityKind::Basic };
const KEY: SecurityScheme =
    SecurityScheme { name: "key", kind: SecurityKind::ApiKey { location: Location::Query, name: "p" } };

#[test]
fn a_challenge_names_the_schemes_of_the_operation() {
    let bearer = r#"Bearer realm="influxdb3""#;
    let basic = r#"Basic realm="influxdb3""#;
    for (security, expected) in [
        (&[BEARER][..], &[bearer][..]),
        (&[BASIC], &[basic]),
        (&[KEY], &[bearer]),
        (&[BASIC, KEY, BEARER], &[bearer, basic]),
        (&[KEY, BASIC], &[basic]),
    ] {
        let response = rejected(&Rejection::Unauthenticated(security));
        assert_eq!(response.status(), 401);
        assert_eq!(challenges(&response), expected, "{security:?}");
    }
}

#[test]
fn a_challenge_tells_that_what_the_credential_permits_is_not_enough() {
    for (schemes, expected) in [
        (&[BEARER], r#"Bearer realm="influxdb3", error="insufficient_scope""#),
        (&[BASIC], r#"Basic realm="influxdb3", error="insufficient_scope""#),
        (&[KEY], r#"Bearer realm="influxdb3", error="insufficient_scope""#),
    ] {
        let response = rejected(&Rejection::InsufficientScope { schemes, message: "only \"this\"".into() });
        assert_eq!(response.status(), 401);
        assert_eq!(challenges(&response), [expected], "{schemes:?}");
        assert_eq!(body(response), serde_json::json!({ "error": "only \"this\"" }));
    }
}

#[test]
fn a_rejection_is_a_message_with_its_status() {
    for (rejection, status, error) in [
        (Rejection::UnknownPath, 404, "there is nothing at this path"),
        (
            Rejection::MethodNotAllowed { allow: String::new() },
            405,
            "this path does not have this method; see the header Allow",
        ),
        (Rejection::Unauthenticated(&[]), 401, "a valid credential is required; see the header WWW-Authenticate"),
        (Rejection::parameter("id", "is not \"it\""), 400, "the parameter `id` is not \"it\""),
        (
            Rejection::Unavailable,
            503,
            "this could not be done now, or it is not known whether it was; it is safe to try again",
        ),
        (Rejection::Internal, 500, "an internal error"),
    ] {
        let response = rejected(&rejection);
        assert_eq!(response.status(), status);
        assert_eq!(rejection.to_string(), error);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(body(response), serde_json::json!({ "error": error }));
    }
}

#[test]
fn a_response_to_head_keeps_its_headers_and_the_length_of_its_body() {
    let mut response = rejected(&Rejection::UnknownPath);
    let length = response.body().size_hint().exact().expect("its length is known");
    remove_body(&mut response);
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(response.headers()[CONTENT_LENGTH], length.to_string().as_str());
    assert_eq!(response.body().size_hint().exact(), Some(0));

    let mut empty = Response::new(crate::server::full(Bytes::new()));
    remove_body(&mut empty);
    assert!(!empty.headers().contains_key(CONTENT_LENGTH));
}

#[test]
fn a_refused_method_is_answered_with_those_that_are_allowed() {
    let response = rejected(&Rejection::MethodNotAllowed { allow: "DELETE, POST".to_owned() });
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()[ALLOW], "DELETE, POST");
}

#[test]
fn what_failed_is_not_told() {
    for (error, status) in [(ApiError("secret".to_owned()), 500), (unavailable("secret"), 503)] {
        let response = rejected(&Rejection::failed("operation", error));
        assert_eq!(response.status(), status);
        assert_eq!(response.headers().contains_key(RETRY_AFTER), status == 503);
        assert!(!body(response).to_string().contains("secret"));
    }
}

#[test]
fn an_authenticator_that_cannot_decide_is_not_a_refusal() {
    let refused = rejected(&Rejection::unauthenticated(AuthenticationError::Refused, &[BEARER]));
    let undecided = rejected(&Rejection::unauthenticated(AuthenticationError::Unavailable, &[BEARER]));
    assert_eq!((refused.status().as_u16(), undecided.status().as_u16()), (401, 503));
    assert!(challenges(&undecided).is_empty());
}

fn challenges(response: &Response<Body>) -> Vec<&HeaderValue> {
    response.headers().get_all(WWW_AUTHENTICATE).iter().collect()
}

fn body(response: Response<Body>) -> serde_json::Value {
    let body = block_on(response.into_body().collect()).expect("the body is there");
    serde_json::from_slice(&body.to_bytes()).expect("the body is JSON")
}
