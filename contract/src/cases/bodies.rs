//! Bodies that the document does not allow.
//!
//! Each request has a valid credential, because a server looks at the body after that. A right server rejects each, so none
//! of them does what the operation does.

use serde_json::{Value, json};

use super::super::case::Case;
use super::super::request::Template;
use super::super::text::{Role, Text};
use super::{Call, NO_TOKEN};

pub(super) fn cases(call: &Call) -> Vec<Case> {
    let Some(required) = call.api.document.required_body(call.operation) else { return Vec::new() };
    let signed = |request: Template| request.signed(&call.first_schemes(), Role::Caller);
    let without = || Template::of(call.operation, |name| call.value(name, &Text::plain(NO_TOKEN)));
    let case = |name: &str, rule: &str, request: Template| {
        call.case(format!("body/{name}"), rule, signed(request), call.bad_body())
    };
    let with = |body: &str| without().with_body(&required.media_type, body);
    let mut cases = vec![
        case("missing", "A request without a required body is rejected.", without()),
        case("not-json", "A body that is not JSON is rejected.", with("contract")),
        case("unfinished", "A body that is not JSON is rejected.", with(&unfinished(&required.example))),
        case("other-type", "A body of a media type that is not declared is rejected.", {
            without().with_body("text/plain", required.example.to_string())
        }),
    ];
    for name in &required.required_members {
        let rule = "A body without a required member is rejected.";
        let mut body = required.example.clone();
        body.as_object_mut().and_then(|members| members.remove(name));
        cases.push(case(&format!("without/{name}"), rule, with(&body.to_string())));
        let rule = "A required member of another type is rejected.";
        body[name] = other_type(&required.example[name]);
        cases.push(case(&format!("other-type/{name}"), rule, with(&body.to_string())));
    }
    cases
}

/// JSON without its last character.
fn unfinished(value: &Value) -> String {
    let mut text = value.to_string();
    text.pop();
    text
}

/// A value that no schema of the example's type allows.
fn other_type(example: &Value) -> Value {
    if example.is_object() { json!("contract") } else { json!({"contract": [1]}) }
}
