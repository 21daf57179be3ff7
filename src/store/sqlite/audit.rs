//! The audit trail: the rows of `creations`, `deletions` and `regenerations`, in the order of their changes.

use std::collections::HashMap;
use std::iter::Peekable;
use std::vec::IntoIter;

use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::checksum::{self, Audited};
use super::error::ReadError;
use super::journal::{self, DELETIONS, Entry, REGENERATIONS};
use super::row::{COLUMNS, Columns, id_from_sql, id_to_sql, time_from_sql, time_to_sql};
use super::schema;
use crate::store::{AuditPage, AuditPosition, AuditRecord, AuditedChange};
use crate::token::{Timestamp, TokenId, TokenName, TokenRecord};

/// Appends the creation of a token, in the open transaction.
pub(super) fn note_creation(
    connection: &Connection,
    token: &TokenRecord,
    audited: Audited<'_>,
) -> rusqlite::Result<()> {
    insert(
        connection,
        id_to_sql(token.id),
        Some(token.name.as_str()),
        Some(time_to_sql(token.created_at)),
        token.created_by.map(id_to_sql),
        audited,
    )
}

/// Appends a creation, of which not everything may be known, in the open transaction.
pub(super) fn insert(
    connection: &Connection,
    token: i64,
    name: Option<&str>,
    at: Option<i64>,
    by: Option<i64>,
    audited: Audited<'_>,
) -> rusqlite::Result<()> {
    let checksum = checksum::creation(token, name, at, by, audited);
    connection
        .prepare_cached(
            "INSERT INTO creations (token_id, name, created_at, created_by, change, origin, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![token, name, at, by, audited.change, audited.origin, checksum])?;
    Ok(())
}

/// Fills `creations` from the tokens of an earlier format. Of one that was compacted, only the ID is known.
pub(super) fn fill_creations(connection: &Connection) -> Result<(), ReadError> {
    let last = schema::last_token(connection)?;
    let mut select = connection.prepare(&format!("SELECT {COLUMNS} FROM tokens ORDER BY id"))?;
    let mut rows = select.query([])?;
    let mut next = 1;
    let compacted = |ids: std::ops::Range<i64>| {
        ids.into_iter().try_for_each(|id| insert(connection, id, None, None, None, Audited::default()))
    };
    while let Some(row) = rows.next()? {
        let token = Columns::read(row)?;
        compacted(next..token.id)?;
        insert(connection, token.id, Some(token.name), Some(token.created_at), token.created_by, Audited::default())?;
        next = next.max(token.id.saturating_add(1));
    }
    Ok(compacted(next..last.saturating_add(1))?)
}

/// Checks that each ID up to `last` has a creation, and the operator token if it exists, and no other. Returns their number.
pub(super) fn check_creations(connection: &Connection, last: i64, has_operator: bool) -> Result<u64, ReadError> {
    let mut ids = if has_operator { id_to_sql(TokenId::OPERATOR) } else { 1 }..=last;
    let mut count = 0;
    creations(connection, i64::MIN, journal::ALL, |creation| match ids.next() {
        Some(id) if id < creation.token => Err(missing(id)),
        Some(id) if id == creation.token => {
            count += 1;
            Ok(())
        }
        _ => Err(ReadError::damaged(format!("token {} has a creation, but was never created", creation.token))),
    })?;
    ids.next().map_or(Ok(count), |id| Err(missing(id)))
}

fn missing(token: i64) -> ReadError {
    ReadError::damaged(format!("the creation of token {token} is missing"))
}

/// A row of `creations`.
struct Creation<'a> {
    token: i64,
    name: Option<&'a str>,
    at: Option<i64>,
    by: Option<i64>,
    audited: Audited<'a>,
}

impl<'a> Creation<'a> {
    const COLUMNS: &'static str = "token_id, name, created_at, created_by, change, origin, checksum";

    fn read(row: &'a Row<'_>) -> Result<Self, ReadError> {
        let token = row.get(0)?;
        let damaged = || ReadError::damaged(format!("the creation of token {token} is damaged"));
        let name = row.get_ref(1)?.as_str_or_null().map_err(|_| damaged())?;
        let (at, by, audited) = (row.get(2)?, row.get(3)?, journal::audited(row, 4)?);
        if !checksum::is_in(row.get_ref(6)?, checksum::creation(token, name, at, by, audited)) {
            return Err(damaged());
        }
        Ok(Self { token, name, at, by, audited })
    }
}

/// Visits at most `limit` creations of the tokens after `after`, in the order of their IDs.
fn creations(
    connection: &Connection,
    after: i64,
    limit: i64,
    mut visit: impl FnMut(Creation<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let columns = Creation::COLUMNS;
    let sql = format!("SELECT {columns} FROM creations WHERE token_id > ?1 ORDER BY token_id LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([after, limit])?;
    while let Some(row) = rows.next()? {
        visit(Creation::read(row)?)?;
    }
    Ok(())
}

/// The next part of the trail; see [`TokenStore::audit`](crate::TokenStore::audit).
///
/// The numbers of the position count the rows that have been passed in each of the sources: the creation of the operator
/// token, whose ID does not tell when it was made; the other creations; the deletions; and the regenerations.
pub(super) fn page(
    connection: &Connection,
    cluster: Uuid,
    from: AuditPosition,
    since: Option<Timestamp>,
    limit: usize,
) -> Result<AuditPage, ReadError> {
    let mut passed = from.0;
    let mut sources = sources(connection, cluster, from, i64::try_from(limit).unwrap_or(i64::MAX))?;
    let mut names = Names { connection, known: HashMap::new() };
    let mut records = Vec::new();
    for _ in 0..limit {
        let heads = sources.iter_mut().enumerate().filter_map(|(index, source)| Some((source.peek()?.order(), index)));
        let Some((_, index)) = heads.min() else { return Ok(AuditPage { records, next: None }) };
        passed[index] += 1;
        if let Some(row) = sources[index].next()
            && let Some(record) = names.record(row)?
            && since.is_none_or(|since| record.at >= since)
        {
            records.push(record);
        }
    }
    // Another call finds out whether more follow.
    Ok(AuditPage { records, next: Some(AuditPosition(passed)) })
}

/// A row that waits to be merged with those of other sources.
struct Waiting {
    change: AuditedChange,
    token: i64,
    /// `None` for a creation of an earlier format whose token is compacted: nothing is known of it.
    at: Option<i64>,
    by: Option<i64>,
    number: Option<i64>,
    origin: Option<String>,
}

impl Waiting {
    fn new(change: AuditedChange, entry: &Entry<'_>) -> Self {
        let Entry { token, at, by, audited: Audited { change: number, origin } } = *entry;
        Self { change, token, at: Some(at), by, number, origin: origin.map(str::to_owned) }
    }

    /// Changes of earlier formats have no numbers, and come first, by their times.
    fn order(&self) -> (Option<i64>, Option<i64>) {
        (self.number, if self.number.is_none() { self.at } else { None })
    }
}

/// The next rows of each source, at most `limit` of each.
fn sources(
    connection: &Connection,
    cluster: Uuid,
    AuditPosition([operator, created, deleted, regenerated]): AuditPosition,
    limit: i64,
) -> Result<[Peekable<IntoIter<Waiting>>; 4], ReadError> {
    let operator_id = id_to_sql(TokenId::OPERATOR);
    let create = |after: i64, limit: i64| -> Result<Vec<Waiting>, ReadError> {
        let mut rows = Vec::new();
        creations(connection, after, limit, |Creation { token, at, by, audited, .. }| {
            let origin = audited.origin.map(str::to_owned);
            rows.push(Waiting { change: AuditedChange::Created, token, at, by, number: audited.change, origin });
            Ok(())
        })?;
        Ok(rows)
    };
    let mut operators = if operator == 0 { create(operator_id - 1, 1)? } else { Vec::new() };
    operators.retain(|row| row.token == operator_id);
    let others = create(operator_id.saturating_add_unsigned(created), limit)?;

    let place = |table, seq| journal::link(connection, table, cluster, i64::try_from(seq).unwrap_or(i64::MAX));
    let mut deletions = Vec::new();
    if let Some(from) = place(DELETIONS, deleted)? {
        journal::deletions_after(connection, from, limit, |_, entry| {
            deletions.push(Waiting::new(AuditedChange::Deleted, entry));
            Ok(())
        })?;
    }
    let mut regenerations = Vec::new();
    if let Some(from) = place(REGENERATIONS, regenerated)? {
        journal::regenerations_after(connection, from, limit, |_, entry| {
            regenerations.push(Waiting::new(AuditedChange::Regenerated, entry));
            Ok(())
        })?;
    }
    Ok([operators, others, deletions, regenerations].map(|rows| rows.into_iter().peekable()))
}

/// The names of tokens, which `creations` keeps.
struct Names<'c> {
    connection: &'c Connection,
    known: HashMap<i64, Option<Named>>,
}

/// The name of a token, and the number of its creation.
#[derive(Clone)]
struct Named {
    name: Option<TokenName>,
    created: Option<i64>,
}

impl Names<'_> {
    /// The record of a row, unless nothing is known of it.
    fn record(&mut self, row: Waiting) -> Result<Option<AuditRecord>, ReadError> {
        let Some(at) = row.at else { return Ok(None) };
        let damaged = |what: &str| ReadError::damaged(format!("a change of token {} has a wrong {what}", row.token));
        // An identity that is not a token may have the ID that a token got later.
        let is_before = |named: &Named| named.created.is_none() || named.created < row.number;
        let by = row.by.map(|by| self.of(by)).transpose()?.flatten().filter(is_before);
        Ok(Some(AuditRecord {
            change: row.change,
            token: id_from_sql(row.token),
            name: self.of(row.token)?.and_then(|named| named.name),
            at: time_from_sql(at).ok_or_else(|| damaged("time"))?,
            by: row.by.map(id_from_sql),
            by_name: by.and_then(|named| named.name),
            origin: row.origin.map(|origin| origin.parse()).transpose().map_err(|_| damaged("origin"))?,
        }))
    }

    fn of(&mut self, token: i64) -> Result<Option<Named>, ReadError> {
        if let Some(known) = self.known.get(&token) {
            return Ok(known.clone());
        }
        let sql = format!("SELECT {} FROM creations WHERE token_id = ?1", Creation::COLUMNS);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([token])?;
        let named = rows.next()?.map(|row| {
            let creation = Creation::read(row)?;
            let name = creation.name.map(TokenName::existing).transpose();
            let name = name.map_err(|_| ReadError::damaged(format!("the name of token {token} is damaged")))?;
            Ok::<_, ReadError>(Named { name, created: creation.audited.change })
        });
        let named = named.transpose()?;
        self.known.insert(token, named.clone());
        Ok(named)
    }
}
