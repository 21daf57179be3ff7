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
use super::report::{Problem, Subject};
use super::request::{Template, auth_scheme};

/// All problems of a response, except its status.
pub(super) fn problems(
    api: &Api,
    operation: &'static Operation,
    request: &Template,
    response: &Response,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let declared = api.document.declared(operation, request, response);
    if let Some(declared) = declared {
        if request.method != "HEAD" {
            problems.extend(body(&declared.bodies, response));
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

fn body(declared: &BTreeMap<String, Option<Validator>>, response: &Response) -> Option<Problem> {
    let content_type = response.header(CONTENT_TYPE);
    if declared.is_empty() {
        let problem = match (response.body.len(), content_type) {
            (0, None) => return None,
            (0, Some(content_type)) => {
                (Subject::ContentType, format!("{content_type}, although the response has no body"))
            }
            (length, _) => (Subject::Body, format!("{length} bytes, although no body is declared")),
        };
        return Some(problem.into());
    }
    let media_types: Vec<&str> = declared.keys().map(String::as_str).collect();
    let expected = media_types.join(" or ");
    let Some(content_type) = content_type else {
        return Some((Subject::ContentType, format!("none; {expected} is declared")).into());
    };
    let media_type = essence(content_type);
    let Some((_, schema)) = declared.iter().find(|(declared, _)| essence(declared).eq_ignore_ascii_case(media_type))
    else {
        return Some((Subject::ContentType, format!("{content_type:?}; {expected} is declared")).into());
    };
    if !(media_type.eq_ignore_ascii_case("application/json") || media_type.ends_with("+json")) {
        return None;
    }
    let Ok(value) = serde_json::from_slice::<Value>(&response.body) else {
        return Some((Subject::Body, "not JSON, although its content type says so").into());
    };
    schema.as_ref().and_then(|schema| violation(schema, &value)).map(|violation| (Subject::Body, violation).into())
}

/// A media type without its parameters (RFC 9110, section 8.3.1).
fn essence(media_type: &str) -> &str {
    media_type.split_once(';').map_or(media_type, |(essence, _)| essence).trim()
}

fn header(declared: &Header, response: &Response) -> Option<Problem> {
    let Some(value) = response.header(&declared.name) else {
        return declared.required.then(|| (Subject::Header, format!("{} is missing", declared.name)).into());
    };
    let violation = declared.violation(value)?;
    Some((Subject::Header, format!("{}: {violation}", declared.name)).into())
}

/// The requirements of RFC 9110: sections 8.6 and 15.3.5 (no content), 15.5.2 (a challenge), 15.5.6 (the allowed methods).
fn demanded_by_http(api: &Api, operation: &'static Operation, request: &Template, response: &Response) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem = |subject, text: String| problems.push((subject, text).into());
    let status = response.status.as_u16();
    if (status == 204 || status == 304 || request.method == "HEAD") && !response.body.is_empty() {
        problem(Subject::Body, format!("a response with {status} must not have a body"));
    }
    if status == 204 && response.headers.contains_key(CONTENT_LENGTH) {
        problem(Subject::Header, "a response with 204 must not have a content-length".to_owned());
    }
    if status == 401 {
        match response.header(WWW_AUTHENTICATE) {
            None => problem(Subject::Header, "www-authenticate is missing".to_owned()),
            Some(_) => {
                let challenges = challenges(response);
                // An API key and a certificate have no challenge.
                let listed = |scheme: &&SecurityScheme| {
                    auth_scheme(scheme).is_none_or(|word| challenges.iter().any(|it| it.eq_ignore_ascii_case(word)))
                };
                let schemes = operation.security.iter().flat_map(|requirement| requirement.schemes);
                for scheme in schemes.filter(|scheme| !listed(scheme)) {
                    problem(Subject::Header, format!("www-authenticate does not name {}", scheme.name));
                }
            }
        }
    }
    if status == 405 || (request.method == "OPTIONS" && response.status.is_success()) {
        let of_path = api.operations.iter().filter(|other| request.declared_path == Some(other.path));
        let declared = of_path.map(|other| other.method.as_str());
        match response.header(ALLOW) {
            None => problem(Subject::Header, "allow is missing".to_owned()),
            Some(_) => {
                let values = response.headers.get_all(ALLOW).iter().filter_map(|value| value.to_str().ok());
                let allowed: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
                for method in declared.filter(|method| !allowed.contains(method)) {
                    problem(Subject::Header, format!("allow does not name {method}"));
                }
                if status == 405 && allowed.contains(&&*request.method) {
                    problem(Subject::Header, format!("allow names {}, which is rejected", request.method));
                }
            }
        }
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
        body(&declared, &Response::of(400, headers, text)).map(|problem| problem.to_string())
    }

    #[test]
    fn a_content_type_may_have_parameters_and_any_case() {
        for content_type in ["application/json", "application/json; charset=utf-8", "Application/JSON ;charset=utf-8"] {
            assert_eq!(of_body(&[("content-type", content_type)], "{}"), None);
            let problem = of_body(&[("content-type", content_type)], "{").unwrap();
            assert_eq!(problem, "body: not JSON, although its content type says so");
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
    fn a_response_has_no_body_unless_one_is_declared() {
        let empty = |headers, text| body(&BTreeMap::new(), &Response::of(404, headers, text)).map(|it| it.to_string());
        assert_eq!(empty(&[], ""), None);
        assert_eq!(empty(&[], "{}").unwrap(), "body: 2 bytes, although no body is declared");
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
