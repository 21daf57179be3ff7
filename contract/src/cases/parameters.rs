//! Parameters: missing, doubled, empty, badly encoded and very long.

use influxdb3_token_api::{Location, Parameter};

use super::super::case::{Case, Statuses};
use super::super::request::Template;
use super::super::text::{Role, Text};
use super::{Call, NO_TOKEN};

/// Lengths of a value, in bytes: longer than any name, and longer than many servers accept in a URI.
const LONG: [usize; 2] = [1_000, 20_000];

pub(super) fn cases(call: &Call) -> Vec<Case> {
    let parameters = call.operation.parameters.iter();
    // A path without its parameter is another path.
    parameters.filter(|parameter| parameter.location != Location::Path).flat_map(|it| of_parameter(call, it)).collect()
}

fn of_parameter(call: &Call, parameter: &Parameter) -> Vec<Case> {
    let Parameter { name, location, required, .. } = *parameter;
    let case = |kind: &str, rule: &str, request, statuses: Statuses| {
        call.case(format!("parameters/{name}/{kind}"), rule, request, statuses)
    };
    let with = |values: &[Text]| {
        let mut request = call.on_target();
        request.remove(location, name);
        values.iter().for_each(|value| request.add(location, name, value.clone()));
        request
    };
    let mut cases = Vec::new();
    if required {
        let rule = "A request without a required parameter is rejected.";
        cases.push(case("missing", rule, with(&[]), call.bad_request()));
        if location == Location::Query {
            let mut request = with(&[]);
            request.query.push((name.to_uppercase(), Text::id(Role::Target)));
            cases.push(case("other-case", "The name of a parameter is case-sensitive.", request, call.bad_request()));
        }
    }
    if call.deletes.is_none_or(|deletes| deletes.name != name) {
        return cases;
    }
    let (target, other) = (Text::id(Role::Target), Text::plain(NO_TOKEN));
    let doubled = "A parameter that is given twice is rejected.";
    for (kind, values) in [
        ("doubled", [target.clone(), target.clone()]),
        ("doubled/target-first", [target.clone(), other.clone()]),
        ("doubled/target-last", [other.clone(), target.clone()]),
    ] {
        cases.push(case(kind, doubled, with(&values), call.bad_request()));
    }
    let empty = "An empty value is not the ID of a token.";
    cases.push(case("empty", empty, with(&["".into()]), call.not_an_id()));
    for length in LONG {
        // HTTP has its own statuses for this (RFC 9110, section 15.5.15; RFC 6585, section 5).
        let statuses = call.not_an_id().or([414, 431]);
        let request = with(&[target.clone().then("1".repeat(length))]);
        cases.push(case(&format!("long/{length}"), "A very long value is not the ID of a token.", request, statuses));
    }
    if location == Location::Query {
        cases.extend(encodings(call, name, with, case));
    }
    cases
}

fn encodings(
    call: &Call,
    name: &str,
    with: impl Fn(&[Text]) -> Template,
    case: impl Fn(&str, &str, Template, Statuses) -> Case,
) -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, value) in
        [("not-hexadecimal", "%zz"), ("unfinished", "%"), ("half", "%4"), ("not-utf-8", "%FF"), ("overlong", "%C0%80")]
    {
        let rule = "A badly encoded value is not the ID of a token.";
        let request = with(&[Text::id(Role::Target).then(value)]);
        cases.push(case(&format!("badly-encoded/{kind}"), rule, request, call.not_an_id()));
    }
    let rule = "A value may be percent-encoded (RFC 3986, section 2.1).";
    let request = with(&[Text::encoded_id(Role::Target)]);
    cases.push(case("encoded", rule, request, call.succeeded()).deleting(Role::Target));
    if let Some(first) = name.bytes().next() {
        let mut request = with(&[Text::id(Role::Target)]);
        request.query.push((format!("%{first:02X}{}", &name[1..]), NO_TOKEN.into()));
        cases.push(case("doubled/encoded-name", "A name may be percent-encoded.", request, call.bad_request()));
    }
    let mut request = with(&[Text::id(Role::Target)]);
    request.query.insert(0, ("contract".to_owned(), "1".into()));
    let rule = "An undeclared parameter is ignored.";
    cases.push(case("beside-another", rule, request, call.succeeded()).deleting(Role::Target));
    cases
}
