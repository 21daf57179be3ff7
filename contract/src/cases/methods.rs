//! Methods and paths that the document does not declare.

use super::super::case::{Case, Statuses};
use super::super::request::{Template, fill_path};
use super::super::text::{Role, Text};
use super::Call;

const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "CONTRACT"];

pub(super) fn cases(call: &Call) -> Vec<Case> {
    let declares = |method: &str| {
        call.api.operations.iter().any(|other| other.path == call.operation.path && other.method.as_str() == method)
    };
    let missing = METHODS.iter().filter(|method| !declares(method));
    // A path that has GET has HEAD too (RFC 9110, section 9.3.2).
    let missing = missing.filter(|method| **method != "HEAD" || !declares("GET"));
    let mut cases: Vec<Case> = missing.map(|method| of_method(call, method)).collect();

    let lower = call.operation.method.as_str().to_lowercase();
    let rule = "A method is case-sensitive (RFC 9110, section 9.1).";
    let request = Template { method: lower, ..about_target(call) };
    // A server may take it for an unknown method, or for an invalid one.
    cases.push(almost(call, "methods/lower-case", rule, request, Statuses(vec![405, 501, 400])));

    if !declares("POST") {
        let rule = "A header does not change the method.";
        let request = Template { method: "POST".to_owned(), ..about_target(call) }
            .with_header("x-http-method-override", call.operation.method.as_str());
        cases.push(almost(call, "methods/override", rule, request, Statuses::one(405)));
    }
    cases.extend(paths(call));
    cases
}

fn about_target(call: &Call) -> Template {
    call.about(Text::id(Role::Target))
}

fn almost(call: &Call, name: impl Into<String>, rule: &str, request: Template, statuses: Statuses) -> Case {
    let (request, statuses) = call.almost(request, statuses);
    call.case(name, rule, request, statuses)
}

fn of_method(call: &Call, method: &str) -> Case {
    let rule = "A method that the path does not have is rejected.";
    let statuses = match method {
        // A server may answer it for any path (RFC 9110, section 9.3.7).
        "OPTIONS" => Statuses(vec![405, 200, 204]),
        // A server need not know these (RFC 9110, section 15.6.2).
        "TRACE" | "PROPFIND" | "CONTRACT" => Statuses(vec![405, 501]),
        _ => Statuses::one(405),
    };
    let request = Template { method: method.to_owned(), ..about_target(call) };
    almost(call, format!("methods/{method}"), rule, request, statuses)
}

fn paths(call: &Call) -> Vec<Case> {
    let path = call.operation.path;
    let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
    let mut others = vec![
        ("trailing-slash", format!("{path}/")),
        ("double-slash", format!("{parent}//{last}")),
        ("below", format!("{path}/contract")),
    ];
    // Another value of a path parameter is not another path.
    if !last.contains('{') {
        let mut cut = path.chars();
        cut.next_back();
        others.extend([("upper-case", format!("{parent}/{}", last.to_uppercase())), ("cut", cut.as_str().to_owned())]);
    }
    let is_declared = |path: &str| call.api.operations.iter().any(|other| fits(other.path, path));
    let others = others.into_iter().filter(|(_, path)| !path.is_empty() && !is_declared(path));
    let case = |(kind, path): (_, String)| {
        let path = fill_path(&path, |name| call.value(name, &Text::id(Role::Target)));
        let request = about_target(call).elsewhere(path);
        almost(call, format!("paths/{kind}"), "Another path is another resource.", request, call.not_found())
    };
    others.map(case).collect()
}

/// Whether a path is an instance of a template, which has parameters in braces.
fn fits(template: &str, path: &str) -> bool {
    let Some((literal, rest)) = template.split_once('{') else { return template == path };
    let Some(path) = path.strip_prefix(literal) else { return false };
    let rest = rest.split_once('}').map_or("", |(_, rest)| rest);
    // The value of a parameter has at least one character and no slash.
    let longest = path.find('/').unwrap_or(path.len());
    (1..=longest).any(|end| path.get(end..).is_some_and(|path| fits(rest, path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_a_template_if_each_parameter_has_a_value_within_its_segment() {
        for (template, path) in [
            ("/a", "/a"),
            ("/{name}", "/b"),
            ("/a/{name}", "/a/\u{e9}\u{1f980}"),
            ("/a/{name}/c", "/a/b/c"),
            ("/{a}/{b}", "/a/b"),
            ("/{a}.{b}", "/a.b.c"),
            ("/v{version}", "/v1"),
        ] {
            assert!(fits(template, path), "{template} {path}");
        }
        for (template, path) in [
            ("/a", "/A"),
            ("/a/{name}", "/a/"),
            ("/a/{name}", "/a"),
            ("/a/{name}", "/a/b/"),
            ("/a/{name}", "/a/b/c"),
            ("/a/{name}/c", "/a//c"),
            ("/{a}.{b}", "/a."),
            ("/v{version}", "/w1"),
        ] {
            assert!(!fits(template, path), "{template} {path}");
        }
    }
}
