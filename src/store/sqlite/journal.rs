//! The two journals, `deletions` and `regenerations`: reading them, which verifies them.

use rusqlite::{Connection, OptionalExtension, Row};
use uuid::Uuid;

use super::checksum::{self, Link};
use super::error::ReadError;
use crate::token::Digest;

pub(super) const DELETIONS: &str = "deletions";
pub(super) const REGENERATIONS: &str = "regenerations";

/// A row of `deletions`.
pub(super) struct Deleted {
    pub(super) seq: i64,
    pub(super) token: i64,
    /// The first eight bytes of the digest.
    pub(super) digest_prefix: u64,
    pub(super) at: i64,
    pub(super) by: i64,
}

/// Visits the deletions after `from` in their order, and returns the last one.
pub(super) fn deletions_after(
    connection: &Connection,
    from: Link,
    visit: impl FnMut(Deleted),
) -> Result<Link, ReadError> {
    let sql =
        "SELECT seq, checksum, token_id, digest, deleted_at, deleted_by FROM deletions WHERE seq > ?1 ORDER BY seq";
    rows_after(
        connection,
        sql,
        DELETIONS,
        from,
        |row, last| {
            let (token, digest) = (row.get(2)?, digest(row, 3)?);
            let (at, by) = (row.get(4)?, row.get(5)?);
            let next = last.deletion(token, digest.as_bytes(), at, by);
            Ok((next, Deleted { seq: next.seq, token, digest_prefix: digest.prefix(), at, by }))
        },
        visit,
    )
}

/// Visits the digests that regenerations after `from` have replaced, in their order, and returns the last one.
pub(super) fn regenerations_after(
    connection: &Connection,
    from: Link,
    visit: impl FnMut(Digest),
) -> Result<Link, ReadError> {
    let sql =
        "SELECT seq, checksum, digest, regenerated_at, regenerated_by FROM regenerations WHERE seq > ?1 ORDER BY seq";
    rows_after(
        connection,
        sql,
        REGENERATIONS,
        from,
        |row, last| {
            let digest = digest(row, 2)?;
            Ok((last.regeneration(digest.as_bytes(), row.get(3)?, row.get(4)?), digest))
        },
        visit,
    )
}

/// Visits each row once it is verified. `follow` returns the link that the row must have, and what to visit.
fn rows_after<T>(
    connection: &Connection,
    sql: &str,
    table: &str,
    from: Link,
    follow: impl Fn(&Row<'_>, Link) -> Result<(Link, T), ReadError>,
    mut visit: impl FnMut(T),
) -> Result<Link, ReadError> {
    let mut last = from;
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([from.seq])?;
    while let Some(row) = rows.next()? {
        let (next, content) = follow(row, last)?;
        if row.get::<_, i64>(0)? != next.seq || !checksum::is_in(row.get_ref(1)?, next.checksum) {
            return Err(ReadError::damaged(format!("row {} of the table {table} is damaged or missing", next.seq)));
        }
        visit(content);
        last = next;
    }
    Ok(last)
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
