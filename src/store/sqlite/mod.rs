//! Tokens in one SQLite file.
//!
//! One thread, the writer, owns the only connection. Requests reach it through a bounded queue. It commits the changes
//! that wait there together, with one `fsync` for all of them (group commit).
//!
//! A deletion does not touch the table of tokens. It appends a row to the table of deletions, which is a journal and a part
//! of the audit trail: a sequential write, where removing a token from a large table would change a random page of the table
//! and another of its index. The live tokens are the rows of `tokens` without those that a deletion names. When it is
//! idle, the writer removes deleted tokens from `tokens` in bulk (compaction).

mod audit;
mod backup;
mod batch;
mod checksum;
mod compaction;
mod error;
mod file;
mod inspect;
mod journal;
mod last_use;
mod log;
mod mark;
mod migration;
mod moving;
mod partial;
mod queue;
mod read;
mod recovery;
mod restore;
mod row;
mod schema;
mod snapshot;
mod staging;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::TrySendError;
use std::thread::{self, JoinHandle};

use async_trait::async_trait;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{
    AuditPage, AuditPosition, Creation, CreationOutcome, Deletion, DeletionOutcome, Regeneration, RegenerationOutcome,
    StoreError, TokenStore,
};
use crate::live::LiveTokensWriter;
use crate::store::StoreStatistics;
use crate::store::statistics::Counters;
use crate::token::{Timestamp, TokenId, TokenRecord};
pub use backup::{BackupError, BackupSummary, NewBackup};
use batch::{Answer, Change, Request};
pub use error::{Damage, OpenError};
use file::Directory;
pub use inspect::Checked;
pub use moving::{SqliteSource, SqliteTarget};
use queue::Sender;
pub use restore::{LaterChanges, RestoreError, RestoreOptions, Restored};
pub use snapshot::Snapshot;
use writer::{Job, Writer};

/// A store in one SQLite file, which one process can open at a time. Beside it are SQLite's write-ahead log and a small
/// file that says which changes were acknowledged.
///
/// A change is durable when its future is ready: it has been written to the write-ahead log and synced
/// (`synchronous=FULL`). Changes that arrive together share a commit.
///
/// Dropping the store completes the accepted changes and closes the file, so that another process can open it. The drop
/// blocks until that is done.
#[derive(Debug)]
pub struct SqliteStore {
    cluster_uuid: Uuid,
    /// `None` only while the store is being dropped.
    queue: Option<Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
}

/// How to open a [`SqliteStore`].
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    queue_capacity: usize,
}

impl SqliteStore {
    /// Opens the file at `path` with the default [`SqliteOptions`].
    ///
    /// # Errors
    ///
    /// See [`SqliteOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        SqliteOptions::default().open(path)
    }

    /// Makes the file at `path` and its directory as [`open`](Self::open) does, but starts no thread: for a process that
    /// confines itself to the directory before it opens the store.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]. The lock of the directory, which this takes, is released again.
    pub fn prepare(path: impl AsRef<Path>) -> Result<(), OpenError> {
        Directory::prepare(path.as_ref()).map(drop)
    }

    /// The number of transactions that have changed tokens since the store was opened.
    pub fn commits(&self) -> u64 {
        self.counters.commits()
    }

    /// Holds the file of the database still, so that it can be copied; see [`Snapshot`]. Changes go on meanwhile.
    ///
    /// # Errors
    ///
    /// If the store is not loaded, or another snapshot of it is held.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.ask(|answer| Job::Snapshot { answer }).await
    }

    /// Writes a backup of the tokens of this moment to the file at `to`, and verifies it. Changes go on meanwhile. Blocks the
    /// thread while it copies.
    ///
    /// # Errors
    ///
    /// See [`BackupError`]. Unless `overwrite`, a file that exists is an error.
    pub async fn backup(&self, to: impl AsRef<Path>, overwrite: bool) -> Result<BackupSummary, BackupError> {
        let mut backup = NewBackup::create(to, overwrite)?;
        let snapshot = self.snapshot().await?;
        backup.copy_snapshot(&snapshot)?;
        drop(snapshot);
        backup.finish()
    }

    /// Restores the backup in `file` to the database at `path`, which no store may have open. Blocks the thread while it
    /// copies.
    ///
    /// A kill or a power cut at any moment leaves the database as it was, or as it is then. The UUID of the cluster is that
    /// of the backup.
    ///
    /// # Errors
    ///
    /// See [`RestoreError`].
    pub async fn restore(
        file: impl AsRef<Path>,
        path: impl AsRef<Path>,
        options: RestoreOptions,
    ) -> Result<Restored, RestoreError> {
        restore::restore(file.as_ref(), path.as_ref(), options).await
    }

    /// Whether the database at `path` was restored by a process that ended before the files were in their place. Opening it
    /// completes that; until then there may be no file at `path`.
    pub fn is_restored(path: impl AsRef<Path>) -> bool {
        restore::is_pending(path.as_ref())
    }

    /// Verifies the files of the database at `path`, which no store may have open: their owner and modes, the write-ahead
    /// log, the mark, and all that is verified when the tokens are loaded. Changes nothing. Blocks.
    ///
    /// # Errors
    ///
    /// What is wrong first; see [`OpenError`].
    pub fn check(path: impl AsRef<Path>) -> Result<Checked, OpenError> {
        inspect::check(path.as_ref())
    }

    /// Verifies the backup in `file` as [`BackupSummary::of`] does, and every column of its tokens. Changes nothing. Blocks.
    ///
    /// # Errors
    ///
    /// [`BackupError::Invalid`] or [`BackupError::Unreadable`] if the file is not a whole backup.
    pub fn check_backup(file: impl AsRef<Path>) -> Result<(BackupSummary, Checked), BackupError> {
        backup::check(file.as_ref())
    }

    /// Like [`check`](Self::check), for a database that a store of another process holds still ([`Snapshot`]). `summary` is
    /// that of the snapshot.
    ///
    /// # Errors
    ///
    /// What is wrong first; see [`OpenError`].
    pub fn check_held(path: impl AsRef<Path>, summary: &BackupSummary) -> Result<Checked, OpenError> {
        inspect::check_held(path.as_ref(), summary)
    }

    /// Completes the accepted changes and closes the file, as a drop does. Blocks until that is done.
    pub fn close(self) {}

    async fn ask<T>(&self, job: impl FnOnce(Answer<T>) -> Job) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().expect("the queue is closed only when the store is dropped");
        queue.try_send(job(answer)).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::unavailable(WRITER_ENDED),
        })?;
        answered.await.unwrap_or_else(|_| Err(StoreError::outcome_unknown(WRITER_ENDED)))
    }
}

const WRITER_ENDED: &str = "the writer thread has panicked";

impl SqliteOptions {
    /// The number of requests that may wait for the writer. Further requests fail with [`StoreError::Busy`] at once.
    /// 0 counts as 1; the default is 4096.
    #[must_use]
    pub fn queue_capacity(mut self, requests: usize) -> Self {
        self.queue_capacity = requests.max(1);
        self
    }

    /// Opens the file at `path`, and creates it if it does not exist. Blocks.
    ///
    /// The file and its directory must belong to the effective user of this process, and only this user may have access to
    /// them. Missing ones are created with the modes 0600 and 0700. Others are refused, and their modes stay as they are.
    /// The same holds for the files beside it, whose names begin with its name. The directory is locked until the store is
    /// dropped, so one directory holds one open store.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]. A file that is refused stays unchanged. Damage in the rows is found when the store is loaded.
    pub fn open(self, path: impl AsRef<Path>) -> Result<SqliteStore, OpenError> {
        let path = path.as_ref();
        let directory = Directory::prepare(path)?;
        let (connection, cluster_uuid) = schema::connect(path)?;
        let counters = Arc::new(Counters::new());
        let (queue, jobs) = queue::queue(self.queue_capacity);
        let writer = Writer::new(path, directory, connection, cluster_uuid, jobs, Arc::clone(&counters));
        let writer = thread::Builder::new()
            .name("token-store".to_owned())
            .spawn(|| writer.run())
            .map_err(|source| OpenError::io(path, source))?;
        Ok(SqliteStore { cluster_uuid, queue: Some(queue), writer: Some(writer), counters })
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { queue_capacity: 4096 }
    }
}

#[async_trait]
impl TokenStore for SqliteStore {
    fn cluster_uuid(&self) -> Uuid {
        self.cluster_uuid
    }

    async fn load(&self, live: LiveTokensWriter) -> Result<(), StoreError> {
        self.ask(|answer| Job::Load { live, answer }).await
    }

    /// Creates a token; see [`TokenStore::create`]. Fails before [`TokenStore::load`].
    async fn create(&self, creation: Creation) -> Result<CreationOutcome, StoreError> {
        self.ask(|answer| Job::Change(Change::Create(Box::new(Request::new(creation, answer))))).await
    }

    /// Deletes a token; see [`TokenStore::delete`]. Fails before [`TokenStore::load`].
    async fn delete(&self, deletion: Deletion) -> Result<DeletionOutcome, StoreError> {
        self.ask(|answer| Job::Change(Change::Delete(Request::new(deletion, answer)))).await
    }

    /// Replaces the operator token's secret; see [`TokenStore::regenerate`]. Fails before [`TokenStore::load`].
    async fn regenerate(&self, regeneration: Regeneration) -> Result<RegenerationOutcome, StoreError> {
        self.ask(|answer| Job::Change(Change::Regenerate(Box::new(Request::new(regeneration, answer))))).await
    }

    /// Reads live tokens; see [`TokenStore::page`]. Fails before [`TokenStore::load`].
    async fn page(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<TokenRecord>, StoreError> {
        self.ask(|answer| Job::Page { after, limit, answer }).await
    }

    /// Reads the audit trail; see [`TokenStore::audit`]. Fails before [`TokenStore::load`].
    async fn audit(
        &self,
        from: AuditPosition,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        self.ask(|answer| Job::Audit { from, since, limit, answer }).await
    }

    fn statistics(&self) -> StoreStatistics {
        let has_ended = self.writer.as_ref().is_none_or(JoinHandle::is_finished);
        let mut statistics = self.counters.statistics();
        statistics.is_failing |= has_ended;
        statistics.queue_depth = self.queue.as_ref().map_or(0, Sender::depth);
        statistics.queue_capacity = self.queue.as_ref().map_or(0, Sender::capacity);
        statistics
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.ask(|answer| Job::Probe { answer }).await
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(writer) = self.writer.take() {
            // An error means that the writer panicked, which every later request has already reported.
            let _ = writer.join();
        }
    }
}
