//! The thread that owns the connection.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;
use uuid::Uuid;

use super::batch::{Answer, Change, Marks, Staging};
use super::{fold, read, schema};
use crate::live::{LiveTokens, LiveTokensWriter};
use crate::store::{LOADED_ALREADY, StoreError};
use crate::token::{TokenId, TokenRecord};

/// What the writer is asked to do.
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
    #[cfg(test)]
    Tamper(Box<dyn FnOnce(&mut Writer) + Send>),
}

/// How many changes one transaction takes at most.
const MAX_BATCH: usize = 1024;

pub(super) struct Writer {
    path: PathBuf,
    cluster_uuid: Uuid,
    jobs: Receiver<Job>,
    commits: Arc<AtomicU64>,
    /// `None` after a failure that leaves open what is in the file, until it is opened again.
    pub(super) connection: Option<Connection>,
    /// `None` until the store is loaded.
    live: Option<LiveTokensWriter>,
    /// How far the file has been taken into `live`.
    taken_in: Marks,
    /// Up to which deletion the file is folded.
    folded: i64,
    /// What is being folded.
    pass: Option<fold::Pass>,
    /// Folding has failed, and rests until the next job.
    folding_failed: bool,
    /// How a transaction is committed. Tests put failures here.
    pub(super) commit: Box<Commit>,
}

type Commit = dyn FnMut(&Connection) -> rusqlite::Result<()> + Send;

/// Why a batch was not committed, or may not have been.
enum Failure {
    /// It was not even begun.
    NotBegun(StoreError),
    /// One of its changes could not be written: none was.
    RolledBack(rusqlite::Error),
    /// It is unknown whether it was committed.
    Commit(rusqlite::Error),
}

impl Writer {
    pub(super) fn new(
        path: &Path,
        connection: Connection,
        cluster_uuid: Uuid,
        jobs: Receiver<Job>,
        commits: Arc<AtomicU64>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            cluster_uuid,
            jobs,
            commits,
            connection: Some(connection),
            live: None,
            taken_in: Marks::default(),
            folded: 0,
            pass: None,
            folding_failed: false,
            commit: Box::new(|connection| execute(connection, "COMMIT")),
        }
    }

    /// Works until the store is dropped and the queue is empty.
    pub(super) fn run(mut self) {
        let mut pause = fold::IDLE;
        loop {
            let next = if self.may_fold() {
                self.jobs.recv_timeout(pause)
            } else {
                self.jobs.recv().map_err(RecvTimeoutError::from)
            };
            match next {
                Ok(job) => {
                    pause = fold::IDLE;
                    self.work(job);
                }
                Err(RecvTimeoutError::Timeout) => {
                    pause = Duration::ZERO;
                    self.fold();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn work(&mut self, job: Job) {
        self.folding_failed = false;
        let mut next = Some(job);
        while let Some(job) = next.take() {
            match job {
                Job::Change(first) => {
                    let (batch, other) = self.gather(first);
                    self.commit(batch);
                    next = other;
                }
                // Nobody may be listening for these answers any more, which is all right.
                Job::Load { live, answer } => {
                    let _ = answer.send(self.load(live));
                }
                Job::Page { after, limit, answer } => {
                    let _ = answer.send(self.page(after, limit));
                }
                #[cfg(test)]
                Job::Tamper(tamper) => tamper(self),
            }
        }
        if self.backlog() > fold::BACKLOG {
            self.fold();
        }
    }

    /// The changes at the head of the queue, and what came after them if it was no change.
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

    /// Commits `batch`, takes it into `live` in order, and answers it.
    fn commit(&mut self, mut batch: Vec<Change>) {
        match self.try_commit(&mut batch) {
            Ok(marks) => {
                let live = self.live.as_mut().expect("changes are committed after the store was loaded");
                batch.into_iter().for_each(|change| change.settle(live));
                self.taken_in = marks;
            }
            // One change that cannot be written, a creation on a full disk, must not fail others.
            Err(Failure::RolledBack(_)) if batch.len() > 1 => {
                batch.into_iter().for_each(|change| self.commit(vec![change]));
            }
            Err(failure) => {
                let error = self.store_error(failure);
                batch.into_iter().for_each(|change| change.fail(error.clone()));
            }
        }
    }

    fn try_commit(&mut self, batch: &mut [Change]) -> Result<Marks, Failure> {
        let live = self.loaded().map_err(Failure::NotBegun)?;
        let taken_in = self.taken_in;
        let committed = self.transaction(|connection| {
            let mut staging = Staging::new(connection, &live, taken_in);
            batch.iter_mut().try_for_each(|change| staging.stage(change))?;
            Ok((!staging.is_empty()).then(|| staging.marks()))
        })?;
        if committed.is_some() {
            self.commits.fetch_add(1, Ordering::Relaxed);
        }
        Ok(committed.unwrap_or(taken_in))
    }

    /// Runs `write` in a transaction, and commits what it has written unless it returns `None`.
    fn transaction<T>(
        &mut self,
        write: impl FnOnce(&Connection) -> rusqlite::Result<Option<T>>,
    ) -> Result<Option<T>, Failure> {
        self.reopen_if_lost().map_err(Failure::NotBegun)?;
        let connection = self.connection.as_ref().expect("it is open or was opened just now");
        if let Err(error) = execute(connection, "BEGIN IMMEDIATE") {
            tracing::error!(%error, "a transaction could not be begun");
            return Err(Failure::NotBegun(StoreError::unavailable(error)));
        }
        match write(connection) {
            Ok(Some(result)) => {
                (self.commit)(connection).map_err(Failure::Commit)?;
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

    fn roll_back(&mut self) {
        // SQLite has rolled back by itself after some errors.
        let is_open = |connection: &Connection| !connection.is_autocommit();
        if let Some(connection) = self.connection.as_ref().filter(|connection| is_open(connection))
            && let Err(error) = execute(connection, "ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back; opening the file again");
            self.connection = None;
        }
    }

    /// What to answer after `failure`. After a failed commit the file is opened again first, so
    /// that whoever reads after the answer sees what has become of the change.
    fn store_error(&mut self, failure: Failure) -> StoreError {
        match failure {
            Failure::NotBegun(error) => error,
            Failure::RolledBack(error) => {
                tracing::error!(%error, "a change could not be written");
                StoreError::unavailable(error)
            }
            Failure::Commit(error) => {
                tracing::error!(%error, "a commit failed; opening the file again");
                self.connection = None;
                let _ = self.reopen_if_lost();
                StoreError::outcome_unknown(error)
            }
        }
    }

    /// Opens the file again after a failure, and takes into `live` what it says was committed.
    fn reopen_if_lost(&mut self) -> Result<(), StoreError> {
        if self.connection.is_some() {
            return Ok(());
        }
        let (connection, cluster_uuid) = schema::connect(&self.path).map_err(StoreError::unavailable)?;
        if cluster_uuid != self.cluster_uuid {
            return Err(StoreError::unavailable("the file was replaced by that of another cluster"));
        }
        if let Some(live) = &mut self.live {
            self.taken_in = read::catch_up(&connection, live, self.taken_in).map_err(StoreError::unavailable)?;
            self.folded = fold::folded(&connection).map_err(StoreError::unavailable)?;
        }
        self.connection = Some(connection);
        tracing::info!(path = ?self.path, "the file is open again");
        Ok(())
    }

    fn load(&mut self, mut live: LiveTokensWriter) -> Result<(), StoreError> {
        if self.live.is_some() {
            return Err(StoreError::unavailable(LOADED_ALREADY));
        }
        let connection = self.open_connection()?;
        let taken_in = read::load(connection, &mut live).map_err(StoreError::unavailable)?;
        self.folded = fold::folded(connection).map_err(StoreError::unavailable)?;
        self.taken_in = taken_in;
        self.live = Some(live);
        Ok(())
    }

    fn page(&mut self, after: Option<TokenId>, limit: usize) -> Result<Vec<TokenRecord>, StoreError> {
        let live = self.loaded()?;
        let connection = self.open_connection()?;
        read::page(connection, &live, after, limit).map_err(StoreError::unavailable)
    }

    fn open_connection(&mut self) -> Result<&Connection, StoreError> {
        self.reopen_if_lost()?;
        Ok(self.connection.as_ref().expect("it is open or was opened just now"))
    }

    fn loaded(&self) -> Result<LiveTokens, StoreError> {
        let live = self.live.as_ref().map(|live| live.tokens().clone());
        live.ok_or_else(|| StoreError::unavailable("the store is not loaded"))
    }

    fn may_fold(&self) -> bool {
        let live = || self.live.as_ref().map_or(0, |live| live.tokens().len());
        !self.folding_failed && (self.pass.is_some() || fold::is_due(self.backlog(), live))
    }

    /// How many deletions are not folded.
    fn backlog(&self) -> i64 {
        self.taken_in.deletion - self.folded
    }

    /// Begins to fold, or goes on with it, for the time of one transaction.
    pub(super) fn fold(&mut self) {
        if let Err(failure) = self.try_fold() {
            let error = self.store_error(failure);
            tracing::warn!(%error, "deletions could not be folded; trying again later");
            self.folding_failed = true;
        }
    }

    fn try_fold(&mut self) -> Result<(), Failure> {
        let folded = self.folded;
        let mut pass = match self.pass.take() {
            Some(pass) => pass,
            None => {
                let connection = self.open_connection().map_err(Failure::NotBegun)?;
                fold::Pass::begin(connection, folded).map_err(Failure::RolledBack)?
            }
        };
        self.transaction(|connection| pass.step(connection).map(Some))?;
        match pass.advance() {
            Some(folded) => self.folded = folded,
            None => self.pass = Some(pass),
        }
        Ok(())
    }
}

pub(super) fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
