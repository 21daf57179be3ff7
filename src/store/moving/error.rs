use std::io;
use std::path::{Path, PathBuf};

#[cfg(feature = "sqlite")]
use crate::store::OpenError;
use crate::store::StoreError;

/// Why a store was not exported, or a file not imported.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The file exists already.
    #[error("{} exists, and is not overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },

    /// The path leads to something that is not a file: a directory, a named pipe, a device or, for an export, a link.
    #[error("{} is not a regular file: name a file", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
    },

    /// The file is not an export, or is damaged.
    #[error("{} is not a whole export: {finding}. Export the tokens again", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        finding: String,
    },

    /// The target has tokens, or had some.
    #[error("{place} already has a token store, and an import makes a new one")]
    NotEmpty {
        /// Where the store would be.
        place: String,
    },

    /// The target has a part of another file.
    #[error("{place} has an interrupted import of another file: complete that import, or remove what it has written")]
    OtherImport {
        /// Where the store would be.
        place: String,
    },

    /// Somebody else changed the target meanwhile.
    #[error("{place} was changed by somebody else while the tokens were imported; import the file again")]
    Interfered {
        /// Where the store would be.
        place: String,
    },

    /// What the target has is not what the file says.
    #[error(
        "what was written is not what the file has: {finding}. The import was not completed: remove what it has written, and import the file again"
    )]
    NotVerified {
        /// What is different.
        finding: String,
    },

    /// The store cannot be read or written.
    #[error("the tokens cannot be moved")]
    Store(#[from] StoreError),

    /// The database cannot be opened.
    #[cfg(feature = "sqlite")]
    #[error(transparent)]
    Open(#[from] OpenError),

    /// The operating system failed.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What failed.
        source: io::Error,
    },
}

impl MoveError {
    pub(in crate::store) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    pub(super) fn invalid(path: &Path, finding: impl Into<String>) -> Self {
        Self::Invalid { path: path.to_owned(), finding: finding.into() }
    }

    /// The store has something that no store of this version writes.
    pub(in crate::store) fn damaged(finding: impl Into<String>) -> Self {
        Self::Store(StoreError::unavailable(finding.into()))
    }
}
