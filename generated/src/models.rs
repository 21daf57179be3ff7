//! The document's schemas (`components.schemas`).
//!
//! A property that is not required is an `Option` and is left out when it is `None`. Unknown properties are ignored.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::models;

/// Accept partial writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AcceptPartial(pub bool);

/// The schema `AdminTokenObject`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdminTokenObject {
    /// The property `id`.
    #[serde(rename = "id", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The property `name`.
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The property `token`.
    #[serde(rename = "token", default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// The property `hash`.
    #[serde(rename = "hash", default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The property `created_at`.
    #[serde(rename = "created_at", default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<chrono::DateTime<chrono::Utc>>,
    /// The property `expiry`.
    #[serde(rename = "expiry", default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub expiry: Option<serde_json::Value>,
}

/// Optional specification for targeting specific nodes in a multi-node InfluxDB 3 Enterprise cluster.
/// Use this to control which node(s) should handle the cache or trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiNodeSpec {
    /// The ID of a specific node in the cluster.
    /// If specified, the cache or trigger will only be created on this node.
    #[serde(rename = "node_id", default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<String>,
    /// The name of a node group in the cluster.
    /// If specified, the cache or trigger will be created on all nodes in this group.
    #[serde(rename = "node_group", default, skip_serializing_if = "Option::is_none")]
    pub node_group: Option<String>,
}

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ContentEncoding {
    /// `"gzip"`
    #[serde(rename = "gzip")]
    Gzip,
    /// `"identity"`
    #[serde(rename = "identity")]
    Identity,
}

impl ContentEncoding {
    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            ContentEncoding::Gzip => "gzip",
            ContentEncoding::Identity => "identity",
        }
    }
}

impl fmt::Display for ContentEncoding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for ContentEncoding {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "gzip" => Ok(ContentEncoding::Gzip),
            "identity" => Ok(ContentEncoding::Identity),
            _ => Err(UnknownValue { schema: "ContentEncoding" }),
        }
    }
}

/// The length in decimal number of octets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentLength(pub i64);

/// The schema `CreateDatabaseRequest`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateDatabaseRequest {
    /// The database name. Database names cannot contain underscores (_).
    /// Names must start and end with alphanumeric characters and can contain hyphens (-) in the middle.
    #[serde(rename = "db")]
    pub db: String,
    /// The retention period for the database. Specifies how long data should be retained.
    /// Use duration format (for example, "1d", "1h", "30m", "7d").
    #[serde(rename = "retention_period", default, skip_serializing_if = "Option::is_none")]
    pub retention_period: Option<String>,
}

/// The schema `CreateTableRequest`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateTableRequest {
    /// The property `db`.
    #[serde(rename = "db")]
    pub db: String,
    /// The property `table`.
    #[serde(rename = "table")]
    pub table: String,
    /// The property `tags`.
    #[serde(rename = "tags")]
    pub tags: Vec<String>,
    /// The property `fields`.
    #[serde(rename = "fields", default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<models::CreateTableRequestFieldsInner>>,
    /// The retention period for the table. Specifies how long data in this table should be retained.
    /// Use duration format (for example, "1d", "1h", "30m", "7d").
    #[serde(rename = "retention_period", default, skip_serializing_if = "Option::is_none")]
    pub retention_period: Option<String>,
}

/// The schema `CreateTableRequest_fields_inner`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateTableRequestFieldsInner {
    /// The property `name`.
    #[serde(rename = "name")]
    pub name: String,
    /// The property `type`.
    #[serde(rename = "type")]
    pub r#type: models::CreateTableRequestFieldsInnerType,
}

/// The schema `CreateTableRequest_fields_inner_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CreateTableRequestFieldsInnerType {
    /// `"utf8"`
    #[serde(rename = "utf8")]
    Utf8,
    /// `"int64"`
    #[serde(rename = "int64")]
    Int64,
    /// `"uint64"`
    #[serde(rename = "uint64")]
    Uint64,
    /// `"float64"`
    #[serde(rename = "float64")]
    Float64,
    /// `"bool"`
    #[serde(rename = "bool")]
    Bool,
}

impl CreateTableRequestFieldsInnerType {
    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            CreateTableRequestFieldsInnerType::Utf8 => "utf8",
            CreateTableRequestFieldsInnerType::Int64 => "int64",
            CreateTableRequestFieldsInnerType::Uint64 => "uint64",
            CreateTableRequestFieldsInnerType::Float64 => "float64",
            CreateTableRequestFieldsInnerType::Bool => "bool",
        }
    }
}

impl fmt::Display for CreateTableRequestFieldsInnerType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for CreateTableRequestFieldsInnerType {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "utf8" => Ok(CreateTableRequestFieldsInnerType::Utf8),
            "int64" => Ok(CreateTableRequestFieldsInnerType::Int64),
            "uint64" => Ok(CreateTableRequestFieldsInnerType::Uint64),
            "float64" => Ok(CreateTableRequestFieldsInnerType::Float64),
            "bool" => Ok(CreateTableRequestFieldsInnerType::Bool),
            _ => Err(UnknownValue { schema: "CreateTableRequest_fields_inner_type" }),
        }
    }
}

/// The schema `Database`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Database(pub String);

/// The schema `DistinctCacheCreateRequest`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DistinctCacheCreateRequest {
    /// The property `db`.
    #[serde(rename = "db")]
    pub db: String,
    /// The property `table`.
    #[serde(rename = "table")]
    pub table: String,
    /// The property `node_spec`.
    #[serde(rename = "node_spec", default, skip_serializing_if = "Option::is_none")]
    pub node_spec: Option<models::ApiNodeSpec>,
    /// Optional cache name.
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The property `columns`.
    #[serde(rename = "columns")]
    pub columns: Vec<String>,
    /// Optional maximum cardinality.
    #[serde(rename = "max_cardinality", default, skip_serializing_if = "Option::is_none")]
    pub max_cardinality: Option<i64>,
    /// Optional maximum age in seconds.
    #[serde(rename = "max_age", default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<i64>,
}

/// A unix timestamp precision.
/// - `h` for hours
/// - `m` for minutes
/// - `s` for seconds
/// - `ms` for milliseconds
/// - `u` or `µ` for microseconds
/// - `ns` for nanoseconds
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EpochCompatibility {
    /// `"ns"`
    #[serde(rename = "ns")]
    Ns,
    /// `"u"`
    #[serde(rename = "u")]
    U,
    /// `"µ"`
    #[serde(rename = "µ")]
    Micro,
    /// `"ms"`
    #[serde(rename = "ms")]
    Ms,
    /// `"s"`
    #[serde(rename = "s")]
    S,
    /// `"m"`
    #[serde(rename = "m")]
    M,
    /// `"h"`
    #[serde(rename = "h")]
    H,
}

impl EpochCompatibility {
    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            EpochCompatibility::Ns => "ns",
            EpochCompatibility::U => "u",
            EpochCompatibility::Micro => "µ",
            EpochCompatibility::Ms => "ms",
            EpochCompatibility::S => "s",
            EpochCompatibility::M => "m",
            EpochCompatibility::H => "h",
        }
    }
}

impl fmt::Display for EpochCompatibility {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for EpochCompatibility {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "ns" => Ok(EpochCompatibility::Ns),
            "u" => Ok(EpochCompatibility::U),
            "µ" => Ok(EpochCompatibility::Micro),
            "ms" => Ok(EpochCompatibility::Ms),
            "s" => Ok(EpochCompatibility::S),
            "m" => Ok(EpochCompatibility::M),
            "h" => Ok(EpochCompatibility::H),
            _ => Err(UnknownValue { schema: "EpochCompatibility" }),
        }
    }
}

/// The schema `ErrorMessage`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorMessage {
    /// The property `error`.
    #[serde(rename = "error", default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The property `data`.
    #[serde(rename = "data", default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub data: Option<serde_json::Value>,
}

/// The format of data in the response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Format {
    /// `"json"`
    #[serde(rename = "json")]
    Json,
    /// `"csv"`
    #[serde(rename = "csv")]
    Csv,
    /// `"parquet"`
    #[serde(rename = "parquet")]
    Parquet,
    /// `"jsonl"`
    #[serde(rename = "jsonl")]
    Jsonl,
}

impl Format {
    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Parquet => "parquet",
            Format::Jsonl => "jsonl",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "json" => Ok(Format::Json),
            "csv" => Ok(Format::Csv),
            "parquet" => Ok(Format::Parquet),
            "jsonl" => Ok(Format::Jsonl),
            _ => Err(UnknownValue { schema: "Format" }),
        }
    }
}

/// The schema `LastCacheCreateRequest`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastCacheCreateRequest {
    /// The property `db`.
    #[serde(rename = "db")]
    pub db: String,
    /// The property `table`.
    #[serde(rename = "table")]
    pub table: String,
    /// The property `node_spec`.
    #[serde(rename = "node_spec", default, skip_serializing_if = "Option::is_none")]
    pub node_spec: Option<models::ApiNodeSpec>,
    /// Optional cache name.
    #[serde(rename = "name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Optional list of key columns.
    #[serde(rename = "key_columns", default, skip_serializing_if = "Option::is_none")]
    pub key_columns: Option<Vec<String>>,
    /// Optional list of value columns.
    #[serde(rename = "value_columns", default, skip_serializing_if = "Option::is_none")]
    pub value_columns: Option<Vec<String>>,
    /// Optional count.
    #[serde(rename = "count", default, skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// Optional time-to-live in seconds.
    #[serde(rename = "ttl", default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<i64>,
}

/// Response schema for license information.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LicenseResponse {
    /// The type of license (for example, "enterprise", "trial").
    #[serde(rename = "license_type", default, skip_serializing_if = "Option::is_none")]
    pub license_type: Option<String>,
    /// The expiration date of the license in ISO 8601 format.
    #[serde(rename = "expires_at", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<chrono::DateTime<chrono::Utc>>,
    /// List of features enabled by the license.
    #[serde(rename = "features", default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// The property `status`.
    #[serde(rename = "status", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<models::LicenseResponseStatus>,
}

/// The current status of the license.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LicenseResponseStatus {
    /// `"active"`
    #[serde(rename = "active")]
    Active,
    /// `"expired"`
    #[serde(rename = "expired")]
    Expired,
    /// `"invalid"`
    #[serde(rename = "invalid")]
    Invalid,
}

impl LicenseResponseStatus {
    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            LicenseResponseStatus::Active => "active",
            LicenseResponseStatus::Expired => "expired",
            LicenseResponseStatus::Invalid => "invalid",
        }
    }
}

impl fmt::Display for LicenseResponseStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for LicenseResponseStatus {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "active" => Ok(LicenseResponseStatus::Active),
            "expired" => Ok(LicenseResponseStatus::Expired),
            "invalid" => Ok(LicenseResponseStatus::Invalid),
            _ => Err(UnknownValue { schema: "LicenseResponse_status" }),
        }
    }
}

/// `text/plain` is the content type for line protocol. `UTF-8` is the default character set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LineProtocol {
    /// `"text/plain"`
    #[serde(rename = "text/plain")]
    TextSlashPlain,
    /// `"text/plain; charset=utf-8"`
    #[serde(rename = "text/plain; charset=utf-8")]
    TextSlashPlainSemicolonCharsetEqualUtf8,
}

impl LineProtocol {
    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            LineProtocol::TextSlashPlain => "text/plain",
            LineProtocol::TextSlashPlainSemicolonCharsetEqualUtf8 => "text/plain; charset=utf-8",
        }
    }
}

impl fmt::Display for LineProtocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for LineProtocol {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "text/plain" => Ok(LineProtocol::TextSlashPlain),
            "text/plain; charset=utf-8" => Ok(LineProtocol::TextSlashPlainSemicolonCharsetEqualUtf8),
            _ => Err(UnknownValue { schema: "LineProtocol" }),
        }
    }
}

/// The schema `LineProtocolError`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineProtocolError {
    /// The property `code`.
    #[serde(rename = "code")]
    pub code: models::LineProtocolErrorCode,
    /// Stack of errors that occurred during processing of the request. Useful for debugging.
    #[serde(rename = "err", default, skip_serializing_if = "Option::is_none")]
    pub err: Option<String>,
    /// First line in the request body that contains malformed data.
    #[serde(rename = "line", default, skip_serializing_if = "Option::is_none")]
    pub line: Option<i32>,
    /// Human-readable message.
    #[serde(rename = "message", default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Describes the logical code operation when the error occurred. Useful for debugging.
    #[serde(rename = "op", default, skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
}

/// Code is the machine-readable error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LineProtocolErrorCode {
    /// `"internal error"`
    #[serde(rename = "internal error")]
    InternalError,
    /// `"not found"`
    #[serde(rename = "not found")]
    NotFound,
    /// `"conflict"`
    #[serde(rename = "conflict")]
    Conflict,
    /// `"invalid"`
    #[serde(rename = "invalid")]
    Invalid,
    /// `"empty value"`
    #[serde(rename = "empty value")]
    EmptyValue,
    /// `"unavailable"`
    #[serde(rename = "unavailable")]
    Unavailable,
}

impl LineProtocolErrorCode {
    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            LineProtocolErrorCode::InternalError => "internal error",
            LineProtocolErrorCode::NotFound => "not found",
            LineProtocolErrorCode::Conflict => "conflict",
            LineProtocolErrorCode::Invalid => "invalid",
            LineProtocolErrorCode::EmptyValue => "empty value",
            LineProtocolErrorCode::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for LineProtocolErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for LineProtocolErrorCode {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "internal error" => Ok(LineProtocolErrorCode::InternalError),
            "not found" => Ok(LineProtocolErrorCode::NotFound),
            "conflict" => Ok(LineProtocolErrorCode::Conflict),
            "invalid" => Ok(LineProtocolErrorCode::Invalid),
            "empty value" => Ok(LineProtocolErrorCode::EmptyValue),
            "unavailable" => Ok(LineProtocolErrorCode::Unavailable),
            _ => Err(UnknownValue { schema: "LineProtocolError_code" }),
        }
    }
}

/// Acknowledges a successful write without waiting for WAL persistence.
///
/// #### Related
///
/// - [Use the HTTP API and client libraries to write data](/influxdb3/enterprise/write-data/api-client-libraries/)
/// - [Data durability](/influxdb3/enterprise/reference/internals/durability/)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoSync(pub bool);

/// Request body for updating plugin directory with multiple files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PluginDirectoryRequest {
    /// The name of the plugin directory to update.
    #[serde(rename = "plugin_name")]
    pub plugin_name: String,
    /// List of plugin files to include in the directory.
    #[serde(rename = "files")]
    pub files: Vec<models::PluginFileEntry>,
}

/// Represents a single file in a plugin directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PluginFileEntry {
    /// The name of the file within the plugin directory.
    #[serde(rename = "filename")]
    pub filename: String,
    /// The content of the file.
    #[serde(rename = "content")]
    pub content: String,
}

/// Request body for updating a plugin file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PluginFileRequest {
    /// The name of the plugin file to update.
    #[serde(rename = "plugin_name")]
    pub plugin_name: String,
    /// The content of the plugin file.
    #[serde(rename = "content")]
    pub content: String,
}

/// The precision for unix timestamps in the line protocol batch.
///
/// Supported values:
/// - `auto` (default): Automatically detects precision based on timestamp magnitude
/// - `nanosecond`: Nanoseconds
/// - `microsecond`: Microseconds
/// - `millisecond`: Milliseconds
/// - `second`: Seconds
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PrecisionWrite {
    /// `"auto"`
    #[serde(rename = "auto")]
    Auto,
    /// `"nanosecond"`
    #[serde(rename = "nanosecond")]
    Nanosecond,
    /// `"microsecond"`
    #[serde(rename = "microsecond")]
    Microsecond,
    /// `"millisecond"`
    #[serde(rename = "millisecond")]
    Millisecond,
    /// `"second"`
    #[serde(rename = "second")]
    Second,
}

impl PrecisionWrite {
    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            PrecisionWrite::Auto => "auto",
            PrecisionWrite::Nanosecond => "nanosecond",
            PrecisionWrite::Microsecond => "microsecond",
            PrecisionWrite::Millisecond => "millisecond",
            PrecisionWrite::Second => "second",
        }
    }
}

impl fmt::Display for PrecisionWrite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for PrecisionWrite {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "auto" => Ok(PrecisionWrite::Auto),
            "nanosecond" => Ok(PrecisionWrite::Nanosecond),
            "microsecond" => Ok(PrecisionWrite::Microsecond),
            "millisecond" => Ok(PrecisionWrite::Millisecond),
            "second" => Ok(PrecisionWrite::Second),
            _ => Err(UnknownValue { schema: "PrecisionWrite" }),
        }
    }
}

/// The precision for unix timestamps in the line protocol batch.
/// Use `ms` for milliseconds, `s` for seconds, `us` for microseconds, or `ns` for nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PrecisionWriteCompatibility {
    /// `"ms"`
    #[serde(rename = "ms")]
    Ms,
    /// `"s"`
    #[serde(rename = "s")]
    S,
    /// `"us"`
    #[serde(rename = "us")]
    Us,
    /// `"ns"`
    #[serde(rename = "ns")]
    Ns,
}

impl PrecisionWriteCompatibility {
    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            PrecisionWriteCompatibility::Ms => "ms",
            PrecisionWriteCompatibility::S => "s",
            PrecisionWriteCompatibility::Us => "us",
            PrecisionWriteCompatibility::Ns => "ns",
        }
    }
}

impl fmt::Display for PrecisionWriteCompatibility {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for PrecisionWriteCompatibility {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "ms" => Ok(PrecisionWriteCompatibility::Ms),
            "s" => Ok(PrecisionWriteCompatibility::S),
            "us" => Ok(PrecisionWriteCompatibility::Us),
            "ns" => Ok(PrecisionWriteCompatibility::Ns),
            _ => Err(UnknownValue { schema: "PrecisionWriteCompatibility" }),
        }
    }
}

/// The schema `ProcessingEngineTriggerRequest`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessingEngineTriggerRequest {
    /// The property `db`.
    #[serde(rename = "db")]
    pub db: String,
    /// The path and filename of the plugin to execute--for example,
    /// `schedule.py` or `endpoints/report.py`.
    /// The path can be absolute or relative to the `--plugins-dir` directory configured when starting InfluxDB 3.
    ///
    /// The plugin file must implement the trigger interface associated with the trigger's specification.
    #[serde(rename = "plugin_filename")]
    pub plugin_filename: String,
    /// The property `node_spec`.
    #[serde(rename = "node_spec", default, skip_serializing_if = "Option::is_none")]
    pub node_spec: Option<models::ApiNodeSpec>,
    /// The property `trigger_name`.
    #[serde(rename = "trigger_name")]
    pub trigger_name: String,
    /// Configuration for trigger error handling and execution behavior.
    #[serde(rename = "trigger_settings")]
    pub trigger_settings: models::TriggerSettings,
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
    #[serde(rename = "trigger_specification")]
    pub trigger_specification: serde_json::Value,
    /// Optional arguments passed to the plugin.
    #[serde(rename = "trigger_arguments", default, skip_serializing_if = "Option::is_none")]
    pub trigger_arguments: Option<std::collections::HashMap<String, serde_json::Value>>,
    /// Whether the trigger is disabled.
    #[serde(rename = "disabled", default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// The schema `QueryRequestObject`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryRequestObject {
    /// The name of the database to query.
    /// Required if the query (`q`) doesn't specify the database.
    #[serde(rename = "db")]
    pub db: String,
    /// The query to execute.
    #[serde(rename = "q")]
    pub q: String,
    /// The property `format`.
    #[serde(rename = "format", default, skip_serializing_if = "Option::is_none")]
    pub format: Option<models::QueryRequestObjectFormat>,
    /// Additional parameters for the query.
    /// Use this field to pass query parameters.
    #[serde(rename = "params", default, skip_serializing_if = "Option::is_none")]
    pub params: Option<std::collections::HashMap<String, serde_json::Value>>,
}

/// The format of the query results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum QueryRequestObjectFormat {
    /// `"json"`
    #[serde(rename = "json")]
    Json,
    /// `"csv"`
    #[serde(rename = "csv")]
    Csv,
    /// `"parquet"`
    #[serde(rename = "parquet")]
    Parquet,
    /// `"jsonl"`
    #[serde(rename = "jsonl")]
    Jsonl,
    /// `"pretty"`
    #[serde(rename = "pretty")]
    Pretty,
}

impl QueryRequestObjectFormat {
    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            QueryRequestObjectFormat::Json => "json",
            QueryRequestObjectFormat::Csv => "csv",
            QueryRequestObjectFormat::Parquet => "parquet",
            QueryRequestObjectFormat::Jsonl => "jsonl",
            QueryRequestObjectFormat::Pretty => "pretty",
        }
    }
}

impl fmt::Display for QueryRequestObjectFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for QueryRequestObjectFormat {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "json" => Ok(QueryRequestObjectFormat::Json),
            "csv" => Ok(QueryRequestObjectFormat::Csv),
            "parquet" => Ok(QueryRequestObjectFormat::Parquet),
            "jsonl" => Ok(QueryRequestObjectFormat::Jsonl),
            "pretty" => Ok(QueryRequestObjectFormat::Pretty),
            _ => Err(UnknownValue { schema: "QueryRequestObject_format" }),
        }
    }
}

/// The schema `QueryResponse`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryResponse {
    /// The property `results`.
    #[serde(rename = "results", default, skip_serializing_if = "Option::is_none")]
    pub results: Option<Vec<serde_json::Value>>,
}

/// The schema `ResourceTokenObject`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceTokenObject {
    /// The property `token_name`.
    #[serde(rename = "token_name", default, skip_serializing_if = "Option::is_none")]
    pub token_name: Option<String>,
    /// The property `permissions`.
    #[serde(rename = "permissions", default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<models::ResourceTokenObjectPermissionsInner>>,
    /// The expiration time in seconds.
    #[serde(rename = "expiry_secs", default, skip_serializing_if = "Option::is_none")]
    pub expiry_secs: Option<i64>,
}

/// The schema `ResourceTokenObject_permissions_inner`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceTokenObjectPermissionsInner {
    /// The property `resource_type`.
    #[serde(rename = "resource_type", default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<models::ResourceTokenObjectPermissionsInnerResourceType>,
    /// The property `resource_identifier`.
    #[serde(rename = "resource_identifier", default, skip_serializing_if = "Option::is_none")]
    pub resource_identifier: Option<Vec<String>>,
    /// The property `actions`.
    #[serde(rename = "actions", default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<Vec<models::ResourceTokenObjectPermissionsInnerActionsInner>>,
}

/// The schema `ResourceTokenObject_permissions_inner_actions_inner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ResourceTokenObjectPermissionsInnerActionsInner {
    /// `"read"`
    #[serde(rename = "read")]
    Read,
    /// `"write"`
    #[serde(rename = "write")]
    Write,
}

impl ResourceTokenObjectPermissionsInnerActionsInner {
    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            ResourceTokenObjectPermissionsInnerActionsInner::Read => "read",
            ResourceTokenObjectPermissionsInnerActionsInner::Write => "write",
        }
    }
}

impl fmt::Display for ResourceTokenObjectPermissionsInnerActionsInner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for ResourceTokenObjectPermissionsInnerActionsInner {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "read" => Ok(ResourceTokenObjectPermissionsInnerActionsInner::Read),
            "write" => Ok(ResourceTokenObjectPermissionsInnerActionsInner::Write),
            _ => Err(UnknownValue { schema: "ResourceTokenObject_permissions_inner_actions_inner" }),
        }
    }
}

/// The schema `ResourceTokenObject_permissions_inner_resource_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ResourceTokenObjectPermissionsInnerResourceType {
    /// `"system"`
    #[serde(rename = "system")]
    System,
    /// `"db"`
    #[serde(rename = "db")]
    Db,
}

impl ResourceTokenObjectPermissionsInnerResourceType {
    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            ResourceTokenObjectPermissionsInnerResourceType::System => "system",
            ResourceTokenObjectPermissionsInnerResourceType::Db => "db",
        }
    }
}

impl fmt::Display for ResourceTokenObjectPermissionsInnerResourceType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for ResourceTokenObjectPermissionsInnerResourceType {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "system" => Ok(ResourceTokenObjectPermissionsInnerResourceType::System),
            "db" => Ok(ResourceTokenObjectPermissionsInnerResourceType::Db),
            _ => Err(UnknownValue { schema: "ResourceTokenObject_permissions_inner_resource_type" }),
        }
    }
}

/// Request body for testing a scheduling plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SchedulePluginTestRequest {
    /// The path and filename of the plugin to test.
    #[serde(rename = "filename")]
    pub filename: String,
    /// The database name to use for the test.
    #[serde(rename = "database")]
    pub database: String,
    /// Optional schedule specification in cron or interval format.
    #[serde(rename = "schedule", default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Optional name of the cache to use in the test.
    #[serde(rename = "cache_name", default, skip_serializing_if = "Option::is_none")]
    pub cache_name: Option<String>,
    /// Optional key-value pairs of arguments to pass to the plugin.
    #[serde(rename = "input_arguments", default, skip_serializing_if = "Option::is_none")]
    pub input_arguments: Option<std::collections::HashMap<String, String>>,
}

/// The schema `ShowDatabasesResponse`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShowDatabasesResponse {
    /// The property `databases`.
    #[serde(rename = "databases", default, skip_serializing_if = "Option::is_none")]
    pub databases: Option<Vec<String>>,
}

/// Configuration settings for processing engine trigger error handling and execution behavior.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TriggerSettings {
    /// Whether to run the trigger asynchronously.
    /// When `true`, the trigger executes in the background without blocking.
    /// When `false`, the trigger executes synchronously.
    #[serde(rename = "run_async")]
    pub run_async: bool,
    /// The property `error_behavior`.
    #[serde(rename = "error_behavior")]
    pub error_behavior: models::TriggerSettingsErrorBehavior,
}

/// Specifies how to handle errors that occur during trigger execution:
/// - `Log`: Log the error and continue (default)
/// - `Retry`: Retry the trigger execution
/// - `Disable`: Disable the trigger after an error
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TriggerSettingsErrorBehavior {
    /// `"Log"`
    #[serde(rename = "Log")]
    Log,
    /// `"Retry"`
    #[serde(rename = "Retry")]
    Retry,
    /// `"Disable"`
    #[serde(rename = "Disable")]
    Disable,
}

impl TriggerSettingsErrorBehavior {
    /// The value as the document writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            TriggerSettingsErrorBehavior::Log => "Log",
            TriggerSettingsErrorBehavior::Retry => "Retry",
            TriggerSettingsErrorBehavior::Disable => "Disable",
        }
    }
}

impl fmt::Display for TriggerSettingsErrorBehavior {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for TriggerSettingsErrorBehavior {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        match text {
            "Log" => Ok(TriggerSettingsErrorBehavior::Log),
            "Retry" => Ok(TriggerSettingsErrorBehavior::Retry),
            "Disable" => Ok(TriggerSettingsErrorBehavior::Disable),
            _ => Err(UnknownValue { schema: "TriggerSettings_error_behavior" }),
        }
    }
}

/// Request schema for updating database configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateDatabaseRequest {
    /// The retention period for the database. Specifies how long data should be retained.
    /// Use duration format (for example, "1d", "1h", "30m", "7d").
    #[serde(rename = "retention_period", default, skip_serializing_if = "Option::is_none")]
    pub retention_period: Option<String>,
}

/// Request schema for updating table configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateTableRequest {
    /// The name of the database containing the table.
    #[serde(rename = "db")]
    pub db: String,
    /// The name of the table to update.
    #[serde(rename = "table")]
    pub table: String,
    /// The retention period for the table. Specifies how long data in this table should be retained.
    /// Use duration format (for example, "1d", "1h", "30m", "7d").
    #[serde(rename = "retention_period", default, skip_serializing_if = "Option::is_none")]
    pub retention_period: Option<String>,
}

/// Request body for testing a write-ahead logging (WAL) plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WalPluginTestRequest {
    /// The path and filename of the plugin to test.
    #[serde(rename = "filename")]
    pub filename: String,
    /// The database name to use for the test.
    #[serde(rename = "database")]
    pub database: String,
    /// Line protocol data to use as input for the test.
    #[serde(rename = "input_lp")]
    pub input_lp: String,
    /// Optional name of the cache to use in the test.
    #[serde(rename = "cache_name", default, skip_serializing_if = "Option::is_none")]
    pub cache_name: Option<String>,
    /// Optional key-value pairs of arguments to pass to the plugin.
    #[serde(rename = "input_arguments", default, skip_serializing_if = "Option::is_none")]
    pub input_arguments: Option<std::collections::HashMap<String, String>>,
}

/// A value of the format `password`: read and written like any string, but never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// A string that is none of a schema's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownValue {
    schema: &'static str,
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "not a value of {}", self.schema)
    }
}

impl std::error::Error for UnknownValue {}

/// Keeps a property that is there with the value `null` apart from one that is not there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(Some)
}
