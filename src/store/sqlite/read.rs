//! Reading the file: all tokens, those that are new in it, or a page of them. Everything that is read is verified.

use std::collections::HashSet;

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::checksum::Link;
use super::error::ReadError;
use super::journal::{self, DELETIONS, Deleted, REGENERATIONS};
use super::row::{COLUMNS, Columns, id_from_sql, id_to_sql};
use super::staging::Watermarks;
use super::{audit, compaction, last_use, schema};
use crate::live::{LiveTokens, LiveTokensWriter};
use crate::token::{Digest, Principal, TokenId, TokenRecord};

/// What [`load`] has read.
pub(super) struct Loaded {
    pub(super) watermarks: Watermarks,
    /// The rows of `creations`.
    pub(super) creations: u64,
    pub(super) uses: last_use::Loaded,
}

/// Makes all tokens of the file live. None is live yet.
pub(super) fn load(connection: &Connection, cluster: Uuid, live: &mut LiveTokensWriter) -> Result<Loaded, ReadError> {
    check_structure(connection)?;
    let mut deletions = Vec::new();
    let deletion = journal::deletions_after(connection, Link::first(cluster, DELETIONS), journal::ALL, |row, _| {
        deletions.push(row);
        Ok(())
    })?;
    let regeneration = check_operator(connection, Link::first(cluster, REGENERATIONS))?;
    let compacted = compaction::watermark(connection)?;
    if !(0..=deletion.seq).contains(&compacted) {
        return Err(ReadError::damaged("the watermark of compaction is damaged"));
    }
    // In their order, so that the last ones are remembered.
    deletions.iter().for_each(|row| live.remember_deleted(row.digest_prefix));
    deletions.sort_unstable_by_key(|row| row.token);
    if let Some(pair) = deletions.windows(2).find(|pair| pair[0].token == pair[1].token) {
        return Err(ReadError::damaged(format!("token {} was deleted twice", pair[0].token)));
    }

    let rows: i64 = connection.query_row("SELECT count(*) FROM tokens", [], |row| row.get(0))?;
    let waiting = usize::try_from(deletion.seq - compacted).unwrap_or(0);
    live.reserve(usize::try_from(rows).unwrap_or(0).saturating_sub(waiting));
    let mut deleted = deletions.iter().peekable();
    for_each_token_after(connection, None, |columns| {
        while deleted.next_if(|deleted| deleted.token < columns.id).is_some() {}
        let token = columns.principal()?;
        match deleted.next_if(|deleted| deleted.token == columns.id) {
            Some(deleted) => check_deleted(deleted, &token, compacted),
            None => {
                live.insert(token);
                Ok(())
            }
        }
    })?;

    let token = schema::last_token(connection)?;
    // An ID is given to one token, which is live or deleted. The operator token's does not count.
    let operator = schema::operator_checksum(connection)?;
    let known = live.tokens().len() - usize::from(operator != 0) + deletions.len();
    if i64::try_from(known) != Ok(token) {
        return Err(ReadError::damaged(format!("{token} tokens were created, but the file has {known}")));
    }
    let creations = audit::check_creations(connection, token, operator != 0)?;
    let uses = last_use::load(connection, live)?;
    Ok(Loaded { watermarks: Watermarks { deletion, regeneration, token, operator }, creations, uses })
}

/// Has SQLite check its pages, and the index of names against the table. A list of free pages that contains a page in use
/// would destroy that page later.
fn check_structure(connection: &Connection) -> Result<(), ReadError> {
    let finding: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if finding == "ok" { Ok(()) } else { Err(ReadError::damaged(finding)) }
}

/// Checks a deletion whose token is still in `tokens`.
fn check_deleted(deletion: &Deleted, token: &Principal, compacted: i64) -> Result<(), ReadError> {
    if deletion.seq <= compacted || token.id() == TokenId::OPERATOR {
        return Err(ReadError::damaged(format!("token {} is there, although it was removed", deletion.token)));
    }
    if deletion.digest_prefix != token.digest().prefix() {
        return Err(ReadError::damaged(format!("token {} and its deletion have different digests", deletion.token)));
    }
    Ok(())
}

/// The changes that the file has and the live tokens lack.
pub(super) struct Missed {
    /// The tokens to insert, and then those to remove.
    insert: Vec<Principal>,
    remove: HashSet<TokenId>,
    watermarks: Watermarks,
}

impl Missed {
    /// Reads the changes that the file has after `applied`.
    pub(super) fn read(
        connection: &Connection,
        cluster: Uuid,
        live: &LiveTokens,
        applied: Watermarks,
    ) -> Result<Self, ReadError> {
        let token = schema::last_token(connection)?;
        let has_applied = journal::has(connection, DELETIONS, cluster, applied.deletion)?
            && journal::has(connection, REGENERATIONS, cluster, applied.regeneration)?
            && token >= applied.token;
        if !has_applied {
            return Err(ReadError::damaged("the file lacks changes that have been made: it may be an older copy"));
        }
        let mut remove = HashSet::new();
        let deletion = journal::deletions_after(connection, applied.deletion, journal::ALL, |row, _| {
            remove.insert(id_from_sql(row.token));
            Ok(())
        })?;
        let regeneration = check_operator(connection, Link::first(cluster, REGENERATIONS))?;
        let mut insert = Vec::new();
        for_each_token_after(connection, Some(applied.token), |columns| {
            let token = columns.principal()?;
            // The operator token may have another digest than before.
            if !remove.contains(&token.id()) && live.by_id(token.id()).as_ref() != Some(&token) {
                insert.push(token);
            }
            Ok(())
        })?;
        let operator = schema::operator_checksum(connection)?;
        Ok(Self { insert, remove, watermarks: Watermarks { deletion, regeneration, token, operator } })
    }

    /// How far the file will have been applied.
    pub(super) fn watermarks(&self) -> &Watermarks {
        &self.watermarks
    }

    /// Applies them, and returns how far the file has been applied.
    pub(super) fn apply(self, live: &mut LiveTokensWriter) -> Watermarks {
        self.insert.into_iter().for_each(|token| live.insert(token));
        for id in self.remove {
            live.remove(id);
        }
        self.watermarks
    }
}

/// Reads every column of every token.
pub(super) fn verify_records(connection: &Connection) -> Result<(), ReadError> {
    for_each_token_after(connection, None, |columns| columns.record().map(drop))
}

/// The first `limit` live tokens after `after`.
pub(super) fn page(
    connection: &Connection,
    live: &LiveTokens,
    after: Option<TokenId>,
    limit: usize,
) -> Result<Vec<TokenRecord>, ReadError> {
    let after = after.map_or(-1, |id| i64::try_from(id.as_u64()).unwrap_or(i64::MAX));
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM tokens WHERE id > ?1 ORDER BY id"))?;
    let mut rows = statement.query([after])?;
    let mut page = Vec::new();
    while page.len() < limit
        && let Some(row) = rows.next()?
    {
        let columns = Columns::read(row)?;
        if live.contains(columns.token()) {
            page.push(columns.record()?);
        }
    }
    Ok(page)
}

/// The operator token, which is live if the file has it.
pub(super) fn operator(connection: &Connection) -> Result<Option<TokenRecord>, ReadError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM tokens WHERE id = ?1"))?;
    let mut rows = statement.query([id_to_sql(TokenId::OPERATOR)])?;
    rows.next()?.map(|row| Columns::read(row)?.record()).transpose()
}

/// Which of `wanted` are digests of deleted tokens, or of the operator token before a regeneration.
pub(super) fn digests_among(connection: &Connection, wanted: &HashSet<Digest>) -> rusqlite::Result<HashSet<Digest>> {
    let mut found = HashSet::new();
    let mut statement = connection.prepare_cached(DELETED_DIGESTS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let digest = Digest::from_bytes(row.get(0)?);
        if wanted.contains(&digest) {
            found.insert(digest);
        }
    }
    Ok(found)
}

pub(super) const DELETED_DIGESTS: &str = "SELECT digest FROM regenerations UNION ALL SELECT digest FROM deletions";

/// Refuses a file in which the operator token has a secret that a regeneration has replaced. Returns the last of the
/// regenerations after `from`.
fn check_operator(connection: &Connection, from: Link) -> Result<Link, ReadError> {
    let operator = operator(connection)?;
    let mut is_replaced = false;
    let last = journal::regenerations_after(connection, from, journal::ALL, |replaced, _| {
        is_replaced |= operator.as_ref().is_some_and(|operator| operator.digest == replaced);
        Ok(())
    })?;
    if is_replaced || (operator.is_none() && last.seq > 0) {
        return Err(ReadError::damaged("the operator token is not the one that was made last"));
    }
    Ok(last)
}

/// Visits the tokens whose ID is greater than `after`, including deleted ones, in the order of their IDs. It always
/// visits the operator token, whose ID does not tell when it was created.
fn for_each_token_after(
    connection: &Connection,
    after: Option<i64>,
    mut visit: impl FnMut(&Columns<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let operator = id_to_sql(TokenId::OPERATOR);
    let mut read = |sql: &str, from: i64| -> Result<(), ReadError> {
        let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM tokens WHERE {sql}"))?;
        let mut rows = statement.query(params![from])?;
        let mut last = None;
        while let Some(row) = rows.next()? {
            let columns = Columns::read(row)?;
            if last.is_some_and(|last| last >= columns.id) {
                return Err(ReadError::damaged("the table of tokens is not in the order of its IDs"));
            }
            last = Some(columns.id);
            visit(&columns)?;
        }
        Ok(())
    };
    match after {
        Some(after) => {
            read("id = ?1", operator)?;
            read("id > ?1 ORDER BY id", after.max(operator))
        }
        None => read("id >= ?1 ORDER BY id", operator),
    }
}
