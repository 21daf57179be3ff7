//! The control socket: how a command reaches the tokens of a running server.
//!
//! Each message is one line of JSON, over a Unix socket that only the server's own user can open. A [`Request`] is
//! followed by one [`Reply`], but [`Request::Show`] and [`Request::Audit`] by one for each token or change and another at
//! the end, so that no reply grows with their number.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::{Stream, TryStreamExt, stream};
use influxdb3_token_api::models::{self, AdminTokenObject};
use influxdb3_token_api::security::AuthenticationError;
use influxdb3_token_api::with_sources;
use influxdb3_tokens::{
    Catalog, CreateError, DeleteError, NewToken, Principal, RegenerateError, StoreError, TokenDescription, TokenId,
    TokenName, TokenRecord, admin_token_object,
};
use serde::{Deserialize, Serialize};

mod audit;
mod backup;
mod client;
mod connection;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod server;

pub(crate) use audit::{Audit, Change, changes};
pub(crate) use backup::HeldSource;
pub(crate) use client::Client;
pub(crate) use server::{Served, bind, serve};

/// The target of the log lines about changes.
pub(crate) const AUDIT: &str = "influxdb3_tokens::audit";

/// How many tokens are read from the store at a time.
const PAGE: usize = 1000;

/// A command's request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    /// Create a token.
    Create(Create),
    /// Give the operator token another secret.
    Regenerate,
    /// Delete a token.
    Delete(Delete),
    /// List the tokens.
    Show,
    /// List the changes of the tokens.
    Audit(Audit),
    /// Say which address is served.
    Address,
    /// Say whether the tokens can be read.
    Health,
    /// Hold the file of the database still, to copy it.
    HoldFile,
    /// Go on holding the file, because the copy makes progress. It has no reply.
    KeepFile,
    /// Let the file change again.
    ReleaseFile,
}

/// The token to create.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Create {
    /// Its name.
    pub(crate) name: String,
    /// What it is for; an empty text counts as none.
    #[serde(default)]
    pub(crate) description: Option<String>,
    /// The text of its permissions.
    pub(crate) permissions: String,
    /// How long it is good for; `None` means that it never expires.
    pub(crate) expires_in: Option<Duration>,
}

/// The token to delete, and on whose behalf.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Delete {
    /// Its name, which the server resolves when it deletes the token.
    pub(crate) name: String,
    /// The secret of an admin token.
    pub(crate) by: models::Secret,
}

/// A reply of the server.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    /// The new token with its secret, which the server does not keep.
    Created(Box<AdminTokenObject>),
    /// The operator token with its new secret, which the server does not keep.
    Regenerated(Box<AdminTokenObject>),
    /// The token with this ID was deleted.
    Deleted(u64),
    /// A token of the list.
    Token(Box<Summary>),
    /// A change of the list.
    Change(Box<Change>),
    /// The list has ended.
    End,
    /// The address that is served.
    Address(SocketAddr),
    /// The tokens can be read.
    Healthy,
    /// The file of the database is held still.
    FileHeld(backup::Held),
    /// The file was held still until now.
    FileReleased,
    /// The request failed for this reason.
    Refused(Refusal),
}

/// A token without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// The ID.
    pub(crate) id: u64,
    /// The name.
    pub(crate) name: String,
    /// What the token is for.
    pub(crate) description: Option<String>,
    /// The SHA-512 of the secret, in hexadecimal digits.
    pub(crate) hash: String,
    /// When the token was created.
    pub(crate) created_at: DateTime<Utc>,
    /// The ID of the token that requested the creation; `None` means a command on the machine or a token file.
    #[serde(rename = "created_by_token_id")]
    pub(crate) created_by: Option<u64>,
    /// When the token was used last, in whole minutes; `None` means that no use is known.
    pub(crate) last_used: Option<DateTime<Utc>>,
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
    #[error("the connection to the server failed; the change may have been made, see `influxdb3-tokens show`")]
    OutcomeUnknown(#[source] io::Error),
    /// The request was refused or failed.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Why the server made no change, or may not have.
#[derive(Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Refusal {
    pub(crate) kind: RefusalKind,
    reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefusalKind {
    /// The credential is rejected, or does not permit this.
    Unauthorized,
    /// The token to change does not exist.
    NotFound,
    /// The store is unavailable, or the outcome is unknown.
    Unavailable,
    /// Any other reason.
    Other,
}

impl Refusal {
    fn new(kind: RefusalKind, reason: &str) -> Self {
        Self { kind, reason: reason.to_owned() }
    }
}

impl From<io::ErrorKind> for Error {
    fn from(kind: io::ErrorKind) -> Self {
        Self::Server(kind.into())
    }
}

fn refused(error: impl std::error::Error) -> Error {
    Refusal::new(RefusalKind::Other, &with_sources(&error)).into()
}

/// The refusal of a change that may have been made.
fn unknown(error: &impl std::error::Error, advice: &str) -> Error {
    Refusal::new(RefusalKind::Other, &format!("{}; {advice}", with_sources(error))).into()
}

impl From<DeleteError> for Error {
    fn from(error: DeleteError) -> Self {
        let kind = match error {
            DeleteError::NotAdmin | DeleteError::Unauthorized | DeleteError::OperatorToken => RefusalKind::Unauthorized,
            DeleteError::NotFound => RefusalKind::NotFound,
            DeleteError::Store(_) => RefusalKind::Unavailable,
            _ => RefusalKind::Other,
        };
        Refusal::new(kind, &with_sources(&error)).into()
    }
}

/// Creates a token.
pub(crate) async fn create(catalog: &Catalog, token: Create) -> Result<AdminTokenObject, Error> {
    let permissions = token.permissions.parse().map_err(refused)?;
    if token.expires_in.is_some_and(|lifetime| lifetime < Duration::from_millis(1)) {
        let reason = "a token that expires at once is not created; its lifetime must be at least a millisecond";
        return Err(Refusal::new(RefusalKind::Other, reason).into());
    }
    let name = token.name.parse().map_err(refused)?;
    let description = token.description.filter(|text| !text.is_empty()).map(|text| text.parse::<TokenDescription>());
    let (new, secret) = NewToken::fresh(name, permissions).map_err(refused)?;
    let new = NewToken { description: description.transpose().map_err(refused)?, ..new };
    let created = catalog.create_with_lifetime(new, token.expires_in).await;
    let record = created.map_err(|error| match error {
        CreateError::NameTaken if token.name == TokenName::OPERATOR => {
            let reason =
                "the operator token exists; give the new token a --name, or this one another secret with --regenerate";
            Refusal::new(RefusalKind::Other, reason).into()
        }
        error @ CreateError::Store(StoreError::OutcomeUnknown { .. }) => unknown(
            &error,
            "if `influxdb3-tokens show tokens` shows the token, delete it, because its secret is lost, and create it again",
        ),
        error => refused(error),
    })?;
    let (id, name, origin) = (record.id, &record.name, origin(catalog));
    tracing::info!(target: AUDIT, %id, %name, origin, change = "created", "created a token");
    Ok(admin_token_object(&record, &secret))
}

/// Gives the operator token another secret.
pub(crate) async fn regenerate(catalog: &Catalog) -> Result<AdminTokenObject, Error> {
    let regenerated = catalog.regenerate_operator().await;
    let (record, secret) = regenerated.map_err(|error| match error {
        RegenerateError::Store(StoreError::OutcomeUnknown { .. }) => {
            unknown(&error, "the operator token may have another secret, which is lost; regenerate it again")
        }
        error => refused(error),
    })?;
    let (id, origin) = (record.id, origin(catalog));
    tracing::info!(target: AUDIT, %id, origin, change = "regenerated", "regenerated the secret of the operator token");
    Ok(admin_token_object(&record, &secret))
}

/// Deletes a token, and returns its ID.
pub(crate) async fn delete(catalog: &Catalog, token: Delete) -> Result<u64, Error> {
    let by = authenticate(catalog, &token.by).await?;
    let id = catalog.delete_by_name(&by, &token.name).await?;
    let (by, name, origin) = (by.id(), &token.name, origin(catalog));
    tracing::info!(target: AUDIT, %id, %by, name, origin, change = "deleted", "deleted a token");
    Ok(id.as_u64())
}

/// Deletes the token whose ID has this text, on behalf of the admin token with the secret `by`.
pub(crate) async fn delete_by_id(catalog: &Catalog, id: &str, by: &models::Secret) -> Result<u64, Error> {
    let by = authenticate(catalog, by).await?;
    Ok(catalog.delete(&by, id).await?.as_u64())
}

async fn authenticate(catalog: &Catalog, secret: &models::Secret) -> Result<Principal, Refusal> {
    catalog.authenticate_or_ask(&secret.0).await.map_err(|reason| match reason {
        AuthenticationError::Unavailable => Refusal::new(RefusalKind::Unavailable, &reason.to_string()),
        // The API tells a client no more either.
        _ => Refusal::new(RefusalKind::Unauthorized, "a valid credential is required"),
    })
}

/// Where a change was requested, for the log.
fn origin(catalog: &Catalog) -> Option<impl tracing::Value> {
    catalog.origin().map(tracing::field::display)
}

/// Checks that the store answers.
pub(crate) async fn health(catalog: &Catalog) -> Result<(), Error> {
    match catalog.page(None, 1).await {
        Ok(_) => Ok(()),
        Err(error) => Err(Refusal::new(RefusalKind::Unavailable, &with_sources(&error)).into()),
    }
}

/// All tokens, in the order of their IDs.
pub(crate) fn tokens(catalog: Catalog) -> impl Stream<Item = Result<Summary, Error>> {
    let pages = stream::try_unfold(Some(None), move |next| {
        let catalog = catalog.clone();
        async move {
            let Some(after) = next else { return Ok::<_, Error>(None) };
            let records = catalog.page(after, PAGE).await.map_err(refused)?;
            let last = records.last().filter(|_| records.len() == PAGE).map(|last| Some(last.id));
            let page: Vec<_> = records.iter().map(|record| Ok(Summary::new(record, &catalog))).collect();
            Ok(Some((stream::iter(page), last)))
        }
    });
    pages.try_flatten()
}

impl Summary {
    pub(crate) fn new(record: &TokenRecord, catalog: &Catalog) -> Self {
        Self {
            id: record.id.as_u64(),
            name: record.name.to_string(),
            description: record.description.as_ref().map(ToString::to_string),
            hash: record.digest.to_string(),
            created_at: record.created_at.into(),
            created_by: record.created_by.map(TokenId::as_u64),
            last_used: catalog.live().last_used(record.id).map(Into::into),
            expiry: record.expires_at.map(Into::into),
            permissions: record.permissions.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_was_deleted_meanwhile_is_refused_like_an_unknown_one() {
        let Error::Refused(refusal) = Error::from(DeleteError::Unauthorized) else { panic!() };
        assert_eq!((refusal.kind, &*refusal.reason), (RefusalKind::Unauthorized, "a valid credential is required"));
    }

    #[test]
    fn debug_output_of_a_request_or_reply_holds_no_secret() {
        let delete = Delete { name: "ci".to_owned(), by: models::Secret("apiv3_secret".to_owned()) };
        let shown = format!("{:?}", Request::Delete(delete));
        assert!(shown.contains("ci") && !shown.contains("apiv3_secret"), "{shown}");
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
