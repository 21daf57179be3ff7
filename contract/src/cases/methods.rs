//! Methods and paths that the document does not have.

use influxdb3_token_api::OPERATIONS;

use super::super::case::{Case, Statuses};
use super::super::request::Template;
use super::Call;

const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "CONTRACT"];

pub(super) fn cases(call: &Call) -> Vec<Case> {
    let declares = |method: &str| {
        OPERATIONS.iter().any(|other| other.path == call.operation.path && other.method.as_str() == method)
    };
    let missing = METHODS.iter().filter(|method| !declares(method));
    // A response to HEAD is that to GET without its body (RFC 9110, section 9.3.2).
    let missing = missing.filter(|method| **method != "HEAD" || !declares("GET"));
    let mut cases: Vec<Case> = missing.map(|method| of_method(call, method)).collect();

    let lower = call.operation.method.as_str().to_lowercase();
    let rule = "A method is case-sensitive (RFC 9110, section 9.1).";
    let request = Template { method: lower, ..call.on_target() };
    // To a server it may be a method that it does not know, or none at all.
    cases.push(call.case("methods/lower-case", rule, request, Statuses(vec![405, 501, 400])));

    if !declares("POST") {
        let rule = "A method is not taken from a header.";
        let request = Template { method: "POST".to_owned(), ..call.on_target() }
            .with_header("x-http-method-override", call.operation.method.as_str());
        cases.push(call.case("methods/override", rule, request, Statuses::one(405)));
    }
    cases.extend(paths(call));
    cases
}

fn of_method(call: &Call, method: &str) -> Case {
    let rule = "A method that a path does not have is refused.";
    let statuses = match method {
        // It may be answered for any path (RFC 9110, section 9.3.7).
        "OPTIONS" => Statuses(vec![405, 200, 204]),
        // A server need not know them (RFC 9110, section 15.6.2).
        "TRACE" | "PROPFIND" | "CONTRACT" => Statuses(vec![405, 501]),
        _ => Statuses::one(405),
    };
    let request = Template { method: method.to_owned(), ..call.on_target() };
    call.case(format!("methods/{method}"), rule, request, statuses)
}

fn paths(call: &Call) -> Vec<Case> {
    let path = call.operation.path;
    let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
    let others = [
        ("trailing-slash", format!("{path}/")),
        ("upper-case", format!("{parent}/{}", last.to_uppercase())),
        ("double-slash", format!("{parent}//{last}")),
        ("below", format!("{path}/contract")),
        ("cut", format!("{parent}/{}", &last[..last.len() - 1])),
    ];
    let known = |path: &str| OPERATIONS.iter().any(|other| other.path == path || other.path.contains('{'));
    let others = others.into_iter().filter(|(_, path)| !known(path));
    let case = |(kind, path)| {
        let request = Template { path, ..call.on_target() };
        call.case(format!("paths/{kind}"), "Another path is another resource.", request, call.not_found())
    };
    others.map(case).collect()
}
