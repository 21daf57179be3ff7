//! Responses that are wrong in one status, one header or one part of the body.

use http::HeaderValue;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::request::Parts;
use hyper::body::Bytes;
use influxdb3_token_contract::Subject::{Body, ContentType, Header, Status};

use super::super::server::{self, Right, authorization, set_status};
use super::{Change, Wrong, wrong};
use crate::server::PATH;

const CLUSTER_UUID: &str = "cluster-uuid";

/// Changes the responses with this status.
macro_rules! of {
    ($status:literal, |$answer:ident| $change:expr) => {
        Change::Answer(|_, _, $answer: &mut server::Answer| {
            if $answer.status() == $status {
                $change;
            }
        })
    };
}

pub(super) fn all() -> Vec<Wrong> {
    [statuses(), bodies(), challenges(), methods(), clusters()].concat()
}

fn set(answer: &mut server::Answer, name: &'static str, value: &'static str) {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
}

fn set_json(answer: &mut server::Answer, json: &'static str) {
    *answer.body_mut() = Bytes::from_static(json.as_bytes());
}

/// Whether the response says that the permission is missing.
fn is_insufficient(right: &Right, head: &Parts, answer: &server::Answer) -> bool {
    let caller = server::presented(head).and_then(|secret| right.catalog.authenticate(secret));
    answer.status() == 401 && caller.is_some()
}

fn statuses() -> Vec<Wrong> {
    vec![
        wrong(
            "404-for-204",
            "A deletion is answered with 404.",
            ("effects/deleted", Status),
            of!(204, |answer| set_status(answer, 404)),
        ),
        wrong(
            "400-for-404",
            "An unknown token is answered with 400.",
            ("effects/no-token", Status),
            of!(404, |answer| set_status(answer, 400)),
        ),
        wrong(
            "400-for-401",
            "A request without credentials is answered with 400.",
            ("credentials/missing", Status),
            Change::Answer(|_, head, answer| {
                if answer.status() == 401 && authorization(head).is_empty() {
                    set_status(answer, 400);
                }
            }),
        ),
        wrong(
            "422-for-400",
            "A request without the parameter is answered with 422.",
            ("parameters/id/missing", Status),
            of!(400, |answer| set_status(answer, 422)),
        ),
        wrong(
            "501-for-405",
            "A well-known method is answered with 501.",
            ("methods/PATCH", Status),
            of!(405, |answer| set_status(answer, 501)),
        ),
        wrong(
            "405-elsewhere",
            "Another path is answered with 405.",
            ("paths/below", Status),
            Change::Answer(|_, head, answer| {
                if head.uri.path() != PATH {
                    set_status(answer, 405);
                }
            }),
        ),
        wrong(
            "always-503",
            "Every request is answered with 503.",
            ("effects/deleted", Status),
            Change::Answer(|_, _, answer| set_status(answer, 503)),
        ),
        wrong(
            "closes-for-long",
            "The connection is closed after a long value.",
            ("parameters/id/long/20000", influxdb3_token_contract::Subject::Connection),
            Change::Close(|head, _| head.uri.to_string().len() > 10_000),
        ),
    ]
}

fn bodies() -> Vec<Wrong> {
    vec![
        wrong(
            "type-of-204",
            "204 has a content type.",
            ("effects/deleted", ContentType),
            of!(204, |answer| set(answer, "content-type", "application/json")),
        ),
        wrong(
            "length-of-204",
            "204 has a content-length, over HTTP/2.",
            ("effects/deleted", Header),
            of!(204, |answer| answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"))),
        )
        .over_http2(),
        wrong(
            "null-in-401",
            "The `error` of 401 is null.",
            ("credentials/missing", Body),
            of!(401, |answer| set_json(answer, r#"{"error":null}"#)),
        ),
        wrong(
            "list-as-data",
            "The `data` of 401 is a list.",
            ("credentials/missing", Body),
            of!(401, |answer| set_json(answer, r#"{"error":"no","data":[]}"#)),
        ),
        wrong(
            "object-in-the-limited",
            "The `error` is an object if the permission is missing.",
            ("effects/not-permitted", Body),
            Change::Answer(|right, head, answer| {
                if is_insufficient(right, head, answer) {
                    set_json(answer, r#"{"error":{"code":"forbidden"}}"#);
                }
            }),
        ),
        wrong(
            "text-of-json",
            "The content type of 401 is text, but the body is JSON.",
            ("credentials/missing", ContentType),
            of!(401, |answer| set(answer, "content-type", "text/plain; charset=utf-8")),
        ),
        wrong(
            "page-in-400",
            "400 is a page of HTML.",
            ("parameters/id/missing", ContentType),
            of!(400, |answer| {
                set_json(answer, "<h1>Bad Request</h1>");
                set(answer, "content-type", "text/html");
            }),
        ),
        wrong(
            "empty-400",
            "400 has neither body nor content type.",
            ("parameters/id/missing", ContentType),
            of!(400, |answer| {
                set_json(answer, "");
                answer.headers_mut().remove(CONTENT_TYPE);
            }),
        ),
    ]
}

fn challenges() -> Vec<Wrong> {
    let challenge = |name, says, change| wrong(name, says, ("credentials/missing", Header), change);
    vec![
        challenge(
            "empty-challenge",
            "`WWW-Authenticate` is empty.",
            of!(401, |answer| answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(""))),
        ),
        challenge(
            "bearer-in-quotes",
            "`WWW-Authenticate` names Bearer in the realm of Basic only.",
            of!(401, |answer| set(answer, "www-authenticate", r#"Basic realm="x, Bearer""#)),
        ),
        challenge(
            "bearer-as-a-parameter",
            "`WWW-Authenticate` names Bearer as a parameter of Basic only.",
            of!(401, |answer| set(answer, "www-authenticate", r#"Basic realm="x", bearer = "y""#)),
        ),
        wrong(
            "no-challenge-for-the-limited",
            "401 has no `WWW-Authenticate` if the permission is missing.",
            ("effects/not-permitted", Header),
            Change::Answer(|right, head, answer| {
                if is_insufficient(right, head, answer) {
                    answer.headers_mut().remove(WWW_AUTHENTICATE);
                }
            }),
        ),
    ]
}

fn methods() -> Vec<Wrong> {
    vec![
        wrong(
            "empty-allow",
            "`Allow` is empty.",
            ("methods/GET", Header),
            of!(405, |answer| answer.headers_mut().insert(ALLOW, HeaderValue::from_static(""))),
        ),
        wrong(
            "allows-the-rejected",
            "`Allow` names the rejected method.",
            ("methods/GET", Header),
            of!(405, |answer| set(answer, "allow", "GET, DELETE")),
        ),
        wrong(
            "allows-lower-case",
            "`Allow` names the method in lower case.",
            ("methods/GET", Header),
            of!(405, |answer| set(answer, "allow", "delete")),
        ),
    ]
}

fn clusters() -> Vec<Wrong> {
    let wrong_header = |name, says, case, change| wrong(name, says, (case, Header), change);
    vec![
        wrong_header(
            "no-cluster-in-401",
            "`cluster-uuid` is missing in 401.",
            "credentials/missing",
            of!(401, |answer| answer.headers_mut().remove(CLUSTER_UUID)),
        ),
        wrong_header(
            "no-cluster-in-404",
            "`cluster-uuid` is missing in 404.",
            "effects/no-token",
            of!(404, |answer| answer.headers_mut().remove(CLUSTER_UUID)),
        ),
        wrong_header(
            "no-cluster-in-405",
            "`cluster-uuid` is missing in 405.",
            "methods/GET",
            of!(405, |answer| answer.headers_mut().remove(CLUSTER_UUID)),
        ),
        wrong_header(
            "no-cluster-elsewhere",
            "`cluster-uuid` is missing on another path.",
            "paths/below",
            Change::Answer(|_, head, answer| {
                if head.uri.path() != PATH {
                    answer.headers_mut().remove(CLUSTER_UUID);
                }
            }),
        ),
        wrong_header(
            "other-cluster-in-401",
            "`cluster-uuid` differs in 401.",
            "credentials/missing",
            of!(401, |answer| set(answer, CLUSTER_UUID, "01234567-89ab-cdef-0123-456789abcdef")),
        ),
    ]
}
