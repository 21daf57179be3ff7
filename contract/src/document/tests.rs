use influxdb3_token_api::OPERATIONS;

use super::*;

/// A document that uses everything by reference.
fn schemas(version: &str) -> Schemas {
    let responses = json!({
        "204": {"description": "Done."},
        "401": {"$ref": "#/components/responses/Refused"},
        "4XX": {"description": "Wrong.", "content": {"text/plain": {}}},
        "default": {"description": "Else.", "headers": {
            "X-Count": {"required": true, "schema": {"$ref": "#/components/schemas/Count"}},
            "X-Kind": {"$ref": "#/components/headers/Kind"},
        }},
    });
    Schemas::of(json!({
        "openapi": version,
        "paths": {OPERATIONS[0].path: {"delete": {"responses": responses}}},
        "components": {
            "responses": {"Refused": {"$ref": "#/components/responses/Error"}, "Error": {
                "description": "Refused.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            }},
            "headers": {
                "Kind": {"schema": {"type": "string", "enum": ["1", "b"]}},
                "ClusterUUID": {"schema": {"type": "string", "format": "uuid"}},
            },
            "schemas": {
                "Count": {"type": "integer", "maximum": 5},
                "Error": {"type": "object", "required": ["error"], "properties": {
                    "error": {"type": "string", "nullable": true},
                    "kind": {"enum": ["a"], "nullable": true},
                    "cause": {"$ref": "#/components/schemas/Error"},
                }},
            },
        },
    }))
}

fn document(version: &str) -> Document {
    let schemas = schemas(version);
    let statuses = [Status::Default, Status::Class(4), Status::Code(401), Status::Code(204)];
    Document {
        name: String::new(),
        responses: statuses.map(|status| schemas.response(&OPERATIONS[0], status).unwrap()).into(),
        required_bodies: Vec::new(),
        common_headers: schemas.common_headers().unwrap(),
    }
}

#[test]
fn a_code_precedes_its_class_and_a_class_precedes_the_default() {
    let document = document("3.0.3");
    for (status, declared) in [(204, "204"), (401, "401"), (404, "4XX"), (500, "default"), (200, "default")] {
        assert_eq!(label(document.of_status(&OPERATIONS[0], status).unwrap().status), declared);
    }
    let without_default = Document { responses: document.responses.into_iter().skip(1).collect(), ..document };
    assert!(without_default.of_status(&OPERATIONS[0], 500).is_none());
}

#[test]
fn references_lead_to_bodies_and_headers() {
    let document = document("3.0.3");
    let media_types =
        |status| -> Vec<_> { document.of_status(&OPERATIONS[0], status).unwrap().bodies.keys().cloned().collect() };
    assert_eq!(media_types(401), ["application/json"]);
    assert_eq!(media_types(404), ["text/plain"]);
    assert_eq!(media_types(204), [""; 0]);
    assert!(document.of_status(&OPERATIONS[0], 404).unwrap().bodies["text/plain"].is_none());
}

#[test]
fn every_response_must_name_its_cluster() {
    for version in ["3.0.3", "3.1.0"] {
        let [header] = &document(version).common_headers[..] else { panic!("one header") };
        assert!(header.required && header.name == CLUSTER_UUID);
        for uuid in ["01234567-89ab-cdef-0123-456789abcdef", "01234567-89AB-CDEF-0123-456789ABCDEF"] {
            assert_eq!(header.violation(uuid), None);
        }
        for other in ["cluster0", "0123456789abcdef0123456789abcdef", "{01234567-89ab-cdef-0123-456789abcdef}", ""] {
            assert!(header.violation(other).is_some(), "{other}");
        }
    }
}

fn of_error(version: &str, instance: &Value) -> Option<String> {
    let document = document(version);
    let declared = document.of_status(&OPERATIONS[0], 401).unwrap();
    violation(declared.bodies["application/json"].as_ref().unwrap(), instance)
}

#[test]
fn nullable_means_null_in_3_0_and_nothing_in_3_1() {
    for null in [json!({"error": null}), json!({"error": "e", "cause": {"error": null}})] {
        assert_eq!(of_error("3.0.3", &null), None);
        assert!(of_error("3.1.0", &null).is_some());
    }
    assert_eq!(of_error("3.0.3", &json!({"error": "e", "kind": null})), None);
    assert!(of_error("3.0.3", &json!({"error": "e", "kind": "b"})).is_some());
    assert!(of_error("3.0.3", &json!({"error": "e", "cause": null})).is_some());
    assert!(of_error("3.0.3", &json!(null)).is_some());
}

#[test]
fn a_violation_names_its_place_and_not_the_value() {
    let found = of_error("3.0.3", &json!({"error": "e", "cause": {"error": 12345}})).unwrap();
    assert!(found.starts_with("/cause/error: ") && !found.contains("12345"), "{found}");
    assert!(of_error("3.0.3", &json!({})).unwrap().contains("required"));
}

#[test]
fn a_header_is_read_as_the_type_of_its_schema() {
    let document = document("3.0.3");
    let headers = &document.of_status(&OPERATIONS[0], 500).unwrap().headers;
    let header = |name: &str| headers.iter().find(|header| header.name == name).unwrap();
    assert!(header("X-Count").required && !header("X-Kind").required);
    assert_eq!(header("X-Count").violation("5"), None);
    for value in ["6", "5.5", "five", ""] {
        assert!(header("X-Count").violation(value).is_some(), "{value}");
    }
    assert_eq!(header("X-Kind").violation("1"), None);
    assert!(header("X-Kind").violation("2").is_some());
}
