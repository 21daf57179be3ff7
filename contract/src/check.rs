//! Whether a response is one that the document declares, and fulfils what HTTP requires.

use std::collections::BTreeMap;

use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use influxdb3_token_api::Operation;
use influxdb3_token_api::security::SecurityScheme;
use jsonschema::Validator;
use serde_json::Value;

use super::api::Api;
use super::document::{Header, violation};
use super::exchange::Response;
use super::report::{Cause, Problem};
use super::request::{Template, auth_scheme};
use super::schemes;
use super::shown::{self, Redact};

/// All problems of a response, except its status. Their texts show parts of the response after `redact` removed secrets.
pub(super) fn problems(
    api: &Api,
    operation: &'static Operation,
    request: &Template,
    response: &Response,
    redact: Redact<'_>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let declared = api.document.declared(operation, request, response);
    if let Some(declared) = declared {
        if request.method != "HEAD" {
            problems.extend(content(&declared.bodies, response, redact));
        }
        problems.extend(declared.headers.iter().filter_map(|declared| header(declared, response)));
    }
    // An HTTP library rejects a malformed request itself, without the API's headers.
    if declared.is_some() || matches!(response.status.as_u16(), 404 | 405) {
        problems.extend(api.document.common_headers.iter().filter_map(|common| header(common, response)));
    }
    problems.extend(demanded_by_http(api, operation, request, response));
    problems
}

/// The problems of a content type and a body.
fn content(declared: &BTreeMap<String, Option<Validator>>, response: &Response, redact: Redact<'_>) -> Vec<Problem> {
    let sent = response.headers.get(CONTENT_TYPE).map(|value| shown::line(value.as_bytes(), redact));
    if declared.is_empty() {
        let problem = match (response.body.len(), sent) {
            (0, None) => return Vec::new(),
            (0, Some(sent)) => {
                Problem::new(Cause::NoBodyForContentType, format!("{sent}, although the response has no body"))
            }
            (length, _) => {
                let text = format!("{}, {length} bytes, although no body is declared", excerpt(response, redact));
                Problem::new(Cause::UndeclaredBody, text)
            }
        };
        return vec![problem];
    }
    let all = declared.keys().map(String::as_str).collect::<Vec<_>>().join(" or ");
    let Some(sent) = sent else {
        let text = format!("none; {all} is declared");
        let problem = Problem::new(Cause::NoContentType { declared: all }, text);
        // A body of a type that is not named is the declared one, if only one is declared.
        let body = if declared.len() == 1 { declared.iter().next() } else { None };
        let body = body.and_then(|(media_type, schema)| body_of_type(media_type, schema.as_ref(), response, redact));
        return [problem].into_iter().chain(body).collect();
    };
    let media_type = essence(&sent);
    let fits = |(declared, _): &(&String, _)| essence(declared).eq_ignore_ascii_case(media_type);
    match declared.iter().find(fits) {
        Some((media_type, schema)) => body_of_type(media_type, schema.as_ref(), response, redact).into_iter().collect(),
        None => {
            let text = format!("\"{sent}\"; {all} is declared");
            let received = media_type.to_ascii_lowercase();
            vec![Problem::new(Cause::OtherContentType { declared: all, received }, text)]
        }
    }
}

/// The problem of a body of a media type with a schema.
fn body_of_type(
    media_type: &str,
    schema: Option<&Validator>,
    response: &Response,
    redact: Redact<'_>,
) -> Option<Problem> {
    let media_type = essence(media_type);
    if !(media_type.eq_ignore_ascii_case("application/json") || media_type.ends_with("+json")) {
        return None;
    }
    if response.body.is_empty() {
        return Some(Problem::new(Cause::EmptyBody, "empty; JSON is declared"));
    }
    let Ok(value) = serde_json::from_slice::<Value>(&response.body) else {
        return Some(Problem::new(Cause::NotJson, format!("not JSON: {}", excerpt(response, redact))));
    };
    let violation = violation(schema?, &value)?;
    Some(Problem::new(Cause::Schema { violation: violation.clone() }, violation))
}

/// The beginning of a body.
fn excerpt(response: &Response, redact: Redact<'_>) -> String {
    shown::quoted(&response.body, redact)
}

/// A media type without its parameters (RFC 9110, section 8.3.1).
fn essence(media_type: &str) -> &str {
    media_type.split_once(';').map_or(media_type, |(essence, _)| essence).trim()
}

fn header(declared: &Header, response: &Response) -> Option<Problem> {
    let name = declared.name.clone();
    let Some(value) = response.header(&declared.name) else {
        let text = format!("{name} is missing");
        return declared.required.then(|| Problem::new(Cause::NoHeader { name }, text));
    };
    let violation = declared.violation(value)?;
    let text = format!("{name}: {violation}");
    Some(Problem::new(Cause::HeaderSchema { name, violation }, text))
}

/// The requirements of RFC 9110: sections 8.6 and 15.3.5 (no content), 15.5.2 (a challenge), 15.5.6 (the allowed methods).
fn demanded_by_http(api: &Api, operation: &'static Operation, request: &Template, response: &Response) -> Vec<Problem> {
    let mut problems = Vec::new();
    let status = response.status.as_u16();
    if (status == 204 || status == 304 || request.method == "HEAD") && !response.body.is_empty() {
        let text = format!("a response with {status} must not have a body");
        problems.push(Problem::new(Cause::UndeclaredBody, text));
    }
    if status == 204 && response.headers.contains_key(CONTENT_LENGTH) {
        let text = "a response with 204 must not have a content-length";
        problems.push(Problem::new(Cause::ForbiddenHeader { name: "content-length" }, text));
    }
    if status == 401 {
        problems.extend(challenge(operation, response));
    }
    if status == 405 || (request.method == "OPTIONS" && response.status.is_success()) {
        problems.extend(allow(api, request, response));
    }
    problems
}

fn missing(header: &'static str) -> Problem {
    Problem::new(Cause::NoHeader { name: header.to_owned() }, format!("{header} is missing"))
}

fn does_not_name(header: &'static str, missing: &'static str) -> Problem {
    Problem::new(Cause::NotNamed { header, missing }, format!("{header} does not name {missing}"))
}

/// A 401 names each scheme that its operation lists. An API key and a certificate have none.
fn challenge(operation: &'static Operation, response: &Response) -> Vec<Problem> {
    if response.header(WWW_AUTHENTICATE).is_none() {
        return vec![missing("www-authenticate")];
    }
    let challenges = challenges(response);
    let listed = |scheme: &SecurityScheme| {
        auth_scheme(scheme).is_none_or(|word| challenges.iter().any(|it| it.eq_ignore_ascii_case(word)))
    };
    let schemes = schemes::listed(operation).into_iter().filter(|scheme| !listed(scheme));
    schemes.map(|scheme| does_not_name("www-authenticate", scheme.name)).collect()
}

/// A 405 names the methods that the path has.
fn allow(api: &Api, request: &Template, response: &Response) -> Vec<Problem> {
    if response.header(ALLOW).is_none() {
        return vec![missing("allow")];
    }
    let values = response.headers.get_all(ALLOW).iter().filter_map(|value| value.to_str().ok());
    let allowed: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    let of_path = api.operations.iter().filter(|other| request.declared_path == Some(other.path));
    let methods = of_path.map(|other| other.method.as_str()).filter(|method| !allowed.contains(method));
    let mut problems: Vec<Problem> = methods.map(|method| does_not_name("allow", method)).collect();
    if response.status == 405 && allowed.contains(&&*request.method) {
        let text = format!("allow names {}, which is rejected", request.method);
        problems.push(Problem::new(Cause::AllowsRejected, text));
    }
    problems
}

/// The names of the schemes in `WWW-Authenticate`. Challenges and their parameters are in one list, separated by commas. A
/// parameter has an equals sign after its name, and its value may be quoted (RFC 9110, section 11.6.1).
fn challenges(response: &Response) -> Vec<String> {
    let values = response.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let unquoted: Vec<String> = values.map(without_quoted).collect();
    let first_words = unquoted.iter().flat_map(|value| value.split(',')).filter_map(|part| {
        let part = part.trim();
        let (word, rest) = part.split_at(part.find([' ', '\t', '=']).unwrap_or(part.len()));
        (!word.is_empty() && !rest.trim_start().starts_with('=')).then(|| word.to_owned())
    });
    first_words.collect()
}

/// A header's value without its quoted parts (RFC 9110, section 5.6.4).
fn without_quoted(value: &str) -> String {
    let (mut text, mut quoted, mut characters) = (String::new(), false, value.chars());
    while let Some(c) = characters.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => drop(characters.next()),
            _ if quoted => {}
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use influxdb3_token_api::OPERATIONS;

    use super::*;

    fn named(values: &[&'static str]) -> Vec<String> {
        let headers: Vec<_> = values.iter().map(|value| ("www-authenticate", *value)).collect();
        challenges(&Response::of(401, &headers, ""))
    }

    #[test]
    fn challenges_are_found_among_their_parameters() {
        assert_eq!(named(&["Bearer"]), ["Bearer"]);
        assert_eq!(named(&[r#"Bearer realm="a", error="b""#]), ["Bearer"]);
        assert_eq!(
            named(&[r#"Basic realm="a", Bearer realm="b", error=c, Digest x=y"#]),
            ["Basic", "Bearer", "Digest"]
        );
        assert_eq!(named(&[r#"Basic realm="a""#, "bearer"]), ["Basic", "bearer"]);
        assert_eq!(named(&["Negotiate YWJj==, Bearer realm = x, error = y"]), ["Negotiate", "Bearer"]);
        assert_eq!(named(&[", Bearer ,,"]), ["Bearer"]);
    }

    #[test]
    fn a_quoted_text_is_not_a_challenge() {
        assert_eq!(named(&[r#"Digest realm="x, Bearer y", nonce="\", Bearer z""#]), ["Digest"]);
        assert_eq!(named(&[r#"Digest realm="\\", Bearer"#]), ["Digest", "Bearer"]);
    }

    fn of_body(headers: &[(&'static str, &'static str)], text: &'static str) -> Option<String> {
        let schema = jsonschema::options().build(&serde_json::json!({"type": "object"})).unwrap();
        let declared = BTreeMap::from([("application/json".to_owned(), Some(schema))]);
        let problems = content(&declared, &Response::of(400, headers, text), &str::to_owned);
        assert!(problems.len() < 2, "{problems:?}");
        problems.first().map(ToString::to_string)
    }

    #[test]
    fn a_content_type_may_have_parameters_and_any_case() {
        for content_type in ["application/json", "application/json; charset=utf-8", "Application/JSON ;charset=utf-8"] {
            assert_eq!(of_body(&[("content-type", content_type)], "{}"), None);
            let problem = of_body(&[("content-type", content_type)], "{").unwrap();
            assert_eq!(problem, "body: not JSON: \"{\"");
        }
    }

    #[test]
    fn a_body_has_a_declared_type_and_fits_its_schema() {
        assert_eq!(of_body(&[], "{}").unwrap(), "content type: none; application/json is declared");
        let problem = of_body(&[("content-type", "text/json")], "{}").unwrap();
        assert_eq!(problem, r#"content type: "text/json"; application/json is declared"#);
        let problem = of_body(&[("content-type", "application/json")], r#"["secret"]"#).unwrap();
        assert!(problem.starts_with("body: ") && !problem.contains("secret"), "{problem}");
    }

    #[test]
    fn a_body_without_a_content_type_is_read_as_the_declared_type() {
        let schema = jsonschema::options().build(&serde_json::json!({"type": "object"})).unwrap();
        let declared = BTreeMap::from([("application/json".to_owned(), Some(schema))]);
        let found = |text| -> Vec<Cause> {
            let problems = content(&declared, &Response::of(404, &[], text), &str::to_owned);
            problems.into_iter().map(|problem| problem.cause).collect()
        };
        let none = Cause::NoContentType { declared: "application/json".to_owned() };
        assert_eq!(found("Not found"), [none.clone(), Cause::NotJson]);
        assert_eq!(found(""), [none.clone(), Cause::EmptyBody]);
        assert_eq!(found("{}"), [none]);
    }

    #[test]
    fn a_response_has_no_body_unless_one_is_declared() {
        let empty = |headers, text| {
            let problems = content(&BTreeMap::new(), &Response::of(404, headers, text), &str::to_owned);
            problems.first().map(ToString::to_string)
        };
        assert_eq!(empty(&[], ""), None);
        assert_eq!(empty(&[], "{}").unwrap(), "body: \"{}\", 2 bytes, although no body is declared");
        let problem = empty(&[("content-type", "text/plain")], "").unwrap();
        assert_eq!(problem, "content type: text/plain, although the response has no body");
    }

    #[test]
    fn allow_names_the_methods_of_the_path_and_not_the_rejected_one() {
        let api = Api::default();
        let call = || Template::of(&OPERATIONS[0], |_| "7".into());
        let request = |method: &str| Template { method: method.to_owned(), ..call() };
        let found = |method, headers| -> Vec<String> {
            let problems = demanded_by_http(&api, &OPERATIONS[0], &request(method), &Response::of(405, headers, ""));
            problems.iter().map(ToString::to_string).collect()
        };
        assert_eq!(found("POST", &[("allow", "DELETE")]), [""; 0]);
        assert_eq!(found("POST", &[("allow", "GET , DELETE")]), [""; 0]);
        assert_eq!(found("POST", &[("allow", "GET"), ("allow", "DELETE")]), [""; 0]);
        assert_eq!(found("POST", &[("allow", "DELETE, POST")]), ["header: allow names POST, which is rejected"]);
        assert_eq!(found("POST", &[("allow", "GET")]), ["header: allow does not name DELETE"]);
        assert_eq!(found("POST", &[]), ["header: allow is missing"]);
        assert_eq!(found("POST", &[("allow", "")]), ["header: allow does not name DELETE"]);
    }
}
