//! Saving when tokens were used last. It is not durable before it is saved, and delays no change.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::checksum;
use super::row::{id_from_sql, id_to_sql, time_from_sql};
use crate::live::{LiveTokens, LiveTokensWriter};
use crate::token::{Timestamp, TokenId};

/// How often an idle writer saves the uses of a store.
const EVERY: Duration = Duration::from_secs(600);

/// The number of uses that one transaction saves. Few enough that a request can wait for it.
const STEP: usize = 1024;

const MILLIS: i64 = 60_000;

/// The uses of a store that are to be saved.
#[derive(Debug)]
pub(super) struct Saving {
    /// In descending order of the IDs, so that the steps visit each page once.
    pending: Vec<(TokenId, Timestamp)>,
    due: Instant,
}

impl Saving {
    pub(super) fn new() -> Self {
        Self { pending: Vec::new(), due: Instant::now() + EVERY }
    }

    /// How long until the uses are to be saved.
    pub(super) fn until_due(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    /// Collects the uses that are not saved, unless an earlier collection still waits. Returns whether there are any.
    pub(super) fn collect(&mut self, live: &LiveTokens) -> bool {
        if self.pending.is_empty() {
            self.pending = live.unsaved_uses();
            self.pending.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        }
        !self.pending.is_empty()
    }

    /// Saves the next uses, in the open transaction.
    pub(super) fn step(&self, connection: &Connection, live: &LiveTokens) -> rusqlite::Result<()> {
        let mut save = connection.prepare_cached(
            "INSERT INTO uses (token_id, minute, checksum) VALUES (?1, ?2, ?3)
             ON CONFLICT (token_id) DO UPDATE SET minute = excluded.minute, checksum = excluded.checksum",
        )?;
        let rest = self.rest();
        // Compaction would not remove the row of one that was deleted meanwhile.
        for (id, at) in self.pending[rest..].iter().rev().filter(|(id, _)| live.contains(*id)) {
            let (id, minute) = (id_to_sql(*id), at.as_millis().cast_signed() / MILLIS);
            save.execute(params![id, minute, checksum::last_use(id, minute)])?;
        }
        Ok(())
    }

    /// Continues after a step has been committed. Returns whether it was the last one.
    pub(super) fn advance(&mut self, live: &LiveTokens) -> bool {
        self.pending.drain(self.rest()..).for_each(|(id, at)| live.use_saved(id, at));
        if self.pending.is_empty() {
            self.postpone();
        }
        self.pending.is_empty()
    }

    /// Waits until the next time, which collects what was not saved.
    pub(super) fn postpone(&mut self) {
        self.pending.clear();
        self.due = Instant::now() + EVERY;
    }

    fn rest(&self) -> usize {
        self.pending.len().saturating_sub(STEP)
    }
}

/// What [`load`] has found.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// The rows.
    pub(super) rows: u64,
    /// The keys of the damaged rows, which are not restored.
    pub(super) damaged: Vec<i64>,
}

/// Restores the uses of the live tokens. A deleted token may still have one, until it is compacted.
///
/// No other table depends on this one, and no decision about a token does. So a damaged row loses a time that was coarse
/// anyway, and refuses nothing.
pub(super) fn load(connection: &Connection, live: &mut LiveTokensWriter) -> rusqlite::Result<Loaded> {
    let mut statement = connection.prepare("SELECT token_id, minute, checksum FROM uses ORDER BY token_id")?;
    let mut rows = statement.query([])?;
    let mut loaded = Loaded::default();
    while let Some(row) = rows.next()? {
        let (id, minute) = (row.get(0)?, row.get::<_, i64>(1)?);
        let is_whole = checksum::is_in(row.get_ref(2)?, checksum::last_use(id, minute));
        match minute.checked_mul(MILLIS).and_then(time_from_sql).filter(|_| is_whole) {
            Some(at) => live.restore_use(id_from_sql(id), at),
            None => loaded.damaged.push(id),
        }
        loaded.rows += 1;
    }
    Ok(loaded)
}

/// Removes damaged rows, in the open transaction.
pub(super) fn remove(connection: &Connection, damaged: &[i64]) -> rusqlite::Result<()> {
    let mut remove = connection.prepare_cached("DELETE FROM uses WHERE token_id = ?1")?;
    damaged.iter().try_for_each(|id| remove.execute([id]).map(drop))
}
