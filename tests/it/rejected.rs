//! Requests that the server must reject with 401.

use std::fmt::Display;

use http::header::AUTHORIZATION;
use influxdb3_token_api::Location;
use influxdb3_token_api::security::SecurityKind;
use influxdb3_tokens::Secret;

use crate::client::Request;
use crate::document::{PARAMETER, accepts};

/// Deletions that the server must reject, although most of them contain a valid token in some form.
pub(crate) fn rejected_requests(token: impl Display + Copy, operator: &str, other: &str) -> Vec<Request> {
    let request = || Request::delete(token);
    let secrets = not_tokens(operator).into_iter().map(|secret| request().bearer(&secret));
    let schemes = other_schemes(operator).into_iter().map(|value| request().with(AUTHORIZATION, value));
    let requests = secrets.chain(schemes).chain(doubled(token, operator, other)).chain(elsewhere(token, operator));
    requests.collect()
}

/// Bearer credentials that are not a valid token.
fn not_tokens(operator: &str) -> Vec<String> {
    let (head, last) = operator.split_at(operator.len() - 1);
    vec![
        String::new(),
        "apiv3_".to_owned(),
        Secret::generate().unwrap().expose().to_owned(),
        head.to_owned(),
        format!("{operator}{last}"),
        format!("{operator}="),
        format!("{operator}=="),
        format!("{operator},"),
        format!("{operator} {operator}"),
        format!("\"{operator}\""),
        format!("\t{operator}"),
        operator.to_uppercase(),
        operator.replacen("apiv3_", "APIV3_", 1),
        operator.replacen("apiv3_", "", 1),
        operator.replacen("apiv3_", "apiv3%5F", 1),
        "x".repeat(10_000),
    ]
}

/// Values of `Authorization` that are malformed or have a scheme that the operation does not list.
fn other_schemes(operator: &str) -> Vec<Vec<u8>> {
    use base64::Engine;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("user:{operator}"));
    let mut values: Vec<Vec<u8>> = [
        format!("token {operator}"),
        format!("Bearer: {operator}"),
        format!("Bearer\t{operator}"),
        format!("Bearer{operator}"),
        format!("Bearer={operator}"),
        format!("Bearer token=\"{operator}\""),
        format!("BearerX {operator}"),
        format!("Digest {operator}"),
        format!("Basic {basic}, Bearer {operator}"),
        operator.to_owned(),
        String::new(),
        "Bearer".to_owned(),
        "Basic".to_owned(),
        "Basic %%%".to_owned(),
    ]
    .map(String::into_bytes)
    .into();
    values.push([b"Bearer ", operator.as_bytes(), b"\xff"].concat());
    values.push([b"Bearer \xc3\xa9", operator.as_bytes()].concat());
    values.push(b"\x80".to_vec());
    if !accepts(SecurityKind::ApiKey { location: Location::Header, name: "Authorization" }) {
        values.push(format!("Token {operator}").into());
    }
    if !accepts(SecurityKind::Basic) {
        values.extend([format!("Basic {basic}").into(), format!("basic {basic}").into()]);
    }
    values
}

/// Requests with more than one `Authorization` header.
fn doubled(token: impl Display + Copy, operator: &str, other: &str) -> Vec<Request> {
    let request = || Request::delete(token);
    vec![
        request().bearer(operator).bearer(operator),
        request().bearer(operator).bearer(other),
        request().bearer(operator).bearer("wrong"),
        request().bearer("wrong").bearer(operator),
        request().bearer("wrong").bearer("wrong"),
        request().bearer(operator).with(AUTHORIZATION, format!("Token {operator}")),
        request().bearer(operator).with(AUTHORIZATION, "Basic x"),
        request().bearer(operator).with(AUTHORIZATION, ""),
        request().with(AUTHORIZATION, "").bearer(operator),
        request().bearer(operator).with(AUTHORIZATION, b"\xff"),
    ]
}

/// Requests with a valid token in a place where the operation does not look for one.
fn elsewhere(token: impl Display + Copy, operator: &str) -> Vec<Request> {
    let request = || Request::delete(token);
    let mut requests = vec![
        Request::query(&format!("{PARAMETER}={token}&access_token={operator}")),
        request().with("proxy-authorization", format!("Bearer {operator}")),
        request().with("x-authorization", format!("Bearer {operator}")),
        request().with("cookie", format!("Authorization=Bearer {operator}; token={operator}")),
        request().with("token", operator),
    ];
    if !accepts(SecurityKind::ApiKey { location: Location::Query, name: "p" }) {
        for other in ["", "u=user&"] {
            requests.push(Request::query(&format!("{PARAMETER}={token}&{other}p={operator}")));
        }
    }
    requests
}
