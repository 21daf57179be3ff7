//! How a command copies the database of a running server: it asks the server to hold the file still, copies it, and asks
//! whether the file was held all the time.
//!
//! So the server writes nothing, needs no space for a second copy, and can stay in its sandbox. When the command ends in any
//! way, its connection does, and the file is released. A command that is stopped, or whose target is stuck, keeps its
//! connection; so it says from time to time that it makes progress, and the server waits no longer than [`PATIENCE`] for
//! that.

use std::io;
use std::pin::pin;
use std::time::Duration;

use async_trait::async_trait;
use influxdb3_tokens::{BackupSummary, MoveError, MoveSource, Moved, MovedChange, SqliteStore, StoreError, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout, timeout_at};

use super::client::unexpected;
use super::connection::Connection;
use super::server::{LONGEST_REQUEST, send};
use super::{Client, Error, Refusal, RefusalKind, Reply, Request, refused};

#[cfg(test)]
mod tests;

/// How long the server holds the file without a message of the command.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How often a command says that it makes progress.
const INTERVAL: Duration = Duration::from_secs(5);

/// How long a command may take in all.
pub(super) const LONGEST_COPY: Duration = Duration::from_secs(3600);

/// What the file that is held has.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Held {
    cluster: String,
    /// Milliseconds since the Unix epoch.
    taken_at: u64,
    tokens: u64,
    deletions: u64,
}

impl From<&BackupSummary> for Held {
    fn from(summary: &BackupSummary) -> Self {
        Self {
            cluster: summary.cluster_uuid.to_string(),
            taken_at: summary.taken_at.as_millis(),
            tokens: summary.tokens,
            deletions: summary.deletions,
        }
    }
}

impl Held {
    fn summary(&self) -> Option<BackupSummary> {
        Some(BackupSummary {
            cluster_uuid: self.cluster.parse().ok()?,
            taken_at: Timestamp::from_millis(self.taken_at)?,
            tokens: self.tokens,
            deletions: self.deletions,
        })
    }
}

impl Client {
    /// Asks the server to hold the file of its database still, until [`release_file`](Self::release_file) is called or this
    /// is dropped. Returns what the file has.
    pub(crate) async fn hold_file(&mut self) -> Result<BackupSummary, Error> {
        self.send(Request::HoldFile).await?;
        match self.receive().await? {
            Reply::FileHeld(held) => held.summary().ok_or_else(|| io::Error::other("a reply is wrong").into()),
            Reply::Refused(refusal) => Err(refusal.into()),
            _ => Err(unexpected()),
        }
    }

    /// Runs `work` while the file is held. The server releases the file if `has_progress`, which says whether there was
    /// progress since its last call, is `false` for a minute; [`release_file`](Self::release_file) then fails.
    pub(crate) async fn while_held<T>(
        &mut self,
        mut has_progress: impl FnMut() -> bool,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        loop {
            match timeout(INTERVAL, &mut work).await {
                Ok(done) => return done,
                Err(_) if has_progress() => self.keep_file().await,
                Err(_) => {}
            }
        }
    }

    /// Says that there was progress: once in a minute at least, while the file is held.
    pub(crate) async fn keep_file(&mut self) {
        // The server may have given up. The release says so.
        let _ = self.send(Request::KeepFile).await;
    }

    /// Releases the file. Fails if it was not held until now.
    pub(crate) async fn release_file(mut self) -> Result<(), Error> {
        // A server that has given up closes the connection after it has said so.
        let sent = self.send(Request::ReleaseFile).await;
        match self.receive().await {
            Ok(Reply::FileReleased) => Ok(()),
            Ok(Reply::Refused(refusal)) => Err(refusal.into()),
            Ok(_) => Err(unexpected()),
            Err(error) => Err(sent.err().unwrap_or(error)),
        }
    }
}

/// What is read from the file of a server that holds it, until everything is read.
pub(crate) struct HeldSource<S> {
    source: S,
    /// `None` once the file is released.
    server: Option<Client>,
}

impl<S> HeldSource<S> {
    /// What `source` reads, whose file this server holds.
    pub(crate) fn new(source: S, server: Client) -> Self {
        Self { source, server: Some(server) }
    }
}

#[async_trait]
impl<S: MoveSource> MoveSource for HeldSource<S> {
    fn moved(&self) -> Moved {
        self.source.moved()
    }

    async fn next(&mut self) -> Result<Vec<MovedChange>, MoveError> {
        if let Some(server) = &mut self.server {
            server.keep_file().await;
        }
        let changes = self.source.next().await?;
        if changes.is_empty()
            && let Some(server) = self.server.take()
        {
            // Fails if it was not held all the time.
            server.release_file().await.map_err(|error| MoveError::Store(StoreError::unavailable(error)))?;
        }
        Ok(changes)
    }
}

/// Holds the file of the store until the command releases it, is gone, or makes no progress.
pub(super) async fn hold(connection: &mut Connection, store: Option<&SqliteStore>) -> io::Result<()> {
    let Some(store) = store else {
        return refuse(
            connection,
            RefusalKind::Other,
            "the tokens of this server are in etcd; `etcdctl snapshot save` backs them up, and `influxdb3-tokens export` \
             with --store writes them to a file",
        )
        .await;
    };
    let snapshot = match store.snapshot().await {
        Ok(snapshot) => snapshot,
        Err(error) => return send(connection, &Reply::from(refused(error))).await,
    };
    send(connection, &Reply::FileHeld(snapshot.summary().into())).await?;
    tracing::debug!("a command copies the database");
    let end = Instant::now() + LONGEST_COPY;
    loop {
        let next = timeout_at(end.min(Instant::now() + PATIENCE), connection.receive(LONGEST_REQUEST)).await;
        let Ok(next) = next else {
            drop(snapshot);
            tracing::warn!("a command that copies the database makes no progress, and is given up");
            let reason = format!("the copy made no progress for {PATIENCE:?}, or took longer than {LONGEST_COPY:?}");
            return refuse(connection, RefusalKind::Unavailable, &reason).await;
        };
        match next? {
            Some(Request::KeepFile) if snapshot.is_held() => {}
            Some(Request::ReleaseFile) if snapshot.is_held() => {
                let BackupSummary { tokens, deletions, .. } = *snapshot.summary();
                tracing::info!(tokens, deletions, "a command has copied the database");
                return send(connection, &Reply::FileReleased).await;
            }
            Some(Request::KeepFile | Request::ReleaseFile) => {
                let reason =
                    "the database changed while it was copied: that took too long for so many changes; try again";
                return refuse(connection, RefusalKind::Unavailable, reason).await;
            }
            Some(_) => return refuse(connection, RefusalKind::Other, "the file is held; release it first").await,
            None => return Ok(()),
        }
    }
}

pub(super) async fn refuse(connection: &mut Connection, kind: RefusalKind, reason: &str) -> io::Result<()> {
    send(connection, &Reply::Refused(Refusal::new(kind, reason))).await
}
