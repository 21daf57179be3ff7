//! The command's end of the control socket.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::Duration;

use futures::{Stream, stream};
use influxdb3_token_api::models::AdminTokenObject;
use tokio::net::UnixStream;

use super::connection::Connection;
use super::{Audit, Change, Create, Delete, Error, Reply, Request, Summary};

/// The longest reply that is read, in bytes. It has one token, whose permissions can have any length.
const LONGEST_REPLY: u64 = 16 << 20;

/// How long a reply may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a running server.
#[derive(Debug)]
pub(crate) struct Client(pub(super) Connection);

/// Refuses a symbolic link, which may lead to the server of another directory or user.
fn require_socket(path: &Path) -> io::Result<()> {
    if std::fs::symlink_metadata(path)?.file_type().is_socket() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "this is not a socket; remove it"))
}

impl Client {
    /// Connects to the server whose control socket is at `path`.
    ///
    /// # Errors
    ///
    /// `NotFound` or `ConnectionRefused` if no server runs. `PermissionDenied` if it is not a socket.
    pub(crate) async fn connect(path: &Path) -> io::Result<Self> {
        require_socket(path)?;
        Ok(Self(Connection::new(UnixStream::connect(path).await?)))
    }

    /// Creates a token.
    ///
    /// # Errors
    ///
    /// [`Error::OutcomeUnknown`] leaves open whether the token was created.
    pub(crate) async fn create(mut self, token: Create) -> Result<AdminTokenObject, Error> {
        match self.change(Request::Create(token)).await? {
            Reply::Created(token) => Ok(*token),
            _ => Err(unexpected()),
        }
    }

    /// Gives the operator token another secret.
    ///
    /// # Errors
    ///
    /// [`Error::OutcomeUnknown`] leaves open whether the secret was replaced.
    pub(crate) async fn regenerate(mut self) -> Result<AdminTokenObject, Error> {
        match self.change(Request::Regenerate).await? {
            Reply::Regenerated(token) => Ok(*token),
            _ => Err(unexpected()),
        }
    }

    /// Deletes a token, and returns its ID.
    ///
    /// # Errors
    ///
    /// [`Error::OutcomeUnknown`] leaves open whether the token was deleted.
    pub(crate) async fn delete(mut self, token: Delete) -> Result<u64, Error> {
        match self.change(Request::Delete(token)).await? {
            Reply::Deleted(id) => Ok(id),
            _ => Err(unexpected()),
        }
    }

    /// The address that the server listens on.
    pub(crate) async fn address(&mut self) -> Result<SocketAddr, Error> {
        self.send(Request::Address).await?;
        match self.receive().await? {
            Reply::Address(address) => Ok(address),
            Reply::Refused(refusal) => Err(refusal.into()),
            _ => Err(unexpected()),
        }
    }

    /// All tokens, in the order of their IDs.
    pub(crate) async fn tokens(mut self) -> Result<impl Stream<Item = Result<Summary, Error>>, Error> {
        self.send(Request::Show).await?;
        Ok(stream::try_unfold(self, async |mut client| match client.receive().await? {
            Reply::Token(token) => Ok(Some((*token, client))),
            Reply::End => Ok(None),
            Reply::Refused(refusal) => Err(refusal.into()),
            _ => Err(unexpected()),
        }))
    }

    /// The changes of the tokens, in their order.
    pub(crate) async fn changes(mut self, audit: Audit) -> Result<impl Stream<Item = Result<Change, Error>>, Error> {
        self.send(Request::Audit(audit)).await?;
        Ok(stream::try_unfold(self, async |mut client| match client.receive().await? {
            Reply::Change(change) => Ok(Some((*change, client))),
            Reply::End => Ok(None),
            Reply::Refused(refusal) => Err(refusal.into()),
            _ => Err(unexpected()),
        }))
    }

    /// Asks whether the server can read its tokens.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] if it cannot.
    pub(crate) async fn health(mut self) -> Result<(), Error> {
        self.send(Request::Health).await?;
        match self.receive().await? {
            Reply::Healthy => Ok(()),
            Reply::Refused(refusal) => Err(refusal.into()),
            _ => Err(unexpected()),
        }
    }

    /// Requests a change, and returns the reply unless it is a refusal.
    async fn change(&mut self, request: Request) -> Result<Reply, Error> {
        self.send(request).await?;
        match self.receive().await {
            Ok(Reply::Refused(refusal)) => Err(refusal.into()),
            Err(Error::Server(error)) => Err(Error::OutcomeUnknown(error)),
            other => other,
        }
    }

    pub(super) async fn send(&mut self, request: Request) -> Result<(), Error> {
        self.0.send(&request).await?;
        Ok(self.0.flush().await?)
    }

    pub(super) async fn receive(&mut self) -> Result<Reply, Error> {
        let reply = tokio::time::timeout(PATIENCE, self.0.receive(LONGEST_REPLY)).await;
        let reply =
            reply.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no reply within {PATIENCE:?}")))?;
        Ok(reply?.ok_or(io::ErrorKind::UnexpectedEof)?)
    }
}

pub(super) fn unexpected() -> Error {
    Error::Server(io::Error::other("it sent another reply than was asked for"))
}
