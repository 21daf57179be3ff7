//! Compares the generated models with the schemas of the document.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::str::FromStr;
use std::sync::LazyLock;

use influxdb3_token_api::{OPENAPI, models};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Error, Map, Value, json};

/// The value of every property with the format `password`.
const SECRET: &str = "apiv3_0123456789";

/// A model and the name of its schema.
struct Model {
    schema: &'static str,
    /// Deserializes a value and serializes it again.
    round_trip: fn(&Value) -> Result<Value, Error>,
    /// Deserializes a value and formats it with `{:?}` and `{:#?}`.
    debug: fn(&Value) -> String,
}

/// A model whose schema is an enumeration. It also has a text form outside of JSON.
struct Enumeration {
    schema: &'static str,
    /// Parses a text and formats the value with `{}`.
    round_trip: fn(&str) -> Option<String>,
}

macro_rules! models {
    ($($schema:literal => $model:ident,)+) => {
        &[$(Model {
            schema: $schema,
            round_trip: round_trip::<models::$model>,
            debug: debug::<models::$model>,
        },)+]
    };
}

macro_rules! enumerations {
    ($($schema:literal => $model:ident,)+) => {
        &[$(Enumeration { schema: $schema, round_trip: text_round_trip::<models::$model> },)+]
    };
}

const MODELS: &[Model] = models! {
    "AcceptPartial" => AcceptPartial,
    "AdminTokenObject" => AdminTokenObject,
    "ApiNodeSpec" => ApiNodeSpec,
    "ContentEncoding" => ContentEncoding,
    "ContentLength" => ContentLength,
    "CreateDatabaseRequest" => CreateDatabaseRequest,
    "CreateTableRequest" => CreateTableRequest,
    "CreateTableRequest_fields_inner" => CreateTableRequestFieldsInner,
    "CreateTableRequest_fields_inner_type" => CreateTableRequestFieldsInnerType,
    "Database" => Database,
    "DistinctCacheCreateRequest" => DistinctCacheCreateRequest,
    "EpochCompatibility" => EpochCompatibility,
    "ErrorMessage" => ErrorMessage,
    "Format" => Format,
    "LastCacheCreateRequest" => LastCacheCreateRequest,
    "LicenseResponse" => LicenseResponse,
    "LicenseResponse_status" => LicenseResponseStatus,
    "LineProtocol" => LineProtocol,
    "LineProtocolError" => LineProtocolError,
    "LineProtocolError_code" => LineProtocolErrorCode,
    "NoSync" => NoSync,
    "PluginDirectoryRequest" => PluginDirectoryRequest,
    "PluginFileEntry" => PluginFileEntry,
    "PluginFileRequest" => PluginFileRequest,
    "PrecisionWrite" => PrecisionWrite,
    "PrecisionWriteCompatibility" => PrecisionWriteCompatibility,
    "ProcessingEngineTriggerRequest" => ProcessingEngineTriggerRequest,
    "QueryRequestObject" => QueryRequestObject,
    "QueryRequestObject_format" => QueryRequestObjectFormat,
    "QueryResponse" => QueryResponse,
    "ResourceTokenObject" => ResourceTokenObject,
    "ResourceTokenObject_permissions_inner" => ResourceTokenObjectPermissionsInner,
    "ResourceTokenObject_permissions_inner_actions_inner" => ResourceTokenObjectPermissionsInnerActionsInner,
    "ResourceTokenObject_permissions_inner_resource_type" => ResourceTokenObjectPermissionsInnerResourceType,
    "SchedulePluginTestRequest" => SchedulePluginTestRequest,
    "ShowDatabasesResponse" => ShowDatabasesResponse,
    "TriggerSettings" => TriggerSettings,
    "TriggerSettings_error_behavior" => TriggerSettingsErrorBehavior,
    "UpdateDatabaseRequest" => UpdateDatabaseRequest,
    "UpdateTableRequest" => UpdateTableRequest,
    "WALPluginTestRequest" => WalPluginTestRequest,
};

const ENUMERATIONS: &[Enumeration] = enumerations! {
    "ContentEncoding" => ContentEncoding,
    "CreateTableRequest_fields_inner_type" => CreateTableRequestFieldsInnerType,
    "EpochCompatibility" => EpochCompatibility,
    "Format" => Format,
    "LicenseResponse_status" => LicenseResponseStatus,
    "LineProtocol" => LineProtocol,
    "LineProtocolError_code" => LineProtocolErrorCode,
    "PrecisionWrite" => PrecisionWrite,
    "PrecisionWriteCompatibility" => PrecisionWriteCompatibility,
    "QueryRequestObject_format" => QueryRequestObjectFormat,
    "ResourceTokenObject_permissions_inner_actions_inner" => ResourceTokenObjectPermissionsInnerActionsInner,
    "ResourceTokenObject_permissions_inner_resource_type" => ResourceTokenObjectPermissionsInnerResourceType,
    "TriggerSettings_error_behavior" => TriggerSettingsErrorBehavior,
};

#[test]
fn every_schema_of_the_document_is_tested() {
    let expected: Vec<&str> = SCHEMAS.keys().map(String::as_str).collect();
    assert_eq!(sorted(MODELS.iter().map(|model| model.schema)), expected);

    let expected: Vec<&str> =
        SCHEMAS.iter().filter(|(_, schema)| schema.get("enum").is_some()).map(|(name, _)| name.as_str()).collect();
    assert_eq!(sorted(ENUMERATIONS.iter().map(|enumeration| enumeration.schema)), expected);
}

#[test]
fn every_example_of_the_document_round_trips() {
    let mut examples = 0;
    for model in MODELS {
        if let Some(example) = model.schema().get("example") {
            examples += 1;
            assert_eq!((model.round_trip)(example).unwrap(), *example, "{}", model.schema);
        }
    }
    assert!(examples > 0, "the document has no example");
}

#[test]
fn a_value_with_every_property_round_trips() {
    for model in MODELS {
        let value = model.value();
        assert_eq!((model.round_trip)(&value).unwrap(), value, "{}", model.schema);
    }
}

#[test]
fn unknown_properties_are_ignored() {
    for (model, _) in objects() {
        let value = model.value();
        let mut extended = value.clone();
        extended["x-unknown"] = json!({ "any": ["thing"] });
        assert_eq!((model.round_trip)(&extended).unwrap(), value, "{}", model.schema);
    }
}

#[test]
fn a_property_may_be_missing_unless_it_is_required() {
    for (model, properties) in objects() {
        for property in properties.keys() {
            let mut value = model.value();
            value.as_object_mut().unwrap().remove(property);
            let read = (model.round_trip)(&value);
            if requires(model.schema(), property) {
                let error = read.expect_err(model.schema).to_string();
                assert!(error.contains(&format!("missing field `{property}`")), "{}: {error}", model.schema);
            } else {
                assert_eq!(read.unwrap(), value, "{} without {property}", model.schema);
            }
        }
    }
}

#[test]
fn a_nullable_property_may_be_null_and_a_required_one_may_not() {
    for (model, properties) in objects() {
        for (property, schema) in properties {
            let mut value = model.value();
            value[property] = Value::Null;
            let read = (model.round_trip)(&value);
            if schema.get("nullable") == Some(&Value::Bool(true)) {
                assert_eq!(read.unwrap(), value, "{} with {property} null", model.schema);
            } else if requires(model.schema(), property) && resolve(schema).get("type").is_some() {
                assert!(read.is_err(), "{} with {property} null", model.schema);
            }
        }
    }
}

#[test]
fn a_property_of_the_wrong_type_is_rejected() {
    for (model, properties) in objects() {
        for (property, schema) in properties {
            let wrong = match resolve(schema).get("type").and_then(Value::as_str) {
                Some("string") => json!(7),
                Some("integer") => json!(7.5),
                Some("boolean") => json!("true"),
                Some("array") => json!({}),
                Some("object") if typed_object(resolve(schema)) => json!("{}"),
                _ => continue,
            };
            let mut value = model.value();
            value[property] = wrong;
            assert!((model.round_trip)(&value).is_err(), "{} with {value}", model.schema);
        }
    }
}

#[test]
fn an_enumeration_has_exactly_the_values_of_the_document() {
    for enumeration in ENUMERATIONS {
        let model = MODELS.iter().find(|model| model.schema == enumeration.schema).unwrap();
        let values = values_of(model.schema());
        for value in &values {
            assert_eq!((model.round_trip)(&json!(value)).unwrap(), json!(value), "{}", model.schema);
            assert_eq!((enumeration.round_trip)(value).as_deref(), Some(*value), "{}", model.schema);
        }
        let changed = values.iter().flat_map(|value| {
            let shortened = value.chars().skip(1).collect();
            [value.to_uppercase(), value.to_lowercase(), format!("{value} "), format!(" {value}"), shortened]
        });
        // U+03BC looks like the document's U+00B5, but is another character.
        let others = changed.chain(["", "null", "unknown", "Micro", "\u{3bc}"].map(str::to_owned));
        for other in others.filter(|other| !values.contains(&other.as_str())) {
            assert!((model.round_trip)(&json!(other)).is_err(), "{}: {other:?}", model.schema);
            assert_eq!((enumeration.round_trip)(&other), None, "{}: {other:?}", model.schema);
        }
        for wrong in [json!(0), json!(null), json!([values[0]]), json!({ values[0]: 1 })] {
            assert!((model.round_trip)(&wrong).is_err(), "{}: {wrong}", model.schema);
        }
    }
}

#[test]
fn the_micro_sign_is_a_precision() {
    let precision: models::EpochCompatibility = "µ".parse().unwrap();
    assert_eq!(precision, models::EpochCompatibility::Micro);
    assert_eq!(serde_json::to_string(&precision).unwrap(), "\"µ\"");
    assert_eq!(serde_json::from_str::<models::EpochCompatibility>(r#""\u00b5""#).unwrap(), precision);
}

#[test]
fn an_integer_has_64_bits_unless_the_document_says_less() {
    for (number, fits) in [(json!(i64::MAX), true), (json!(i64::MIN), true), (json!(u64::MAX), false)] {
        let token = json!({ "id": number });
        assert_eq!(round_trip::<models::AdminTokenObject>(&token).ok(), fits.then_some(token));
    }
}

#[test]
fn debug_output_redacts_secrets() {
    let holders: Vec<&Model> = MODELS.iter().filter(|model| model.value().to_string().contains(SECRET)).collect();
    assert!(holders.iter().any(|model| model.schema == "AdminTokenObject"));
    for model in holders {
        let printed = (model.debug)(&model.value());
        assert!(!printed.contains(SECRET), "{printed}");
        assert!(printed.contains("[redacted]"), "{printed}");
    }
}

/// The schemas of the document by name. The name of an inline schema is the one from which its model's name is made.
static SCHEMAS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let mut named = BTreeMap::new();
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
        name_schemas(name, schema, &mut named);
    }
    named
});

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(OPENAPI).unwrap());

fn name_schemas(name: &str, schema: &Value, named: &mut BTreeMap<String, Value>) {
    named.insert(name.to_owned(), schema.clone());
    for (property, schema) in properties_of(schema) {
        let (mut name, mut schema) = (format!("{name}_{property}"), schema);
        while let Some(items) = schema.get("items") {
            (name, schema) = (name + "_inner", items);
        }
        if schema.get("properties").is_some() || schema.get("enum").is_some() {
            name_schemas(&name, schema, named);
        }
    }
}

fn properties_of(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

/// Every model that is an object, with its properties.
fn objects() -> impl Iterator<Item = (&'static Model, &'static Map<String, Value>)> {
    MODELS.iter().filter_map(|model| Some((model, model.schema().get("properties")?.as_object()?)))
}

fn requires(schema: &Value, property: &str) -> bool {
    schema.get("required").and_then(Value::as_array).is_some_and(|required| required.contains(&json!(property)))
}

fn values_of(schema: &Value) -> Vec<&str> {
    schema["enum"].as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect()
}

/// Whether the properties of an object have a type, so that the generator makes a model or a map of it.
fn typed_object(schema: &Value) -> bool {
    schema.get("properties").is_some() || schema.get("additionalProperties").is_some()
}

/// Follows references, and an `allOf` with a single schema.
fn resolve(schema: &Value) -> &Value {
    match (schema.get("$ref").and_then(Value::as_str), schema.get("allOf").and_then(Value::as_array)) {
        (Some(reference), _) => resolve(DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap()),
        (None, Some(all)) => {
            assert_eq!(all.len(), 1, "these tests do not merge schemas");
            resolve(&all[0])
        }
        (None, None) => schema,
    }
}

/// Makes a value of a schema with every property, from the examples and types of the properties.
fn value_of(schema: &Value) -> Value {
    let schema = resolve(schema);
    if schema.get("properties").is_some() {
        return properties_of(schema).map(|(name, schema)| (name.clone(), value_of(schema))).collect();
    }
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if schema.get("enum").is_some() {
        return json!(values_of(schema)[0]);
    }
    let word = |key| schema.get(key).and_then(Value::as_str);
    match (word("type"), word("format")) {
        (Some("string"), Some("password")) => json!(SECRET),
        (Some("string"), Some("date-time")) => json!("2025-04-18T14:02:45.331Z"),
        (Some("string"), _) => json!("µ \"text\""),
        (Some("integer"), Some("int32")) => json!(i32::MAX),
        (Some("integer"), _) => json!(i64::MAX),
        (Some("boolean"), _) => json!(true),
        (Some("array"), _) => json!([value_of(&schema["items"])]),
        (Some("object"), _) => match schema.get("additionalProperties") {
            Some(values @ Value::Object(_)) => json!({ "key": value_of(values) }),
            _ => json!({ "key": [1, null] }),
        },
        (None, _) => json!({ "any": ["thing"] }),
        (Some(other), _) => panic!("these tests do not know the type {other}"),
    }
}

impl Model {
    fn schema(&self) -> &'static Value {
        &SCHEMAS[self.schema]
    }

    fn value(&self) -> Value {
        value_of(self.schema())
    }
}

fn round_trip<M: Serialize + DeserializeOwned>(value: &Value) -> Result<Value, Error> {
    serde_json::to_value(M::deserialize(value)?)
}

fn debug<M: Debug + DeserializeOwned>(value: &Value) -> String {
    let model = M::deserialize(value).unwrap();
    format!("{model:?} {model:#?}")
}

fn text_round_trip<M: FromStr + Display>(text: &str) -> Option<String> {
    text.parse::<M>().ok().map(|value| value.to_string())
}

fn sorted<'s>(names: impl Iterator<Item = &'s str>) -> Vec<&'s str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names
}
