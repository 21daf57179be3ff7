//! Folding: deletions are carried out in the table of tokens, in bulk.

use std::time::Duration;

use rusqlite::{Connection, params};

/// How many deletions are folded in one transaction: few enough for a request to wait for it.
const CHUNK: i64 = 1024;

/// How long the queue has to be empty before folding starts.
pub(super) const IDLE: Duration = Duration::from_millis(100);

/// How many deletions may wait to be folded; beyond that the writer folds also when it is busy.
///
/// They take time when the file is loaded, about a tenth of a second for this many, and space.
pub(super) const BACKLOG: i64 = 250_000;

/// Folds the first deletions after `folded`, up to `last`, in the open transaction. Returns up to
/// which one.
pub(super) fn fold(connection: &Connection, folded: i64, last: i64) -> rusqlite::Result<i64> {
    let upto = last.min(folded + CHUNK);
    // `IN` visits the IDs in their order, and so each page of the table once.
    connection
        .prepare_cached(
            "DELETE FROM tokens WHERE id IN
                 (SELECT token_id FROM deletions WHERE seq > ?1 AND seq <= ?2)",
        )?
        .execute(params![folded, upto])?;
    connection.prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'folded_seq'")?.execute([upto])?;
    Ok(upto)
}

/// Up to which deletion the file is folded.
pub(super) fn folded(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT value FROM meta WHERE key = 'folded_seq'", [], |row| row.get(0))
}
