//! Examples of schemas.

use serde_json::{Map, Value, json};

use crate::request::ANYTHING;

/// How deep an example may be. A schema that requires itself has none.
const DEEPEST: usize = 16;

/// A value for the schema at a place of a document: the document's own example, or a simple value of the schema's type. It
/// has only the members that are required. It may violate what is rarer than that, such as a pattern.
pub(super) fn of(document: &Value, place: &str) -> Option<Value> {
    of_schema(document, document.pointer(place)?, DEEPEST)
}

fn of_schema(document: &Value, schema: &Value, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    if let Some(reference) = schema["$ref"].as_str() {
        return of_schema(document, document.pointer(reference.strip_prefix('#')?)?, depth);
    }
    let first = |name: &str| schema[name].as_array().and_then(|values| values.first()).cloned();
    let given = [schema.get("example").cloned(), first("examples"), schema.get("default").cloned(), first("enum")];
    if let Some(value) = given.into_iter().flatten().next() {
        return Some(value);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts = parts.iter().map(|part| of_schema(document, part, depth));
        return parts.reduce(|one, other| Some(merged(one?, other?)))?;
    }
    if let Some(alternative) = first("oneOf").or_else(|| first("anyOf")) {
        return of_schema(document, &alternative, depth);
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"].as_array()?.first()?.as_str());
    Some(match kind {
        Some("boolean") => json!(false),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("array") => json!([]),
        Some("string") => json!(ANYTHING),
        Some("null") => Value::Null,
        _ => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let member = |name: &str| Some((name.to_owned(), of_schema(document, &schema["properties"][name], depth)?));
            Value::Object(required.map(member).collect::<Option<Map<_, _>>>()?)
        }
    })
}

fn merged(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => Value::Object(one.into_iter().chain(other).collect()),
        (_, other) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_has_what_the_schema_requires() {
        let document = json!({"schemas": {
            "Body": {"type": "object", "required": ["token_name", "kind", "part"], "properties": {
                "token_name": {"type": "string"},
                "expiry_secs": {"type": "integer"},
                "kind": {"enum": ["a", "b"]},
                "part": {"$ref": "#/schemas/Part"},
            }},
            "Part": {"allOf": [
                {"type": "object", "required": ["count"], "properties": {"count": {"type": "integer", "minimum": 3}}},
                {"type": "object", "required": ["on"], "properties": {"on": {"type": "boolean"}}},
            ]},
            "Endless": {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#/schemas/Endless"}}},
            "Given": {"type": "string", "example": "given"},
        }});
        let of = |name: &str| of(&document, &format!("/schemas/{name}"));
        let expected = json!({"token_name": "contract", "kind": "a", "part": {"count": 3, "on": false}});
        assert_eq!(of("Body"), Some(expected));
        assert_eq!(of("Given"), Some(json!("given")));
        assert_eq!(of("Endless"), None);
        assert_eq!(of("None"), None);
    }
}
