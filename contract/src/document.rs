//! The responses that a document declares, ready for comparison.

use std::collections::BTreeMap;

use influxdb3_token_api::{Operation, Status};
use jsonschema::{Draft, Validator};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::api::InvalidApi;
use super::exchange::Response;
use super::request::Template;

/// What a document declares about responses.
#[derive(Debug)]
pub(super) struct Document {
    /// The title and the version, as in `/api/v3/configure/token 3.7.0`.
    pub(super) name: String,
    responses: Vec<Declared>,
    /// The JSON bodies that operations require.
    required_bodies: Vec<(&'static str, RequiredBody)>,
    /// The headers of every response, whatever its status.
    pub(super) common_headers: Vec<Header>,
}

/// A response that an operation declares.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) operation: &'static str,
    pub(super) status: Status,
    /// The schema of the body for each media type; empty if the response has no body.
    pub(super) bodies: BTreeMap<String, Option<Validator>>,
    pub(super) headers: Vec<Header>,
}

/// A JSON body that an operation requires.
#[derive(Clone, Debug)]
pub(super) struct RequiredBody {
    pub(super) media_type: String,
    /// A valid body.
    pub(super) example: Value,
    /// The members that it must have.
    pub(super) required_members: Vec<String>,
}

/// A header that a response declares.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) required: bool,
    schema: Option<Validator>,
    is_text: bool,
}

/// The header of every response, according to the description of `components.headers.ClusterUUID`. The document does not
/// state its name in a response.
pub(super) const CLUSTER_UUID: &str = "cluster-uuid";

impl Document {
    /// Reads what a document, which is JSON text, declares for these operations.
    pub(super) fn read(operations: &'static [Operation], text: &str) -> Result<Self, InvalidApi> {
        let schemas = Schemas::of(serde_json::from_str(text).map_err(InvalidApi::NotJson)?);
        let of = |operation: &'static Operation| operation.responses.iter().map(move |response| (operation, response));
        let responses = operations.iter().flat_map(of);
        let responses = responses.map(|(operation, response)| schemas.response(operation, response.status));
        let text = |pointer| schemas.content.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        Ok(Self {
            name: format!("{} {}", text("/info/title"), text("/info/version")),
            responses: responses.collect::<Result<_, _>>()?,
            required_bodies: operations
                .iter()
                .filter_map(|operation| Some((operation.id, schemas.required_body(operation)?)))
                .collect(),
            common_headers: schemas.common_headers()?,
        })
    }

    /// What an operation declares for a response to one of its requests. `None` if it declares nothing, or if the request
    /// was for something else.
    pub(super) fn declared(&self, operation: &Operation, request: &Template, response: &Response) -> Option<&Declared> {
        request.calls(operation).then(|| self.of_status(operation, response.status.as_u16())).flatten()
    }

    /// What an operation declares for a status.
    pub(super) fn of_status(&self, operation: &Operation, status: u16) -> Option<&Declared> {
        let class = (status / 100) as u8;
        let find = |wanted| {
            self.responses.iter().find(|declared| declared.operation == operation.id && declared.status == wanted)
        };
        [Status::Code(status), Status::Class(class), Status::Default].into_iter().find_map(find)
    }

    /// The JSON body that an operation requires, if it requires one and the kit can make a valid one.
    pub(super) fn required_body(&self, operation: &Operation) -> Option<&RequiredBody> {
        self.required_bodies.iter().find(|(id, _)| *id == operation.id).map(|(_, body)| body)
    }

    /// Every response that the document declares, in its order.
    pub(super) fn responses(&self) -> &[Declared] {
        &self.responses
    }
}

/// A status as the document writes it.
pub(super) fn label(status: Status) -> String {
    match status {
        Status::Code(code) => code.to_string(),
        Status::Class(class) => format!("{class}XX"),
        Status::Default => "default".to_owned(),
    }
}

/// The document with its schemas as JSON Schema.
struct Schemas {
    content: Value,
}

impl Schemas {
    fn of(content: Value) -> Self {
        Self { content: if is_3_0(&content) { with_null(content) } else { content } }
    }

    fn response(&self, operation: &'static Operation, status: Status) -> Result<Declared, InvalidApi> {
        let method = operation.method.as_str().to_ascii_lowercase();
        let place = self.resolved(format!("/paths/{}/{method}/responses/{}", escaped(operation.path), label(status)));
        if self.content.pointer(&place).is_none() {
            return Err(InvalidApi::NoSuchResponse { place });
        }
        let bodies = self.members(format!("{place}/content"));
        let headers = self.members(format!("{place}/headers"));
        Ok(Declared {
            operation: operation.id,
            status,
            bodies: bodies.map(|(media_type, at)| Ok((media_type, self.schema(&at)?))).collect::<Result<_, _>>()?,
            headers: headers.map(|(name, at)| self.header(name, at)).collect::<Result<_, _>>()?,
        })
    }

    fn required_body(&self, operation: &Operation) -> Option<RequiredBody> {
        let method = operation.method.as_str().to_ascii_lowercase();
        let place = self.resolved(format!("/paths/{}/{method}/requestBody", escaped(operation.path)));
        if self.content.pointer(&format!("{place}/required")) != Some(&Value::Bool(true)) {
            return None;
        }
        let mut types = self.members(format!("{place}/content"));
        let (media_type, at) = types.find(|(media_type, _)| media_type.starts_with("application/json"))?;
        let schema = self.resolved(format!("{at}/schema"));
        let example = self.content.pointer(&format!("{at}/example")).cloned();
        let example = example.or_else(|| example::of(&self.content, &schema))?;
        // A wrong example would make right servers fail.
        let valid = self.schema(&at).ok()?.is_none_or(|schema| schema.is_valid(&example));
        let required = self.content.pointer(&format!("{schema}/required")).and_then(Value::as_array);
        let required = required.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        valid.then(|| RequiredBody { media_type, example, required_members: required.collect() })
    }

    fn common_headers(&self) -> Result<Vec<Header>, InvalidApi> {
        let place = "/components/headers/ClusterUUID".to_owned();
        if self.content.pointer(&place).is_none() {
            return Ok(Vec::new());
        }
        let header = self.header(CLUSTER_UUID.to_owned(), place)?;
        Ok(vec![Header { required: true, ..header }])
    }

    fn header(&self, name: String, place: String) -> Result<Header, InvalidApi> {
        let place = self.resolved(place);
        let value = |member: &str| self.content.pointer(&format!("{place}/{member}"));
        let schema = self.resolved(format!("{place}/schema"));
        let kind = self.content.pointer(&format!("{schema}/type")).and_then(Value::as_str);
        Ok(Header {
            required: value("required").is_some_and(|required| required == true),
            is_text: !matches!(kind, Some("integer" | "number" | "boolean")),
            schema: self.schema(&place)?,
            name,
        })
    }

    /// The names of an object's members, each with its place.
    fn members(&self, place: String) -> impl Iterator<Item = (String, String)> {
        let members = self.content.pointer(&place).and_then(Value::as_object);
        members.into_iter().flatten().map(move |(name, _)| (name.clone(), format!("{place}/{}", escaped(name))))
    }

    /// The place that a place refers to by `$ref`, or the place itself.
    fn resolved(&self, mut place: String) -> String {
        while let Some(Value::String(reference)) = self.content.pointer(&format!("{place}/$ref")) {
            match reference.strip_prefix('#') {
                Some(local) if local != place => place = local.to_owned(),
                _ => break,
            }
        }
        place
    }

    /// The schema of a header or a media type, which may refer to any other schema of the document.
    fn schema(&self, place: &str) -> Result<Option<Validator>, InvalidApi> {
        if self.content.pointer(&format!("{place}/schema")).is_none() {
            return Ok(None);
        }
        let mut root = self.content.clone();
        root["$ref"] = json!(format!("#{}/schema", utf8_percent_encode(place, NOT_IN_FRAGMENTS)));
        let draft = if is_3_0(&self.content) { Draft::Draft4 } else { Draft::Draft202012 };
        let options = jsonschema::options().with_draft(draft).should_validate_formats(true);
        // OpenAPI 3.0 has formats that its draft of JSON Schema lacks.
        let options = options.with_format("uuid", is_uuid);
        let options = options.with_format("date", |text| text.parse::<chrono::NaiveDate>().is_ok());
        let invalid = |error: jsonschema::ValidationError| InvalidApi::InvalidSchema {
            place: place.to_owned(),
            reason: error.to_string(),
        };
        options.build(&root).map(Some).map_err(invalid)
    }
}

impl Header {
    /// How a value violates the header's schema; `None` if it does not.
    pub(super) fn violation(&self, value: &str) -> Option<String> {
        let read = if self.is_text { None } else { serde_json::from_str(value).ok() };
        violation(self.schema.as_ref()?, &read.unwrap_or_else(|| Value::String(value.to_owned())))
    }
}

/// Whether a text is a UUID in the form that JSON Schema requires (RFC 4122, section 3).
fn is_uuid(text: &str) -> bool {
    Uuid::try_parse(text).is_ok_and(|uuid| uuid.hyphenated().to_string().eq_ignore_ascii_case(text))
}

/// Every way in which an instance violates a schema; `None` if it does not. The text shows nothing of the instance.
pub(super) fn violation(schema: &Validator, instance: &Value) -> Option<String> {
    let violations = schema.iter_errors(instance).map(|error| {
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
        format!("{place}{}", error.masked())
    });
    let violations: Vec<String> = violations.collect();
    (!violations.is_empty()).then(|| violations.join("; "))
}

/// Characters that a URI's fragment must percent-encode (RFC 3986, section 3.5).
const NOT_IN_FRAGMENTS: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'%').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');

fn is_3_0(content: &Value) -> bool {
    content["openapi"].as_str().is_some_and(|version| version.starts_with("3.0"))
}

/// A name, escaped for a JSON pointer (RFC 6901, section 3).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Translates OpenAPI 3.0's `nullable` into JSON Schema.
fn with_null(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut object: serde_json::Map<_, _> =
                members.into_iter().map(|(name, value)| (name, with_null(value))).collect();
            if object.remove("nullable") == Some(Value::Bool(true)) {
                if let Some(Value::String(kind)) = object.get("type").cloned() {
                    object.insert("type".to_owned(), json!([kind, "null"]));
                }
                if let Some(Value::Array(values)) = object.get_mut("enum") {
                    values.push(Value::Null);
                }
            }
            Value::Object(object)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(with_null).collect()),
        other => other,
    }
}

mod example;

#[cfg(test)]
mod tests;
