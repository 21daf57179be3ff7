use std::path::Path;

use super::file;
use super::rules::Rules;
use super::{MoveError, MoveSource, Moved, line};
use crate::clock::{Clock, SystemClock};

/// Writes everything that a store has to the file at `path`, which only its owner can read (mode 0600): the digests of the
/// secrets, and no secret. Until it is complete and durable, its name ends with `.partial`. Calls `progress` with the number
/// of the changes that are written, and of all. Blocks the thread while it writes.
///
/// # Errors
///
/// See [`MoveError`]. Unless `overwrite`, a file that exists is an error.
pub async fn export(
    from: &mut dyn MoveSource,
    path: impl AsRef<Path>,
    overwrite: bool,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Moved, MoveError> {
    let moved = from.moved();
    let mut file = file::begin(path.as_ref(), overwrite, &moved, SystemClock.now())?;
    let impossible = |finding: &str| MoveError::damaged(format!("the store cannot be exported: {finding}"));
    let mut rules = Rules::new(moved).ok_or_else(|| impossible("its next ID is impossible"))?;
    let mut written = 0;
    loop {
        let changes = from.next().await?;
        if changes.is_empty() {
            break;
        }
        for change in &changes {
            let of_token = |finding: &str| impossible(&format!("token {}: {finding}", change.record.token));
            rules.check(change).map_err(of_token)?;
            file.write(&line::of_change(change))?;
        }
        written += changes.len() as u64;
        progress(written, moved.changes);
    }
    rules.finish().map_err(impossible)?;
    file.finish()?;
    Ok(moved)
}
