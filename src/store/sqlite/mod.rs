//! Tokens in one SQLite file.
//!
//! One thread, the writer, owns the only connection. Requests reach it through a bounded queue. It commits the changes
//! that wait there together, with one `fsync` for all of them (group commit).
//!
//! A deletion does not touch the table of tokens. It appends a row to the table of deletions, which is a journal and the
//! audit trail: a sequential write, where removing a token from a large table would change a random page of the table
//! and another of its index. The live tokens are the rows of `tokens` without those that a deletion names. When it is
//! idle, the writer removes deleted tokens from `tokens` in bulk (compaction).

mod batch;
mod checksum;
mod compaction;
mod error;
mod file;
mod journal;
mod log;
mod mark;
mod migration;
mod queue;
mod read;
mod recovery;
mod row;
mod schema;
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
    Creation, CreationOutcome, Deletion, DeletionOutcome, Regeneration, RegenerationOutcome, StoreError, TokenStore,
};
use crate::live::LiveTokensWriter;
use crate::store::StoreStatistics;
use crate::store::statistics::Counters;
use crate::token::{TokenId, TokenRecord};
use batch::{Answer, Change, Request};
pub use error::{Damage, OpenError};
use file::Directory;
use queue::Sender;
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
