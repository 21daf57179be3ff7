//! Token files in InfluxDB 3's published format: one admin token, or a list of permission tokens.

use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use influxdb3_token_api::models::Secret;
use influxdb3_tokens::{NewToken, Permission, Permissions, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Failure;

/// The file of `--admin-token-file`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AdminToken {
    pub(super) token: Secret,
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expiry_millis: Option<u64>,
}

/// The file of `--permission-tokens-file`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct PermissionTokens {
    /// For InfluxDB: there are no databases here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) create_databases: Option<Vec<String>>,
    pub(super) tokens: Vec<PermissionToken>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PermissionToken {
    pub(super) token: Secret,
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expiry_millis: Option<u64>,
    pub(super) permissions: Vec<String>,
}

/// Writes a token and its secret, durably: an admin token to a new file, any other to a new file or to one of its kind.
pub(super) fn write(file: &Path, token: &NewToken, secret: &influxdb3_tokens::Secret) -> Result<(), Failure> {
    let secret = Secret(secret.expose().to_owned());
    let (name, expiry_millis) = (token.name.to_string(), token.expires_at.map(Timestamp::as_millis));
    if token.permissions.is_admin() {
        write_admin(file, &AdminToken { token: secret, name, description: None, expiry_millis })
    } else {
        let permissions = token.permissions.list().iter().map(Permission::to_string).collect();
        append_permission(file, PermissionToken { token: secret, name, expiry_millis, permissions })
    }
}

/// Writes a new file, durably.
fn write_admin(file: &Path, token: &AdminToken) -> Result<(), Failure> {
    let contents = contents(token)?;
    write_new(file, &contents).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => wrong(file, &"it exists already, and an admin token has a file of its own"),
        _ => wrong(file, &error),
    })
}

/// Adds a token to a file, or writes a new file, durably; a reader sees the old contents or the new.
fn append_permission(file: &Path, token: PermissionToken) -> Result<(), Failure> {
    let mut tokens: PermissionTokens = if file.exists() { read(file)? } else { PermissionTokens::default() };
    if tokens.tokens.iter().any(|other| other.name == token.name) {
        return Err(wrong(file, &format_args!("it has a token of the name {:?} already", token.name)));
    }
    tokens.tokens.push(token);
    let written = file.with_added_extension("new");
    let contents = contents(&tokens)?;
    // One that was left behind half-way holds no token that anyone was told of.
    let _ = fs::remove_file(&written);
    write_new(&written, &contents).map_err(|error| wrong(&written, &error))?;
    fs::rename(&written, file).and_then(|()| sync_folder(file)).map_err(|error| wrong(file, &error))
}

/// The token of a file, checked.
pub(super) fn new_token(
    token: Secret,
    name: &str,
    expiry_millis: Option<u64>,
    permissions: Permissions,
    file: &Path,
) -> Result<NewToken, Failure> {
    let in_token = |reason: &dyn Display| wrong(file, &format_args!("the token {name:?}: {reason}"));
    let expires_at = match expiry_millis {
        Some(millis) => Some(Timestamp::from_millis(millis).ok_or_else(|| in_token(&"expires after the year 9999"))?),
        None => None,
    };
    let name = name.parse().map_err(|error| in_token(&error))?;
    let secret = token.0.parse().map_err(|error| in_token(&error))?;
    Ok(NewToken { expires_at, ..NewToken::given(name, permissions, &secret) })
}

pub(super) fn wrong(file: &Path, reason: &dyn Display) -> Failure {
    format!("{}: {reason}", file.display()).into()
}

/// Reads an [`AdminToken`] or [`PermissionTokens`].
pub(super) fn read<T: DeserializeOwned>(file: &Path) -> Result<T, Failure> {
    let opened = File::open(file).map_err(|error| wrong(file, &error))?;
    let mode = opened.metadata().map_err(|error| wrong(file, &error))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(wrong(file, &"other users can read it; run `chmod 600` on it, and consider its tokens known"));
    }
    let contents = read_wiped(opened).map_err(|error| wrong(file, &error))?;
    // What the parser says of a wrong type can hold a secret.
    serde_json::from_slice(&contents).map_err(|error| {
        wrong(file, &format_args!("not a token file: line {}, column {}", error.line(), error.column()))
    })
}

/// Reads a file into memory that is wiped, without a copy elsewhere.
fn read_wiped(mut file: File) -> io::Result<Zeroizing<Vec<u8>>> {
    let length = usize::try_from(file.metadata()?.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut contents = Zeroizing::new(Vec::with_capacity(length + 1));
    file.read_to_end(&mut contents)?;
    Ok(contents)
}

fn contents(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut contents = Zeroizing::new(serde_json::to_vec_pretty(value)?);
    contents.push(b'\n');
    Ok(contents)
}

fn write_new(file: &Path, contents: &[u8]) -> io::Result<()> {
    let mut opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    let written = opened.write_all(contents).and_then(|()| opened.sync_all()).and_then(|()| sync_folder(file));
    if written.is_err() {
        let _ = fs::remove_file(file);
    }
    written
}

fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
