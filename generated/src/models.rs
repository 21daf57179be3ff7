//! The document's schemas: those in `components.schemas`, and inline schemas.
//!
//! An optional property is an `Option`, and is omitted if it is `None`. If it may also be null, it is an `Option` of an
//! `Option`. Unknown properties are ignored unless the schema keeps or rejects them.

#![allow(unused_imports, reason = "the document decides which are used")]

use std::collections::BTreeMap;

use openapi_stub_runtime::json;
use openapi_stub_runtime::validation::{self, Validate, Violation};
use serde::{Deserialize, Serialize};

pub use openapi_stub_runtime::{Secret, UnknownValue};

/// The schema `AdminTokenObject`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct AdminTokenObject {
    /// The property `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The property `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The property `token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// The property `hash`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The property `created_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<chrono::DateTime<chrono::Utc>>,
    /// The property `expiry`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default, deserialize_with = "json::present")]
    pub expiry: Option<serde_json::Value>,
}

json::object!(AdminTokenObject);

/// The schema `ResourceTokenObject`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ResourceTokenObject {
    /// The property `token_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_name: Option<String>,
    /// The property `permissions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<ResourceTokenObjectPermissionsInner>>,
    /// The expiration time in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_secs: Option<i64>,
}

json::object!(ResourceTokenObject);

/// The schema `ResourceTokenObject_permissions_inner`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ResourceTokenObjectPermissionsInner {
    /// The property `resource_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<ResourceTokenObjectPermissionsInnerResourceType>,
    /// The property `resource_identifier`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_identifier: Option<Vec<String>>,
    /// The property `actions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions: Option<Vec<ResourceTokenObjectPermissionsInnerActionsInner>>,
}

json::object!(ResourceTokenObjectPermissionsInner);

/// The schema `ResourceTokenObject_permissions_inner_resource_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceTokenObjectPermissionsInnerResourceType {
    /// `"system"`
    System,
    /// `"db"`
    Db,
}

json::string_enum!(ResourceTokenObjectPermissionsInnerResourceType, "system, db", {
    System => "system",
    Db => "db",
});

/// The schema `ResourceTokenObject_permissions_inner_actions_inner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceTokenObjectPermissionsInnerActionsInner {
    /// `"read"`
    Read,
    /// `"write"`
    Write,
}

json::string_enum!(ResourceTokenObjectPermissionsInnerActionsInner, "read, write", {
    Read => "read",
    Write => "write",
});

/// Content coding.
/// Use `gzip` for compressed data or `identity` for unmodified, uncompressed data.
///
/// #### Multi-member gzip support
///
/// InfluxDB 3 supports multi-member gzip payloads (concatenated gzip files per [RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)).
/// This allows you to:
/// - Concatenate multiple gzip files and send them in a single request
/// - Maintain compatibility with InfluxDB v1 and v2 write endpoints
/// - Simplify batch operations using standard compression tools
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentEncoding {
    /// `"gzip"`
    Gzip,
    /// `"identity"`
    Identity,
}

json::string_enum!(ContentEncoding, "gzip, identity", {
    Gzip => "gzip",
    Identity => "identity",
});

/// `text/plain` is the content type for line protocol. `UTF-8` is the default character set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineProtocol {
    /// `"text/plain"`
    TextPlain,
    /// `"text/plain; charset=utf-8"`
    TextPlainCharsetUtf8,
}

json::string_enum!(LineProtocol, "text/plain, text/plain; charset=utf-8", {
    TextPlain => "text/plain",
    TextPlainCharsetUtf8 => "text/plain; charset=utf-8",
});

/// The length in decimal number of octets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentLength(pub i64);

json::newtype!(ContentLength);

/// The schema `Database`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Database(pub String);

json::newtype!(Database);

/// Accept partial writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AcceptPartial(pub bool);

json::newtype!(AcceptPartial);

/// The format of data in the response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// `"json"`
    Json,
    /// `"csv"`
    Csv,
    /// `"parquet"`
    Parquet,
    /// `"jsonl"`
    Jsonl,
}

json::string_enum!(Format, "json, csv, parquet, jsonl", {
    Json => "json",
    Csv => "csv",
    Parquet => "parquet",
    Jsonl => "jsonl",
});

/// Acknowledges a successful write without waiting for WAL persistence.
///
/// #### Related
///
/// - Use the HTTP API and client libraries to write data
/// - Data durability
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoSync(pub bool);

json::newtype!(NoSync);

/// The precision for unix timestamps in the line protocol batch.
/// Use `ms` for milliseconds, `s` for seconds, `us` for microseconds, or `ns` for nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrecisionWriteCompatibility {
    /// `"ms"`
    Ms,
    /// `"s"`
    S,
    /// `"us"`
    Us,
    /// `"ns"`
    Ns,
}

json::string_enum!(PrecisionWriteCompatibility, "ms, s, us, ns", {
    Ms => "ms",
    S => "s",
    Us => "us",
    Ns => "ns",
});

/// The precision for unix timestamps in the line protocol batch.
///
/// Supported values:
/// - `auto` (default): Automatically detects precision based on timestamp magnitude
/// - `nanosecond`: Nanoseconds
/// - `microsecond`: Microseconds
/// - `millisecond`: Milliseconds
/// - `second`: Seconds
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrecisionWrite {
    /// `"auto"`
    Auto,
    /// `"nanosecond"`
    Nanosecond,
    /// `"microsecond"`
    Microsecond,
    /// `"millisecond"`
    Millisecond,
    /// `"second"`
    Second,
}

json::string_enum!(PrecisionWrite, "auto, nanosecond, microsecond, millisecond, second", {
    Auto => "auto",
    Nanosecond => "nanosecond",
    Microsecond => "microsecond",
    Millisecond => "millisecond",
    Second => "second",
});

/// The schema `QueryRequestObject`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct QueryRequestObject {
    /// The name of the database to query.
    /// Required if the query (`q`) doesn't specify the database.
    pub db: String,
    /// The query to execute.
    pub q: String,
    /// The format of the query results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<QueryRequestObjectFormat>,
    /// Additional parameters for the query.
    /// Use this field to pass query parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<serde_json::Map<String, serde_json::Value>>,
}

json::object!(QueryRequestObject);

/// The format of the query results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueryRequestObjectFormat {
    /// `"json"`
    Json,
    /// `"csv"`
    Csv,
    /// `"parquet"`
    Parquet,
    /// `"jsonl"`
    Jsonl,
    /// `"pretty"`
    Pretty,
}

json::string_enum!(QueryRequestObjectFormat, "json, csv, parquet, jsonl, pretty", {
    Json => "json",
    Csv => "csv",
    Parquet => "parquet",
    Jsonl => "jsonl",
    Pretty => "pretty",
});

/// The schema `CreateDatabaseRequest`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CreateDatabaseRequest {
    /// The database name. Database names cannot contain underscores (_).
    /// Names must start and end with alphanumeric characters and can contain hyphens (-) in the middle.
    pub db: String,
    /// The retention period for the database. Specifies how long data should be retained.
    /// Use duration format (for example, "1d", "1h", "30m", "7d").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_period: Option<String>,
}

json::object!(CreateDatabaseRequest);

/// The schema `CreateTableRequest`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CreateTableRequest {
    /// The property `db`.
    pub db: String,
    /// The property `table`.
    pub table: String,
    /// The property `tags`.
    pub tags: Vec<String>,
    /// The property `fields`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<CreateTableRequestFieldsInner>>,
    /// The retention period for the table. Specifies how long data in this table should be retained.
    /// Use duration format (for example, "1d", "1h", "30m", "7d").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_period: Option<String>,
}

json::object!(CreateTableRequest);

/// The schema `CreateTableRequest_fields_inner`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CreateTableRequestFieldsInner {
    /// The property `name`.
    pub name: String,
    /// The property `type`.
    pub r#type: CreateTableRequestFieldsInnerType,
}

json::object!(CreateTableRequestFieldsInner);

/// The schema `CreateTableRequest_fields_inner_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CreateTableRequestFieldsInnerType {
    /// `"utf8"`
    Utf8,
    /// `"int64"`
    Int64,
    /// `"uint64"`
    Uint64,
    /// `"float64"`
    Float64,
    /// `"bool"`
    Bool,
}

json::string_enum!(CreateTableRequestFieldsInnerType, "utf8, int64, uint64, float64, bool", {
    Utf8 => "utf8",
    Int64 => "int64",
    Uint64 => "uint64",
    Float64 => "float64",
    Bool => "bool",
});

/// The schema `DistinctCacheCreateRequest`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DistinctCacheCreateRequest {
    /// The property `db`.
    pub db: String,
    /// The property `table`.
    pub table: String,
    /// The property `node_spec`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_spec: Option<ApiNodeSpec>,
    /// Optional cache name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The property `columns`.
    pub columns: Vec<String>,
    /// Optional maximum cardinality.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cardinality: Option<i64>,
    /// Optional maximum age in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<i64>,
}

json::object!(DistinctCacheCreateRequest);

/// The schema `LastCacheCreateRequest`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LastCacheCreateRequest {
    /// The property `db`.
    pub db: String,
    /// The property `table`.
    pub table: String,
    /// The property `node_spec`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_spec: Option<ApiNodeSpec>,
    /// Optional cache name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Optional list of key columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_columns: Option<Vec<String>>,
    /// Optional list of value columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_columns: Option<Vec<String>>,
    /// Optional count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// Optional time-to-live in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<i64>,
}

json::object!(LastCacheCreateRequest);

/// The schema `ProcessingEngineTriggerRequest`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ProcessingEngineTriggerRequest {
    /// The property `db`.
    pub db: String,
    /// The path and filename of the plugin to execute--for example,
    /// `schedule.py` or `endpoints/report.py`.
    /// The path can be absolute or relative to the `--plugins-dir` directory configured when starting InfluxDB 3.
    ///
    /// The plugin file must implement the trigger interface associated with the trigger's specification.
    pub plugin_filename: String,
    /// The property `node_spec`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_spec: Option<ApiNodeSpec>,
    /// The property `trigger_name`.
    pub trigger_name: String,
    /// Configuration for trigger error handling and execution behavior.
    pub trigger_settings: TriggerSettings,
    /// Specifies when and how the processing engine trigger should be invoked.
    ///
    /// ## Supported trigger specifications:
    ///
    /// ### Cron-based scheduling
    /// Format: `cron:CRON_EXPRESSION`
    ///
    /// Uses extended (6-field) cron format (second minute hour day_of_month month day_of_week):
    /// ```text
    /// ┌───────────── second (0-59)
    /// │ ┌───────────── minute (0-59)
    /// │ │ ┌───────────── hour (0-23)
    /// │ │ │ ┌───────────── day of month (1-31)
    /// │ │ │ │ ┌───────────── month (1-12)
    /// │ │ │ │ │ ┌───────────── day of week (0-6, Sunday=0)
    /// │ │ │ │ │ │
    /// * * * * * *
    /// ```
    /// Examples:
    /// - `cron:0 0 6 * * 1-5` - Every weekday at 6:00 AM
    /// - `cron:0 30 14 * * 5` - Every Friday at 2:30 PM
    /// - `cron:0 0 0 1 * *` - First day of every month at midnight
    ///
    /// ### Interval-based scheduling
    /// Format: `every:DURATION`
    ///
    /// Supported durations: `s` (seconds), `m` (minutes), `h` (hours), `d` (days), `w` (weeks), `M` (months), `y` (years):
    /// - `every:30s` - Every 30 seconds
    /// - `every:5m` - Every 5 minutes
    /// - `every:1h` - Every hour
    /// - `every:1d` - Every day
    /// - `every:1w` - Every week
    /// - `every:1M` - Every month
    /// - `every:1y` - Every year
    ///
    /// **Maximum interval**: 1 year
    ///
    /// ### Table-based triggers
    /// - `all_tables` - Triggers on write events to any table in the database
    /// - `table:TABLE_NAME` - Triggers on write events to a specific table
    ///
    /// ### On-demand triggers
    /// Format: `request:REQUEST_PATH`
    ///
    /// Creates an HTTP endpoint `/api/v3/engine/REQUEST_PATH` for manual invocation:
    /// - `request:hello-world` - Creates endpoint `/api/v3/engine/hello-world`
    /// - `request:data-export` - Creates endpoint `/api/v3/engine/data-export`
    pub trigger_specification: serde_json::Value,
    /// Optional arguments passed to the plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_arguments: Option<serde_json::Map<String, serde_json::Value>>,
    /// Whether the trigger is disabled.
    ///
    /// Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

json::object!(ProcessingEngineTriggerRequest);

/// Configuration settings for processing engine trigger error handling and execution behavior.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct TriggerSettings {
    /// Whether to run the trigger asynchronously.
    /// When `true`, the trigger executes in the background without blocking.
    /// When `false`, the trigger executes synchronously.
    ///
    /// Default: `false`.
    pub run_async: bool,
    /// Specifies how to handle errors that occur during trigger execution:
    /// - `Log`: Log the error and continue (default)
    /// - `Retry`: Retry the trigger execution
    /// - `Disable`: Disable the trigger after an error
    ///
    /// Default: `"Log"`.
    pub error_behavior: TriggerSettingsErrorBehavior,
}

json::object!(TriggerSettings);

/// Specifies how to handle errors that occur during trigger execution:
/// - `Log`: Log the error and continue (default)
/// - `Retry`: Retry the trigger execution
/// - `Disable`: Disable the trigger after an error
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TriggerSettingsErrorBehavior {
    /// `"Log"`
    Log,
    /// `"Retry"`
    Retry,
    /// `"Disable"`
    Disable,
}

json::string_enum!(TriggerSettingsErrorBehavior, "Log, Retry, Disable", {
    Log => "Log",
    Retry => "Retry",
    Disable => "Disable",
});

/// Optional specification for targeting specific nodes in a multi-node InfluxDB 3 Enterprise cluster.
/// Use this to control which node(s) should handle the cache or trigger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ApiNodeSpec {
    /// The ID of a specific node in the cluster.
    /// If specified, the cache or trigger will only be created on this node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_id: Option<String>,
    /// The name of a node group in the cluster.
    /// If specified, the cache or trigger will be created on all nodes in this group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_group: Option<String>,
}

json::object!(ApiNodeSpec);

/// Request body for testing a write-ahead logging (WAL) plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct WalPluginTestRequest {
    /// The path and filename of the plugin to test.
    pub filename: String,
    /// The database name to use for the test.
    pub database: String,
    /// Line protocol data to use as input for the test.
    pub input_lp: String,
    /// Optional name of the cache to use in the test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_name: Option<String>,
    /// Optional key-value pairs of arguments to pass to the plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_arguments: Option<BTreeMap<String, String>>,
}

json::object!(WalPluginTestRequest);

/// Request body for testing a scheduling plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct SchedulePluginTestRequest {
    /// The path and filename of the plugin to test.
    pub filename: String,
    /// The database name to use for the test.
    pub database: String,
    /// Optional schedule specification in cron or interval format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Optional name of the cache to use in the test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_name: Option<String>,
    /// Optional key-value pairs of arguments to pass to the plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_arguments: Option<BTreeMap<String, String>>,
}

json::object!(SchedulePluginTestRequest);

/// Request body for updating a plugin file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PluginFileRequest {
    /// The name of the plugin file to update.
    pub plugin_name: String,
    /// The content of the plugin file.
    pub content: String,
}

json::object!(PluginFileRequest);

/// Request body for updating plugin directory with multiple files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PluginDirectoryRequest {
    /// The name of the plugin directory to update.
    pub plugin_name: String,
    /// List of plugin files to include in the directory.
    pub files: Vec<PluginFileEntry>,
}

json::object!(PluginDirectoryRequest);

/// Represents a single file in a plugin directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct PluginFileEntry {
    /// The name of the file within the plugin directory.
    pub filename: String,
    /// The content of the file.
    pub content: String,
}

json::object!(PluginFileEntry);

/// The schema `ShowDatabasesResponse`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ShowDatabasesResponse {
    /// The property `databases`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub databases: Option<Vec<String>>,
}

json::object!(ShowDatabasesResponse);

/// The schema `QueryResponse`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct QueryResponse {
    /// The property `results`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<Vec<serde_json::Map<String, serde_json::Value>>>,
}

json::object!(QueryResponse);

/// The schema `ErrorMessage`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ErrorMessage {
    /// The property `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The property `data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default, deserialize_with = "json::present")]
    pub data: Option<Option<serde_json::Map<String, serde_json::Value>>>,
}

json::object!(ErrorMessage);

/// The schema `LineProtocolError`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LineProtocolError {
    /// Read only: Code is the machine-readable error code.
    pub code: LineProtocolErrorCode,
    /// Read only: Stack of errors that occurred during processing of the request. Useful for debugging.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub err: Option<String>,
    /// Read only: First line in the request body that contains malformed data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i32>,
    /// Read only: Human-readable message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Read only: Describes the logical code operation when the error occurred. Useful for debugging.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
}

json::object!(LineProtocolError);

/// Code is the machine-readable error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineProtocolErrorCode {
    /// `"internal error"`
    InternalError,
    /// `"not found"`
    NotFound,
    /// `"conflict"`
    Conflict,
    /// `"invalid"`
    Invalid,
    /// `"empty value"`
    EmptyValue,
    /// `"unavailable"`
    Unavailable,
}

json::string_enum!(LineProtocolErrorCode, "internal error, not found, conflict, invalid, empty value, unavailable", {
    InternalError => "internal error",
    NotFound => "not found",
    Conflict => "conflict",
    Invalid => "invalid",
    EmptyValue => "empty value",
    Unavailable => "unavailable",
});

/// A unix timestamp precision.
/// - `h` for hours
/// - `m` for minutes
/// - `s` for seconds
/// - `ms` for milliseconds
/// - `u` or `µ` for microseconds
/// - `ns` for nanoseconds
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EpochCompatibility {
    /// `"ns"`
    Ns,
    /// `"u"`
    U,
    /// `"µ"`
    Micro,
    /// `"ms"`
    Ms,
    /// `"s"`
    S,
    /// `"m"`
    M,
    /// `"h"`
    H,
}

json::string_enum!(EpochCompatibility, "ns, u, µ, ms, s, m, h", {
    Ns => "ns",
    U => "u",
    Micro => "µ",
    Ms => "ms",
    S => "s",
    M => "m",
    H => "h",
});

/// Request schema for updating database configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct UpdateDatabaseRequest {
    /// The retention period for the database. Specifies how long data should be retained.
    /// Use duration format (for example, "1d", "1h", "30m", "7d").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_period: Option<String>,
}

json::object!(UpdateDatabaseRequest);

/// Request schema for updating table configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct UpdateTableRequest {
    /// The name of the database containing the table.
    pub db: String,
    /// The name of the table to update.
    pub table: String,
    /// The retention period for the table. Specifies how long data in this table should be retained.
    /// Use duration format (for example, "1d", "1h", "30m", "7d").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_period: Option<String>,
}

json::object!(UpdateTableRequest);

/// Response schema for license information.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LicenseResponse {
    /// The type of license (for example, "enterprise", "trial").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license_type: Option<String>,
    /// The expiration date of the license in ISO 8601 format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<chrono::DateTime<chrono::Utc>>,
    /// List of features enabled by the license.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// The current status of the license.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<LicenseResponseStatus>,
}

json::object!(LicenseResponse);

/// The current status of the license.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LicenseResponseStatus {
    /// `"active"`
    Active,
    /// `"expired"`
    Expired,
    /// `"invalid"`
    Invalid,
}

json::string_enum!(LicenseResponseStatus, "active, expired, invalid", {
    Active => "active",
    Expired => "expired",
    Invalid => "invalid",
});
