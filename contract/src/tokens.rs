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
use influxdb3_token_api::models::Secret;
use tokio::process::Command;

use super::api::TokenIdentifier;
use super::shown;

mod printed;

use printed::Printed;

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

/// A token that was supplied. The operation that deletes it takes its ID or its name, so at least that one must be known.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// Its ID.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its secret.
    pub secret: Secret,
    /// When it expires; `None` if never, or if that is not known.
    pub expires_at: Option<DateTime<Utc>>,
}

impl IssuedToken {
    /// A token with this ID, name and secret.
    pub fn new(id: impl Into<String>, name: impl Into<String>, secret: Secret) -> Self {
        Self { id: Some(id.into()), name: Some(name.into()), secret, expires_at: None }
    }

    /// The token, as a run identifies it.
    pub(super) fn identified(self, by: Option<TokenIdentifier>) -> Result<Token, NotIssued> {
        let (identifier, which) = match by {
            Some(TokenIdentifier::Id) => (self.id.clone(), "id"),
            Some(TokenIdentifier::Name) => (self.name.clone(), "name"),
            None => (self.id.clone().or_else(|| self.name.clone()).or_else(|| Some(String::new())), ""),
        };
        let lacks = || NotIssued::failed(format_args!("a token lacks `{which}`, by which the document deletes it"));
        let identifier = identifier.ok_or_else(lacks)?;
        Ok(Token { identifier, name: self.name, secret: self.secret, expires_at: self.expires_at })
    }
}

/// A token of a run.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// Its ID or its name: what the parameter of the deletion takes.
    pub(super) identifier: String,
    pub(super) name: Option<String>,
    pub(super) secret: Secret,
    pub(super) expires_at: Option<DateTime<Utc>>,
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

/// Supplies tokens with a shell command that prints a token as JSON, in one of the forms of [`FileTokens`]. The command runs
/// once for each token, with the arguments of [`WantedToken::arguments`] appended. If it prints no name, the token has the
/// wanted one.
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
    /// If the exit code is not 0, or the output is not JSON, the command cannot create such a token; its last line on
    /// standard error, or its first one on standard output, is the reason. If the command cannot be run (126, 127), is
    /// killed, takes longer than a minute or prints other JSON, the source does not work.
    async fn issue(&self, wanted: &WantedToken) -> Result<IssuedToken, NotIssued> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{} \"$@\"", self.command)).arg("sh").args(wanted.arguments());
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output())
            .await
            .map_err(|_| NotIssued::failed(format_args!("the command for tokens took longer than {PATIENCE:?}")))?
            .map_err(|error| NotIssued::failed(format_args!("the command for tokens cannot be run: {error}")))?;
        if output.status.success() {
            let Ok(json) = serde_json::from_slice(&output.stdout) else {
                let said = first_line(&output.stdout);
                return Err(NotIssued::Unavailable(format!("the command for tokens printed no JSON, but: {said}")));
            };
            let token = Printed::read(json)?.token;
            return Ok(IssuedToken { name: token.name.or_else(|| Some(wanted.name.clone())), ..token });
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        let reason = errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
        let reason = shown::line(reason.as_bytes(), &redacted);
        let reason = format!("the command for tokens ended with {}: {reason}", output.status);
        match output.status.code() {
            None | Some(126 | 127) => Err(NotIssued::Failed(reason)),
            Some(_) => Err(NotIssued::Unavailable(reason)),
        }
    }
}

/// The first line of an output that is not empty, without what could be a secret.
fn first_line(output: &[u8]) -> String {
    let mut lines = output.split(|byte| *byte == b'\n').map(|line| shown::line(line, &redacted));
    lines.find(|line| !line.is_empty()).unwrap_or_else(|| "nothing".to_owned())
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
/// The file is a JSON array of tokens, or a sequence of them. A token is an object with `token`, its secret, and with `id`,
/// `name` or both. Its `expiry` is null or a date-time; other members are ignored. So it can be the document's
/// `AdminTokenObject`, which `influxdb3-tokens create --format json` prints, or what InfluxDB answers to
/// `POST /api/v3/configure/token/named_admin`, or what its `influxdb3 create token --format json` prints, which has only
/// `token`.
///
/// An object that also has a member `permissions`, a list such as `["db:NAME:read"]`, is not an admin token, unless the list
/// is `["*:*:*"]`. A token that has expired, or will within a minute, serves as an expired one.
#[derive(Debug)]
pub struct FileTokens {
    tokens: Mutex<Vec<Printed>>,
}

/// How long a run waits for a token of a file to expire.
const SOON: Duration = Duration::from_secs(60);

impl FileTokens {
    /// The tokens of a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or has another format.
    pub fn read(path: &Path) -> io::Result<Self> {
        let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
        let text = std::fs::read_to_string(path)?;
        let values: Result<Vec<serde_json::Value>, _> = if text.trim_start().starts_with('[') {
            serde_json::from_str(&text)
        } else {
            serde_json::Deserializer::from_str(&text).into_iter().collect()
        };
        let values = values.map_err(|_| {
            // Without serde_json's text, which may show a part of the file.
            invalid("not a JSON array of tokens, nor a sequence of what `create --format json` prints".to_owned())
        })?;
        let tokens = values.into_iter().map(Printed::read).collect::<Result<_, _>>();
        Ok(Self { tokens: Mutex::new(tokens.map_err(|error| invalid(error.to_string()))?) })
    }
}

#[async_trait]
impl TokenSource for FileTokens {
    async fn issue(&self, wanted: &WantedToken) -> Result<IssuedToken, NotIssued> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |printed: &Printed| {
            let expires_soon = printed.token.expires_at.is_some_and(|at| at < Utc::now() + SOON);
            printed.is_limited == wanted.permission.is_some() && expires_soon == wanted.expires_in.is_some()
        };
        let fitting = tokens.iter().position(fits);
        let at = fitting.ok_or_else(|| NotIssued::Unavailable("no such token is left in the file".to_owned()))?;
        Ok(tokens.remove(at).token)
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
