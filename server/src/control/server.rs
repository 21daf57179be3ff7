//! The server's end of the control socket.

use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use influxdb3_tokens::{Catalog, Origin, SqliteStore};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::backup;
use super::connection::Connection;
use super::{Error, Refusal, RefusalKind, Reply, Request, changes, create, delete, health, regenerate, tokens};

#[cfg(test)]
mod tests;

/// The longest request that is read, in bytes: one with permissions as long as an argument of a command can be (128 KiB),
/// all of which JSON may have to escape.
pub(super) const LONGEST_REQUEST: u64 = 1 << 20;

/// How many connections are served at a time. Others wait to be accepted.
const CONNECTIONS: usize = 64;

/// How long a connection may take to send its next request whole.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may take before it reads on. Someone may read a long list page by page.
const REPLY_TIMEOUT: Duration = Duration::from_secs(600);

/// Makes the socket for this user only, and replaces one that a killed server left behind.
///
/// The caller must have the store of the same directory open, so that no other server uses the socket.
///
/// # Errors
///
/// When the socket cannot be made there.
pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// What the requests are about.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) catalog: Catalog,
    /// The store of the catalog, if it has a file that can be backed up.
    pub(crate) store: Option<Arc<SqliteStore>>,
    /// The address of the API.
    pub(crate) address: SocketAddr,
}

impl Served {
    /// The same, with changes on behalf of this user.
    fn requested_by(&self, user: u32) -> Self {
        let catalog = self.catalog.requested_from(Origin::Command(Some(user)));
        Self { catalog, ..self.clone() }
    }
}

/// Serves requests until it is dropped. `path` is where `listener` was bound.
pub(crate) async fn serve(listener: UnixListener, path: &Path, served: Served) {
    let owner = fs::metadata(path).map(|metadata| metadata.uid());
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut accepting = true;
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                accepting = true;
                let peer = stream.peer_cred().map(|peer| peer.uid());
                // The superuser can read the database as well.
                let allowed =
                    peer.as_ref().ok().filter(|peer| **peer == 0 || owner.as_ref().is_ok_and(|owner| owner == *peer));
                let conversation = converse(stream, allowed.map(|user| served.requested_by(*user)));
                tokio::spawn(async move {
                    conversation.await;
                    drop(place);
                });
            }
            Err(error) => {
                // One line, however long this lasts.
                if accepting {
                    tracing::error!(%error, "the control socket cannot accept");
                }
                accepting = false;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Answers the requests of a connection. Without anything to serve it refuses them.
pub(super) async fn converse(stream: UnixStream, served: Option<Served>) {
    let mut connection = Connection::new(stream);
    while let Ok(Ok(Some(request))) = timeout(REQUEST_TIMEOUT, connection.receive(LONGEST_REQUEST)).await {
        let answered = match &served {
            Some(served) => answer(&mut connection, served, request).await,
            None => {
                let refusal = Refusal::new(RefusalKind::Other, "the server belongs to another user");
                send(&mut connection, &Reply::Refused(refusal)).await
            }
        };
        if let Err(error) = answered {
            tracing::debug!(%error, "a command went away before its reply");
            return;
        }
    }
}

async fn answer(connection: &mut Connection, served: &Served, request: Request) -> io::Result<()> {
    let Served { catalog, store, address } = served;
    match request {
        Request::Address => send(connection, &Reply::Address(*address)).await,
        Request::Create(token) => match create(catalog, token).await {
            Ok(token) => {
                let id = token.id;
                let sent = send(connection, &Reply::Created(Box::new(token))).await;
                sent.inspect_err(|_| {
                    tracing::warn!(
                        id,
                        "nobody received the secret of a new token; delete it, or regenerate that of token 0"
                    );
                })
            }
            Err(error) => send(connection, &refused(error)).await,
        },
        Request::Regenerate => match regenerate(catalog).await {
            Ok(token) => {
                let sent = send(connection, &Reply::Regenerated(Box::new(token))).await;
                sent.inspect_err(|_| tracing::warn!("nobody received the operator token's secret; regenerate it again"))
            }
            Err(error) => send(connection, &refused(error)).await,
        },
        Request::Delete(token) => {
            let reply = delete(catalog, token).await.map_or_else(refused, Reply::Deleted);
            send(connection, &reply).await
        }
        Request::Show => {
            let mut tokens = pin!(tokens(catalog.clone()));
            while let Some(token) = tokens.next().await {
                match token {
                    Ok(token) => in_time(connection.send(&Reply::Token(Box::new(token)))).await?,
                    Err(error) => return send(connection, &refused(error)).await,
                }
            }
            send(connection, &Reply::End).await
        }
        Request::Audit(audit) => {
            let mut changes = pin!(changes(catalog.clone(), &audit));
            while let Some(change) = changes.next().await {
                match change {
                    Ok(change) => in_time(connection.send(&Reply::Change(Box::new(change)))).await?,
                    Err(error) => return send(connection, &refused(error)).await,
                }
            }
            send(connection, &Reply::End).await
        }
        Request::Health => {
            let reply = health(catalog).await.map_or_else(refused, |()| Reply::Healthy);
            send(connection, &reply).await
        }
        Request::HoldFile => backup::hold(connection, store.as_deref()).await,
        Request::KeepFile | Request::ReleaseFile => {
            backup::refuse(connection, RefusalKind::Other, "no file is held").await
        }
    }
}

fn refused(error: Error) -> Reply {
    error.into()
}

impl From<Error> for Reply {
    fn from(error: Error) -> Self {
        Self::Refused(match error {
            Error::Refused(refusal) => refusal,
            other => Refusal::new(RefusalKind::Other, &other.to_string()),
        })
    }
}

pub(super) async fn send(connection: &mut Connection, reply: &Reply) -> io::Result<()> {
    in_time(async {
        connection.send(reply).await?;
        connection.flush().await
    })
    .await
}

async fn in_time(sent: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    timeout(REPLY_TIMEOUT, sent).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
