//! Wrong responses: statuses, bodies and headers.

use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use hyper::body::Bytes;
use influxdb3_token_contract::Subject::{Body, Connection, ContentType, Difference, Header, Leak, Status};

use super::super::server::{Answer, presented, set_status};
use super::Change;
use super::{Wrong, wrong};

const CLUSTER_UUID: HeaderName = HeaderName::from_static("cluster-uuid");

pub(super) fn all() -> Vec<Wrong> {
    [statuses(), bodies(), headers()].concat()
}

/// Answers with another status than the right server.
macro_rules! instead_of {
    ($right:literal, $status:literal) => {
        Change::Answer(|_, _, answer| {
            if answer.status() == $right {
                set_status(answer, $status);
            }
        })
    };
}

/// Changes the responses with this status.
macro_rules! of {
    ($status:literal, $change:expr) => {
        Change::Answer(|_, _, answer| {
            if answer.status() == $status {
                let change: fn(&mut Answer) = $change;
                change(answer);
            }
        })
    };
}

fn statuses() -> Vec<Wrong> {
    vec![
        wrong("200-for-204", "A deletion is answered with 200.", ("effects/deleted", Status), instead_of!(204, 200)),
        wrong("202-for-204", "A deletion is answered with 202.", ("effects/deleted", Status), instead_of!(204, 202)),
        wrong(
            "410-for-404",
            "An unknown token is answered with 410.",
            ("effects/no-token", Status),
            instead_of!(404, 410),
        ),
        wrong(
            "204-for-404",
            "An unknown token is answered with 204.",
            ("effects/no-token", Status),
            instead_of!(404, 204),
        ),
        wrong(
            "403-for-401",
            "A caller without permission is answered with 403.",
            ("effects/not-permitted", Status),
            instead_of!(401, 403),
        ),
        wrong(
            "404-for-401",
            "A request without credentials is answered with 404.",
            ("credentials/missing", Status),
            instead_of!(401, 404),
        ),
        wrong(
            "404-for-400",
            "A request without the parameter is answered with 404.",
            ("parameters/id/missing", Status),
            instead_of!(400, 404),
        ),
        wrong(
            "500-for-400",
            "A request without the parameter is answered with 500.",
            ("parameters/id/missing", Status),
            instead_of!(400, 500),
        ),
        wrong("404-for-405", "Another method is answered with 404.", ("methods/POST", Status), instead_of!(405, 404)),
        wrong(
            "closes-for-401",
            "The connection is closed instead of a 401.",
            ("credentials/missing", Connection),
            Change::Close(|head, answer| answer.status() == 401 && presented(head).is_none()),
        ),
        wrong(
            "500-for-long",
            "A long value is answered with 500.",
            ("parameters/id/long/1000", Status),
            Change::Answer(|_, head, answer| {
                if head.uri.query().is_some_and(|query| query.len() > 500) {
                    set_status(answer, 500);
                }
            }),
        ),
    ]
}

fn bodies() -> Vec<Wrong> {
    vec![
        wrong(
            "body-of-404",
            "404 has a body, although none is declared.",
            ("effects/no-token", Body),
            of!(404, |answer| *answer.body_mut() = Bytes::from_static(br#"{"error":"not found"}"#)),
        ),
        wrong(
            "body-for-204",
            "The response to a deletion has a body, and therefore 200.",
            ("effects/deleted", Status),
            of!(204, |answer| {
                set_status(answer, 200);
                *answer.body_mut() = Bytes::from_static(b"{}");
            }),
        ),
        wrong(
            "type-of-404",
            "404 has a content type and no body.",
            ("effects/no-token", ContentType),
            of!(404, |answer| {
                answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }),
        ),
        wrong(
            "empty-401",
            "401 has no body.",
            ("credentials/missing", Body),
            of!(401, |answer| *answer.body_mut() = Bytes::new()),
        ),
        wrong(
            "bare-401",
            "401 has neither body nor content type.",
            ("credentials/missing", ContentType),
            of!(401, |answer| {
                *answer.body_mut() = Bytes::new();
                answer.headers_mut().remove(CONTENT_TYPE);
            }),
        ),
        wrong(
            "broken-401",
            "The body of 401 is not JSON.",
            ("credentials/missing", Body),
            of!(401, |answer| *answer.body_mut() = Bytes::from_static(b"{\"error\":")),
        ),
        wrong(
            "number-in-401",
            "The `error` of 401 is a number.",
            ("credentials/missing", Body),
            of!(401, |answer| *answer.body_mut() = Bytes::from_static(b"{\"error\":401}")),
        ),
        wrong(
            "list-in-400",
            "The body of 400 is a list.",
            ("parameters/id/missing", Body),
            of!(400, |answer| *answer.body_mut() = Bytes::from_static(b"[\"id is missing\"]")),
        ),
        wrong(
            "text-401",
            "401 is plain text.",
            ("credentials/missing", ContentType),
            of!(401, |answer| {
                answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
            }),
        ),
        wrong(
            "untyped-400",
            "400 has no content type.",
            ("parameters/id/missing", ContentType),
            of!(400, |answer| {
                answer.headers_mut().remove(CONTENT_TYPE);
            }),
        ),
        wrong(
            "echoes-the-secret",
            "The error contains the credential.",
            ("parameters/id/missing", Leak),
            Change::Answer(|_, head, answer| {
                if answer.status() == 400 {
                    let secret = presented(head).unwrap_or_default();
                    *answer.body_mut() = serde_json::json!({ "error": format!("not for {secret}") }).to_string().into();
                }
            }),
        ),
        wrong(
            "secret-in-a-header",
            "A header contains the credential.",
            ("effects/deleted", Leak),
            Change::Answer(|_, head, answer| {
                if let Some(secret) = presented(head).and_then(|secret| HeaderValue::try_from(secret).ok()) {
                    answer.headers_mut().insert("x-token", secret);
                }
            }),
        ),
    ]
}

fn headers() -> Vec<Wrong> {
    vec![
        wrong(
            "no-challenge",
            "401 has no `WWW-Authenticate`.",
            ("credentials/missing", Header),
            of!(401, |answer| {
                answer.headers_mut().remove(WWW_AUTHENTICATE);
            }),
        ),
        wrong(
            "other-challenge",
            "`WWW-Authenticate` names another scheme than the listed one.",
            ("credentials/missing", Header),
            of!(401, |answer| {
                answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"influxdb3\""));
            }),
        ),
        wrong(
            "no-allow",
            "405 has no `Allow`.",
            ("methods/POST", Header),
            of!(405, |answer| {
                answer.headers_mut().remove(ALLOW);
            }),
        ),
        wrong(
            "other-allow",
            "`Allow` names other methods than the path has.",
            ("methods/POST", Header),
            of!(405, |answer| {
                answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
            }),
        ),
        wrong(
            "no-allow-for-options",
            "OPTIONS is answered with 204 and without `Allow`.",
            ("methods/OPTIONS", Header),
            Change::Answer(|_, head, answer| {
                if head.method == "OPTIONS" && answer.status() == 405 {
                    set_status(answer, 204);
                    *answer.body_mut() = Bytes::new();
                    answer.headers_mut().remove(ALLOW);
                    answer.headers_mut().remove(CONTENT_TYPE);
                    answer.headers_mut().remove(CONTENT_LENGTH);
                }
            }),
        ),
        wrong(
            "no-cluster",
            "`cluster-uuid` is missing.",
            ("effects/deleted", Header),
            Change::Answer(|_, _, answer| drop(answer.headers_mut().remove(CLUSTER_UUID))),
        ),
        wrong(
            "nameless-cluster",
            "`cluster-uuid` is not a UUID.",
            ("effects/deleted", Header),
            Change::Answer(|_, _, answer| {
                answer.headers_mut().insert(CLUSTER_UUID, HeaderValue::from_static("cluster-1"));
            }),
        ),
        wrong(
            "many-clusters",
            "`cluster-uuid` differs in each response.",
            ("effects/deleted-once", Header),
            Change::Answer(|_, _, answer| {
                let uuid = uuid::Uuid::new_v4().to_string();
                answer.headers_mut().insert(CLUSTER_UUID, HeaderValue::try_from(uuid).unwrap());
            }),
        ),
        wrong(
            "tells-strangers-by-a-header",
            "A header tells strangers whether the token exists.",
            ("credentials/nothing-learnt/without", Difference),
            Change::Answer(|right, head, answer| {
                if answer.status() == 401 && right.named(head).is_some() {
                    answer.headers_mut().insert("x-token", HeaderValue::from_static("found"));
                }
            }),
        ),
        wrong(
            "tells-strangers-by-the-text",
            "The text of 401 tells strangers whether the token exists.",
            ("credentials/nothing-learnt/wrong", Difference),
            Change::Answer(|right, head, answer| {
                if answer.status() == 401 && right.named(head).is_none() {
                    *answer.body_mut() =
                        Bytes::from_static(b"{\"error\":\"a valid credential is required for nothing\"}");
                }
            }),
        ),
        wrong(
            "tells-the-limited",
            "A caller who may not delete tokens learns that the token is unknown.",
            ("credentials/nothing-learnt/not-permitted", Difference),
            Change::Answer(|right, head, answer| {
                let insufficient = answer.headers().get(WWW_AUTHENTICATE).is_some_and(|challenge| {
                    challenge.to_str().is_ok_and(|challenge| challenge.contains("insufficient_scope"))
                });
                if insufficient && right.named(head).is_none() {
                    set_status(answer, 404);
                    *answer.body_mut() = Bytes::new();
                    answer.headers_mut().remove(CONTENT_TYPE);
                    answer.headers_mut().remove(WWW_AUTHENTICATE);
                }
            }),
        ),
    ]
}
