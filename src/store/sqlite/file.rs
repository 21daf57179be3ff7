//! Creating and checking the file and its directory before SQLite opens the file.

use std::error::Error;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why a [`SqliteStore`](super::SqliteStore) could not be opened.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has opened the file, or this process has opened it before.
    #[error("{} is in use: another server or command has it open", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },

    /// The file is not a token store, or it is damaged.
    #[error("{} is not a token store", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
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
}

/// Makes sure that `path` is a file in a directory, that only their owner has access to both, and that both survive a
/// crash.
pub(super) fn prepare(path: &Path) -> Result<(), OpenError> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    create_directory(directory).map_err(|source| OpenError::io(directory, source))?;
    require_private(directory)?;
    create_file(path, directory).map_err(|source| OpenError::io(path, source))?;
    require_private(path)
}

fn create_directory(directory: &Path) -> io::Result<()> {
    let missing: Vec<_> = directory.ancestors().take_while(|path| is_missing(path)).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    for created in missing {
        let parent = created.parent().filter(|parent| *parent != Path::new(""));
        sync_directory(parent.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

fn is_missing(path: &Path) -> bool {
    path != Path::new("") && !path.exists()
}

fn create_file(path: &Path, directory: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            file.sync_all()?;
            sync_directory(directory)
        }
        // Do not open an existing file here: SQLite uses POSIX locks, and closing any descriptor of a file releases all
        // locks that the process holds on it.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn require_private(path: &Path) -> Result<(), OpenError> {
    let metadata = fs::metadata(path).map_err(|source| OpenError::io(path, source))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(OpenError::NotPrivate { path: path.to_owned(), mode });
    }
    Ok(())
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
