//! Putting a backup into the place of a database.
//!
//! The new files are made in a directory beside the database, `tokens.db-restoring`: a store there opens the backup,
//! verifies it, and writes its mark. Renaming that directory to `tokens.db-restored` decides: from then on, whoever opens
//! the database first moves the old files away and the new ones to their place ([`complete`]), whatever was done before.
//! So a kill or a power cut leaves the old database or the new one, and never a mixture.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::backup::{self, BackupError, BackupSummary};
use super::error::OpenError;
use super::file::{self, FILES, beside, exists, sync_parent};
use super::inspect::{self, Later};
use super::row::{id_from_sql, id_to_sql, time_from_sql};
use super::staging::Watermarks;
use super::{Job, SqliteStore};
use crate::clock::{Clock, SystemClock};
use crate::live::{LiveTokens, LiveTokensWriter};
use crate::store::{Actor, Deletion, DeletionOutcome, Regeneration, RegenerationOutcome, StoreError, TokenStore};
use crate::token::{Secret, TokenId, TokenName};

/// What to do with deletions that the database has and the backup lacks: the tokens are valid in the backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaterChanges {
    /// Delete these tokens in the restored database too. If the operator token's secret was regenerated since, its present
    /// secret stays valid, and those before stay refused. If the present one cannot be read, nobody has it: regenerate it.
    Keep,
    /// Make these tokens valid again, and the operator token's secret that the backup has.
    Discard,
}

/// How to restore a backup.
#[derive(Clone, Copy, Debug, Default)]
pub struct RestoreOptions {
    /// Whether a database may be replaced. Its files are kept in another directory.
    pub replace: bool,
    /// What to do with later changes. `None` refuses to restore if there are such changes.
    pub later: Option<LaterChanges>,
}

/// What was restored.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the backup has.
    pub backup: BackupSummary,
    /// The number of live tokens, after the deletions that were kept.
    pub tokens: u64,
    /// The directory with the files of the previous database, if there was one.
    pub previous: Option<PathBuf>,
    /// The tokens that the previous database has deleted since the backup, with their names.
    pub deleted_since: Vec<(TokenId, TokenName)>,
    /// Whether the operator token's secret was regenerated since.
    pub regenerated_since: bool,
    /// How many tokens were created since the backup, which has none of them. Their IDs are given again.
    pub created_since: u64,
    /// Why it is not known, or not completely, what the previous database has deleted since the backup.
    pub unknown: Option<String>,
}

/// Why a backup was not restored. The database is as it was, except after [`RestoreError::Incomplete`].
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is a database already.
    #[error("{} exists, and is not replaced", path.display())]
    Exists {
        /// The database.
        path: PathBuf,
    },

    /// Refused secrets would be valid again, and it was not said whether they should.
    #[error("the backup would make {} valid again", would_revive(deleted, *regenerated))]
    WouldRevive {
        /// The tokens that the database has deleted and the backup has, with their names.
        deleted: Vec<(TokenId, TokenName)>,
        /// Whether the operator token has another secret in the backup.
        regenerated: bool,
    },

    /// The backup is refused.
    #[error(transparent)]
    Backup(#[from] BackupError),

    /// The directory of the database is refused, or a server uses it.
    #[error(transparent)]
    Open(#[from] OpenError),

    /// The backup cannot be loaded or changed.
    #[error("the backup cannot be loaded")]
    Store(#[from] StoreError),

    /// The backup was restored, but not all of its files could be moved to their place.
    #[error("{} is restored, but not complete: the next start of the server moves the files", path.display())]
    Incomplete {
        /// The database.
        path: PathBuf,
        /// What failed.
        source: io::Error,
    },

    /// The operating system failed.
    #[error("cannot restore to {}", path.display())]
    Io {
        /// The database.
        path: PathBuf,
        /// What failed.
        source: io::Error,
    },
}

fn would_revive(deleted: &[(TokenId, TokenName)], regenerated: bool) -> String {
    let tokens = match deleted.len() {
        0 => String::new(),
        1 => "a token that was deleted since".to_owned(),
        count => format!("{count} tokens that were deleted since"),
    };
    match (tokens.is_empty(), regenerated) {
        (_, false) => tokens,
        (true, true) => "a secret of the operator token that was regenerated since".to_owned(),
        (false, true) => format!("{tokens}, and a secret of the operator token that was regenerated since,"),
    }
}

/// Restores the backup in `file` to the database at `path`.
pub(super) async fn restore(file: &Path, path: &Path, options: RestoreOptions) -> Result<Restored, RestoreError> {
    let failed = |source| RestoreError::Io { path: path.to_owned(), source };
    file::create_directory(file::parent(path)).map_err(failed)?;
    let _locked = file::lock(path)?;
    complete(path).map_err(failed)?;
    let is_replaced = FILES.iter().any(|suffix| exists(&beside(path, suffix)));
    if is_replaced && !options.replace {
        return Err(RestoreError::Exists { path: path.to_owned() });
    }

    let staged = Staged::new(path).map_err(failed)?;
    let database = staged.new_files.join(path.file_name().unwrap_or_default());
    let summary = backup::extract(file, &database)?;
    let store = SqliteStore::open(&database)?;
    let (live, watermarks) = load(&store).await?;
    summary.require(file, store.cluster_uuid(), live.len(), watermarks.deletion.seq)?;

    let mut restored = Restored {
        backup: summary,
        tokens: 0,
        previous: None,
        deleted_since: Vec::new(),
        regenerated_since: false,
        created_since: 0,
        unknown: None,
    };
    if is_replaced {
        let later = later(path, &store, &watermarks);
        let later = later.unwrap_or_else(|unknown| {
            restored.unknown = Some(unknown);
            Later::default()
        });
        if restored.unknown.is_none() {
            restored.unknown.clone_from(&later.damage);
            restored.created_since = (later.token - watermarks.token).unsigned_abs();
        }
        restored.deleted_since = names(&store, &live, &later).await?;
        let digest = live.by_id(TokenId::OPERATOR).map(|operator| *operator.digest());
        restored.regenerated_since = digest.is_some() && !later.regenerations.is_empty();
        match options.later {
            Some(LaterChanges::Keep) => keep(&store, &live, later).await?,
            Some(LaterChanges::Discard) => {}
            None if restored.deleted_since.is_empty() && !restored.regenerated_since => {}
            None => {
                return Err(RestoreError::WouldRevive {
                    deleted: restored.deleted_since,
                    regenerated: restored.regenerated_since,
                });
            }
        }
    }
    restored.tokens = live.len() as u64;
    store.close();
    staged.commit(path).map_err(failed)?;
    let moved = sync_parent(path).and_then(|()| complete(path));
    restored.previous = moved.map_err(|source| RestoreError::Incomplete { path: path.to_owned(), source })?;
    Ok(restored)
}

async fn load(store: &SqliteStore) -> Result<(LiveTokens, Watermarks), StoreError> {
    let writer = LiveTokensWriter::new();
    let live = writer.tokens().clone();
    store.load(writer).await?;
    Ok((live, store.ask(|answer| Job::Watermarks { answer }).await?))
}

/// The changes that the database at `path` has and the backup lacks, or why they are not known.
fn later(path: &Path, backup: &SqliteStore, watermarks: &Watermarks) -> Result<Later, String> {
    match inspect::later(path, backup.cluster_uuid(), watermarks) {
        Ok(Some(later)) => Ok(later),
        Ok(None) => Err("it is not a later state of the database that was backed up".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The live tokens that were deleted later, with their names.
async fn names(store: &SqliteStore, live: &LiveTokens, later: &Later) -> Result<Vec<(TokenId, TokenName)>, StoreError> {
    let deleted = later.deletions.iter().map(|deleted| id_from_sql(deleted.token));
    let mut deleted: Vec<_> = deleted.filter(|id| live.contains(*id)).collect();
    deleted.sort_unstable();
    let mut named = Vec::with_capacity(deleted.len());
    for id in deleted {
        let before = id_to_sql(id).checked_sub(1).and_then(|before| u64::try_from(before).ok()).map(TokenId::from_u64);
        let record = store.page(before, 1).await?.pop().filter(|record| record.id == id);
        named.extend(record.map(|record| (record.id, record.name)));
    }
    Ok(named)
}

/// Makes the later deletions and regenerations in the store too, with their times and on behalf of those that made them.
async fn keep(store: &SqliteStore, live: &LiveTokens, later: Later) -> Result<(), RestoreError> {
    /// How many are requested at a time, which share a commit.
    const CHUNK: usize = 1024;
    const DELETION: &str = "a deletion cannot be made again";
    const REGENERATION: &str = "a regeneration cannot be made again";
    let now = SystemClock.now();
    let deletions: Vec<_> = later.deletions.iter().filter(|row| live.contains(id_from_sql(row.token))).collect();
    for chunk in deletions.chunks(CHUNK) {
        let requested = chunk.iter().map(async |row| {
            let (by, at) = (row.by.map(id_from_sql).map(Actor::Other), time_from_sql(row.at).unwrap_or(now));
            let deletion = by.and_then(|by| Deletion::new(id_from_sql(row.token), by, at));
            let deletion = deletion.ok_or_else(|| StoreError::unavailable(DELETION))?;
            match store.delete(deletion.requested_from(row.origin)).await? {
                DeletionOutcome::Deleted(_) => Ok(()),
                _ => Err(StoreError::unavailable(DELETION)),
            }
        });
        futures::future::join_all(requested).await.into_iter().collect::<Result<(), _>>()?;
    }
    // Each replaced the digest that the one before gave the operator token.
    let present = later.operator.or_else(|| Secret::generate().ok().map(|secret| secret.digest()));
    let digests = later.regenerations.iter().skip(1).map(|row| row.replaced).chain(present);
    for (row, digest) in later.regenerations.iter().zip(digests) {
        let (by, at) = (row.by.map(id_from_sql).map(Actor::Other), time_from_sql(row.at).unwrap_or(now));
        let regeneration = Regeneration::new(digest, by, at).or_else(|| Regeneration::new(digest, None, at));
        let regeneration = regeneration.ok_or_else(|| StoreError::unavailable(REGENERATION))?;
        let outcome = store.regenerate(regeneration.requested_from(row.origin)).await?;
        if !matches!(outcome, RegenerationOutcome::Regenerated(_)) {
            return Err(StoreError::unavailable(REGENERATION).into());
        }
    }
    Ok(())
}

/// The new files, beside the database. Dropping this before they are committed removes them.
struct Staged {
    directory: PathBuf,
    new_files: PathBuf,
}

pub(super) const NEW: &str = "new";
pub(super) const OLD: &str = "old";

impl Staged {
    fn new(path: &Path) -> io::Result<Self> {
        let directory = beside(path, "-restoring");
        // An earlier attempt may have been killed.
        if exists(&directory) {
            fs::remove_dir_all(&directory)?;
        }
        let new_files = directory.join(NEW);
        for directory in [&directory, &new_files, &directory.join(OLD)] {
            DirBuilder::new().mode(0o700).create(directory)?;
        }
        Ok(Self { directory, new_files })
    }

    fn commit(self, path: &Path) -> io::Result<()> {
        commit(&self.directory, path)
    }
}

/// Makes the new files in `directory` the database at `path`. [`complete`] then moves them.
pub(super) fn commit(directory: &Path, path: &Path) -> io::Result<()> {
    for directory in [&directory.join(NEW), directory] {
        File::open(directory)?.sync_all()?;
    }
    fs::rename(directory, beside(path, RESTORED))
}

impl Drop for Staged {
    fn drop(&mut self) {
        if exists(&self.directory) {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

const RESTORED: &str = "-restored";

/// Whether a restoration is committed and not complete.
pub(super) fn is_pending(path: &Path) -> bool {
    exists(&beside(path, RESTORED))
}

/// Completes a restoration that has been committed. Returns the directory that has the previous files. The directory of the
/// database must be locked.
pub(super) fn complete(path: &Path) -> io::Result<Option<PathBuf>> {
    let committed = beside(path, RESTORED);
    if !exists(&committed) {
        return Ok(None);
    }
    let (new, old) = (committed.join(NEW), committed.join(OLD));
    let within = |directory: &Path, suffix: &str| {
        directory.join(beside(Path::new(path.file_name().unwrap_or_default()), suffix))
    };
    let sync = |directory: &Path| File::open(directory)?.sync_all();
    // The database comes first. As long as it has not been moved, every file at the path is an old one.
    if exists(&within(&new, FILES[0])) {
        for suffix in FILES.iter().filter(|suffix| exists(&beside(path, suffix))) {
            fs::rename(beside(path, suffix), within(&old, suffix))?;
        }
        sync(&old)?;
        sync_parent(path)?;
    }
    for suffix in FILES.iter().filter(|suffix| exists(&within(&new, suffix))) {
        fs::rename(within(&new, suffix), beside(path, suffix))?;
        sync_parent(path)?;
    }
    let previous = match fs::read_dir(&old).ok().and_then(|mut files| files.next()) {
        Some(_) => {
            let previous = unused_name(path);
            fs::rename(&old, &previous)?;
            Some(previous)
        }
        None => None,
    };
    // All of them are empty.
    for directory in [&new, &old, &committed].into_iter().filter(|directory| exists(directory)) {
        fs::remove_dir(directory)?;
    }
    sync_parent(path)?;
    Ok(previous)
}

/// A name for the directory of the previous files.
fn unused_name(path: &Path) -> PathBuf {
    let now = DateTime::<Utc>::from(SystemClock.now()).format("%Y%m%dT%H%M%SZ");
    let name = |number: u32| match number {
        0 => beside(path, &format!("-replaced-{now}")),
        _ => beside(path, &format!("-replaced-{now}-{number}")),
    };
    (0..).map(name).find(|name| !exists(name)).expect("one of all numbers is unused")
}
