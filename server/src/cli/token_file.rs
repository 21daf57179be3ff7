//! Token files in InfluxDB 3's published format: one admin token, or a list of permission tokens.
//!
//! `docs/tokens.md` describes them for people.

use std::fmt::Display;
use std::path::Path;

use super::Failure;

mod creation;
mod fields;
mod given;
mod reading;
mod replacement;
mod writing;

pub(super) use creation::create;
pub(super) use given::given_tokens;
pub(super) use writing::write;

/// The field of a file's list of tokens.
const TOKENS: &str = "tokens";

fn wrong(file: &Path, reason: &dyn Display) -> Failure {
    format!("{}: {reason}", file.display()).into()
}

/// The texts of the values in a list.
fn entries(list: &str) -> Result<Vec<&str>, String> {
    let entries: Result<Vec<&serde_json::value::RawValue>, _> = serde_json::from_str(list);
    let entries = entries.map_err(|_| format!("`{TOKENS}` is not a list"))?;
    Ok(entries.into_iter().map(serde_json::value::RawValue::get).collect())
}
