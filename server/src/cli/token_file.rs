//! Token files in InfluxDB 3's published format: one admin token, or a list of permission tokens.

use std::fmt::Display;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use influxdb3_token_api::models;
use influxdb3_tokens::{NewToken, Permission, Permissions, Secret, Timestamp};
use serde::Serialize;
use zeroize::Zeroizing;

use super::Failure;

mod fields;
mod replacement;

use fields::Fields;
use replacement::Replacement;

/// A token as a file has it.
#[derive(Serialize)]
struct Entry<'t> {
    token: &'t str,
    name: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry_millis: Option<u64>,
    /// `None` for the file of an admin token.
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Vec<String>>,
}

/// Writes a token and its secret, durably: an admin token to a new file, any other to a new file or to one of its kind.
/// A reader of the file sees the old contents or the new.
pub(super) fn write(file: &Path, token: &NewToken, secret: &Secret) -> Result<(), Failure> {
    let mut entry = Entry {
        token: secret.expose(),
        name: token.name.as_str(),
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
        super::warn(&warning);
    }
    let text = existing.as_ref().map_or("{\n  \"tokens\": []\n}\n", |file| file.text.as_str());
    let invalid = |reason: String| wrong(file, &reason);
    let list = Fields::of(text).and_then(|fields| fields.text("tokens")).map_err(invalid)?;
    for (index, other) in entries(list).map_err(invalid)?.into_iter().enumerate() {
        let name = Fields::of(other).and_then(|fields| fields.required::<String>("name", "a text"));
        if name.map_err(|reason| invalid(format!("tokens[{index}]: {reason}")))? == token.name {
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

/// The texts of the values in a list.
fn entries(list: &str) -> Result<Vec<&str>, String> {
    let entries: Result<Vec<&serde_json::value::RawValue>, _> = serde_json::from_str(list);
    let entries = entries.map_err(|_| "`tokens` is not a list".to_owned())?;
    Ok(entries.into_iter().map(serde_json::value::RawValue::get).collect())
}

/// A token file that has been read.
pub(super) struct TokenFile {
    path: PathBuf,
    metadata: Metadata,
    /// Wiped when it is dropped, because it contains secrets.
    text: Zeroizing<String>,
}

impl TokenFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or another user can write to it.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| wrong(path, &error);
        // To open a pipe would wait for its writer.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            return Err(wrong(path, &"it is not a regular file"));
        }
        let mut opened = File::open(path).map_err(failed)?;
        let metadata = opened.metadata().map_err(failed)?;
        if metadata.permissions().mode() & 0o022 != 0 {
            return Err(wrong(path, &"other users can write to it, and could add tokens; run `chmod go-w` on it"));
        }
        // A text that grows leaves copies that are not wiped.
        let length = usize::try_from(metadata.len()).map_err(|_| failed(io::ErrorKind::FileTooLarge.into()))?;
        let mut text = Zeroizing::new(String::with_capacity(length + 1));
        opened.read_to_string(&mut text).map_err(failed)?;
        Ok(Self { path: path.to_owned(), metadata, text })
    }

    /// What should be said of a file that other users can read. It is accepted, because orchestrators mount secrets so.
    pub(super) fn warning(&self) -> Option<String> {
        let is_open = self.metadata.permissions().mode() & 0o044 != 0;
        is_open.then(|| {
            let path = self.path.display();
            format!("{path}: other users can read it; run `chmod 600` on it, unless it is mounted so on purpose")
        })
    }

    /// The token of an `--admin-token-file`.
    ///
    /// # Errors
    ///
    /// Names the field that is wrong.
    pub(super) fn admin_token(&self) -> Result<NewToken, Failure> {
        let token = Fields::of(&self.text).and_then(|fields| new_token(&fields, |_| Ok(Permissions::ADMIN)));
        token.map_err(|reason| wrong(&self.path, &reason))
    }

    /// The tokens of a `--permission-tokens-file`.
    ///
    /// # Errors
    ///
    /// Names the token and the field that is wrong.
    pub(super) fn permission_tokens(&self) -> Result<Vec<NewToken>, Failure> {
        let list = Fields::of(&self.text).and_then(|fields| fields.text("tokens")).and_then(entries);
        let list = list.map_err(|reason| wrong(&self.path, &reason))?;
        let tokens = list.into_iter().enumerate().map(|(index, entry)| {
            let token = Fields::of(entry).and_then(|fields| new_token(&fields, permissions));
            token.map_err(|reason| wrong(&self.path, &format_args!("tokens[{index}]: {reason}")))
        });
        tokens.collect()
    }
}

/// What a token of a list may do.
fn permissions(fields: &Fields<'_>) -> Result<Permissions, String> {
    let list: Vec<String> = fields.required("permissions", "a list of texts")?;
    if let Some(index) = list.iter().position(|permission| permission.parse::<Permissions>().is_err()) {
        let form = "write `db:NAMES:read,write`, `system:NAMES:read` or `*:*:*`";
        return Err(format!("`permissions[{index}]` is not a permission; {form}"));
    }
    if list.is_empty() {
        return Err("`permissions` is empty".to_owned());
    }
    // The error may show them, because each is a permission.
    list.join(" ").parse().map_err(|error| format!("`permissions`: {error}"))
}

/// The token with these fields, checked.
fn new_token(
    fields: &Fields<'_>,
    permissions: impl FnOnce(&Fields<'_>) -> Result<Permissions, String>,
) -> Result<NewToken, String> {
    let of = |field: &'static str| move |error: &dyn Display| format!("`{field}`: {error}");
    let secret: models::Secret = fields.required("token", "a text")?;
    let secret: Secret = secret.0.parse().map_err(|error| of("token")(&error))?;
    let name: String = fields.required("name", "a text")?;
    let name: influxdb3_tokens::TokenName = name.parse().map_err(|error| of("name")(&error))?;
    let permissions = permissions(fields)?;
    let expires_at = match fields.optional("expiry_millis", "a number of milliseconds since 1970")? {
        Some(millis) => Some(Timestamp::from_millis(millis).ok_or("`expiry_millis` is after the year 9999")?),
        None => None,
    };
    if name.is_operator() && expires_at.is_some() {
        let reason = "the token named _admin is the operator token, which cannot expire";
        return Err(format!("{reason}; remove `expiry_millis`, or give the token another `name`"));
    }
    if name.is_operator() && !permissions.is_admin() {
        let reason = "the token named _admin is the operator token, which must be an admin token";
        return Err(format!("{reason}; put it into a file for `--admin-token-file`, or give it another `name`"));
    }
    Ok(NewToken { expires_at, ..NewToken::given(name, permissions, &secret) })
}

fn wrong(file: &Path, reason: &dyn Display) -> Failure {
    format!("{}: {reason}", file.display()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_inserted_and_everything_else_stays() {
        let list = |text: &'static str| Fields::of(text).and_then(|fields| fields.text("tokens")).unwrap();
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
