//! Reading the file: all tokens, those that are new in it, or a page of them.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::compaction;
use super::row::{self, ReadError, id_from_sql, id_to_sql};
use super::staging::Watermarks;
use crate::live::{LiveTokens, LiveTokensWriter};
use crate::token::{Principal, TokenId, TokenRecord};

/// Makes all tokens of the file live. None is live yet.
pub(super) fn load(connection: &Connection, live: &mut LiveTokensWriter) -> Result<Watermarks, ReadError> {
    check_operator(connection)?;
    let deleted = deletions_after(connection, compaction::watermark(connection)?)?;
    let rows: i64 = connection.query_row("SELECT count(*) FROM tokens", [], |row| row.get(0))?;
    live.reserve(usize::try_from(rows).unwrap_or(0).saturating_sub(deleted.len()));
    for_each_token_after(connection, None, |token| {
        if !deleted.contains(&token.id()) {
            live.insert(token);
        }
    })?;
    Ok(last_watermarks(connection)?)
}

/// Applies the changes that the file has after `applied`.
pub(super) fn catch_up(
    connection: &Connection,
    live: &mut LiveTokensWriter,
    applied: Watermarks,
) -> Result<Watermarks, ReadError> {
    check_operator(connection)?;
    let deleted = deletions_after(connection, applied.deletion)?;
    for_each_token_after(connection, Some(applied.token), |token| {
        // The operator token may have another digest than before.
        if !deleted.contains(&token.id()) && live.tokens().by_id(token.id()).as_ref() != Some(&token) {
            live.insert(token);
        }
    })?;
    for id in deleted {
        live.remove(id);
    }
    Ok(last_watermarks(connection)?)
}

/// The first `limit` live tokens after `after`.
pub(super) fn page(
    connection: &Connection,
    live: &LiveTokens,
    after: Option<TokenId>,
    limit: usize,
) -> Result<Vec<TokenRecord>, ReadError> {
    let after = after.map_or(-1, |id| i64::try_from(id.as_u64()).unwrap_or(i64::MAX));
    let mut statement = connection.prepare_cached(
        "SELECT id, digest, expires_at, permissions, name, created_at, created_by
         FROM tokens WHERE id > ?1 ORDER BY id",
    )?;
    let mut rows = statement.query([after])?;
    let mut page = Vec::new();
    while page.len() < limit
        && let Some(row) = rows.next()?
    {
        if live.contains(row::id(row)?) {
            page.push(row::record(row)?);
        }
    }
    Ok(page)
}

/// The operator token, which is live if the file has it.
pub(super) fn operator(connection: &Connection) -> Result<Option<TokenRecord>, ReadError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, digest, expires_at, permissions, name, created_at, created_by FROM tokens WHERE id = ?1",
    )?;
    let mut rows = statement.query([id_to_sql(TokenId::OPERATOR)])?;
    rows.next()?.map(row::record).transpose()
}

/// Refuses a file in which the operator token has a secret that a regeneration has replaced.
fn check_operator(connection: &Connection) -> Result<(), ReadError> {
    let is_damaged = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM regenerations JOIN tokens USING (digest) WHERE tokens.id = ?1)",
        [id_to_sql(TokenId::OPERATOR)],
        |row| row.get(0),
    )?;
    if is_damaged { Err(ReadError::Damaged { id: id_to_sql(TokenId::OPERATOR), field: "digest" }) } else { Ok(()) }
}

fn deletions_after(connection: &Connection, watermark: i64) -> rusqlite::Result<HashSet<TokenId>> {
    connection
        .prepare("SELECT token_id FROM deletions WHERE seq > ?1")?
        .query_map([watermark], |row| row.get(0).map(id_from_sql))?
        .collect()
}

fn last_watermarks(connection: &Connection) -> rusqlite::Result<Watermarks> {
    connection.query_row(
        "SELECT coalesce((SELECT max(seq) FROM deletions), 0),
                coalesce((SELECT max(id) FROM tokens), 0)",
        [],
        |row| Ok(Watermarks { deletion: row.get(0)?, token: row.get(1)? }),
    )
}

/// Visits the tokens whose ID is greater than `after`, including deleted ones. It always visits the operator token,
/// whose ID does not tell when it was created.
fn for_each_token_after(
    connection: &Connection,
    after: Option<i64>,
    mut visit: impl FnMut(Principal),
) -> Result<(), ReadError> {
    let mut statement = connection.prepare(
        "SELECT id, digest, expires_at, permissions FROM tokens WHERE id > ?1
         UNION ALL
         SELECT id, digest, expires_at, permissions FROM tokens WHERE id = ?2 AND id <= ?1",
    )?;
    let after = after.unwrap_or(-1);
    let mut rows = statement.query(params![after, id_to_sql(TokenId::OPERATOR)])?;
    while let Some(row) = rows.next()? {
        visit(row::principal(row)?);
    }
    Ok(())
}
