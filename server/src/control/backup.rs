//! How a command copies the database of a running server: it asks the server to hold the file still, copies it, and asks
//! whether the file was held all the time.
//!
//! So the server writes nothing, needs no space for a second copy, and can stay in its sandbox. When the command ends in any
//! way, its connection does, and the file is released.

use std::io;
use std::time::Duration;

use influxdb3_tokens::{BackupSummary, SqliteStore, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::client::unexpected;
use super::connection::Connection;
use super::server::{LONGEST_REQUEST, send};
use super::{Client, Error, Refusal, RefusalKind, Reply, Request, refused};

/// How long a command may copy.
const LONGEST_COPY: Duration = Duration::from_secs(3600);

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

    /// Releases the file. Fails if it was not held until now.
    pub(crate) async fn release_file(mut self) -> Result<(), Error> {
        self.send(Request::ReleaseFile).await?;
        match self.receive().await? {
            Reply::FileReleased => Ok(()),
            Reply::Refused(refusal) => Err(refusal.into()),
            _ => Err(unexpected()),
        }
    }
}

/// Holds the file of the store until the command releases it, or is gone.
pub(super) async fn hold(connection: &mut Connection, store: Option<&SqliteStore>) -> io::Result<()> {
    let Some(store) = store else {
        return refuse(
            connection,
            RefusalKind::Other,
            "the tokens of this server are in etcd; `etcdctl snapshot save` backs them up",
        )
        .await;
    };
    let snapshot = match store.snapshot().await {
        Ok(snapshot) => snapshot,
        Err(error) => return send(connection, &Reply::from(refused(error))).await,
    };
    send(connection, &Reply::FileHeld(snapshot.summary().into())).await?;
    tracing::debug!("a command copies the database");
    let next = timeout(LONGEST_COPY, connection.receive(LONGEST_REQUEST)).await;
    match next.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))? {
        Some(Request::ReleaseFile) if snapshot.is_held() => {
            let BackupSummary { tokens, deletions, .. } = *snapshot.summary();
            tracing::info!(tokens, deletions, "a command has copied the database");
            send(connection, &Reply::FileReleased).await
        }
        Some(Request::ReleaseFile) => {
            let reason = "the database changed while it was copied: that took too long for so many changes; try again";
            refuse(connection, RefusalKind::Unavailable, reason).await
        }
        Some(_) => refuse(connection, RefusalKind::Other, "the file is held; release it first").await,
        None => Ok(()),
    }
}

pub(super) async fn refuse(connection: &mut Connection, kind: RefusalKind, reason: &str) -> io::Result<()> {
    send(connection, &Reply::Refused(Refusal::new(kind, reason))).await
}
