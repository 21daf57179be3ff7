use std::path::Path;

use super::file::Export;
use super::{MoveError, MoveTarget, Moved, line};

/// By what an import is known again after it was interrupted: the SHA-256 of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportId(pub(in crate::store) String);

impl ImportId {
    /// As a text: 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a target had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The first changes of the same import: so many, or none.
    After(u64),
    /// The same import, which was finished.
    Finished,
}

/// What was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What the file has, and the store.
    pub moved: Moved,
    /// What the store had before.
    pub begun: Begun,
}

/// The number of changes that are added at a time.
const CHUNK: usize = 1000;

/// Makes the store `to` of the file at `path`, which [`export`](super::export()) has written. The file is verified before, and
/// what was written is read back and compared with it by count and checksum. Nobody can open the store before that. If this
/// is interrupted, the same call continues. Calls `progress` with the number of steps that are done, and of all. Blocks the
/// thread while it reads.
///
/// # Errors
///
/// See [`MoveError`].
pub async fn import(
    path: impl AsRef<Path>,
    to: &mut dyn MoveTarget,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Imported, MoveError> {
    // The file is read, the changes are written, and the store is read.
    let export = Export::verify(path.as_ref(), |done, all| progress(done, 3 * all))?;
    let (moved, all) = (export.moved, 3 * export.moved.changes);
    let begun = to.begin(export.id(), &moved).await?;
    let Begun::After(skipped) = begun else { return Ok(Imported { moved, begun }) };
    let mut lines = export.changes(skipped)?;
    loop {
        let mut changes = Vec::with_capacity(CHUNK);
        while changes.len() < CHUNK
            && let Some(change) = lines.change()?
        {
            changes.push(change);
        }
        if changes.is_empty() {
            break;
        }
        to.add(changes).await?;
        progress(moved.changes + lines.changes, all);
    }

    let mut written = to.written().await?;
    let different = |finding: &str| MoveError::NotVerified { finding: finding.to_owned() };
    if written.moved() != moved {
        return Err(different("the number of tokens or changes is another one, or the cluster"));
    }
    let (mut checksum, mut read) = (export.begin_checksum(), 0);
    loop {
        let changes = written.next().await?;
        if changes.is_empty() {
            break;
        }
        changes.iter().for_each(|change| checksum.add(&line::of_change(change)));
        read += changes.len() as u64;
        progress(2 * moved.changes + read, all);
    }
    if read != moved.changes || checksum.finish() != export.sha256 {
        return Err(different("the checksum is another one"));
    }
    drop(written);
    to.finish().await?;
    Ok(Imported { moved, begun })
}
