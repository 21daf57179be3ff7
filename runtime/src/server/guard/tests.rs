use futures::executor::block_on;
use http::header::{CONTENT_TYPE, WARNING, WWW_AUTHENTICATE};
use http::{Request, StatusCode};
use http_body_util::BodyExt;

use super::*;
use crate::Location;
use crate::security::{AuthenticationOutcome, Credential, SecurityKind, SecurityScheme};

static REALM: Realm = crate::server::realm!("test");
const TOKEN: SecurityScheme = SecurityScheme::new("bearer", SecurityKind::Bearer);
const KEY: SecurityScheme =
    SecurityScheme::new("key", SecurityKind::ApiKey { location: Location::Header, name: "x-key" });
const BEARER: &[SecurityRequirement] = &[SecurityRequirement::new(&[TOKEN])];
const EITHER: &[SecurityRequirement] = &[SecurityRequirement::new(&[TOKEN]), SecurityRequirement::new(&[KEY])];
const BOTH: &[SecurityRequirement] = &[SecurityRequirement::new(&[KEY, TOKEN])];
const UNAUTHENTICATED: Rejection =
    Rejection::Unauthenticated { security: BEARER, reason: AuthenticationError::Unknown };
const OPTIONAL: &[SecurityRequirement] = &[SecurityRequirement::ANONYMOUS, SecurityRequirement::new(&[TOKEN])];

/// Decides by the text of each credential. The principal names the schemes.
#[derive(Clone)]
struct ByText;

impl Authenticator for ByText {
    type Principal = String;

    async fn authenticate(&self, request: Authentication<'_>) -> Result<String, AuthenticationError> {
        let mut names = Vec::new();
        for (scheme, credential) in request.credentials() {
            match credential {
                Credential::Bearer(text) | Credential::ApiKey(text) => match &**text {
                    "good" => names.push(scheme.name),
                    "expired" => return Err(AuthenticationError::Expired),
                    "later" => return Err(AuthenticationError::Unavailable),
                    "narrow" => return Err(AuthenticationError::InsufficientScope),
                    _ => return Err(AuthenticationError::Refused),
                },
                _ => return Err(AuthenticationError::Refused),
            }
        }
        Ok(names.join("+"))
    }
}

#[test]
fn a_valid_credential_of_a_listed_scheme_passes() {
    assert_eq!(checked(BEARER, &["Bearer good"]), Ok("bearer".to_owned()));
    for values in [&[][..], &["Bearer bad"], &["Basic good"], &["Bearer good", "Bearer good"]] {
        assert_eq!(checked(BEARER, values), Err(401), "{values:?}");
    }
    assert_eq!(checked(BEARER, &["Bearer later"]), Err(503));
}

#[test]
fn no_credential_passes_if_no_scheme_is_listed() {
    for security in [&[][..], &[SecurityRequirement::ANONYMOUS], OPTIONAL] {
        assert_eq!(checked(security, &[]), Err(401), "{security:?}");
    }
    assert_eq!(checked(OPTIONAL, &["Bearer good"]), Ok("bearer".to_owned()));
}

#[test]
fn one_satisfied_alternative_is_enough_and_the_first_decides() {
    for (bearer, key, expected) in [
        ("Bearer good", "good", Ok("bearer")),
        ("Bearer good", "bad", Ok("bearer")),
        ("Bearer bad", "good", Ok("key")),
        ("Bearer", "good", Ok("key")),
        ("Basic x", "good", Ok("key")),
        ("Bearer later", "good", Ok("key")),
        ("Bearer narrow", "good", Ok("key")),
        ("Bearer bad", "bad", Err(401)),
        ("Bearer bad", "later", Err(503)),
        ("Bearer later", "bad", Err(503)),
        ("Bearer narrow", "later", Err(503)),
        ("Bearer later", "narrow", Err(503)),
        ("Bearer bad", "narrow", Err(403)),
        ("Bearer narrow", "bad", Err(403)),
    ] {
        let expected = expected.map(|name| Some(name.to_owned()));
        assert_eq!(admitted(EITHER, &[("authorization", bearer), ("x-key", key)]), expected, "{bearer}, {key}");
    }
}

#[test]
fn every_scheme_of_a_requirement_must_be_satisfied() {
    for (bearer, key, expected) in [
        ("Bearer good", "good", Ok("key+bearer")),
        ("Bearer good", "bad", Err(401)),
        ("Bearer bad", "good", Err(401)),
        ("Bearer", "good", Err(401)),
        ("Basic x", "good", Err(401)),
        ("Bearer good", "later", Err(503)),
        ("Bearer narrow", "good", Err(403)),
    ] {
        let expected = expected.map(|name| Some(name.to_owned()));
        assert_eq!(admitted(BOTH, &[("authorization", bearer), ("x-key", key)]), expected, "{bearer}, {key}");
    }
    for alone in [("authorization", "Bearer good"), ("x-key", "good")] {
        assert_eq!(admitted(BOTH, &[alone]), Err(401), "{alone:?}");
    }
}

#[test]
fn a_request_without_a_credential_passes_if_none_is_required() {
    for security in [&[][..], &[SecurityRequirement::ANONYMOUS]] {
        assert_eq!(admitted(security, &[("authorization", "Bearer bad"), ("x-key", "bad")]), Ok(None));
    }
    assert_eq!(admitted(OPTIONAL, &[]), Ok(None));
    assert_eq!(admitted(OPTIONAL, &[("x-key", "bad")]), Ok(None));
    assert_eq!(admitted(OPTIONAL, &[("authorization", "Bearer good")]), Ok(Some("bearer".to_owned())));
    for (value, status) in [("Bearer bad", 401), ("Bearer", 401), ("Basic x", 401), ("Bearer later", 503)] {
        assert_eq!(admitted(OPTIONAL, &[("authorization", value)]), Err(status), "{value}");
    }
}

#[test]
fn a_refusal_has_a_reason_that_its_response_carries_but_does_not_show() {
    let guard = Guard::new(ByText, &REALM);
    let mut shown = Vec::new();
    for (values, reason) in [
        (&[][..], AuthenticationError::Missing),
        (&[""], AuthenticationError::Malformed),
        (&["Bearer"], AuthenticationError::Malformed),
        (&["Basic good"], AuthenticationError::Malformed),
        (&["Bearer good", "Bearer good"], AuthenticationError::Malformed),
        (&["Bearer bad"], AuthenticationError::Refused),
        (&["Bearer expired"], AuthenticationError::Expired),
    ] {
        let request = request("GET", values);
        let rejection = block_on(guard.check(BEARER, &request)).expect_err("it is rejected");
        assert_eq!(rejection.authentication().rejection(), Some(reason), "{values:?}");
        let response = guard.reject(&rejection, &request);
        assert_eq!(response.body().authentication(), AuthenticationOutcome::Rejected(reason), "{values:?}");
        shown.push((response.status(), response.headers().clone(), body(response)));
    }
    assert!(shown.windows(2).all(|pair| pair[0] == pair[1]), "{shown:?}");
    // Another rendering of the response does not lose the reason.
    let guard = guard.rejections(|_, _| Response::default());
    let outcome =
        |rejection: &Rejection, method| guard.reject(rejection, &request(method, &[])).body().authentication();
    for method in ["GET", "HEAD"] {
        let unknown = AuthenticationOutcome::Rejected(AuthenticationError::Unknown);
        assert_eq!(outcome(&UNAUTHENTICATED, method), unknown);
        assert_eq!(outcome(&Rejection::UnknownPath, method), AuthenticationOutcome::Unchecked);
    }
}

#[test]
fn the_greatest_reason_of_several_alternatives_counts() {
    let headers = [("authorization", "Bearer expired"), ("x-key", "bad")];
    let builder = headers.iter().fold(Request::builder(), |builder, (name, value)| builder.header(*name, *value));
    let (parts, ()) = builder.body(()).expect("a request").into_parts();
    let rejection = block_on(Guard::new(ByText, &REALM).check(EITHER, &parts)).expect_err("it is rejected");
    assert_eq!(rejection.authentication().rejection(), Some(AuthenticationError::Expired));
}

#[test]
fn a_rejection_carries_the_headers_of_every_response() {
    let mut headers =
        HeaderMap::from_iter([(CONTENT_TYPE, value("x/y")), (X_SPAN_ID, value("theirs")), (WARNING, value("1"))]);
    headers.append(WARNING, value("2"));
    let guard = Guard::new(ByText, &REALM).headers(headers);
    let response = guard.reject(&UNAUTHENTICATED, &request("GET", &[]));
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()[X_SPAN_ID], "mine");
    assert_eq!(Vec::from_iter(response.headers().get_all(WARNING)), ["1", "2"]);
    assert_eq!(Vec::from_iter(response.headers().get_all(CONTENT_TYPE)), ["application/json"]);
    assert!(body(response).contains("a valid credential is required"));
    let response = guard.reject(&UNAUTHENTICATED, &request("HEAD", &[]));
    assert_eq!(body(response), "");
}

#[test]
fn a_rejection_is_answered_as_it_is_rendered() {
    let headers = HeaderMap::from_iter([(WARNING, value("1"))]);
    let guard = Guard::new(ByText, &REALM).headers(headers).rejections(|rejection, mut response| {
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        *response.body_mut() = format!("{}: {rejection}", rejection.status()).into();
        response.headers_mut().insert(X_SPAN_ID, value("theirs"));
        response
    });
    let response = guard.reject(&insufficient_scope(), &request("GET", &[]));
    assert_eq!(response.status(), 418);
    assert_eq!(response.headers()[WARNING], "1");
    assert_eq!(response.headers()[X_SPAN_ID], "mine");
    assert!(response.headers().contains_key(WWW_AUTHENTICATE));
    assert_eq!(body(response), "401 Unauthorized: no");
}

#[test]
fn a_panic_in_the_rendering_is_answered_with_500() {
    let guard = Guard::new(ByText, &REALM).rejections(|_, _| panic!("on purpose"));
    let response = guard.reject(&Rejection::UnknownPath, &request("GET", &[]));
    assert_eq!(response.status(), 500);
    assert_eq!(body(response), r#"{"error":"internal server error"}"#);
}

fn checked(security: &'static [SecurityRequirement], values: &[&str]) -> Result<String, u16> {
    let checked = block_on(Guard::new(ByText, &REALM).check(security, &request("GET", values)));
    checked.map_err(|rejection| rejection.status().as_u16())
}

/// The principal of a request with these headers, for an operation that declares 403.
fn admitted(security: &'static [SecurityRequirement], headers: &[(&str, &str)]) -> Result<Option<String>, u16> {
    static OPERATION: Operation =
        Operation::new("o", Method::GET, "/").responses(&[crate::Response::new(crate::Status::Code(403))]);
    let builder = headers.iter().fold(Request::builder(), |builder, (name, value)| builder.header(*name, *value));
    let (parts, ()) = builder.body(()).expect("a request").into_parts();
    let admitted = block_on(Guard::new(ByText, &REALM).admit(security, Some(&OPERATION), &parts));
    admitted.map_err(|rejection| rejection.status().as_u16())
}

fn insufficient_scope() -> Rejection {
    Rejection::InsufficientScope { security: BEARER, forbidden: false, message: "no".into() }
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
