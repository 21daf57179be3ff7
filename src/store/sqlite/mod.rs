//! Tokens in one SQLite file.
//!
//! One thread, the writer, owns the only connection. Requests reach it through a bounded queue, and
//! it commits those that have gathered there together: one `fsync` for all.
//!
//! A deletion does not touch the table of tokens. It appends a row to the table of deletions, which
//! is both the journal and the audit trail: a sequential write, where a deletion from a large table
//! would change a random page of it and of its index. The live tokens are the rows of `tokens`
//! without those that a deletion names; when nothing else is to be done, the writer folds deletions
//! into `tokens` in bulk.

mod batch;
mod file;
mod fold;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use async_trait::async_trait;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Creation, CreationOutcome, Deletion, DeletionOutcome, StoreError, TokenStore};
use crate::live::LiveTokensWriter;
use crate::token::{TokenId, TokenRecord};
use batch::{Answer, Change, Request};
pub use file::OpenError;
use writer::{Job, Writer};

/// Tokens in one SQLite file, which belongs to one process at a time.
///
/// A change is durable when its future is ready: it is in the write-ahead log and synced
/// (`synchronous=FULL`). Changes that arrive together share one commit.
///
/// Dropping the store sees the accepted changes through, closes the file and frees it for another
/// process; it blocks for as long as that takes.
#[derive(Debug)]
pub struct SqliteStore {
    cluster_uuid: Uuid,
    /// `None` only while the store is dropped.
    queue: Option<SyncSender<Job>>,
    writer: Option<JoinHandle<()>>,
    commits: Arc<AtomicU64>,
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

    /// How many transactions have changed tokens since the store was opened.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Drops the store, and says so: sees the accepted changes through, closes the file and frees
    /// it for another process. Blocks for as long as that takes.
    pub fn close(self) {}

    async fn ask<T>(&self, job: impl FnOnce(Answer<T>) -> Job) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().expect("the queue is there until the store is dropped");
        queue.try_send(job(answer)).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::unavailable(WRITER_ENDED),
        })?;
        answered.await.unwrap_or_else(|_| Err(StoreError::outcome_unknown(WRITER_ENDED)))
    }
}

const WRITER_ENDED: &str = "the thread that writes has panicked";

impl SqliteOptions {
    /// How many requests may wait for the writer; those beyond are answered
    /// [`StoreError::Busy`] at once. At least 1; the default is 4096.
    #[must_use]
    pub fn queue_capacity(mut self, requests: usize) -> Self {
        self.queue_capacity = requests.max(1);
        self
    }

    /// Opens the file at `path`, creating it where there is none. Blocks.
    ///
    /// File and directory are for their owner only. They are created with modes 0600 and 0700 where
    /// they are missing; one that is open to other users is refused, rather than taken from them.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]. What is in a file that is refused is left as it was.
    pub fn open(self, path: impl AsRef<Path>) -> Result<SqliteStore, OpenError> {
        let path = path.as_ref();
        file::prepare(path)?;
        let (connection, cluster_uuid) = schema::connect(path)?;
        let commits = Arc::new(AtomicU64::new(0));
        let (queue, jobs) = sync_channel(self.queue_capacity);
        let writer = Writer::new(path, connection, cluster_uuid, jobs, Arc::clone(&commits));
        let writer = thread::Builder::new()
            .name("token-store".to_owned())
            .spawn(|| writer.run())
            .map_err(|source| OpenError::io(path, source))?;
        Ok(SqliteStore { cluster_uuid, queue: Some(queue), writer: Some(writer), commits })
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

    /// Creates a token; see [`TokenStore::create`]. Before [`TokenStore::load`] it is refused.
    async fn create(&self, creation: Creation) -> Result<CreationOutcome, StoreError> {
        self.ask(|answer| Job::Change(Change::Create(Box::new(Request::new(creation, answer))))).await
    }

    /// Deletes a token; see [`TokenStore::delete`]. Before [`TokenStore::load`] it is refused.
    async fn delete(&self, deletion: Deletion) -> Result<DeletionOutcome, StoreError> {
        self.ask(|answer| Job::Change(Change::Delete(Request::new(deletion, answer)))).await
    }

    /// Reads live tokens; see [`TokenStore::page`]. Before [`TokenStore::load`] it is refused.
    async fn page(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<TokenRecord>, StoreError> {
        self.ask(|answer| Job::Page { after, limit, answer }).await
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(writer) = self.writer.take() {
            // An error is the writer's panic, which every request since then was told of.
            let _ = writer.join();
        }
    }
}
