//! Writes tokens to files: an admin token to one of its own, any other to a list.

use std::fs;
use std::io;
use std::path::Path;

use influxdb3_tokens::{NewToken, Permission, Secret, Timestamp, TokenDescription};
use serde::Serialize;
use zeroize::Zeroizing;

use super::fields::Fields;
use super::reading::TokenFile;
use super::replacement::{self, Replacement};
use super::{TOKENS, entries, wrong};
use crate::cli::{Failure, warn};

/// A token as a file has it.
#[derive(Serialize)]
struct Entry<'t> {
    token: &'t str,
    name: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry_millis: Option<u64>,
    /// `None` for the file of an admin token.
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Vec<String>>,
}

/// Writes a token and its secret, durably: an admin token to a new file, any other to a new file or to one of its kind.
/// A reader of the file sees the old contents or the new.
pub(in crate::cli) fn write(file: &Path, token: &NewToken, secret: &Secret) -> Result<(), Failure> {
    let mut entry = Entry {
        token: secret.expose(),
        name: token.name.as_str(),
        description: token.description.as_ref().map(TokenDescription::as_str),
        expiry_millis: token.expires_at.map(Timestamp::as_millis),
        permissions: None,
    };
    if token.permissions.is_admin() {
        let contents = Zeroizing::new(serde_json::to_string_pretty(&entry)? + "\n");
        return replacement::write_new(file, contents.as_bytes()).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => wrong(file, &"it exists already, and an admin token has a file of its own"),
            _ => wrong(file, &error),
        });
    }
    entry.permissions = Some(token.permissions.list().iter().map(Permission::to_string).collect());
    append(file, &entry)
}

/// Adds a token to the list of a file, or writes a new file. Everything else in the file stays as it is.
fn append(file: &Path, token: &Entry<'_>) -> Result<(), Failure> {
    let failed = |error: io::Error| wrong(file, &error);
    let replacement = Replacement::begin(file).map_err(failed)?;
    let existing = match fs::symlink_metadata(replacement.target()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        _ => Some(TokenFile::open(replacement.target())?),
    };
    if let Some(warning) = existing.as_ref().and_then(TokenFile::warning) {
        warn(&warning);
    }
    const NEW: &str = "{\n  \"tokens\": []\n}\n";
    let (text, json) = existing.as_ref().map_or((NEW, NEW), |file| (file.text(), file.json()));
    let invalid = |reason: String| wrong(file, &reason);
    let list = Fields::of(json).and_then(|fields| fields.text(TOKENS)).map_err(invalid)?;
    for (index, other) in entries(list).map_err(invalid)?.into_iter().enumerate() {
        let name = Fields::of(other).and_then(|fields| fields.required::<String>("name", "a text"));
        if name.map_err(|reason| invalid(format!("{TOKENS}[{index}]: {reason}")))? == token.name {
            return Err(invalid(format!("it has a token of the name {:?} already", token.name)));
        }
    }
    let contents = inserted(text, list, &Zeroizing::new(serde_json::to_string_pretty(token)?));
    replacement.write(existing.as_ref().map(|file| &file.metadata), contents.as_bytes()).map_err(failed)
}

/// `text` with another entry at the end of `list`, which is a part of it.
fn inserted(text: &str, list: &str, entry: &str) -> Zeroizing<String> {
    let end = list.as_ptr().addr() - text.as_ptr().addr() + list.len() - 1;
    let (before, after) = text.split_at(end);
    let before = before.trim_end();
    let comma = if before.ends_with('[') { "" } else { "," };
    let entry = Zeroizing::new(entry.replace('\n', "\n    "));
    Zeroizing::new([before, comma, "\n    ", &entry, "\n  ", after].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_inserted_and_everything_else_stays() {
        let list = |text: &'static str| Fields::of(text).and_then(|fields| fields.text(TOKENS)).unwrap();
        for (text, expected) in [
            (r#"{"tokens":[]}"#, "{\"tokens\":[\n    {}\n  ]}"),
            ("{\"tokens\": [ \n ], \"a\": 1.0}\n", "{\"tokens\": [\n    {}\n  ], \"a\": 1.0}\n"),
            (
                r#" {"a":1e400,"a":"]","tokens":[{"tokens":[1]}],"ü":[]}"#,
                " {\"a\":1e400,\"a\":\"]\",\"tokens\":[{\"tokens\":[1]},\n    {}\n  ],\"ü\":[]}",
            ),
        ] {
            assert_eq!(*inserted(text, list(text), "{}"), expected);
            entries(list(text)).unwrap();
        }
    }
}
