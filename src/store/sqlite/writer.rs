//! The thread that owns the connection.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use uuid::Uuid;

use super::audit;
use super::backup::BackupSummary;
use super::batch::{Answer, Change};
use super::compaction::{self, Compaction};
use super::error::ReadError;
use super::file::{Directory, OpenFiles, Removed};
use super::last_use::{self, Saving};
use super::mark::Mark;
use super::queue::Receiver;
use super::read::{self, Missed};
use super::schema;
use super::snapshot::{Hold, LONGEST_LOG, Snapshot};
use super::staging::{Staging, Watermarks};
use crate::clock::{Clock, SystemClock};
use crate::live::{LiveTokens, LiveTokensWriter};
use crate::store::statistics::Counters;
use crate::store::{AuditPage, AuditPosition, LOADED_ALREADY, StoreError};
use crate::token::{Timestamp, TokenId, TokenRecord};

/// A request to the writer.
pub(super) enum Job {
    Change(Change),
    Load {
        live: LiveTokensWriter,
        answer: Answer<()>,
    },
    Page {
        after: Option<TokenId>,
        limit: usize,
        answer: Answer<Vec<TokenRecord>>,
    },
    Snapshot {
        answer: Answer<Snapshot>,
    },
    Watermarks {
        answer: Answer<Watermarks>,
    },
    Audit {
        from: AuditPosition,
        since: Option<Timestamp>,
        limit: usize,
        answer: Answer<AuditPage>,
    },
    Probe {
        answer: Answer<()>,
    },
    #[cfg(test)]
    Tamper(Box<dyn FnOnce(&mut Writer) + Send>),
}

/// The largest number of changes that share a commit.
const MAX_BATCH: usize = 1024;

pub(super) struct Writer {
    path: PathBuf,
    cluster_uuid: Uuid,
    jobs: Receiver<Job>,
    counters: Arc<Counters>,
    /// Dropped before the connection, which moves the log when it is closed.
    hold: Hold,
    /// `None` after a failed commit, until the file has been opened again.
    pub(super) connection: Option<Connection>,
    /// `None` until the store is loaded.
    live: Option<LiveTokensWriter>,
    /// How far the file has been applied to `live`.
    applied: Watermarks,
    /// The sequence number of the last deletion that has been compacted.
    pub(super) compacted: i64,
    /// The compaction under way.
    compaction: Option<Compaction>,
    /// Whether the last step of a compaction failed. The next job resets it.
    compaction_failed: bool,
    uses: Saving,
    /// Commits a transaction. Tests inject failures here.
    pub(super) commit: Box<Commit>,
    /// The files that commits go to. `None` until the store is loaded.
    files: Option<Files>,
    /// What snapshots are copied from. Dropped after the connection; see [`Snapshot::database`].
    database: Option<Arc<File>>,
    /// Locked for as long as the connection is open.
    directory: Directory,
}

/// What a loaded store has open beside the connection.
struct Files {
    open: OpenFiles,
    mark: Mark,
}

type Commit = dyn FnMut(&Connection) -> rusqlite::Result<()> + Send;

/// Why a transaction was not committed, or may not have been.
enum Failure {
    /// The transaction did not begin.
    NotBegun(StoreError),
    /// The transaction was committed to files that have been removed or replaced.
    Removed(Removed),
    /// A change could not be written, and the transaction was rolled back.
    RolledBack(ReadError),
    /// The commit failed, and the transaction may have been committed or not.
    Commit(rusqlite::Error),
}

impl Writer {
    pub(super) fn new(
        path: &Path,
        directory: Directory,
        connection: Connection,
        cluster_uuid: Uuid,
        jobs: Receiver<Job>,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            cluster_uuid,
            jobs,
            counters,
            hold: Hold::default(),
            connection: Some(connection),
            live: None,
            applied: Watermarks::default(),
            compacted: 0,
            compaction: None,
            compaction_failed: false,
            uses: Saving::new(),
            commit: Box::new(|connection| execute(connection, "COMMIT")),
            files: None,
            database: None,
            directory,
        }
    }

    /// Works until the store is dropped and the queue is empty.
    pub(super) fn run(mut self) {
        let mut pause = compaction::IDLE;
        loop {
            let is_idle_work_due = self.hold.is_begun() || self.may_compact() || self.uses.until_due().is_zero();
            let pause_now = if is_idle_work_due { pause } else { self.uses.until_due() };
            match self.jobs.recv_timeout(pause_now) {
                Ok(job) => {
                    pause = compaction::IDLE;
                    self.work(job);
                }
                Err(RecvTimeoutError::Timeout) if self.hold.is_begun() => {
                    pause = compaction::IDLE;
                    self.resume_checkpoints();
                }
                Err(RecvTimeoutError::Timeout) => {
                    pause = Duration::ZERO;
                    if self.may_compact() {
                        self.compact();
                    } else if self.uses.until_due().is_zero() {
                        self.save_uses();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    // An earlier collection may lack the last ones.
                    self.uses.postpone();
                    while self.save_uses() {}
                    return;
                }
            }
        }
    }

    fn work(&mut self, job: Job) {
        self.resume_checkpoints();
        self.compaction_failed = false;
        let mut next = Some(job);
        while let Some(job) = next.take() {
            match job {
                Job::Change(first) => {
                    let (batch, other) = self.gather(first);
                    self.commit(batch);
                    next = other;
                }
                // The receivers may be gone; ignore the errors.
                Job::Load { live, answer } => {
                    let _ = answer.send(self.load(live));
                }
                Job::Page { after, limit, answer } => {
                    let _ = answer.send(self.page(after, limit));
                }
                Job::Snapshot { answer } => {
                    let _ = answer.send(self.snapshot());
                }
                Job::Watermarks { answer } => {
                    let _ = answer.send(self.loaded().map(|_| self.applied));
                }
                Job::Audit { from, since, limit, answer } => {
                    let _ = answer.send(self.audit(from, since, limit));
                }
                Job::Probe { answer } => {
                    let _ = answer.send(self.probe());
                }
                #[cfg(test)]
                Job::Tamper(tamper) => tamper(self),
            }
        }
        if self.backlog() > compaction::MAX_BACKLOG {
            self.compact();
        }
    }

    /// The changes at the head of the queue, and the job that follows them if it is not a change.
    fn gather(&self, first: Change) -> (Vec<Change>, Option<Job>) {
        let mut batch = vec![first];
        while batch.len() < MAX_BATCH {
            match self.jobs.try_recv() {
                Ok(Job::Change(change)) => batch.push(change),
                Ok(other) => return (batch, Some(other)),
                Err(_) => break,
            }
        }
        (batch, None)
    }

    /// Commits `batch`, then applies and answers its changes in order.
    fn commit(&mut self, mut batch: Vec<Change>) {
        match self.try_commit(&mut batch) {
            Ok(applied) => {
                let live = self.live.as_mut().expect("only a store that is loaded commits changes");
                batch.into_iter().for_each(|change| change.apply(live));
                self.applied = applied;
            }
            // A change that cannot be written, such as a creation on a full disk, must not fail the others.
            Err(Failure::RolledBack(_)) if batch.len() > 1 => {
                batch.into_iter().for_each(|change| self.commit(vec![change]));
            }
            Err(failure) => {
                let error = self.store_error(failure);
                batch.into_iter().for_each(|change| change.fail(error.clone()));
            }
        }
    }

    /// Returns the watermarks that hold once the batch has been applied.
    fn try_commit(&mut self, batch: &mut [Change]) -> Result<Watermarks, Failure> {
        let live = self.loaded().map_err(Failure::NotBegun)?;
        // Before the watermarks are read, because it changes them.
        self.reopen_if_lost().map_err(Failure::NotBegun)?;
        let (applied, begun) = (self.applied, Instant::now());
        let committed = self.transaction(|connection| {
            let mut staging = Staging::new(connection, &live, applied, batch);
            batch.iter_mut().try_for_each(|change| staging.stage(change))?;
            Ok((!staging.is_empty()).then(|| staging.watermarks()))
        })?;
        let Some(committed) = committed else { return Ok(applied) };
        self.counters.committed(batch.len(), begun.elapsed());
        self.acknowledge(&committed);
        Ok(committed)
    }

    /// Notes in the mark that everything up to `committed` will be answered.
    fn acknowledge(&mut self, committed: &Watermarks) {
        if let Some(files) = &mut self.files
            && let Err(error) = files.mark.write(committed)
        {
            // The changes are durable without it. Only damage to their very end could go unnoticed later.
            tracing::warn!(%error, "cannot write the mark of acknowledged changes");
        }
    }

    /// Runs `write` in a transaction. Commits it if `write` returns `Some`, and rolls it back otherwise.
    fn transaction<T>(
        &mut self,
        write: impl FnOnce(&Connection) -> Result<Option<T>, ReadError>,
    ) -> Result<Option<T>, Failure> {
        self.reopen_if_lost().map_err(Failure::NotBegun)?;
        if let Err(removed) = self.check_files() {
            tracing::error!(error = %removed, "a change is refused");
            return Err(Failure::NotBegun(self.lose(removed)));
        }
        let connection = self.connection.as_ref().expect("reopen_if_lost has succeeded");
        if let Err(error) = execute(connection, "BEGIN IMMEDIATE") {
            tracing::error!(%error, "cannot begin a transaction");
            return Err(Failure::NotBegun(StoreError::unavailable(error)));
        }
        match write(connection) {
            Ok(Some(result)) => {
                (self.commit)(connection).map_err(Failure::Commit)?;
                self.check_files().map_err(Failure::Removed)?;
                Ok(Some(result))
            }
            Ok(None) => {
                self.roll_back();
                Ok(None)
            }
            Err(error) => {
                self.roll_back();
                Err(Failure::RolledBack(error))
            }
        }
    }

    /// Fails if the open files are not those at the path any more.
    fn check_files(&self) -> Result<(), Removed> {
        self.files.as_ref().map_or(Ok(()), |files| files.open.check())
    }

    /// Gives up the connection, until the file is opened again.
    fn close(&mut self) {
        self.hold.end();
        self.connection = None;
    }

    /// Gives up the files that have been removed, until there are files at the path again.
    fn lose(&mut self, removed: Removed) -> StoreError {
        self.close();
        StoreError::unavailable(removed)
    }

    fn roll_back(&mut self) {
        // After some errors, SQLite has already rolled back.
        let is_open = |connection: &Connection| !connection.is_autocommit();
        if let Some(connection) = self.connection.as_ref().filter(|connection| is_open(connection))
            && let Err(error) = execute(connection, "ROLLBACK")
        {
            tracing::error!(%error, "cannot roll back a transaction; opening the file again");
            self.close();
        }
    }

    /// The error to answer with. After a failed commit, opens the file again first, so that a client that reads after
    /// the answer sees whether the change was made.
    fn store_error(&mut self, failure: Failure) -> StoreError {
        self.counters.failed();
        match failure {
            Failure::NotBegun(error) => error,
            Failure::RolledBack(error) => {
                tracing::error!(%error, "cannot write a change");
                StoreError::unavailable(error)
            }
            Failure::Removed(removed) => {
                tracing::error!(error = %removed, "a commit went to files that have been removed");
                self.close();
                StoreError::outcome_unknown(removed)
            }
            Failure::Commit(error) => {
                tracing::error!(%error, "a commit failed; opening the file again");
                self.close();
                let _ = self.reopen_if_lost();
                StoreError::outcome_unknown(error)
            }
        }
    }

    /// Opens the file again after a failure, and applies the changes that turn out to be committed.
    fn reopen_if_lost(&mut self) -> Result<(), StoreError> {
        if self.connection.is_some() {
            return Ok(());
        }
        let directory = self.directory.again().map_err(StoreError::unavailable)?;
        let (connection, cluster_uuid) = schema::connect(&self.path).map_err(StoreError::unavailable)?;
        if cluster_uuid != self.cluster_uuid {
            return Err(StoreError::unavailable("the file has been replaced by one of another cluster"));
        }
        if let Some(live) = &self.live {
            let missed = Missed::read(&connection, cluster_uuid, live.tokens(), self.applied);
            let missed = missed.map_err(StoreError::unavailable)?;
            self.compacted = compaction::watermark(&connection).map_err(StoreError::unavailable)?;
            self.files = Some(self.keep(&directory, &connection, missed.watermarks())?);
            self.applied = missed.apply(self.live.as_mut().expect("the store is loaded"));
        }
        self.connection = Some(connection);
        self.directory = directory;
        tracing::info!(path = ?self.path, "opened the file again");
        Ok(())
    }

    fn load(&mut self, mut live: LiveTokensWriter) -> Result<(), StoreError> {
        if self.live.is_some() {
            return Err(StoreError::unavailable(LOADED_ALREADY));
        }
        let cluster_uuid = self.cluster_uuid;
        self.reopen_if_lost()?;
        let connection = self.connection.as_ref().expect("reopen_if_lost has succeeded");
        let read::Loaded { watermarks: applied, uses, .. } =
            read::load(connection, cluster_uuid, &mut live).map_err(StoreError::unavailable)?;
        self.compacted = compaction::watermark(connection).map_err(StoreError::unavailable)?;
        self.files = Some(self.keep(&self.directory, connection, &applied)?);
        self.applied = applied;
        self.live = Some(live);
        self.remove_uses(&uses.damaged);
        Ok(())
    }

    /// Removes the rows of last uses that are damaged.
    fn remove_uses(&mut self, damaged: &[i64]) {
        let Some(first) = damaged.first() else { return };
        tracing::warn!(
            count = damaged.len(),
            first,
            "the last use of tokens is damaged, and forgotten; check the disk"
        );
        if let Err(failure) = self.transaction(|connection| Ok(Some(last_use::remove(connection, damaged)?))) {
            let error = self.store_error(failure);
            tracing::warn!(%error, "cannot remove the damaged last uses; the next start tries again");
        }
    }

    /// Makes everything durable that has been read and verified.
    fn keep(&self, directory: &Directory, connection: &Connection, applied: &Watermarks) -> Result<Files, StoreError> {
        schema::make_durable(connection, &self.path).map_err(StoreError::unavailable)?;
        let open = directory.open_files().map_err(StoreError::unavailable)?;
        let mark = Mark::open(&self.path, self.cluster_uuid, applied).map_err(StoreError::unavailable)?;
        Ok(Files { open, mark })
    }

    fn page(&mut self, after: Option<TokenId>, limit: usize) -> Result<Vec<TokenRecord>, StoreError> {
        let live = self.loaded()?;
        let connection = self.open_connection()?;
        read::page(connection, &live, after, limit).map_err(StoreError::unavailable)
    }

    /// Holds the file still, with everything that is committed in it.
    fn snapshot(&mut self) -> Result<Snapshot, StoreError> {
        let live = self.loaded()?;
        if self.hold.is_held() {
            return Err(StoreError::unavailable("another backup is under way"));
        }
        let connection = self.open_connection()?;
        schema::hold_file(connection).map_err(StoreError::unavailable)?;
        let database = self.directory.database(self.database.take()).map_err(StoreError::unavailable)?;
        let summary = BackupSummary {
            cluster_uuid: self.cluster_uuid,
            taken_at: SystemClock.now(),
            tokens: live.len() as u64,
            deletions: self.applied.deletion.seq.unsigned_abs(),
        };
        self.database = Some(Arc::clone(&database));
        let snapshot = self.hold.begin(database, summary);
        // The files may have been replaced while they were opened.
        if let Err(removed) = self.check_files() {
            return Err(self.lose(removed));
        }
        Ok(snapshot)
    }

    /// Lets checkpoints change the file again, unless a snapshot is held.
    fn resume_checkpoints(&mut self) {
        if !self.hold.is_begun() {
            return;
        }
        let length = schema::log_length(&self.path);
        if self.hold.is_held() {
            if length < LONGEST_LOG {
                return;
            }
            tracing::warn!(length, "a backup took too long, and is given up");
        }
        self.hold.end();
        if let Some(connection) = &self.connection
            && let Err(error) = schema::release_file(connection, &self.path, length)
        {
            tracing::warn!(%error, "cannot move the write-ahead log into the database");
        }
    }

    fn audit(&mut self, from: AuditPosition, since: Option<Timestamp>, limit: usize) -> Result<AuditPage, StoreError> {
        self.loaded()?;
        let cluster_uuid = self.cluster_uuid;
        let connection = self.open_connection()?;
        audit::page(connection, cluster_uuid, from, since, limit).map_err(StoreError::unavailable)
    }

    /// Commits a transaction that writes a page as it is.
    fn probe(&mut self) -> Result<(), StoreError> {
        self.loaded()?;
        let written = self.transaction(|connection| {
            let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            connection.pragma_update(None, "user_version", version)?;
            Ok(Some(()))
        });
        written.map_err(|failure| self.store_error(failure))?;
        self.counters.works();
        Ok(())
    }

    fn open_connection(&mut self) -> Result<&Connection, StoreError> {
        self.reopen_if_lost()?;
        Ok(self.connection.as_ref().expect("reopen_if_lost has succeeded"))
    }

    fn loaded(&self) -> Result<LiveTokens, StoreError> {
        let live = self.live.as_ref().map(|live| live.tokens().clone());
        live.ok_or_else(|| StoreError::unavailable("the store is not loaded"))
    }

    pub(super) fn may_compact(&self) -> bool {
        let live = || self.live.as_ref().map_or(0, |live| live.tokens().len());
        !self.compaction_failed
            && !self.hold.is_begun()
            && (self.compaction.is_some() || compaction::is_due(self.backlog(), live))
    }

    /// The number of deletions that wait for compaction.
    fn backlog(&self) -> i64 {
        self.applied.deletion.seq - self.compacted
    }

    /// Takes the next step of a compaction, in one transaction. Begins one if none is under way.
    pub(super) fn compact(&mut self) {
        if let Err(failure) = self.try_compact() {
            let error = self.store_error(failure);
            tracing::warn!(%error, "a compaction failed; it will be tried again");
            self.compaction_failed = true;
        }
    }

    /// Saves some of the last uses, in one transaction. Returns whether there are more.
    pub(super) fn save_uses(&mut self) -> bool {
        let Some(live) = self.live.as_ref().map(|live| live.tokens().clone()) else {
            self.uses.postpone();
            return false;
        };
        if !self.uses.collect(&live) {
            self.uses.postpone();
            return false;
        }
        let uses = std::mem::replace(&mut self.uses, Saving::new());
        let saved = self.transaction(|connection| Ok(Some(uses.step(connection, &live)?)));
        self.uses = uses;
        match saved {
            Ok(_) => !self.uses.advance(&live),
            Err(failure) => {
                let error = self.store_error(failure);
                tracing::warn!(%error, "cannot save when tokens were used last; it will be tried again");
                self.uses.postpone();
                false
            }
        }
    }

    fn try_compact(&mut self) -> Result<(), Failure> {
        let (compacted, cluster_uuid) = (self.compacted, self.cluster_uuid);
        let mut compaction = match self.compaction.take() {
            Some(compaction) => compaction,
            None => {
                let connection = self.open_connection().map_err(Failure::NotBegun)?;
                Compaction::begin(connection, cluster_uuid, compacted).map_err(Failure::RolledBack)?
            }
        };
        self.transaction(|connection| Ok(Some(compaction.step(connection)?)))?;
        match compaction.advance() {
            Some(watermark) => self.compacted = watermark,
            None => self.compaction = Some(compaction),
        }
        Ok(())
    }
}

pub(super) fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
