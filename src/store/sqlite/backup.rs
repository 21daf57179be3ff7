//! Backups: the file of a database with a trailer that proves it whole.
//!
//! A backup begins with the bytes of the database, so every tool for SQLite reads it. The trailer follows, in 512 bytes that
//! SQLite ignores: when the backup was taken, how much it has, and the SHA-256 of everything before.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::error::OpenError;
use super::inspect::{self, Checked, Contents};
use super::partial::Partial;
use super::snapshot::Snapshot;
use crate::store::StoreError;
use crate::token::Timestamp;

/// What a backup has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupSummary {
    /// The UUID of the cluster.
    pub cluster_uuid: Uuid,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// The number of live tokens.
    pub tokens: u64,
    /// The number of deletions since the database was created.
    pub deletions: u64,
}

/// Why there is no backup, or why one is refused.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file exists already.
    #[error("{} exists, and is not overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },

    /// Something other than a file has the name, such as a directory, a device or a symbolic link.
    #[error("{} is not a regular file, and is not replaced: name a file, or the target of the link", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
    },

    /// The store gave up the snapshot; see [`Snapshot::is_held`].
    #[error("the database changed while it was copied; try again, with a faster disk or fewer changes meanwhile")]
    Changed,

    /// The file is not a backup, or is damaged.
    #[error("{} is not a whole backup: {finding}. Use another one", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        finding: String,
    },

    /// The backup cannot be read as a store.
    #[error("the backup cannot be used")]
    Unreadable(#[from] OpenError),

    /// The store could not take a snapshot.
    #[error("the store cannot be backed up")]
    Store(#[from] StoreError),

    /// The operating system failed.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What failed.
        source: io::Error,
    },
}

impl BackupError {
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    fn invalid(path: &Path, finding: impl Into<String>) -> Self {
        Self::Invalid { path: path.to_owned(), finding: finding.into() }
    }
}

/// A backup that is being written. It gets its name when it is whole, durable and verified; until then, its name has eight
/// digits and `.partial` after it, so that two backups of one name do not meet. Dropping this before removes it.
///
/// A killed process leaves the partial file. The next backup of the same name removes it, if nothing was written to it for
/// an hour.
#[derive(Debug)]
pub struct NewBackup {
    partial: Partial,
}

impl NewBackup {
    /// Begins a backup in the file at `path`, for its owner only (mode 0600). Blocks, as the other functions do.
    ///
    /// # Errors
    ///
    /// [`BackupError::NotRegular`] if something other than a file has the name; [`BackupError::Exists`] if a file has it,
    /// unless `overwrite`; or if the file cannot be made.
    pub fn create(path: impl AsRef<Path>, overwrite: bool) -> Result<Self, BackupError> {
        Partial::create(path.as_ref(), overwrite).map(|partial| Self { partial })
    }

    /// Copies the file that a snapshot holds still, in the process of the store.
    ///
    /// # Errors
    ///
    /// [`BackupError::Changed`] if the snapshot was given up meanwhile, or if a file cannot be read or written.
    pub fn copy_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), BackupError> {
        let (database, mut offset) = (snapshot.database(), 0);
        let read = move |chunk: &mut [u8]| {
            let length = database.read_at(chunk, offset)?;
            offset += length as u64;
            Ok(length)
        };
        self.copy(read, snapshot.summary(), |_| ())?;
        if snapshot.is_held() { Ok(()) } else { Err(BackupError::Changed) }
    }

    /// Copies the database at `database`, which the store of another process holds still. The caller makes sure afterwards
    /// that the snapshot is still held. `copied` is called with the number of bytes that have been copied, from time to time.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or written.
    pub fn copy_held(
        &mut self,
        database: impl AsRef<Path>,
        summary: &BackupSummary,
        copied: impl FnMut(u64),
    ) -> Result<(), BackupError> {
        let database = database.as_ref();
        let mut file = File::open(database).map_err(BackupError::io(database))?;
        self.copy(move |chunk| file.read(chunk), summary, copied)
    }

    fn copy(
        &mut self,
        read: impl FnMut(&mut [u8]) -> io::Result<usize>,
        summary: &BackupSummary,
        mut copied: impl FnMut(u64),
    ) -> Result<(), BackupError> {
        let (mut sha, mut length) = (Sha256::new(), 0);
        let mut file = &self.partial.file;
        let read = each_chunk(read, |chunk| {
            sha.update(chunk);
            file.write_all(chunk)?;
            length += chunk.len() as u64;
            copied(length);
            Ok(())
        });
        let written = read.and_then(|()| {
            let trailer = Trailer { length, summary: summary.clone() };
            file.write_all(&trailer.encode(sha))
        });
        written.map_err(BackupError::io(self.partial.path()))
    }

    /// Syncs the backup, verifies it as [`BackupSummary::of`] does, and gives it its name, durably.
    ///
    /// # Errors
    ///
    /// If the copy is not whole, or if it cannot get its name.
    pub fn finish(self) -> Result<BackupSummary, BackupError> {
        self.partial.file.sync_all().map_err(BackupError::io(self.partial.path()))?;
        let summary = BackupSummary::of(self.partial.path())?;
        self.partial.complete()?;
        Ok(summary)
    }
}

impl BackupSummary {
    /// Verifies the backup at `path`: its checksum, and all that a store verifies when it loads its tokens. Changes nothing.
    /// Blocks.
    ///
    /// # Errors
    ///
    /// [`BackupError::Invalid`] or [`BackupError::Unreadable`] if the file is not a whole backup.
    pub fn of(path: impl AsRef<Path>) -> Result<Self, BackupError> {
        verify(path.as_ref()).map(|(summary, _)| summary)
    }

    /// Fails unless the contents of the backup at `path` are what its trailer says.
    pub(super) fn require(&self, path: &Path, cluster: Uuid, tokens: usize, deletions: i64) -> Result<(), BackupError> {
        let is_right =
            cluster == self.cluster_uuid && tokens as u64 == self.tokens && deletions.unsigned_abs() == self.deletions;
        if is_right { Ok(()) } else { Err(BackupError::invalid(path, "its tokens are not those that it says it has")) }
    }
}

/// Verifies the backup at `path`, and every column of its tokens.
pub(super) fn check(path: &Path) -> Result<(BackupSummary, Checked), BackupError> {
    let (summary, contents) = verify(path)?;
    Ok((summary, contents.check(path)?))
}

/// Reads and verifies the backup at `path`.
pub(super) fn verify(path: &Path) -> Result<(BackupSummary, Contents), BackupError> {
    let Trailer { length, summary } = Trailer::of(path)?;
    let contents = inspect::backup(path, length)?;
    summary.require(path, contents.cluster, contents.live.len(), contents.watermarks.deletion.seq)?;
    Ok((summary, contents))
}

/// Copies the database in the backup at `path` to a new file, and returns what the backup says of itself.
pub(super) fn extract(path: &Path, to: &Path) -> Result<BackupSummary, BackupError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(BackupError::io(to))?;
    let trailer = Trailer::of(path)?;
    let mut again = Sha256::new();
    let mut database = File::open(path).map_err(BackupError::io(path))?.take(trailer.length);
    each_chunk(
        |chunk| database.read(chunk),
        |chunk| {
            again.update(chunk);
            (&file).write_all(chunk)
        },
    )
    .and_then(|()| file.sync_all())
    .map_err(BackupError::io(to))?;
    // The file may have changed since.
    if trailer.encode(again) != read_trailer(path, trailer.length)? {
        return Err(BackupError::invalid(path, "it changed while it was read"));
    }
    Ok(trailer.summary)
}

/// The length of a trailer in bytes.
const TRAILER: usize = 512;

const MAGIC: [u8; 8] = *b"I3TKBKUP";

/// The version of the trailer.
const VERSION: u64 = 1;

struct Trailer {
    /// Of the database, in bytes.
    length: u64,
    summary: BackupSummary,
}

impl Trailer {
    /// Reads the trailer of the backup at `path`, whose checksum must be right.
    fn of(path: &Path) -> Result<Self, BackupError> {
        let mut file = File::open(path).map_err(BackupError::io(path))?;
        let metadata = file.metadata().map_err(BackupError::io(path))?;
        let truncated = || BackupError::invalid(path, "it is truncated, or `influxdb3-tokens backup` did not make it");
        let length = metadata.len().checked_sub(TRAILER as u64).filter(|_| metadata.is_file()).ok_or_else(truncated)?;
        let stored = read_trailer(path, length)?;
        let trailer = Self::decode(&stored).filter(|trailer| trailer.length == length).ok_or_else(truncated)?;
        let mut sha = Sha256::new();
        let mut database = (&mut file).take(length);
        let hashed = each_chunk(
            |chunk| database.read(chunk),
            |chunk| {
                sha.update(chunk);
                Ok(())
            },
        );
        hashed.map_err(BackupError::io(path))?;
        if trailer.encode(sha) != stored {
            return Err(BackupError::invalid(path, "its checksum is wrong"));
        }
        Ok(trailer)
    }

    /// The bytes of the trailer. `database` has hashed the database.
    fn encode(&self, mut database: Sha256) -> Vec<u8> {
        let Self { length, summary } = self;
        let (high, low) = summary.cluster_uuid.as_u64_pair();
        let numbers = [VERSION, *length, high, low, summary.taken_at.as_millis(), summary.tokens, summary.deletions];
        let mut bytes = MAGIC.to_vec();
        bytes.extend(numbers.into_iter().flat_map(u64::to_le_bytes));
        database.update(&bytes);
        bytes.extend(database.finalize());
        bytes.resize(TRAILER, 0);
        bytes
    }

    /// What the bytes say. Their checksum is not verified.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (numbers, _) = bytes.strip_prefix(&MAGIC)?.as_chunks();
        let numbers: Vec<_> = numbers.iter().map(|number| u64::from_le_bytes(*number)).collect();
        let [VERSION, length, high, low, taken_at, tokens, deletions, ..] = numbers[..] else { return None };
        let (cluster_uuid, taken_at) = (Uuid::from_u64_pair(high, low), Timestamp::from_millis(taken_at)?);
        Some(Self { length, summary: BackupSummary { cluster_uuid, taken_at, tokens, deletions } })
    }
}

fn read_trailer(path: &Path, offset: u64) -> Result<Vec<u8>, BackupError> {
    let mut stored = vec![0; TRAILER];
    let read = File::open(path).and_then(|file| file.read_exact_at(&mut stored, offset));
    read.map_err(BackupError::io(path))?;
    Ok(stored)
}

/// Reads to the end, and passes on what was read in pieces.
fn each_chunk(
    mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
    mut pass: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut chunk = vec![0; 1 << 18];
    loop {
        match read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => pass(&chunk[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
