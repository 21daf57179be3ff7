//! The API of the servers to check, and a right server of it. Both are written by hand, so that the tests of the kit stay the
//! same when the vendor's document changes.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, Method, Response};
use hyper::body::Bytes;
use influxdb3_token_api::security::{SecurityKind, SecurityRequirement, SecurityScheme};
use influxdb3_token_api::{Location, Operation, Parameter, Response as Declared, Status};
use influxdb3_token_contract::Api;
use influxdb3_tokens::{Catalog, DeleteError, Principal};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::server::{Answer, pairs};

/// The path of the operation that deletes a token.
pub(super) const PATH: &str = "/api/v3/configure/token";

const BEARER: SecurityScheme = SecurityScheme::new("BearerAuthentication", SecurityKind::Bearer);

const SCHEMES: &[SecurityScheme] = &[
    SecurityScheme::new("BasicAuthentication", SecurityKind::Basic),
    SecurityScheme::new("QuerystringAuthentication", SecurityKind::ApiKey { location: Location::Query, name: "p" }),
    BEARER,
    SecurityScheme::new(
        "TokenAuthentication",
        SecurityKind::ApiKey { location: Location::Header, name: "Authorization" },
    ),
];

pub(super) const OPERATIONS: &[Operation] = &[Operation::new("DeleteToken", Method::DELETE, PATH)
    .parameters(&[Parameter::new("id", Location::Query).required()])
    .responses(&[
        Declared::new(Status::Code(204)),
        Declared::new(Status::Code(401)).content_types(&["application/json"]),
        Declared::new(Status::Code(404)),
        Declared::new(Status::Code(400)).content_types(&["application/json"]),
    ])
    .security(&[SecurityRequirement::new(&[BEARER])])];

pub(super) fn document() -> Value {
    let error = json!({"description": "Rejected.", "content": {"application/json": {
        "schema": {"$ref": "#/components/schemas/Error"},
    }}});
    json!({
        "openapi": "3.0.3",
        "info": {"title": "/api/v3/configure/token", "version": "3.7.0"},
        "paths": {PATH: {"delete": {"responses": {
            "204": {"description": "Deleted."},
            "400": error,
            "401": error,
            "404": {"description": "No such token."},
        }}}},
        "components": {
            "headers": {"ClusterUUID": {"schema": {"type": "string", "format": "uuid"}}},
            "schemas": {"Error": {"type": "object", "properties": {
                "error": {"type": "string"},
                "data": {"type": "object", "nullable": true},
            }}},
        },
    })
}

pub(super) fn api() -> Api {
    Api::new(OPERATIONS, SCHEMES, &document().to_string()).unwrap().token_deletion("DeleteToken", "id").unwrap()
}

/// A right server.
pub(super) async fn answer(catalog: &Catalog, head: &Parts) -> Answer {
    static SPANS: AtomicUsize = AtomicUsize::new(0);
    let mut answer = delete_token(catalog, head).await.unwrap_or_else(|rejection| rejection);
    if head.method == Method::HEAD {
        answer.body_mut().clear();
    }
    let span = HeaderValue::from(SPANS.fetch_add(1, Ordering::Relaxed));
    answer.headers_mut().insert("x-span-id", span);
    answer.headers_mut().insert("cluster-uuid", HeaderValue::from_static("5d7d0e06-9bf9-4ec7-99c6-f2de82317321"));
    answer
}

async fn delete_token(catalog: &Catalog, head: &Parts) -> Result<Answer, Answer> {
    if head.uri.path() != PATH {
        return Err(error(404, "there is no resource at this path"));
    }
    if head.method != Method::DELETE {
        let mut answer = error(405, "the resource does not have this method");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("DELETE"));
        return Err(answer);
    }
    let caller = caller(catalog, head).ok_or_else(|| unauthenticated("a valid credential is required", ""))?;
    let id = id(head).ok_or_else(|| error(400, "the parameter `id` is required once, percent-encoded"))?;
    match catalog.delete(&caller, &id).await.map(|_| ()) {
        Ok(()) => Ok(empty(204)),
        Err(DeleteError::NotFound) => Err(empty(404)),
        Err(DeleteError::Unauthorized) => Err(unauthenticated("a valid credential is required", "")),
        Err(DeleteError::Store(error)) => panic!("the store of a test does not fail: {error}"),
        Err(other) => Err(unauthenticated(&other.to_string(), ", error=\"insufficient_scope\"")),
    }
}

/// The holder of the only credential, which is a bearer token.
fn caller(catalog: &Catalog, head: &Parts) -> Option<Principal> {
    let mut values = head.headers.get_all(AUTHORIZATION).iter();
    let (scheme, secret) = values.next()?.to_str().ok()?.split_once(' ')?;
    if values.next().is_some() || !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    catalog.authenticate(secret.trim_start_matches(' '))
}

/// The value of the only parameter `id`.
fn id(head: &Parts) -> Option<String> {
    let mut ids = pairs(head).filter(|(name, _)| decoded(name).as_deref() == Some("id"));
    let (_, id) = ids.next()?;
    if ids.next().is_some() { None } else { decoded(id) }
}

/// The text; `None` if it is not valid percent-encoded UTF-8.
fn decoded(text: &str) -> Option<String> {
    let is_encoded = |rest: &str| rest.get(..2).is_some_and(|digits| u8::from_str_radix(digits, 16).is_ok());
    let valid = text.split('%').skip(1).all(is_encoded);
    percent_decode_str(text).decode_utf8().ok().filter(|_| valid).map(Into::into)
}

fn empty(status: u16) -> Answer {
    Response::builder().status(status).body(Bytes::new()).unwrap()
}

fn error(status: u16, text: &str) -> Answer {
    let body = json!({"error": text}).to_string();
    Response::builder().status(status).header(CONTENT_TYPE, "application/json").body(body.into()).unwrap()
}

fn unauthenticated(text: &str, parameters: &str) -> Answer {
    let mut answer = error(401, text);
    let challenge = format!("Bearer realm=\"influxdb3\"{parameters}");
    answer.headers_mut().insert(WWW_AUTHENTICATE, challenge.try_into().unwrap());
    answer
}
