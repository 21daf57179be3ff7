//! Sources of the tokens of a run.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use influxdb3_token_api::models::{AdminTokenObject, Secret};
use serde::Deserialize;
use tokio::process::Command;

/// Supplies the tokens that a run needs. A run deletes them, so each must be a new one.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// A token that the server under test accepts and that nothing else uses.
    ///
    /// # Errors
    ///
    /// [`NotIssued`] says whether the run can go on without it.
    async fn issue(&self, wanted: &WantedToken) -> Result<IssuedToken, NotIssued>;
}

/// A token that a run needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WantedToken {
    /// A name that no other token of the run has.
    pub name: String,
    /// Its permission, such as `db:NAME:read`; `None` for an admin token.
    pub permission: Option<String>,
    /// Its lifetime; `None` if it never expires.
    pub expires_in: Option<Duration>,
}

impl WantedToken {
    pub(super) fn admin(name: String) -> Self {
        Self { name, permission: None, expires_in: None }
    }

    /// The arguments with which `influxdb3-tokens create` creates this token.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = match &self.permission {
            Some(permission) => vec!["--permission".into(), permission.into()],
            None => vec!["--admin".into()],
        };
        arguments.extend(["--name".into(), (&self.name).into()]);
        if let Some(duration) = self.expires_in {
            arguments.extend(["--expiry".into(), format!("{}s", duration.as_secs()).into()]);
        }
        arguments
    }
}

/// A token that was supplied.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// Its ID, as the parameter that names a token takes it.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
    /// When it expires; `None` if never, or if that is not known.
    pub expires_at: Option<DateTime<Utc>>,
}

impl TryFrom<AdminTokenObject> for IssuedToken {
    type Error = NotIssued;

    fn try_from(object: AdminTokenObject) -> Result<Self, NotIssued> {
        let (Some(id), Some(secret)) = (object.id, object.token) else {
            return Err(NotIssued::failed("a token object lacks `id` or `token`"));
        };
        let expires_at = match object.expiry {
            None | Some(serde_json::Value::Null) => None,
            Some(expiry) => Some(
                serde_json::from_value(expiry)
                    .map_err(|_| NotIssued::failed("the `expiry` of a token object is neither null nor a date-time"))?,
            ),
        };
        Ok(Self { id: id.to_string(), secret, expires_at })
    }
}

/// Why a token was not supplied. Reports contain the text, so it must not contain a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotIssued {
    /// The source has no such token. The cases that need it are not covered.
    #[error("{0}")]
    Unavailable(String),
    /// The source does not work. The run ends.
    #[error("{0}")]
    Failed(String),
}

impl NotIssued {
    fn failed(reason: impl fmt::Display) -> Self {
        Self::Failed(reason.to_string())
    }
}

/// Supplies no tokens. Only the cases that need none but the given admin token are covered.
#[derive(Clone, Copy, Debug)]
pub struct NoTokens;

#[async_trait]
impl TokenSource for NoTokens {
    async fn issue(&self, _: &WantedToken) -> Result<IssuedToken, NotIssued> {
        Err(NotIssued::Unavailable("nothing supplies tokens".to_owned()))
    }
}

/// Supplies tokens with a shell command that prints an `AdminTokenObject` as JSON. The command runs once for each token,
/// with the arguments of [`WantedToken::arguments`] appended.
#[derive(Clone, Debug)]
pub struct CommandTokens {
    command: String,
}

/// How long the command may take.
const PATIENCE: Duration = Duration::from_secs(60);

impl CommandTokens {
    /// The tokens of this command, which `sh` runs.
    pub fn new(command: impl Into<String>) -> Self {
        Self { command: command.into() }
    }
}

#[async_trait]
impl TokenSource for CommandTokens {
    /// If the exit code is not 0, the command cannot create such a token; its last line on standard error is the reason.
    /// If the command cannot be run (126, 127), is killed, takes longer than a minute or prints something else, the source
    /// does not work.
    async fn issue(&self, wanted: &WantedToken) -> Result<IssuedToken, NotIssued> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{} \"$@\"", self.command)).arg("sh").args(wanted.arguments());
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output())
            .await
            .map_err(|_| NotIssued::failed(format_args!("the command for tokens took longer than {PATIENCE:?}")))?
            .map_err(|error| NotIssued::failed(format_args!("the command for tokens cannot be run: {error}")))?;
        if output.status.success() {
            let object: AdminTokenObject = serde_json::from_slice(&output.stdout)
                .map_err(|_| NotIssued::failed("the command for tokens did not print an AdminTokenObject as JSON"))?;
            return object.try_into();
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        let reason = errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
        let reason = format!("the command for tokens ended with {}: {}", output.status, redacted(reason.trim()));
        match output.status.code() {
            None | Some(126 | 127) => Err(NotIssued::Failed(reason)),
            Some(_) => Err(NotIssued::Unavailable(reason)),
        }
    }
}

/// A text without its long words, which could be secrets.
fn redacted(text: &str) -> String {
    const LONG: usize = 20;
    let ends_word = |c: char| !(c.is_alphanumeric() || "_-+=".contains(c));
    let words = text.split_inclusive(ends_word).map(|piece| {
        let word = piece.trim_end_matches(ends_word);
        if word.chars().count() < LONG { piece.to_owned() } else { piece.replace(word, "[redacted]") }
    });
    words.collect()
}

/// Supplies tokens from a file, each once.
///
/// The file is a JSON array of `AdminTokenObject`, or a sequence of them. An object that also has a member `permissions`,
/// a list such as `["db:NAME:read"]`, is not an admin token. A token that has expired, or will within a minute, serves as
/// an expired one.
#[derive(Debug)]
pub struct FileTokens {
    tokens: Mutex<Vec<Listed>>,
}

/// How long a run waits for a token of a file to expire.
const SOON: Duration = Duration::from_secs(60);

#[derive(Debug, Deserialize)]
struct Listed {
    #[serde(flatten)]
    object: AdminTokenObject,
    permissions: Option<Vec<String>>,
}

impl FileTokens {
    /// The tokens of a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or has another format.
    pub fn read(path: &Path) -> io::Result<Self> {
        let invalid = |_| {
            // Without serde_json's text, which may show a part of the file.
            io::Error::new(
                io::ErrorKind::InvalidData,
                "not a JSON array of AdminTokenObject, nor a sequence of what `influxdb3-tokens create --format json` \
                 prints",
            )
        };
        let text = std::fs::read_to_string(path)?;
        let tokens = if text.trim_start().starts_with('[') {
            serde_json::from_str(&text).map_err(invalid)?
        } else {
            serde_json::Deserializer::from_str(&text).into_iter().collect::<Result<_, _>>().map_err(invalid)?
        };
        Ok(Self { tokens: Mutex::new(tokens) })
    }
}

#[async_trait]
impl TokenSource for FileTokens {
    async fn issue(&self, wanted: &WantedToken) -> Result<IssuedToken, NotIssued> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fitting = None;
        for (at, listed) in tokens.iter().enumerate() {
            if listed.permissions.is_some() == wanted.permission.is_some() {
                let token = IssuedToken::try_from(listed.object.clone())?;
                let expires_soon = token.expires_at.is_some_and(|at| at < Utc::now() + SOON);
                if expires_soon == wanted.expires_in.is_some() {
                    fitting = Some((at, token));
                    break;
                }
            }
        }
        let (at, token) =
            fitting.ok_or_else(|| NotIssued::Unavailable("no such token is left in the file".to_owned()))?;
        tokens.remove(at);
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_could_be_a_secret_is_redacted() {
        let line = "error: cannot write apiv3_Zm9vYmFyYmF6cXV4Zm9v-_==, in `/var/lib/x`: no such file";
        assert_eq!(redacted(line), "error: cannot write [redacted], in `/var/lib/x`: no such file");
        assert_eq!(redacted("\u{e4} b"), "\u{e4} b");
        assert_eq!(redacted(""), "");
    }
}
