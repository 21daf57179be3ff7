//! Rows of the table of tokens, and how IDs and times are stored.

use rusqlite::Row;

use crate::token::{Digest, Permissions, Principal, Timestamp, TokenId, TokenName, TokenRecord};

/// Why tokens could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("the record of token {id} is damaged: its {field} is invalid")]
    Damaged { id: i64, field: &'static str },
}

/// Reads a row of `id, digest, expires_at, permissions`.
pub(super) fn principal(row: &Row<'_>) -> Result<Principal, ReadError> {
    Ok(Principal::new(id(row)?, digest(row)?, expires_at(row)?, permissions(row)?))
}

/// Reads a row of `id, digest, expires_at, permissions, name, created_at, created_by`.
pub(super) fn record(row: &Row<'_>) -> Result<TokenRecord, ReadError> {
    let name: String = row.get(4)?;
    Ok(TokenRecord {
        id: id(row)?,
        name: TokenName::existing(&name).map_err(|_| damaged(row, "name"))?,
        digest: digest(row)?,
        created_at: time_from_sql(row.get(5)?).ok_or_else(|| damaged(row, "creation time"))?,
        created_by: row.get::<_, Option<i64>>(6)?.map(id_from_sql),
        expires_at: expires_at(row)?,
        permissions: permissions(row)?,
    })
}

/// Reads the first column, `id`.
pub(super) fn id(row: &Row<'_>) -> rusqlite::Result<TokenId> {
    row.get(0).map(id_from_sql)
}

fn digest(row: &Row<'_>) -> rusqlite::Result<Digest> {
    row.get(1).map(Digest::from_bytes)
}

fn expires_at(row: &Row<'_>) -> Result<Option<Timestamp>, ReadError> {
    let Some(millis) = row.get(2)? else {
        return Ok(None);
    };
    time_from_sql(millis).ok_or_else(|| damaged(row, "expiry")).map(Some)
}

fn permissions(row: &Row<'_>) -> Result<Permissions, ReadError> {
    let text = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
    Permissions::existing(text).map_err(|_| damaged(row, "permissions"))
}

fn damaged(row: &Row<'_>, field: &'static str) -> ReadError {
    match row.get(0) {
        Ok(id) => ReadError::Damaged { id, field },
        Err(error) => error.into(),
    }
}

/// An ID as SQLite's signed integer. The IDs in a file are small; the two's complement preserves any other.
pub(super) fn id_to_sql(id: TokenId) -> i64 {
    id.as_u64().cast_signed()
}

pub(super) fn id_from_sql(id: i64) -> TokenId {
    TokenId::from_u64(id.cast_unsigned())
}

/// A time as milliseconds since the Unix epoch.
pub(super) fn time_to_sql(time: Timestamp) -> i64 {
    // At most `Timestamp::MAX`, which is far below `i64::MAX`.
    time.as_millis().cast_signed()
}

fn time_from_sql(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millis(u64::try_from(millis).ok()?)
}
