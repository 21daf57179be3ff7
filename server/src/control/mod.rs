//! The control socket: how a command reaches the tokens of a running server.
//!
//! Each message is one line of JSON, over a Unix socket that only the server's own user can open. A [`Request`] is
//! followed by one [`Reply`], but [`Request::Show`] by one for each token and another at the end, so that no reply grows
//! with the number of tokens.

use std::io;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::{Stream, TryStreamExt, stream};
use influxdb3_token_api::models::{self, AdminTokenObject};
use influxdb3_token_api::with_sources;
use influxdb3_tokens::{Catalog, NewToken, Secret, Timestamp, TokenRecord};
use serde::{Deserialize, Serialize};

mod client;
mod connection;
mod server;

pub(crate) use client::Client;
pub(crate) use server::{bind, serve};

/// How many tokens are read from the store at a time.
const PAGE: usize = 1000;

/// A command's request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    /// Create a token.
    Create(Create),
    /// List the tokens.
    Show,
}

/// The token to create.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Create {
    /// Its name.
    pub(crate) name: String,
    /// The text of its permissions.
    pub(crate) permissions: String,
    /// How long it is good for; `None` means that it never expires.
    pub(crate) expires_in: Option<Duration>,
}

/// A reply of the server.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    /// The new token with its secret, which the server does not keep.
    Created(Box<AdminTokenObject>),
    /// A token of the list.
    Token(Box<Summary>),
    /// The list has no further tokens.
    End,
    /// The request failed for this reason.
    Refused(String),
}

/// A token without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// The ID.
    pub(crate) id: u64,
    /// The name.
    pub(crate) name: String,
    /// The SHA-512 of the secret, in hexadecimal digits.
    pub(crate) hash: String,
    /// When the token was created.
    pub(crate) created_at: DateTime<Utc>,
    /// When the token expires; `None` means never.
    pub(crate) expiry: Option<DateTime<Utc>>,
    /// The text of what the token may do.
    pub(crate) permissions: String,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The server went away, or speaks another version of the protocol.
    #[error("the connection to the server failed")]
    Server(#[from] io::Error),
    /// The server went away after it had received a request that changes something.
    #[error("the connection to the server failed; the token may have been created, see `influxdb3-tokens show`")]
    OutcomeUnknown(#[source] io::Error),
    /// The request was refused for this reason.
    #[error("{0}")]
    Refused(String),
}

impl From<io::ErrorKind> for Error {
    fn from(kind: io::ErrorKind) -> Self {
        Self::Server(kind.into())
    }
}

fn refused(error: impl std::error::Error) -> Error {
    Error::Refused(with_sources(&error))
}

fn too_late() -> Error {
    Error::Refused("the token would expire after the year 9999".to_owned())
}

/// Creates a token.
pub(crate) async fn create(catalog: &Catalog, token: Create) -> Result<AdminTokenObject, Error> {
    let name = token.name.parse().map_err(refused)?;
    let permissions = token.permissions.parse().map_err(refused)?;
    let now = catalog.now();
    let expires_at = match token.expires_in {
        Some(duration) => Some(now.checked_add(duration).ok_or_else(too_late)?),
        None => None,
    };
    let (token, secret) = NewToken::fresh(name, permissions).map_err(refused)?;
    let record = catalog.create_at(now, NewToken { expires_at, ..token }).await.map_err(refused)?;
    Ok(created(&record, &secret))
}

/// All tokens, in the order of their IDs.
pub(crate) fn tokens(catalog: Catalog) -> impl Stream<Item = Result<Summary, Error>> {
    let pages = stream::try_unfold(Some(None), move |next| {
        let catalog = catalog.clone();
        async move {
            let Some(after) = next else { return Ok::<_, Error>(None) };
            let records = catalog.page(after, PAGE).await.map_err(refused)?;
            let last = records.last().filter(|_| records.len() == PAGE).map(|last| Some(last.id));
            let page: Vec<_> = records.iter().map(Summary::from).map(Ok).collect();
            Ok(Some((stream::iter(page), last)))
        }
    });
    pages.try_flatten()
}

fn created(record: &TokenRecord, secret: &Secret) -> AdminTokenObject {
    let Summary { id, name, hash, created_at, expiry, .. } = Summary::from(record);
    AdminTokenObject {
        id: Some(i64::try_from(id).expect("a store gives out IDs that fit the document's integer")),
        name: Some(name),
        token: Some(models::Secret(secret.expose().to_owned())),
        hash: Some(hash),
        created_at: Some(created_at),
        expiry: Some(serde_json::to_value(expiry).expect("a time is serializable")),
    }
}

impl From<&TokenRecord> for Summary {
    fn from(record: &TokenRecord) -> Self {
        Self {
            id: record.id.as_u64(),
            name: record.name.to_string(),
            hash: record.digest.to_string(),
            created_at: date_time(record.created_at),
            expiry: record.expires_at.map(date_time),
            permissions: record.permissions.to_string(),
        }
    }
}

fn date_time(timestamp: Timestamp) -> DateTime<Utc> {
    let millis = i64::try_from(timestamp.as_millis()).expect("a timestamp is not after the year 9999");
    DateTime::from_timestamp_millis(millis).expect("a timestamp is not after the year 9999")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_of_a_reply_holds_no_secret() {
        let token = AdminTokenObject {
            id: Some(7),
            name: Some("ci".to_owned()),
            token: Some(models::Secret("apiv3_secret".to_owned())),
            hash: None,
            created_at: None,
            expiry: None,
        };
        let shown = format!("{:?}", Reply::Created(Box::new(token)));
        assert!(shown.contains("ci") && !shown.contains("apiv3_secret"), "{shown}");
    }
}
