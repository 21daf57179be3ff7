//! Compaction: removes deleted tokens from the table of tokens, in bulk.

use std::time::Duration;

use rusqlite::Connection;
use uuid::Uuid;

use super::error::ReadError;
use super::journal;
use super::row::id_to_sql;
use crate::token::TokenId;

/// The number of tokens that one transaction removes. Few enough that a request can wait for it.
const STEP: usize = 1024;

/// How long the queue must be empty before a compaction starts, or continues after a request.
pub(super) const IDLE: Duration = Duration::from_millis(100);

/// The number of deletions that may wait for compaction. Beyond it, the writer also compacts when it is busy.
///
/// Deletions that wait take space, and time when the file is loaded: about half a second for this many.
pub(super) const MAX_BACKLOG: i64 = 1_000_000;

/// Whether an idle writer should compact: it has `backlog` deletions for `live` tokens. A compaction writes a page or
/// two for each deletion unless many of the tokens share a page.
pub(super) fn is_due(backlog: i64, live: impl FnOnce() -> usize) -> bool {
    const AT_LEAST: i64 = 1024;
    const ONE_IN: i64 = 8;
    backlog >= AT_LEAST && backlog >= i64::try_from(live()).unwrap_or(i64::MAX) / ONE_IN
}

/// One compaction: a pass over the table of tokens in the order of their IDs, which visits each page once.
///
/// Its last step records the watermark in the file. If a pass is abandoned before that, the next one repeats its work
/// and finds some of the tokens already removed.
#[derive(Debug)]
pub(super) struct Compaction {
    /// The tokens still to remove, in descending order of their IDs.
    ids: Vec<i64>,
    /// The sequence number of the last deletion of this pass.
    watermark: i64,
}

impl Compaction {
    /// Collects all deletions after the watermark of the last compaction.
    pub(super) fn begin(connection: &Connection, cluster: Uuid, last_watermark: i64) -> Result<Self, ReadError> {
        let from = journal::link(connection, journal::DELETIONS, cluster, last_watermark)?;
        let from = from.ok_or_else(|| ReadError::damaged("the watermark of compaction is damaged"))?;
        let mut ids: Vec<i64> = Vec::new();
        let last = journal::deletions_after(connection, from, journal::ALL, |row, _| {
            ids.push(row.token);
            Ok(())
        })?;
        ids.sort_unstable_by(|a, b| b.cmp(a));
        Ok(Self { ids, watermark: last.seq })
    }

    /// Removes the next tokens, in the open transaction.
    pub(super) fn step(&self, connection: &Connection) -> rusqlite::Result<()> {
        let (rest, step) = self.split();
        let (mut remove, mut forget) = (connection.prepare_cached(REMOVE)?, connection.prepare_cached(FORGET)?);
        for id in step.iter().rev() {
            remove.execute([id])?;
            forget.execute([id])?;
        }
        if rest.is_empty() {
            connection
                .prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'folded_seq'")?
                .execute([self.watermark])?;
        }
        Ok(())
    }

    /// Continues after a step has been committed. After the last step, returns the watermark.
    pub(super) fn advance(&mut self) -> Option<i64> {
        let (rest, _) = self.split();
        self.ids.truncate(rest.len());
        self.ids.is_empty().then_some(self.watermark)
    }

    fn split(&self) -> (&[i64], &[i64]) {
        self.ids.split_at(self.ids.len().saturating_sub(STEP))
    }
}

/// Removes one deleted token ahead of its compaction, so that its name can be used again.
pub(super) fn remove_early(connection: &Connection, id: TokenId) -> rusqlite::Result<()> {
    connection.prepare_cached(REMOVE)?.execute([id_to_sql(id)])?;
    connection.prepare_cached(FORGET)?.execute([id_to_sql(id)])?;
    Ok(())
}

const REMOVE: &str = "DELETE FROM tokens WHERE id = ?1";

/// Its last use, which nobody asks for any more.
const FORGET: &str = "DELETE FROM uses WHERE token_id = ?1";

/// The watermark in the file: the sequence number of the last deletion that has been compacted.
pub(super) fn watermark(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT value FROM meta WHERE key = 'folded_seq'", [], |row| row.get(0))
}
