//! IDs that are read too leniently.

use http::Method;
use http::request::Parts;
use influxdb3_token_contract::Subject::{Effect, Status};
use influxdb3_tokens::TokenId;

use super::super::server::{Right, parameter, redirect};
use super::{Change, Wrong, wrong};
use crate::server::PATH;

pub(super) fn all() -> Vec<Wrong> {
    [values(), routes()].concat()
}

/// Reads the ID in the request as another one.
fn reread(head: &mut Parts, read: impl Fn(&str) -> Option<String>) {
    if let Some(id) = parameter(head, "id").and_then(read) {
        redirect(head, &format!("{PATH}?id={id}"));
    }
}

/// The ID of the token that was created last.
fn last(right: &Right) -> Option<String> {
    let live = right.catalog.live();
    (1..1_000).rev().find(|id| live.contains(TokenId::from_u64(*id))).map(|id| id.to_string())
}

fn values() -> Vec<Wrong> {
    let value = |name, says, case, change| wrong(name, says, (case, Effect), Change::Request(change));
    vec![
        value("picks-where-empty", "An empty ID deletes some token.", "parameters/id/empty", |right, head| {
            reread(head, |id| if id.is_empty() { last(right) } else { None });
        }),
        value("takes-the-same-id-twice", "An ID may be repeated.", "parameters/id/doubled", |_, head| {
            let query = head.uri.query().unwrap_or_default();
            if let Some((one, _)) = query.split_once('&').filter(|(one, other)| one == other) {
                let target = format!("{PATH}?{one}");
                redirect(head, &target);
            }
        }),
        value(
            "trims-a-space-before",
            "A space before an ID is ignored.",
            "effects/other-id/space-before",
            |_, head| {
                reread(head, |id| Some(id.strip_prefix("%20")?.to_owned()));
            },
        ),
        value(
            "ends-at-a-zero-byte",
            "Text after a zero byte in an ID is ignored.",
            "effects/other-id/zero-byte",
            |_, head| {
                reread(head, |id| Some(id.split_once("%00")?.0.to_owned()));
            },
        ),
        value(
            "loses-overlong-forms",
            "Overlong UTF-8 is dropped.",
            "parameters/id/badly-encoded/overlong",
            |_, head| {
                reread(head, |id| Some(id.strip_suffix("%C0%80")?.to_owned()));
            },
        ),
        value(
            "loses-a-percent-sign",
            "A percent sign at the end is dropped.",
            "parameters/id/badly-encoded/unfinished",
            |_, head| {
                reread(head, |id| Some(id.strip_suffix('%')?.to_owned()));
            },
        ),
        value(
            "loses-half-a-byte",
            "Half a percent-encoded byte is dropped.",
            "parameters/id/badly-encoded/half",
            |_, head| {
                reread(head, |id| Some(id.strip_suffix("%4")?.to_owned()));
            },
        ),
        value(
            "cuts-a-long-value",
            "Only the beginning of a long value is read.",
            "parameters/id/long/20000",
            |_, head| {
                reread(head, |id| (id.len() > 20_000).then(|| id[..id.len() - 20_000].to_owned()));
            },
        ),
    ]
}

/// Treats requests with this method as deletions.
fn deletes(head: &mut Parts, method: &Method) {
    if head.method == method {
        head.method = Method::DELETE;
    }
}

fn routes() -> Vec<Wrong> {
    vec![
        wrong(
            "get-deletes",
            "GET deletes too.",
            ("methods/GET", Effect),
            Change::Request(|_, head| deletes(head, &Method::GET)),
        ),
        wrong(
            "put-deletes",
            "PUT deletes too.",
            ("methods/PUT", Status),
            Change::Request(|_, head| deletes(head, &Method::PUT)),
        ),
        wrong(
            "completes-the-path",
            "The beginning of the path counts as the path.",
            ("paths/cut", Effect),
            Change::Request(|_, head| {
                if PATH.starts_with(head.uri.path()) {
                    let target = format!("{PATH}?{}", head.uri.query().unwrap_or_default());
                    redirect(head, &target);
                }
            }),
        ),
    ]
}
