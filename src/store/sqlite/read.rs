//! What is read from the file: all of it, what is new in it, or a page.

use std::collections::HashSet;

use rusqlite::{Connection, Row, params};

use super::batch::{Marks, id_from_sql, id_to_sql};
use super::fold;
use crate::live::{LiveTokens, LiveTokensWriter};
use crate::token::{Digest, Permissions, Principal, Timestamp, TokenId, TokenRecord};

/// Why tokens could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("the record of token {id} is damaged: its {field} is invalid")]
    Damaged { id: i64, field: &'static str },
}

/// Takes all tokens into `live`, which is empty.
pub(super) fn load(connection: &Connection, live: &mut LiveTokensWriter) -> Result<Marks, ReadError> {
    let deleted = deletions_after(connection, fold::folded(connection)?)?;
    let rows: i64 = connection.query_row("SELECT count(*) FROM tokens", [], |row| row.get(0))?;
    live.reserve(usize::try_from(rows).unwrap_or(0).saturating_sub(deleted.len()));
    for_each_token_after(connection, None, |token| {
        if !deleted.contains(&token.id()) {
            live.insert(token);
        }
    })?;
    last_marks(connection)
}

/// Takes into `live` what the file says was committed after `marks`.
pub(super) fn catch_up(connection: &Connection, live: &mut LiveTokensWriter, marks: Marks) -> Result<Marks, ReadError> {
    let deleted = deletions_after(connection, marks.deletion)?;
    for_each_token_after(connection, Some(marks.token), |token| {
        if !deleted.contains(&token.id()) && !live.tokens().contains(token.id()) {
            live.insert(token);
        }
    })?;
    for id in deleted {
        live.remove(id);
    }
    last_marks(connection)
}

/// The first `limit` tokens after `after` that are in `live`.
pub(super) fn page(
    connection: &Connection,
    live: &LiveTokens,
    after: Option<TokenId>,
    limit: usize,
) -> Result<Vec<TokenRecord>, ReadError> {
    let after = after.map_or(-1, |id| i64::try_from(id.as_u64()).unwrap_or(i64::MAX));
    let mut statement = connection.prepare_cached(
        "SELECT id, digest, expires_at, permissions, name, created_at
         FROM tokens WHERE id > ?1 ORDER BY id",
    )?;
    let mut rows = statement.query([after])?;
    let mut page = Vec::new();
    while page.len() < limit
        && let Some(row) = rows.next()?
    {
        if live.contains(id_from_sql(row.get(0)?)) {
            page.push(record(row)?);
        }
    }
    Ok(page)
}

fn deletions_after(connection: &Connection, seq: i64) -> rusqlite::Result<HashSet<TokenId>> {
    connection
        .prepare("SELECT token_id FROM deletions WHERE seq > ?1")?
        .query_map([seq], |row| row.get(0).map(id_from_sql))?
        .collect()
}

fn last_marks(connection: &Connection) -> Result<Marks, ReadError> {
    let marks = connection.query_row(
        "SELECT coalesce((SELECT max(seq) FROM deletions), 0),
                coalesce((SELECT max(id) FROM tokens), 0)",
        [],
        |row| Ok(Marks { deletion: row.get(0)?, token: row.get(1)? }),
    )?;
    Ok(marks)
}

/// Visits the tokens whose ID is greater than `after`, deleted ones among them, and the operator
/// token, whose ID says nothing about when it was created.
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
        let id = row.get(0)?;
        visit(Principal::new(id_from_sql(id), digest(row)?, expires_at(row)?, permissions(row)?));
    }
    Ok(())
}

fn record(row: &Row<'_>) -> Result<TokenRecord, ReadError> {
    let id = row.get(0)?;
    let damaged = |field| ReadError::Damaged { id, field };
    let name: String = row.get(4)?;
    Ok(TokenRecord {
        id: id_from_sql(id),
        name: name.parse().map_err(|_| damaged("name"))?,
        digest: digest(row)?,
        created_at: timestamp(row.get(5)?).ok_or(damaged("creation time"))?,
        expires_at: expires_at(row)?,
        permissions: permissions(row)?,
    })
}

fn digest(row: &Row<'_>) -> rusqlite::Result<Digest> {
    row.get(1).map(Digest::from_bytes)
}

fn expires_at(row: &Row<'_>) -> Result<Option<Timestamp>, ReadError> {
    let Some(millis) = row.get(2)? else {
        return Ok(None);
    };
    let damaged = ReadError::Damaged { id: row.get(0)?, field: "expiry" };
    timestamp(millis).ok_or(damaged).map(Some)
}

fn permissions(row: &Row<'_>) -> Result<Permissions, ReadError> {
    let text = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
    let id = row.get(0)?;
    text.parse().map_err(|_| ReadError::Damaged { id, field: "permissions" })
}

fn timestamp(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millis(u64::try_from(millis).ok()?)
}
