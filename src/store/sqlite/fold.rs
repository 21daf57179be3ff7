//! Folding: deletions are carried out in the table of tokens, in bulk.

use std::time::Duration;

use rusqlite::Connection;

/// How many tokens are removed in one transaction: few enough for a request to wait for it.
const CHUNK: usize = 1024;

/// How long the queue has to be empty before folding starts or goes on after a request.
pub(super) const IDLE: Duration = Duration::from_millis(100);

/// How many deletions may wait to be folded; beyond that the writer folds also when it is busy.
///
/// They take time when the file is loaded, about half a second for this many, and space.
pub(super) const BACKLOG: i64 = 1_000_000;

/// Whether folding is worth its while when there is time for it: when there are `backlog` deletions
/// for `live` tokens. It changes a page or two for each deletion, unless many of them share a page.
pub(super) fn is_due(backlog: i64, live: impl FnOnce() -> usize) -> bool {
    const AT_LEAST: i64 = 1024;
    const ONE_IN: i64 = 8;
    backlog >= AT_LEAST && backlog >= i64::try_from(live()).unwrap_or(i64::MAX) / ONE_IN
}

/// A pass over the table of tokens, in the order of their IDs, so that each page is visited once.
///
/// The file says that deletions are folded when the pass is through. When it is given up half-way,
/// the next one does no harm: it finds some of its tokens removed.
#[derive(Debug)]
pub(super) struct Pass {
    /// The tokens still to remove, in descending order.
    ids: Vec<i64>,
    /// The last deletion of this pass, by its `seq`.
    upto: i64,
}

impl Pass {
    /// Gathers all deletions after `folded`.
    pub(super) fn begin(connection: &Connection, folded: i64) -> rusqlite::Result<Self> {
        let mut ids: Vec<i64> = Vec::new();
        let mut upto = folded;
        let mut statement = connection.prepare_cached("SELECT seq, token_id FROM deletions WHERE seq > ?1")?;
        let mut rows = statement.query([folded])?;
        while let Some(row) = rows.next()? {
            upto = upto.max(row.get(0)?);
            ids.push(row.get(1)?);
        }
        ids.sort_unstable_by(|a, b| b.cmp(a));
        Ok(Self { ids, upto })
    }

    /// Removes the next tokens, in the open transaction.
    pub(super) fn step(&self, connection: &Connection) -> rusqlite::Result<()> {
        let (rest, chunk) = self.split();
        let mut delete = connection.prepare_cached("DELETE FROM tokens WHERE id = ?1")?;
        for id in chunk.iter().rev() {
            delete.execute([id])?;
        }
        if rest.is_empty() {
            connection.prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'folded_seq'")?.execute([self.upto])?;
        }
        Ok(())
    }

    /// Goes on after a step that was committed. When that was the last one, returns up to which
    /// deletion the file is now folded.
    pub(super) fn advance(&mut self) -> Option<i64> {
        let (rest, _) = self.split();
        self.ids.truncate(rest.len());
        self.ids.is_empty().then_some(self.upto)
    }

    fn split(&self) -> (&[i64], &[i64]) {
        self.ids.split_at(self.ids.len().saturating_sub(CHUNK))
    }
}

/// Up to which deletion the file is folded.
pub(super) fn folded(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT value FROM meta WHERE key = 'folded_seq'", [], |row| row.get(0))
}
