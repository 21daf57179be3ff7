use futures::executor::block_on;
use http::header::{CONTENT_TYPE, WARNING, WWW_AUTHENTICATE};
use http::{Request, StatusCode};
use http_body_util::BodyExt;

use super::*;
use crate::security::{AuthenticationError, Credential, SecurityKind};

static REALM: Realm = crate::server::realm!("test");
const BEARER: &[SecurityScheme] = &[SecurityScheme::new("bearer", SecurityKind::Bearer)];

/// Accepts one token, and is unavailable for another.
#[derive(Clone)]
struct One;

impl Authenticator for One {
    type Principal = &'static str;

    async fn authenticate(&self, credential: Credential<'_>) -> Result<&'static str, AuthenticationError> {
        match credential {
            Credential::Bearer(token) if token == "good" => Ok("me"),
            Credential::Bearer(token) if token == "later" => Err(AuthenticationError::Unavailable),
            _ => Err(AuthenticationError::Refused),
        }
    }
}

#[test]
fn one_valid_credential_of_a_listed_scheme_passes() {
    let guard = Guard::new(One, &REALM);
    assert_eq!(checked(&guard, BEARER, &["Bearer good"]), Ok("me"));
    for values in [&[][..], &["Bearer bad"], &["Basic good"], &["Bearer good", "Bearer good"]] {
        assert_eq!(checked(&guard, BEARER, values), Err(StatusCode::UNAUTHORIZED), "{values:?}");
    }
    assert_eq!(checked(&guard, BEARER, &["Bearer later"]), Err(StatusCode::SERVICE_UNAVAILABLE));
}

#[test]
fn no_credential_passes_if_no_scheme_is_listed() {
    assert_eq!(checked(&Guard::new(One, &REALM), &[], &["Bearer good"]), Err(StatusCode::UNAUTHORIZED));
}

#[test]
fn a_rejection_carries_the_headers_of_every_response() {
    let mut headers =
        HeaderMap::from_iter([(CONTENT_TYPE, value("x/y")), (X_SPAN_ID, value("theirs")), (WARNING, value("1"))]);
    headers.append(WARNING, value("2"));
    let guard = Guard::new(One, &REALM).headers(headers);
    let response = guard.reject(&Rejection::Unauthenticated(BEARER), &request("GET", &[]));
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()[X_SPAN_ID], "mine");
    assert_eq!(Vec::from_iter(response.headers().get_all(WARNING)), ["1", "2"]);
    assert_eq!(Vec::from_iter(response.headers().get_all(CONTENT_TYPE)), ["application/json"]);
    assert!(body(response).contains("a valid credential is required"));
    let response = guard.reject(&Rejection::Unauthenticated(BEARER), &request("HEAD", &[]));
    assert_eq!(body(response), "");
}

#[test]
fn a_rejection_is_answered_as_it_is_rendered() {
    let headers = HeaderMap::from_iter([(WARNING, value("1"))]);
    let guard = Guard::new(One, &REALM).headers(headers).rejections(|rejection, mut response| {
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        *response.body_mut() = format!("{}: {rejection}", rejection.status()).into();
        response.headers_mut().insert(X_SPAN_ID, value("theirs"));
        response
    });
    let response =
        guard.reject(&Rejection::InsufficientScope { schemes: BEARER, message: "no".into() }, &request("GET", &[]));
    assert_eq!(response.status(), 418);
    assert_eq!(response.headers()[WARNING], "1");
    assert_eq!(response.headers()[X_SPAN_ID], "mine");
    assert!(response.headers().contains_key(WWW_AUTHENTICATE));
    assert_eq!(body(response), "401 Unauthorized: no");
}

#[test]
fn a_panic_in_the_rendering_is_answered_with_500() {
    let guard = Guard::new(One, &REALM).rejections(|_, _| panic!("on purpose"));
    let response = guard.reject(&Rejection::UnknownPath, &request("GET", &[]));
    assert_eq!(response.status(), 500);
    assert_eq!(body(response), r#"{"error":"internal server error"}"#);
}

fn checked(
    guard: &Guard<One>,
    schemes: &'static [SecurityScheme],
    values: &[&str],
) -> Result<&'static str, StatusCode> {
    block_on(guard.check(schemes, &request("GET", values))).map_err(|rejection| rejection.status())
}

/// A request with these `Authorization` headers.
fn request(method: &str, values: &[&str]) -> Parts {
    let builder = Request::builder().method(method).header(X_SPAN_ID, "mine");
    let builder = values.iter().fold(builder, |builder, value| builder.header("authorization", *value));
    builder.body(()).expect("a request").into_parts().0
}

fn value(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}

fn body(response: Response<Body>) -> String {
    let body = block_on(response.into_body().collect()).expect("the body is complete");
    String::from_utf8(body.to_bytes().into()).expect("the body is UTF-8")
}
