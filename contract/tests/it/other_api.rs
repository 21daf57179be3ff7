//! Servers of another API, whose operations have path parameters.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{ALLOW, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method};
use hyper::body::Bytes;
use influxdb3_token_api::security::{SecurityKind, SecurityRequirement, SecurityScheme};
use influxdb3_token_api::{Location, Operation, Parameter, Response, Status};
use influxdb3_token_contract::{Api, InvalidApi, Outcome, Report, Subject};
use serde_json::{Value, json};

use crate::server::{Answer, PATH, Right, redirect, set_status};
use crate::wrong::Change;

const SCHEMES: &[SecurityScheme] = &[SecurityScheme::new("Key", SecurityKind::Bearer)];
const SECURITY: &[SecurityRequirement] = &[SecurityRequirement::new(SCHEMES)];

const OPERATIONS: &[Operation] = &[
    Operation::new("ReadRoom", Method::GET, "/rooms/{room}")
        .parameters(&[Parameter::new("room", Location::Path).required()])
        .responses(&[
            Response::new(Status::Code(200)).content_types(&["application/json"]),
            Response::new(Status::Code(401)).content_types(&["application/json"]),
        ])
        .security(SECURITY),
    Operation::new("DeleteKey", Method::DELETE, "/rooms/{room}/keys/{key}")
        .parameters(&[
            Parameter::new("room", Location::Path).required(),
            Parameter::new("key", Location::Path).required(),
        ])
        .responses(&[
            Response::new(Status::Code(204)),
            Response::new(Status::Code(401)).content_types(&["application/json"]),
            Response::new(Status::Code(404)),
        ])
        .security(SECURITY),
];

fn document() -> Value {
    let rejected = json!({"description": "Rejected.", "content": {"application/json": {
        "schema": {"$ref": "#/components/schemas/Rejection"}
    }}});
    let room = json!({"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}});
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Rooms", "version": "1"},
        "paths": {
            "/rooms/{room}": {"get": {"responses": {
                "200": {"description": "The room.", "content": {"application/json": {"schema": room}}},
                "401": rejected,
            }}},
            "/rooms/{room}/keys/{key}": {"delete": {"responses": {
                "204": {"description": "Deleted."},
                "401": rejected,
                "404": {"description": "No such key."},
            }}},
        },
        "components": {"schemas": {"Rejection": {
            "type": "object",
            "required": ["error"],
            "properties": {"error": {"type": "string"}},
        }}},
    })
}

fn api() -> Api {
    let api = Api::new(OPERATIONS, SCHEMES, &document().to_string()).unwrap();
    api.token_deletion("DeleteKey", "key").unwrap()
}

/// The right server of this API. Its keys are tokens.
fn rooms(right: &Right, mut head: Parts) -> BoxFuture<'_, Answer> {
    async move {
        let path = head.uri.path().to_owned();
        match path.split('/').collect::<Vec<_>>()[..] {
            ["", "rooms", room, "keys", key] if !room.is_empty() && !key.is_empty() => {
                redirect(&mut head, &format!("{PATH}?id={key}"));
                right.answer(&head).await
            }
            ["", "rooms", room] if !room.is_empty() => read_room(right, head).await,
            _ => right.answer(&head).await,
        }
    }
    .boxed()
}

async fn read_room(right: &Right, mut head: Parts) -> Answer {
    redirect(&mut head, &format!("{PATH}?id=none"));
    if head.method == Method::GET {
        head.method = Method::DELETE;
    } else if head.method == Method::DELETE {
        head.method = Method::POST;
    }
    let mut answer = right.answer(&head).await;
    match answer.status().as_u16() {
        404 => {
            set_status(&mut answer, 200);
            set_json(&mut answer, r#"{"size": 3}"#);
        }
        405 => drop(answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"))),
        _ => {}
    }
    answer
}

fn set_json(answer: &mut Answer, json: &'static str) {
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *answer.body_mut() = Bytes::from_static(json.as_bytes());
}

/// Rejects a request for a room with a body that violates the schema.
fn rooms_with_a_wrong_rejection(right: &Right, head: Parts) -> BoxFuture<'_, Answer> {
    async move {
        let reads = head.method == Method::GET;
        let mut answer = rooms(right, head).await;
        if reads && answer.status() == 401 {
            set_json(&mut answer, r#"{"error": 7}"#);
        }
        answer
    }
    .boxed()
}

/// Sends a 404 with a body, although the document does not declare one.
fn rooms_with_a_wrong_404(right: &Right, head: Parts) -> BoxFuture<'_, Answer> {
    async move {
        let mut answer = rooms(right, head).await;
        if answer.status() == 404 {
            set_json(&mut answer, r#"{"error": "no such key"}"#);
        }
        answer
    }
    .boxed()
}

type Server = for<'r> fn(&'r Right, Parts) -> BoxFuture<'r, Answer>;

async fn check(server: Server) -> Report {
    let right = Right::in_memory().await;
    let address = right.serve(Some(Change::Whole(server))).await;
    right.contract(&format!("http://{address}")).api(api()).run(|_| ()).await.unwrap()
}

#[tokio::test]
async fn the_right_server_of_another_api_passes() {
    let report = check(rooms).await;
    assert!(report.holds(), "{:#?}", report.failed().collect::<Vec<_>>());
    assert_eq!((&*report.document, report.left_behind.len()), ("Rooms 1", 0));
    let covered = report.cases.iter().all(|case| matches!(case.outcome, Outcome::Passed));
    assert!(covered, "{:#?}", report.cases);
    let reached = report.responses.iter().map(|it| (it.operation, &*it.status, it.reached)).collect::<Vec<_>>();
    let expected = [
        // The kit calls only the deletion with a valid credential.
        ("ReadRoom", "200", false),
        ("ReadRoom", "401", true),
        ("DeleteKey", "204", true),
        ("DeleteKey", "401", true),
        ("DeleteKey", "404", true),
    ];
    assert_eq!(reached, expected);
}

#[tokio::test]
async fn a_wrong_body_of_an_operation_with_a_path_parameter_is_found() {
    for (server, operation, case, text) in [
        (rooms_with_a_wrong_rejection as Server, "ReadRoom", "credentials/missing", "/error: "),
        (rooms_with_a_wrong_404, "DeleteKey", "effects/no-token", "although no body is declared"),
    ] {
        let report = check(server).await;
        let failed = report.failed().find(|failed| failed.operation == operation && failed.name == case);
        let problems = failed.unwrap_or_else(|| panic!("{operation}/{case} passes")).problems();
        assert!(problems.iter().any(|it| it.subject == Subject::Body && it.text.contains(text)), "{problems:?}");
    }
}

#[test]
fn a_document_that_does_not_fit_its_tables_is_an_error() {
    let made = |document: &str| Api::new(OPERATIONS, SCHEMES, document).unwrap_err();
    assert!(matches!(made("openapi: 3.0.3"), InvalidApi::NotJson(_)));

    let mut without = document();
    without["paths"]["/rooms/{room}"]["get"]["responses"].as_object_mut().unwrap().remove("401");
    let error = made(&without.to_string()).to_string();
    assert_eq!(error, "the document has nothing at /paths/~1rooms~1{room}/get/responses/401");

    let mut invalid = document();
    invalid["components"]["schemas"]["Rejection"]["type"] = json!("text");
    assert!(matches!(made(&invalid.to_string()), InvalidApi::InvalidSchema { .. }));

    for (operation, parameter) in [("DeleteKey", "id"), ("DeleteToken", "key")] {
        let error = api().token_deletion(operation, parameter).unwrap_err().to_string();
        assert_eq!(error, format!("the API has no operation {operation} with a parameter {parameter}"));
    }
}
