//! Rows of the table of tokens, and how IDs and times are stored.

use rusqlite::types::FromSqlResult;
use rusqlite::{Connection, Row, params};

use super::checksum;
use super::error::ReadError;
use crate::token::{Digest, Permissions, Principal, Timestamp, TokenDescription, TokenId, TokenName, TokenRecord};

/// The columns of `tokens`, as [`Columns::read`] expects them.
pub(super) const COLUMNS: &str =
    "id, digest, expires_at, permissions, name, created_at, created_by, description, checksum";

/// The values of a row of `tokens`, as they are stored.
pub(super) struct Columns<'a> {
    pub(super) id: i64,
    pub(super) digest: &'a [u8],
    pub(super) expires_at: Option<i64>,
    pub(super) permissions: &'a str,
    pub(super) name: &'a str,
    pub(super) created_at: i64,
    pub(super) created_by: Option<i64>,
    pub(super) description: Option<&'a str>,
}

impl<'a> Columns<'a> {
    /// Reads a row of [`COLUMNS`], whose checksum must be right.
    pub(super) fn read(row: &'a Row<'_>) -> Result<Self, ReadError> {
        let id = row.get(0)?;
        let columns = Self::try_read(row, id).map_err(|_| damaged(id, "row"))?;
        if !checksum::is_in(row.get_ref(8)?, checksum::token(&columns)) {
            return Err(damaged(id, "checksum"));
        }
        Ok(columns)
    }

    /// Reads a row whose checksum is not yet known.
    pub(super) fn without_checksum(row: &'a Row<'_>) -> Result<Self, ReadError> {
        let id = row.get(0)?;
        Self::try_read(row, id).map_err(|_| damaged(id, "row"))
    }

    fn try_read(row: &'a Row<'_>, id: i64) -> FromSqlResult<Self> {
        let column = |index| row.get_ref(index).map_err(|_| rusqlite::types::FromSqlError::InvalidType);
        Ok(Self {
            id,
            digest: column(1)?.as_blob()?,
            expires_at: column(2)?.as_i64_or_null()?,
            permissions: column(3)?.as_str()?,
            name: column(4)?.as_str()?,
            created_at: column(5)?.as_i64()?,
            created_by: column(6)?.as_i64_or_null()?,
            description: column(7)?.as_str_or_null()?,
        })
    }

    pub(super) fn token(&self) -> TokenId {
        id_from_sql(self.id)
    }

    pub(super) fn principal(&self) -> Result<Principal, ReadError> {
        Ok(Principal::new(self.token(), self.digest()?, self.expires_at()?, self.permissions()?))
    }

    pub(super) fn record(&self) -> Result<TokenRecord, ReadError> {
        Ok(TokenRecord {
            id: self.token(),
            name: TokenName::existing(self.name).map_err(|_| damaged(self.id, "name"))?,
            description: self.description()?,
            digest: self.digest()?,
            created_at: time_from_sql(self.created_at).ok_or_else(|| damaged(self.id, "creation time"))?,
            created_by: self.created_by.map(id_from_sql),
            expires_at: self.expires_at()?,
            permissions: self.permissions()?,
        })
    }

    fn digest(&self) -> Result<Digest, ReadError> {
        self.digest.try_into().map(Digest::from_bytes).map_err(|_| damaged(self.id, "digest"))
    }

    fn description(&self) -> Result<Option<TokenDescription>, ReadError> {
        self.description.map(str::parse).transpose().map_err(|_| damaged(self.id, "description"))
    }

    fn expires_at(&self) -> Result<Option<Timestamp>, ReadError> {
        let expires_at = self.expires_at.map(|millis| time_from_sql(millis).ok_or_else(|| damaged(self.id, "expiry")));
        expires_at.transpose()
    }

    fn permissions(&self) -> Result<Permissions, ReadError> {
        Permissions::existing(self.permissions).map_err(|_| damaged(self.id, "permissions"))
    }
}

/// Inserts a token, in the open transaction, and returns the checksum of its row.
pub(super) fn insert(connection: &Connection, token: &TokenRecord) -> rusqlite::Result<i64> {
    let checksum = checksum_of(token);
    connection
        .prepare_cached(
            "INSERT INTO tokens (id, name, digest, created_at, expires_at, permissions, created_by, description, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            id_to_sql(token.id),
            token.name.as_str(),
            token.digest.as_bytes(),
            time_to_sql(token.created_at),
            token.expires_at.map(time_to_sql),
            token.permissions.to_string(),
            token.created_by.map(id_to_sql),
            token.description.as_ref().map(TokenDescription::as_str),
            checksum,
        ])?;
    Ok(checksum)
}

/// The checksum of the row that holds this record.
pub(super) fn checksum_of(record: &TokenRecord) -> i64 {
    checksum::token(&Columns {
        id: id_to_sql(record.id),
        digest: record.digest.as_bytes(),
        expires_at: record.expires_at.map(time_to_sql),
        permissions: &record.permissions.to_string(),
        name: record.name.as_str(),
        created_at: time_to_sql(record.created_at),
        created_by: record.created_by.map(id_to_sql),
        description: record.description.as_ref().map(TokenDescription::as_str),
    })
}

fn damaged(id: i64, field: &str) -> ReadError {
    ReadError::damaged(format!("the record of token {id} is damaged: its {field} is wrong"))
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

pub(super) fn time_from_sql(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millis(u64::try_from(millis).ok()?)
}
