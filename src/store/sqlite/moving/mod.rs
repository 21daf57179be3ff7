//! Moving the tokens of a database.
//!
//! An import writes a new database in a directory beside the final one, `tokens.db-importing`. Renaming the directory makes
//! it the database, as a restoration does.

mod source;
mod target;

use std::io;
use std::path::{Path, PathBuf};

use super::error::{OpenError, ReadError};
use super::file::{beside, exists};
use crate::store::{MoveError, StoreError};

pub use source::SqliteSource;
pub use target::SqliteTarget;

/// Stands for a digest that is not known. No secret has it.
const UNKNOWN: [u8; 64] = [u8::MAX; 64];

fn importing(path: &Path) -> PathBuf {
    beside(path, "-importing")
}

/// Refuses to make an empty database at `path` if an import to there was interrupted.
pub(super) fn require_complete(path: &Path) -> Result<(), OpenError> {
    let directory = importing(path);
    if exists(path) || !exists(&directory) {
        return Ok(());
    }
    let directory = directory.display();
    let reason = format!("an import was interrupted: run `import` with the same file again, or remove {directory}");
    Err(OpenError::io(path, io::Error::other(reason)))
}

fn unreadable(error: ReadError) -> MoveError {
    MoveError::Store(StoreError::unavailable(error))
}
