//! Servers that tell strangers which tokens exist, each in its own way.

use http::HeaderValue;
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use influxdb3_token_contract::Subject::{Difference, Leak, Status};

use super::super::server::{self, Right, authorization, presented, set_status};
use super::{Change, Wrong, wrong};

/// Whether a rejected caller asked about a token that exists.
fn is_known(right: &Right, head: &Parts, answer: &server::Answer) -> bool {
    answer.status() == 401 && right.named(head).is_some()
}

fn set(answer: &mut server::Answer, name: &'static str, value: &'static str) {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
}

pub(super) fn all() -> Vec<Wrong> {
    vec![
        wrong(
            "tells-without-credentials",
            "A caller without credentials learns that a token is unknown.",
            ("credentials/nothing-learnt/without", Status),
            Change::Answer(|right, head, answer| {
                if !is_known(right, head, answer) && authorization(head).is_empty() {
                    set_status(answer, 404);
                }
            }),
        ),
        wrong(
            "tells-the-wrong",
            "A caller with a wrong credential learns that a token is unknown.",
            ("credentials/nothing-learnt/wrong", Status),
            Change::Answer(|right, head, answer| {
                let is_wrong = presented(head).is_some_and(|secret| right.catalog.authenticate(secret).is_none());
                if !is_known(right, head, answer) && is_wrong {
                    set_status(answer, 404);
                }
            }),
        ),
        wrong(
            "tells-by-a-value",
            "The value of a header tells strangers whether the token exists.",
            ("credentials/nothing-learnt/wrong", Difference),
            Change::Answer(|right, head, answer| {
                let known = is_known(right, head, answer);
                set(answer, "x-cache", if known { "hit" } else { "miss" });
            }),
        ),
        wrong(
            "tells-by-the-challenge",
            "`WWW-Authenticate` tells a caller who may not delete tokens whether the token exists.",
            ("credentials/nothing-learnt/not-permitted", Difference),
            Change::Answer(|right, head, answer| {
                if is_known(right, head, answer) {
                    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"tokens\""));
                }
            }),
        ),
        wrong(
            "echoes-the-rejected",
            "The error contains a rejected credential.",
            ("credentials/BearerAuthentication/wrong", Leak),
            Change::Answer(|_, head, answer| {
                if answer.status() == 401 {
                    let text = format!("{} is rejected", authorization(head));
                    *answer.body_mut() = serde_json::json!({"error": text}).to_string().into();
                }
            }),
        ),
        wrong(
            "echoes-in-trace",
            "TRACE is answered with the request and its credential.",
            ("methods/TRACE", Leak),
            Change::Answer(|_, head, answer| {
                if head.method == "TRACE" {
                    *answer.body_mut() = format!("TRACE\r\nauthorization: {}", authorization(head)).into();
                    set_status(answer, 200);
                }
            }),
        ),
    ]
}
