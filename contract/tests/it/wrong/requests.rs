//! Other requests that delete: methods, paths and parameters.

use http::Method;
use http::request::Parts;
use influxdb3_token_contract::Subject::{Effect, Status};
use influxdb3_tokens::TokenId;

use super::super::server::{pairs, parameter, redirect, set_status};
use super::Change::{Answer, Request};
use super::{Wrong, wrong};
use crate::server::PATH;

pub(super) fn all() -> Vec<Wrong> {
    [methods(), paths(), parameters(), ids()].concat()
}

fn methods() -> Vec<Wrong> {
    vec![
        wrong(
            "post-deletes",
            "POST deletes too.",
            ("methods/POST", Status),
            Request(|_, head| {
                if head.method == "POST" {
                    head.method = Method::DELETE;
                }
            }),
        ),
        wrong(
            "head-deletes",
            "HEAD deletes too.",
            ("methods/HEAD", Effect),
            Request(|_, head| {
                if head.method == "HEAD" {
                    head.method = Method::DELETE;
                }
            }),
        ),
        wrong(
            "any-case-of-method",
            "`delete` counts as `DELETE`.",
            ("methods/lower-case", Status),
            Request(|_, head| {
                if head.method.as_str().eq_ignore_ascii_case("delete") {
                    head.method = Method::DELETE;
                }
            }),
        ),
        wrong(
            "overrides-the-method",
            "`X-HTTP-Method-Override` is honoured.",
            ("methods/override", Effect),
            Request(|_, head| {
                if head.headers.get("x-http-method-override").is_some_and(|method| method == "DELETE") {
                    head.method = Method::DELETE;
                }
            }),
        ),
        wrong(
            "any-method",
            "An unknown method deletes.",
            ("methods/CONTRACT", Effect),
            Request(|_, head| {
                if head.method == "CONTRACT" {
                    head.method = Method::DELETE;
                }
            }),
        ),
    ]
}

fn paths() -> Vec<Wrong> {
    vec![
        wrong(
            "trims-the-path",
            "A slash at the end of the path is ignored.",
            ("paths/trailing-slash", Status),
            Request(|_, head| set_path(head, |path| path.trim_end_matches('/').to_owned())),
        ),
        wrong(
            "any-case-of-path",
            "The path is compared without case.",
            ("paths/upper-case", Status),
            Request(|_, head| set_path(head, |path| path.to_ascii_lowercase())),
        ),
        wrong(
            "folds-slashes",
            "Two slashes count as one.",
            ("paths/double-slash", Effect),
            Request(|_, head| set_path(head, |path| path.replace("//", "/"))),
        ),
        wrong(
            "takes-all-below",
            "A path below the declared one counts as it.",
            ("paths/below", Effect),
            Request(|_, head| {
                set_path(head, |path| if path.starts_with(PATH) { PATH.to_owned() } else { path.to_owned() })
            }),
        ),
    ]
}

fn parameters() -> Vec<Wrong> {
    vec![
        wrong(
            "takes-the-first-value",
            "Of two IDs the first counts.",
            ("parameters/id/doubled/target-first", Effect),
            Request(|_, head| {
                let first = parameter(head, "id").map(str::to_owned);
                first.into_iter().for_each(|id| redirect(head, &format!("{PATH}?id={id}")));
            }),
        ),
        wrong(
            "takes-the-last-value",
            "Of two IDs the last counts.",
            ("parameters/id/doubled/target-last", Effect),
            Request(|_, head| {
                let last = pairs(head).rfind(|(name, _)| *name == "id").map(|(_, id)| id.to_owned());
                last.into_iter().for_each(|id| redirect(head, &format!("{PATH}?id={id}")));
            }),
        ),
        wrong(
            "does-not-decode-names",
            "The percent-encoded name of a parameter counts as another name.",
            ("parameters/id/doubled/encoded-name", Status),
            Request(|_, head| {
                let kept: Vec<_> = pairs(head).filter(|(name, _)| !name.contains('%')).collect();
                let query: Vec<_> = kept.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let target = format!("{}?{}", head.uri.path(), query.join("&"));
                redirect(head, &target);
            }),
        ),
        wrong(
            "does-not-decode-values",
            "A percent-encoded ID is not understood.",
            ("parameters/id/encoded", Status),
            Request(|_, head| {
                let query = head.uri.query().unwrap_or_default().replace("%3", "%253");
                let target = format!("{}?{query}", head.uri.path());
                redirect(head, &target);
            }),
        ),
        wrong(
            "any-case-of-name",
            "The name of a parameter is compared without case.",
            ("parameters/id/other-case", Status),
            Request(|_, head| set_query(head, |query| query.replace("ID=", "id="))),
        ),
        wrong(
            "rejects-the-unknown",
            "An undeclared parameter is rejected.",
            ("parameters/id/beside-another", Status),
            Request(|_, head| {
                if pairs(head).any(|(name, _)| name == "contract") {
                    set_query(head, |_| String::new());
                }
            }),
        ),
        wrong(
            "picks-where-missing",
            "A request without an ID deletes some token.",
            ("parameters/id/missing", Status),
            Request(|right, head| {
                let newest = (1..1000).map(TokenId::from_u64).rfind(|id| right.catalog.live().contains(*id));
                if let (None, Some(id)) = (head.uri.query(), newest) {
                    set_query(head, |_| format!("id={id}"));
                }
            }),
        ),
        wrong(
            "loses-bytes",
            "Bytes that are not UTF-8 are dropped.",
            ("parameters/id/badly-encoded/not-utf-8", Effect),
            Request(|_, head| set_query(head, |query| query.replace("%FF", ""))),
        ),
        wrong(
            "forgives-bad-encoding",
            "Invalid percent-encoding is dropped.",
            ("parameters/id/badly-encoded/not-hexadecimal", Effect),
            Request(|_, head| set_query(head, |query| query.replace("%zz", ""))),
        ),
        wrong(
            "fails-at-bad-encoding",
            "A badly encoded value is answered with 500.",
            ("parameters/id/badly-encoded/not-utf-8", Status),
            Answer(|_, head, answer| {
                if head.uri.query().is_some_and(|query| query.contains("%FF")) {
                    set_status(answer, 500);
                }
            }),
        ),
    ]
}

/// Ways to read an ID.
fn ids() -> Vec<Wrong> {
    macro_rules! ignores {
        ($name:literal, $says:literal, $case:literal, $ignored:literal) => {
            wrong(
                $name,
                $says,
                ($case, Effect),
                Request(|_, head| set_query(head, |query| query.replace($ignored, ""))),
            )
        };
    }
    vec![
        wrong(
            "reads-leading-zeros",
            "`07` names token 7.",
            ("effects/other-id/leading-zero", Effect),
            Request(|_, head| set_query(head, |query| query.replace("id=0", "id="))),
        ),
        ignores!("reads-a-sign", "`+7` names token 7.", "effects/other-id/plus", "%2B"),
        ignores!("reads-a-fraction", "`7.0` names token 7.", "effects/other-id/fraction", ".0"),
        ignores!("trims-an-id", "Spaces around an ID are ignored.", "effects/other-id/space-after", "%20"),
        ignores!("drops-zero-bytes", "A zero byte in an ID is ignored.", "effects/other-id/zero-byte", "%00"),
        wrong(
            "reads-a-list",
            "Of a list of IDs the first is deleted.",
            ("effects/other-id/list", Effect),
            Request(|_, head| set_query(head, |query| query.split(',').next().unwrap_or_default().to_owned())),
        ),
        wrong(
            "reads-a-prefix",
            "Text after the digits of an ID is ignored.",
            ("effects/other-id/sql", Effect),
            Request(|_, head| set_query(head, |query| query.split("%20OR").next().unwrap_or_default().to_owned())),
        ),
    ]
}

fn set_path(head: &mut Parts, change: impl Fn(&str) -> String) {
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let target = format!("{}{query}", change(head.uri.path()));
    redirect(head, &target);
}

fn set_query(head: &mut Parts, change: impl Fn(&str) -> String) {
    if let Some(query) = head.uri.query().or(Some("")) {
        let target = format!("{}?{}", head.uri.path(), change(query));
        redirect(head, &target);
    }
}
