//! An API that deletes a token by its name, under any of four schemes and with 200, and that has operations which change
//! something else: what a later document could declare.

use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, Method};
use hyper::body::Bytes;
use influxdb3_token_api::security::{SecurityKind, SecurityRequirement, SecurityScheme};
use influxdb3_token_api::{Location, Operation, Parameter, Response, Status};
use influxdb3_token_contract::{Api, Outcome, Report, TokenIdentifier};
use serde_json::{Value, json};

use super::server::{Answer, PATH, Right, authorization, bearer, pairs, redirect, set_status};
use super::wrong::Change;

const SCHEMES: &[SecurityScheme] = &[
    SecurityScheme::new("Bearer", SecurityKind::Bearer),
    SecurityScheme::new("Token", SecurityKind::ApiKey { location: Location::Header, name: "Authorization" }),
    SecurityScheme::new("Basic", SecurityKind::Basic),
    SecurityScheme::new("Query", SecurityKind::ApiKey { location: Location::Query, name: "p" }),
];

const ALTERNATIVES: &[SecurityRequirement] = &SecurityRequirement::each::<{ SCHEMES.len() }>(SCHEMES);

pub(super) const NAMED_ADMIN: &str = "/api/v3/configure/token/named_admin";
const REGENERATE: &str = "/api/v3/configure/token/admin/regenerate";

const JSON: &[&str] = &["application/json"];

const OPERATIONS: &[Operation] = &[
    Operation::new("DeleteToken", Method::DELETE, PATH)
        .parameters(&[Parameter::new("token_name", Location::Query).required()])
        .responses(&[
            Response::new(Status::Code(200)),
            Response::new(Status::Code(400)).content_types(JSON),
            Response::new(Status::Code(401)).content_types(JSON),
            Response::new(Status::Code(404)),
        ])
        .security(ALTERNATIVES),
    Operation::new("CreateNamedAdmin", Method::POST, NAMED_ADMIN)
        .request_body(&[JSON])
        .responses(&[
            Response::new(Status::Code(201)).content_types(JSON),
            Response::new(Status::Code(400)).content_types(JSON),
            Response::new(Status::Code(401)).content_types(JSON),
            Response::new(Status::Code(409)).content_types(JSON),
        ])
        .security(ALTERNATIVES),
    Operation::new("Regenerate", Method::POST, REGENERATE)
        .responses(&[
            Response::new(Status::Code(201)).content_types(JSON),
            Response::new(Status::Code(401)).content_types(JSON),
        ])
        .security(ALTERNATIVES),
];

fn document() -> Value {
    let of = |schema: &str| {
        json!({"description": "…", "content": {"application/json": {
            "schema": {"$ref": format!("#/components/schemas/{schema}")},
        }}})
    };
    let body = json!({"required": true, "content": {"application/json": {
        "schema": {"$ref": "#/components/schemas/NamedAdmin"},
    }}});
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Tokens", "version": "next"},
        "paths": {
            PATH: {"delete": {"responses": {
                "200": {"description": "Deleted."},
                "400": of("Error"),
                "401": of("Error"),
                "404": {"description": "No such token."},
            }}},
            NAMED_ADMIN: {"post": {"requestBody": body, "responses": {
                "201": of("Token"), "400": of("Error"), "401": of("Error"), "409": of("Error"),
            }}},
            REGENERATE: {"post": {"responses": {"201": of("Token"), "401": of("Error")}}},
        },
        "components": {"schemas": {
            "Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
            "NamedAdmin": {"type": "object", "required": ["token_name"], "properties": {
                "token_name": {"type": "string"},
                "expiry_secs": {"type": "integer", "nullable": true},
            }},
            "Token": {"type": "object", "properties": {"token": {"type": "string"}}},
        }},
    })
}

pub(super) fn api() -> Api {
    Api::new(OPERATIONS, SCHEMES, &document().to_string()).unwrap().token_deletion("DeleteToken", "token_name").unwrap()
}

/// The credential as a bearer token, if it is under one of the schemes.
fn as_bearer(head: &mut Parts) {
    let keys: Vec<String> = pairs(head).filter(|(name, _)| *name == "p").map(|(_, key)| key.to_owned()).collect();
    let given = head.headers.get_all(AUTHORIZATION).iter().count();
    let value = authorization(head).to_owned();
    let secret = if let ([key], 0) = (&keys[..], given) {
        Some(key.clone())
    } else if let Some((scheme, encoded)) = value.split_once(' ')
        && scheme.eq_ignore_ascii_case("basic")
    {
        let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        decoded.and_then(|pair| Some(pair.split_once(':')?.1.to_owned()))
    } else {
        value.strip_prefix("Token ").map(str::to_owned)
    };
    if let Some(secret) = secret.filter(|_| given < 2) {
        head.headers.insert(AUTHORIZATION, bearer(&secret));
    }
}

/// The right server of this API.
pub(super) fn next(right: &Right, mut head: Parts) -> BoxFuture<'_, Answer> {
    async move {
        as_bearer(&mut head);
        let path = head.uri.path().to_owned();
        let mut answer = match &*path {
            NAMED_ADMIN | REGENERATE => create(right, head, &path).await,
            _ => {
                let names: Vec<_> = pairs(&head).filter(|(name, _)| decoded(name) == "token_name").collect();
                let ids: Vec<String> = names.iter().map(|(_, name)| format!("id={}", id(right, name))).collect();
                let target = format!("{path}?{}", ids.join("&"));
                redirect(&mut head, &target);
                right.answer(&head).await
            }
        };
        match answer.status().as_u16() {
            204 => set_status(&mut answer, 200),
            401 => drop(answer.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"))),
            _ => {}
        }
        answer
    }
    .boxed()
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The ID of the token with a name, which is percent-encoded.
fn id(right: &Right, name: &str) -> String {
    right.names.lock().unwrap().get(&decoded(name)).cloned().unwrap_or_else(|| "none".to_owned())
}

/// Creates nothing, but counts what it would create.
async fn create(right: &Right, mut head: Parts, path: &str) -> Answer {
    let (method, body) = (head.method.clone(), head.extensions.get::<Bytes>().cloned().unwrap_or_default());
    redirect(&mut head, &format!("{PATH}?id=none"));
    head.method = if method == Method::POST { Method::DELETE } else { Method::GET };
    let mut answer = right.answer(&head).await;
    let named = || serde_json::from_slice::<Value>(&body).is_ok_and(|body| body["token_name"].is_string());
    let is_json = head.headers.get(CONTENT_TYPE).is_some_and(|value| value == "application/json");
    match answer.status().as_u16() {
        404 if path == REGENERATE || (named() && is_json) => {
            right.requests.fetch_add(1_000_000, Ordering::SeqCst);
            set_json(&mut answer, 201, r#"{"token": "new"}"#);
        }
        404 => set_json(&mut answer, 400, r#"{"error": "the body is invalid"}"#),
        405 => drop(answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"))),
        _ => {}
    }
    answer
}

fn set_json(answer: &mut Answer, status: u16, json: &'static str) {
    set_status(answer, status);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *answer.body_mut() = Bytes::from_static(json.as_bytes());
}

type Server = for<'r> fn(&'r Right, Parts) -> BoxFuture<'r, Answer>;

/// The report, and whether an operation other than the deletion was carried out.
async fn check(server: Server, invalid_calls: bool) -> (Report, bool) {
    let right = Right::in_memory().await;
    let address = right.serve(Some(Change::Whole(server))).await;
    let contract = right.contract(&format!("http://{address}")).api(api());
    let contract = if invalid_calls { contract.invalid_calls() } else { contract };
    let report = contract.run(|_| ()).await.unwrap();
    (report, right.requests.load(Ordering::SeqCst) >= 1_000_000)
}

#[tokio::test]
async fn the_right_server_passes_whatever_the_document_deletes_by() {
    for invalid_calls in [false, true] {
        let (report, created) = check(next, invalid_calls).await;
        assert!(report.holds(), "{:#?}", report.failed().collect::<Vec<_>>());
        assert!(report.is_complete() && !created, "{:#?}", report.responses);
        assert_eq!(report.left_behind, [""; 0]);
        let named = |text: &str| report.cases.iter().filter(|case| case.full_name() == text).count();
        for scheme in ["Bearer", "Token", "Basic", "Query"] {
            for case in ["right", "wrong", "revoked-like-unknown"] {
                assert_eq!(named(&format!("DeleteToken/credentials/{scheme}/{case}")), 1, "{scheme} {case}");
            }
        }
        assert_eq!(named("CreateNamedAdmin/body/without/token_name"), usize::from(invalid_calls));
        assert_eq!(named("DeleteToken/parameters/token_name/missing"), 1);
    }
}

#[tokio::test]
async fn a_response_that_only_a_carried_out_operation_has_is_not_expected() {
    let (report, _) = check(next, false).await;
    let not_expected = report.responses.iter().filter(|response| !response.expected);
    let not_expected: Vec<_> = not_expected.map(|response| (response.operation, &*response.status)).collect();
    assert_eq!(
        not_expected,
        [("CreateNamedAdmin", "201"), ("CreateNamedAdmin", "400"), ("CreateNamedAdmin", "409"), ("Regenerate", "201")]
    );
}

/// A server that takes paths and methods for others.
fn lenient(right: &Right, mut head: Parts) -> BoxFuture<'_, Answer> {
    let path = head.uri.path().trim_end_matches('/').to_lowercase().replace("//", "/");
    for operation in [NAMED_ADMIN, REGENERATE] {
        if path.starts_with(operation) || operation.starts_with(&path) && path.len() > PATH.len() {
            redirect(&mut head, operation);
            head.method = Method::POST;
        }
    }
    next(right, head)
}

#[tokio::test]
async fn nothing_is_created_even_by_a_wrong_server() {
    let (report, created) = check(lenient, false).await;
    assert!(!created, "{:#?}", report.cases);
}

/// A server that reads no body.
fn bodiless(right: &Right, mut head: Parts) -> BoxFuture<'_, Answer> {
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head.extensions.insert(Bytes::from_static(br#"{"token_name": "a"}"#));
    next(right, head)
}

#[tokio::test]
async fn a_server_that_does_not_check_bodies_is_detected_if_the_caller_allows_it() {
    let (report, created) = check(bodiless, false).await;
    assert!(report.holds() && !created, "{:#?}", report.causes);
    let (report, created) = check(bodiless, true).await;
    assert!(created);
    let failed: Vec<_> = report.failed().map(|case| case.full_name()).collect();
    assert_eq!(failed.len(), 6, "{failed:?}");
    assert!(failed.iter().all(|name| name.starts_with("CreateNamedAdmin/body/")), "{failed:?}");
    assert_eq!(report.causes[0].text, "400 is answered as 201");
}

#[tokio::test]
async fn the_caller_says_what_a_parameter_takes_where_its_name_does_not() {
    let right = Right::in_memory().await;
    let address = right.serve(Some(Change::Whole(next))).await;
    let contract = right.contract(&format!("http://{address}")).api(api().identifying_by(TokenIdentifier::Id));
    let report = contract.run(|_| ()).await.unwrap();
    // The server takes a name, and finds no token.
    let deleted = report.cases.iter().find(|case| case.name == "effects/deleted").unwrap();
    assert!(matches!(deleted.outcome, Outcome::Failed { .. }), "{deleted:#?}");
    assert!(!report.left_behind.is_empty());
}
