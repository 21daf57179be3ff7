//! Credentials that are read too leniently, and secrets that are compared too roughly.

use http::HeaderValue;
use http::header::AUTHORIZATION;
use http::request::Parts;
use influxdb3_token_contract::Subject::{Effect, Status};
use influxdb3_tokens::Digest;

use super::super::server::{Right, authorization, bearer, presented};
use super::{Change, Wrong, wrong};

pub(super) fn all() -> Vec<Wrong> {
    [forms(), comparisons()].concat()
}

/// Reads the credential in the request as another one.
fn read_as(head: &mut Parts, secret: Option<String>) {
    if let Some(secret) = secret {
        head.headers.insert(AUTHORIZATION, bearer(&secret));
    }
}

fn reject(head: &mut Parts, word: &str) {
    if authorization(head).starts_with(word) {
        head.headers.insert(AUTHORIZATION, HeaderValue::from_static("none"));
    }
}

fn forms() -> Vec<Wrong> {
    let form = |name, says, case, change| wrong(name, says, (case, Status), Change::Request(change));
    vec![
        form(
            "needs-no-space",
            "A secret directly after `Bearer` is accepted.",
            "credentials/BearerAuthentication/malformed/no-space",
            |_, head| {
                let secret = authorization(head).strip_prefix("Bearer").map(str::trim_start);
                read_as(head, secret.map(str::to_owned));
            },
        ),
        form(
            "reads-one-of-two",
            "Of two secrets in one header the first counts.",
            "credentials/BearerAuthentication/malformed/two-tokens",
            |_, head| read_as(head, presented(head).and_then(|it| Some(it.split_once(' ')?.0.to_owned()))),
        ),
        wrong(
            "admits-the-empty",
            "`Bearer` without a secret is accepted.",
            ("credentials/BearerAuthentication/malformed/scheme-only", Effect),
            Change::Request(|right, head| {
                if authorization(head) == "Bearer" {
                    right.promote(head);
                }
            }),
        ),
        form(
            "rejects-upper-case",
            "`BEARER` in upper case is rejected.",
            "credentials/BearerAuthentication/upper-case",
            |_, head| reject(head, "BEARER"),
        ),
    ]
}

/// Accepts an unknown secret that resembles the operator's in this way.
fn accept(right: &Right, head: &mut Parts, alike: fn(&str, &str) -> bool) {
    let other = presented(head).is_some_and(|secret| secret != right.operator && alike(&right.operator, secret));
    if other {
        right.promote(head);
    }
}

fn comparisons() -> Vec<Wrong> {
    let comparison = |name, says, case, change| wrong(name, says, (case, Status), Change::Request(change));
    vec![
        comparison(
            "compares-the-end",
            "Only the end of a secret is compared.",
            "credentials/BearerAuthentication/wrong",
            |right, head| accept(right, head, |right, other| other.ends_with(&right[right.len() - 32..])),
        ),
        comparison(
            "compares-the-length",
            "Only the length of a secret is compared.",
            "credentials/BearerAuthentication/wrong",
            |right, head| accept(right, head, |right, other| other.len() == right.len()),
        ),
        comparison(
            "any-case-of-secret",
            "A secret is compared without case.",
            "credentials/BearerAuthentication/other-case",
            |right, head| accept(right, head, str::eq_ignore_ascii_case),
        ),
        wrong(
            "remembers-whom-it-accepted",
            "A token that was accepted once is always accepted.",
            ("effects/deleted-after-use", Effect),
            Change::Request(|right, head| {
                let Some(digest) = presented(head).and_then(Digest::of_presented) else { return };
                let mut notes = right.notes.lock().unwrap();
                if right.catalog.live().find(&digest).is_some() {
                    notes.insert(digest.to_string(), 1);
                } else if notes.contains_key(&digest.to_string()) {
                    right.promote(head);
                }
            }),
        ),
    ]
}
