//! Brings a file of an earlier version to the present format.

use rusqlite::{Connection, TransactionBehavior, params};
use uuid::Uuid;

use super::audit;
use super::checksum::{self, Audited, Link};
use super::error::ReadError;
use super::journal;
use super::row::{COLUMNS, Columns};
use super::schema::{APPLICATION_ID, USER_VERSION, VERSIONS, checkpoint};

/// The version that added checksums, and the mark.
pub(super) const CHECKSUMS: i64 = 3;

/// The version that added the table of creations.
const AUDIT: i64 = 4;

/// Leads the file from the version `found` to [`USER_VERSION`], in one transaction. A new file has version 0.
pub(super) fn bring_up_to_date(connection: &mut Connection, found: i64) -> Result<(), ReadError> {
    if found == USER_VERSION {
        return Ok(());
    }
    // The log must hold nothing when the migration is committed: the remains of a torn commit could look as if they had
    // been committed after it.
    checkpoint(connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    for version in VERSIONS.iter().skip(usize::try_from(found).unwrap_or_default()) {
        transaction.execute_batch(version)?;
    }
    if found == 0 {
        transaction.execute(
            "INSERT INTO meta (key, value) VALUES ('cluster_uuid', ?1), ('folded_seq', 0)",
            [Uuid::new_v4().to_string()],
        )?;
    }
    if found < CHECKSUMS {
        add_checksums(&transaction)?;
    }
    if found < AUDIT {
        audit::fill_creations(&transaction)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", USER_VERSION)?;
    transaction.commit()?;
    Ok(())
}

/// Computes the checksums of all rows, which have none yet.
fn add_checksums(connection: &Connection) -> Result<(), ReadError> {
    let text: String =
        connection.query_row("SELECT value FROM meta WHERE key = 'cluster_uuid'", [], |row| row.get(0))?;
    let cluster: Uuid = text.parse().map_err(|_| ReadError::damaged("the UUID of the cluster is damaged"))?;
    connection
        .execute("INSERT INTO meta (key, value) VALUES ('cluster_checksum', ?1)", [checksum::cluster(cluster)])?;
    for_each_row(connection, "tokens", "id", COLUMNS, |row| Ok(checksum::token(&Columns::without_checksum(row)?)))?;

    let mut last = Link::first(cluster, journal::DELETIONS);
    for_each_row(connection, journal::DELETIONS, "seq", "seq, token_id, digest, deleted_at, deleted_by", |row| {
        last = last.deletion(row.get(1)?, row.get_ref(2)?.as_blob()?, row.get(3)?, row.get(4)?, Audited::default());
        require_sequence(last, row.get(0)?)
    })?;
    let mut last = Link::first(cluster, journal::REGENERATIONS);
    for_each_row(connection, journal::REGENERATIONS, "seq", "seq, digest, regenerated_at, regenerated_by", |row| {
        last = last.regeneration(row.get_ref(1)?.as_blob()?, row.get(2)?, row.get(3)?, Audited::default());
        require_sequence(last, row.get(0)?)
    })
}

fn require_sequence(link: Link, seq: i64) -> Result<i64, ReadError> {
    if link.seq == seq {
        Ok(link.checksum)
    } else {
        Err(ReadError::damaged(format!("row {} of a journal is missing", link.seq)))
    }
}

/// Sets the checksum of each row to what `checksum` computes from its columns, the first of which is `key`.
fn for_each_row(
    connection: &Connection,
    table: &str,
    key: &str,
    columns: &str,
    mut checksum: impl FnMut(&rusqlite::Row<'_>) -> Result<i64, ReadError>,
) -> Result<(), ReadError> {
    /// How many rows are read before they are written.
    const CHUNK: i64 = 4096;
    let mut select =
        connection.prepare(&format!("SELECT {columns} FROM {table} WHERE {key} > ?1 ORDER BY {key} LIMIT {CHUNK}"))?;
    let mut update = connection.prepare(&format!("UPDATE {table} SET checksum = ?2 WHERE {key} = ?1"))?;
    let mut after = i64::MIN;
    loop {
        let mut chunk = Vec::new();
        let mut rows = select.query([after])?;
        while let Some(row) = rows.next()? {
            chunk.push((row.get::<_, i64>(0)?, checksum(row)?));
        }
        let Some((last, _)) = chunk.last() else { return Ok(()) };
        after = *last;
        for (key, checksum) in chunk {
            update.execute(params![key, checksum])?;
        }
    }
}
