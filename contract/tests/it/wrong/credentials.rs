//! Wrong credentials that are accepted, and valid ones that are rejected.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::request::Parts;
use influxdb3_token_contract::Subject::{Effect, Status};
use influxdb3_tokens::Digest;
use std::sync::atomic::Ordering;

use super::super::server::{Right, bearer, parameter, presented, set_status};
use super::Change::{Answer, Request};
use super::{Wrong, wrong};

pub(super) fn all() -> Vec<Wrong> {
    [schemes(), secrets(), several()].concat()
}

fn schemes() -> Vec<Wrong> {
    vec![
        wrong(
            "accepts-token-scheme",
            "The scheme `Token` is accepted, although it is not listed.",
            ("credentials/TokenAuthentication/not-listed", Status),
            Request(|_, head| {
                if let Some(secret) = authorization(head).and_then(|value| value.strip_prefix("Token ")).map(bearer) {
                    head.headers.insert(AUTHORIZATION, secret);
                }
            }),
        ),
        wrong(
            "accepts-basic",
            "The scheme `Basic` is accepted, although it is not listed.",
            ("credentials/BasicAuthentication/not-listed", Status),
            Request(|_, head| {
                let encoded = authorization(head).and_then(|value| value.strip_prefix("Basic "));
                let decoded = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
                let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
                if let Some((_, secret)) = text.as_deref().and_then(|text| text.split_once(':')) {
                    head.headers.insert(AUTHORIZATION, bearer(secret));
                }
            }),
        ),
        wrong(
            "accepts-a-query",
            "A credential in the query is accepted, although that is not listed.",
            ("credentials/QuerystringAuthentication/not-listed", Status),
            Request(|_, head| {
                if let Some(secret) = parameter(head, "p").map(bearer) {
                    head.headers.insert(AUTHORIZATION, secret);
                }
            }),
        ),
        wrong(
            "accepts-no-scheme",
            "A secret without a scheme is accepted.",
            ("credentials/BearerAuthentication/malformed/credential-only", Status),
            Request(|_, head| {
                if let Some(secret) = authorization(head).filter(|value| value.starts_with("apiv3_")).map(bearer) {
                    head.headers.insert(AUTHORIZATION, secret);
                }
            }),
        ),
        wrong(
            "accepts-any-scheme",
            "Any scheme before the secret counts as `Bearer`.",
            ("credentials/BearerAuthentication/malformed/unknown-scheme", Status),
            Request(|_, head| {
                if let Some(secret) = authorization(head).and_then(|value| value.split_once(' ')).map(|it| bearer(it.1))
                {
                    head.headers.insert(AUTHORIZATION, secret);
                }
            }),
        ),
        wrong(
            "rejects-lower-case",
            "`bearer` in lower case is rejected.",
            ("credentials/BearerAuthentication/lower-case", Status),
            Request(|_, head| {
                if authorization(head).is_some_and(|value| value.starts_with("bearer ")) {
                    head.headers.remove(AUTHORIZATION);
                }
            }),
        ),
        wrong(
            "admits-everyone",
            "No credentials are needed.",
            ("credentials/missing", Effect),
            Request(|right, head| {
                if !head.headers.contains_key(AUTHORIZATION) {
                    right.promote(head);
                }
            }),
        ),
        wrong(
            "rejects-the-right",
            "A valid credential is rejected if the token exists.",
            ("credentials/BearerAuthentication/right", Status),
            Answer(|_, _, answer| {
                if answer.status() == 204 {
                    set_status(answer, 401);
                }
            }),
        ),
    ]
}

fn secrets() -> Vec<Wrong> {
    vec![
        wrong(
            "accepts-expired",
            "An expired token is accepted.",
            ("credentials/BearerAuthentication/expired", Status),
            Request(|right, head| {
                let digest = presented(head).and_then(Digest::of_presented);
                if digest.and_then(|digest| right.catalog.live().find(&digest)).is_some_and(|token| token.is_admin()) {
                    right.promote(head);
                }
            }),
        ),
        wrong(
            "accepts-revoked",
            "A deleted token is accepted.",
            ("credentials/BearerAuthentication/revoked", Status),
            Request(|right, head| {
                if deleted_at(right, head).is_some() {
                    right.promote(head);
                }
            }),
        ),
        wrong(
            "revives",
            "A deleted token is accepted again some requests later.",
            ("effects/afterwards", Effect),
            Request(|right, head| {
                let now = right.requests.load(Ordering::SeqCst);
                if deleted_at(right, head).is_some_and(|at| at + 100 < now) {
                    right.promote(head);
                }
            }),
        ),
        wrong(
            "forgives-a-wrong-character",
            "Only the first half of a secret is compared.",
            ("credentials/BearerAuthentication/wrong", Status),
            Request(|right, head| {
                if presented(head).is_some_and(|secret| secret.len() == 92 && !is_known(right, secret)) {
                    right.promote(head);
                }
            }),
        ),
        wrong(
            "completes-a-secret",
            "A secret without its last character is accepted.",
            ("credentials/BearerAuthentication/cut", Status),
            Request(|right, head| {
                let Some(cut) = presented(head).filter(|secret| secret.len() == 91) else { return };
                if ["A", "Q", "g", "w"].iter().any(|last| is_known(right, &format!("{cut}{last}"))) {
                    right.promote(head);
                }
            }),
        ),
        wrong(
            "cuts-a-secret",
            "Text after a secret is ignored.",
            ("credentials/BearerAuthentication/extended", Status),
            Request(|_, head| {
                if let Some(secret) = presented(head).and_then(|secret| secret.get(..92)).map(bearer) {
                    head.headers.insert(AUTHORIZATION, secret);
                }
            }),
        ),
        wrong(
            "strips-quotes",
            "A secret in quotation marks is accepted.",
            ("credentials/BearerAuthentication/malformed/quoted", Status),
            Request(|_, head| {
                if let Some(secret) = presented(head).map(|secret| bearer(secret.trim_matches('"'))) {
                    head.headers.insert(AUTHORIZATION, secret);
                }
            }),
        ),
        wrong(
            "permits-the-limited",
            "A token that is not an admin token deletes tokens.",
            ("effects/not-permitted", Effect),
            Request(|right, head| {
                if presented(head).is_some_and(|secret| is_known(right, secret)) {
                    right.promote(head);
                }
            }),
        ),
    ]
}

fn several() -> Vec<Wrong> {
    vec![
        wrong(
            "takes-the-first-credential",
            "Of two credentials the first counts.",
            ("credentials/BearerAuthentication/right-then-wrong", Status),
            Request(|_, head| {
                if let Some(first) = head.headers.get(AUTHORIZATION).cloned() {
                    head.headers.insert(AUTHORIZATION, first);
                }
            }),
        ),
        wrong(
            "takes-the-last-credential",
            "Of two credentials the last counts.",
            ("credentials/BearerAuthentication/wrong-then-right", Status),
            Request(|_, head| {
                if let Some(last) = head.headers.get_all(AUTHORIZATION).iter().next_back().cloned() {
                    head.headers.insert(AUTHORIZATION, last);
                }
            }),
        ),
        wrong(
            "takes-the-same-twice",
            "A credential may be repeated.",
            ("credentials/BearerAuthentication/doubled", Status),
            Request(|_, head| {
                let values: Vec<_> = head.headers.get_all(AUTHORIZATION).iter().cloned().collect();
                if values.windows(2).all(|pair| pair[0] == pair[1]) {
                    values.into_iter().for_each(|value| drop(head.headers.insert(AUTHORIZATION, value)));
                }
            }),
        ),
        wrong(
            "takes-a-list",
            "Credentials in a list are accepted.",
            ("credentials/BearerAuthentication/malformed/list", Status),
            Request(|_, head| {
                let first = authorization(head).and_then(|value| value.split_once(", "));
                if let Some(secret) = first.and_then(|(first, _)| first.strip_prefix("Bearer ")).map(bearer) {
                    head.headers.insert(AUTHORIZATION, secret);
                }
            }),
        ),
    ]
}

fn authorization(head: &Parts) -> Option<&str> {
    head.headers.get(AUTHORIZATION)?.to_str().ok()
}

fn is_known(right: &Right, secret: &str) -> bool {
    right.catalog.authenticate(secret).is_some()
}

/// The number of the request by which the presented token was deleted.
pub(in super::super) fn deleted_at(right: &Right, head: &Parts) -> Option<usize> {
    right.deleted.lock().unwrap().get(&presented(head).and_then(Digest::of_presented)?).copied()
}
