//! Why a file cannot be opened or read.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why a [`SqliteStore`](super::SqliteStore) could not be opened.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A store is open in the directory, in another process or in this one, or another program uses the file.
    #[error("{} is in use: another server or command has it open", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },

    /// The file is not a token store, or its first bytes are damaged.
    #[error("{} is not a token store, or its header is damaged", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },

    /// The file, its write-ahead log or its mark is damaged, or one of them is older than the others.
    #[error("{} is refused: {damage}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        damage: Damage,
    },

    /// A later version of this program wrote the file.
    #[error(
        "{} has format {found}, but this version supports formats up to {supported}: use a newer version",
        path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: i64,
        /// The latest format that this version supports.
        supported: i64,
    },

    /// Users other than the owner have access to the file or its directory.
    #[error(
        "{} is open to other users (mode {mode:03o}): remove their access, or use another path",
        path.display()
    )]
    NotPrivate {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits, as `chmod` takes them.
        mode: u32,
    },

    /// The mode of the file or its directory denies its owner what a store needs.
    #[error(
        "{} cannot be read and written by its owner (mode {mode:03o}): `chmod {needed:o}` gives the access that a token \
         store needs",
        path.display()
    )]
    NotWritable {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits, as `chmod` takes them.
        mode: u32,
        /// The permission bits that it needs.
        needed: u32,
    },

    /// The file or its directory belongs to another user.
    #[error(
        "{} belongs to user {owner}, and this process runs as user {user}: run it as the owner, or use another path",
        path.display()
    )]
    NotOwned {
        /// The file or directory.
        path: PathBuf,
        /// The ID of the user to whom it belongs.
        owner: u32,
        /// The ID of the effective user of this process.
        user: u32,
    },

    /// A file of the store is a symbolic link, which may lead out of the directory, or not a file.
    #[error("{} is not a regular file: a symbolic link could lead out of the private directory", path.display())]
    NotRegular {
        /// The file.
        path: PathBuf,
    },

    /// The operating system or SQLite failed.
    #[error("cannot open {}", path.display())]
    Failed {
        /// The file or directory.
        path: PathBuf,
        /// What failed.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl OpenError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Failed { path: path.to_owned(), source: source.into() }
    }

    pub(super) fn damaged(path: &Path, damage: Damage) -> Self {
        Self::Damaged { path: path.to_owned(), damage }
    }

    pub(super) fn sqlite(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::NotADatabase) => Self::Foreign { path },
            _ if is_damage(&error) => Self::Damaged { path, damage: Damage::new(error.to_string()) },
            _ => Self::Failed { path, source: error.into() },
        }
    }
}

/// What is wrong with a damaged file. Its text says what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage(String);

impl Damage {
    pub(super) fn new(finding: impl Into<String>) -> Self {
        Self(finding.into())
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}. A damaged file may lack deletions, so nothing is served. `influxdb3-tokens restore FILE --force \
             --keep-deletions` restores a backup, and keeps the damaged files; see \"A damaged file\" in docs/storage.md",
            self.0
        )
    }
}

/// Why tokens could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Sqlite(rusqlite::Error),
    #[error("the database is damaged: {0}")]
    Damaged(Damage),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ReadError {
    pub(super) fn damaged(finding: impl Into<String>) -> Self {
        Self::Damaged(Damage::new(finding))
    }
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        if is_damage(&error) { Self::damaged(error.to_string()) } else { Self::Sqlite(error) }
    }
}

impl From<rusqlite::types::FromSqlError> for ReadError {
    fn from(error: rusqlite::types::FromSqlError) -> Self {
        Self::damaged(error.to_string())
    }
}

/// Whether SQLite found its file malformed, or a value in it is not of its column's type.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt))
        || matches!(
            error,
            Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::InvalidColumnType(..)
                | Error::QueryReturnedNoRows
                | Error::Utf8Error(..)
        )
}
