//! The two journals, `deletions` and `regenerations`: reading them, which verifies them.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::checksum::{self, Audited, Link};
use super::error::ReadError;
use super::row::id_to_sql;
use crate::token::{Digest, TokenId};

pub(super) const DELETIONS: &str = "deletions";
pub(super) const REGENERATIONS: &str = "regenerations";

/// A row of `deletions`.
pub(super) struct Deleted {
    pub(super) seq: i64,
    pub(super) token: i64,
    /// The first eight bytes of the digest.
    pub(super) digest_prefix: u64,
}

/// What a row of either journal says of its change.
pub(super) struct Entry<'a> {
    pub(super) token: i64,
    pub(super) at: i64,
    pub(super) by: Option<i64>,
    pub(super) audited: Audited<'a>,
}

/// Appends a deletion after `last`, in the open transaction, and returns the end of the journal.
pub(super) fn append_deletion(
    connection: &Connection,
    last: Link,
    (token, digest): (TokenId, &Digest),
    at: i64,
    by: i64,
    audited: Audited<'_>,
) -> rusqlite::Result<Link> {
    let link = last.deletion(id_to_sql(token), digest.as_bytes(), at, by, audited);
    let Audited { change, origin } = audited;
    connection
        .prepare_cached(
            "INSERT INTO deletions (seq, token_id, digest, deleted_at, deleted_by, change, origin, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![link.seq, id_to_sql(token), digest.as_bytes(), at, by, change, origin, link.checksum])?;
    Ok(link)
}

/// Appends a regeneration, which has replaced this digest, after `last`, likewise.
pub(super) fn append_regeneration(
    connection: &Connection,
    last: Link,
    replaced: &Digest,
    at: i64,
    by: Option<i64>,
    audited: Audited<'_>,
) -> rusqlite::Result<Link> {
    let link = last.regeneration(replaced.as_bytes(), at, by, audited);
    let Audited { change, origin } = audited;
    connection
        .prepare_cached(
            "INSERT INTO regenerations (seq, digest, regenerated_at, regenerated_by, change, origin, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![link.seq, replaced.as_bytes(), at, by, change, origin, link.checksum])?;
    Ok(link)
}

/// No limit of the rows that are read.
pub(super) const ALL: i64 = -1;

/// Visits at most `limit` deletions after `from` in their order, and returns the last one.
pub(super) fn deletions_after(
    connection: &Connection,
    from: Link,
    limit: i64,
    mut visit: impl FnMut(Deleted, &Entry<'_>) -> Result<(), ReadError>,
) -> Result<Link, ReadError> {
    let sql = "SELECT seq, checksum, change, origin, token_id, digest, deleted_at, deleted_by FROM deletions
               WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    rows_after(connection, sql, DELETIONS, from, limit, |row, last| {
        let (token, digest, by) = (row.get(4)?, digest(row, 5)?, row.get(7)?);
        let entry = Entry { token, at: row.get(6)?, by: Some(by), audited: audited(row, 2)? };
        let next = last.deletion(token, digest.as_bytes(), entry.at, by, entry.audited);
        visit(Deleted { seq: next.seq, token, digest_prefix: digest.prefix() }, &entry)?;
        Ok(next)
    })
}

/// Visits at most `limit` regenerations after `from` in their order, with the digests that they have replaced, and returns
/// the last one.
pub(super) fn regenerations_after(
    connection: &Connection,
    from: Link,
    limit: i64,
    mut visit: impl FnMut(Digest, &Entry<'_>) -> Result<(), ReadError>,
) -> Result<Link, ReadError> {
    let sql = "SELECT seq, checksum, change, origin, digest, regenerated_at, regenerated_by FROM regenerations
               WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    rows_after(connection, sql, REGENERATIONS, from, limit, |row, last| {
        let (digest, token) = (digest(row, 4)?, id_to_sql(TokenId::OPERATOR));
        let entry = Entry { token, at: row.get(5)?, by: row.get(6)?, audited: audited(row, 2)? };
        let next = last.regeneration(digest.as_bytes(), entry.at, entry.by, entry.audited);
        visit(digest, &entry)?;
        Ok(next)
    })
}

/// Follows the chain. A row that is visited may turn out to be damaged afterwards.
fn rows_after(
    connection: &Connection,
    sql: &str,
    table: &str,
    from: Link,
    limit: i64,
    mut follow: impl FnMut(&Row<'_>, Link) -> Result<Link, ReadError>,
) -> Result<Link, ReadError> {
    let mut last = from;
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([from.seq, limit])?;
    while let Some(row) = rows.next()? {
        let next = follow(row, last)?;
        if row.get::<_, i64>(0)? != next.seq || !checksum::is_in(row.get_ref(1)?, next.checksum) {
            return Err(ReadError::damaged(format!("row {} of the table {table} is damaged or missing", next.seq)));
        }
        last = next;
    }
    Ok(last)
}

/// The columns `change` and `origin`, the first of which has this index.
pub(super) fn audited<'a>(row: &'a Row<'_>, index: usize) -> Result<Audited<'a>, ReadError> {
    let origin = row.get_ref(index + 1)?.as_str_or_null().map_err(|_| ReadError::damaged("an origin is not a text"))?;
    Ok(Audited { change: row.get(index)?, origin })
}

fn digest(row: &Row<'_>, index: usize) -> Result<Digest, ReadError> {
    Ok(Digest::from_bytes(row.get(index)?))
}

/// The end of the journal at this row, which 0 stands before. `None` if it has no such row. The row is not verified.
pub(super) fn link(connection: &Connection, table: &str, cluster: Uuid, seq: i64) -> Result<Option<Link>, ReadError> {
    if seq == 0 { Ok(Some(Link::first(cluster, table))) } else { row(connection, table, seq) }
}

/// The row with this sequence number, if the journal has it. The row is not verified.
pub(super) fn row(connection: &Connection, table: &str, seq: i64) -> Result<Option<Link>, ReadError> {
    let sql = format!("SELECT checksum FROM {table} WHERE seq = ?1");
    let checksum = connection.query_row(&sql, [seq], |row| row.get(0)).optional()?;
    Ok(checksum.map(|checksum| Link { seq, checksum }))
}

/// Whether the journal has this row.
pub(super) fn has(connection: &Connection, table: &str, cluster: Uuid, expected: Link) -> Result<bool, ReadError> {
    Ok(link(connection, table, cluster, expected.seq)? == Some(expected))
}
