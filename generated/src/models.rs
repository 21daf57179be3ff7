//! The document's schemas (`components.schemas`), and those that it states in place.
//!
//! A property that is not required is an `Option` and is left out when it is `None`; where null is a value of its own,
//! it is an `Option` in an `Option`. Unknown properties are ignored, unless a schema says otherwise.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::json;

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
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "json::present")]
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

impl ResourceTokenObjectPermissionsInnerResourceType {
    /// Every value, in the document's order.
    pub const ALL: &'static [Self] = &[Self::System, Self::Db];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Db => "db",
        }
    }
}

json::string_enum!(ResourceTokenObjectPermissionsInnerResourceType, "system, db");

/// The schema `ResourceTokenObject_permissions_inner_actions_inner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceTokenObjectPermissionsInnerActionsInner {
    /// `"read"`
    Read,
    /// `"write"`
    Write,
}

impl ResourceTokenObjectPermissionsInnerActionsInner {
    /// Every value, in the document's order.
    pub const ALL: &'static [Self] = &[Self::Read, Self::Write];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

json::string_enum!(ResourceTokenObjectPermissionsInnerActionsInner, "read, write");

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

impl ContentEncoding {
    /// Every value, in the document's order.
    pub const ALL: &'static [Self] = &[Self::Gzip, Self::Identity];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }
}

json::string_enum!(ContentEncoding, "gzip, identity");

/// `text/plain` is the content type for line protocol. `UTF-8` is the default character set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineProtocol {
    /// `"text/plain"`
    TextPlain,
    /// `"text/plain; charset=utf-8"`
    TextPlainCharsetUtf8,
}

impl LineProtocol {
    /// Every value, in the document's order.
    pub const ALL: &'static [Self] = &[Self::TextPlain, Self::TextPlainCharsetUtf8];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TextPlain => "text/plain",
            Self::TextPlainCharsetUtf8 => "text/plain; charset=utf-8",
        }
    }
}

json::string_enum!(LineProtocol, "text/plain, text/plain; charset=utf-8");

/// The length in decimal number of octets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentLength(pub i64);

impl FromStr for ContentLength {
    type Err = <i64 as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(ContentLength)
    }
}

impl fmt::Display for ContentLength {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The schema `Database`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Database(pub String);

impl FromStr for Database {
    type Err = <String as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Database)
    }
}

impl fmt::Display for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Accept partial writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AcceptPartial(pub bool);

impl FromStr for AcceptPartial {
    type Err = <bool as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(AcceptPartial)
    }
}

impl fmt::Display for AcceptPartial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

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

impl Format {
    /// Every value, in the document's order.
    pub const ALL: &'static [Self] = &[Self::Json, Self::Csv, Self::Parquet, Self::Jsonl];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Jsonl => "jsonl",
        }
    }
}

json::string_enum!(Format, "json, csv, parquet, jsonl");

/// Acknowledges a successful write without waiting for WAL persistence.
///
/// #### Related
///
/// - Use the HTTP API and client libraries to write data
/// - Data durability
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoSync(pub bool);

impl FromStr for NoSync {
    type Err = <bool as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(NoSync)
    }
}

impl fmt::Display for NoSync {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

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

impl PrecisionWriteCompatibility {
    /// Every value, in the document's order.
    pub const ALL: &'static [Self] = &[Self::Ms, Self::S, Self::Us, Self::Ns];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ms => "ms",
            Self::S => "s",
            Self::Us => "us",
            Self::Ns => "ns",
        }
    }
}

json::string_enum!(PrecisionWriteCompatibility, "ms, s, us, ns");

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

impl PrecisionWrite {
    /// Every value, in the document's order.
    pub const ALL: &'static [Self] =
        &[Self::Auto, Self::Nanosecond, Self::Microsecond, Self::Millisecond, Self::Second];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Nanosecond => "nanosecond",
            Self::Microsecond => "microsecond",
            Self::Millisecond => "millisecond",
            Self::Second => "second",
        }
    }
}

json::string_enum!(PrecisionWrite, "auto, nanosecond, microsecond, millisecond, second");

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

impl QueryRequestObjectFormat {
    /// Every value, in the document's order.
    pub const ALL: &'static [Self] = &[Self::Json, Self::Csv, Self::Parquet, Self::Jsonl, Self::Pretty];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Jsonl => "jsonl",
            Self::Pretty => "pretty",
        }
    }
}

json::string_enum!(QueryRequestObjectFormat, "json, csv, parquet, jsonl, pretty");

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

impl CreateTableRequestFieldsInnerType {
    /// Every value, in the document's order.
    pub const ALL: &'static [Self] = &[Self::Utf8, Self::Int64, Self::Uint64, Self::Float64, Self::Bool];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf8",
            Self::Int64 => "int64",
            Self::Uint64 => "uint64",
            Self::Float64 => "float64",
            Self::Bool => "bool",
        }
    }
}

json::string_enum!(CreateTableRequestFieldsInnerType, "utf8, int64, uint64, float64, bool");

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

impl TriggerSettingsErrorBehavior {
    /// Every value, in the document's order.
    pub const ALL: &'static [Self] = &[Self::Log, Self::Retry, Self::Disable];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Log => "Log",
            Self::Retry => "Retry",
            Self::Disable => "Disable",
        }
    }
}

json::string_enum!(TriggerSettingsErrorBehavior, "Log, Retry, Disable");

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
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "json::present")]
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

impl LineProtocolErrorCode {
    /// Every value, in the document's order.
    pub const ALL: &'static [Self] =
        &[Self::InternalError, Self::NotFound, Self::Conflict, Self::Invalid, Self::EmptyValue, Self::Unavailable];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InternalError => "internal error",
            Self::NotFound => "not found",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::EmptyValue => "empty value",
            Self::Unavailable => "unavailable",
        }
    }
}

json::string_enum!(LineProtocolErrorCode, "internal error, not found, conflict, invalid, empty value, unavailable");

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

impl EpochCompatibility {
    /// Every value, in the document's order.
    pub const ALL: &'static [Self] = &[Self::Ns, Self::U, Self::Micro, Self::Ms, Self::S, Self::M, Self::H];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ns => "ns",
            Self::U => "u",
            Self::Micro => "µ",
            Self::Ms => "ms",
            Self::S => "s",
            Self::M => "m",
            Self::H => "h",
        }
    }
}

json::string_enum!(EpochCompatibility, "ns, u, µ, ms, s, m, h");

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

impl LicenseResponseStatus {
    /// Every value, in the document's order.
    pub const ALL: &'static [Self] = &[Self::Active, Self::Expired, Self::Invalid];

    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Invalid => "invalid",
        }
    }
}

json::string_enum!(LicenseResponseStatus, "active, expired, invalid");

/// A value of the format `password`: read and written like any string, but never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Secret)
    }
}

/// A text or number that is none of an enum's values. Its message lists those, and never repeats what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownValue {
    pub(crate) values: &'static str,
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "must be one of {}", self.values)
    }
}

impl std::error::Error for UnknownValue {}
