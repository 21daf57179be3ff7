//! Checksums of rows, with which the file proves that it is undamaged.
//!
//! A checksum is the first 64 bits of a SHA-256. It finds accidents, which go unnoticed once in 2^64; it is no proof
//! against somebody who can write the file.

use rusqlite::types::ValueRef;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::row::Columns;

/// The end of a journal: its last row. The checksum of a row covers the row and the checksum before it, and so all rows
/// up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Link {
    /// The sequence number, which counts up from 1 without gaps. 0 before the first row.
    pub(super) seq: i64,
    pub(super) checksum: i64,
}

impl Link {
    /// The end of an empty journal of this cluster.
    pub(super) fn first(cluster: Uuid, table: &str) -> Self {
        Self { seq: 0, checksum: Checksum::new().bytes(cluster.as_bytes()).bytes(table.as_bytes()).finish() }
    }

    /// The end once a deletion has been appended.
    pub(super) fn deletion(self, token: i64, digest: &[u8], at: i64, by: i64, audited: Audited<'_>) -> Self {
        self.next(|checksum| checksum.int(token).bytes(digest).int(at).int(by).audited(audited))
    }

    /// The end once a regeneration has been appended.
    pub(super) fn regeneration(self, digest: &[u8], at: i64, by: Option<i64>, audited: Audited<'_>) -> Self {
        self.next(|checksum| checksum.bytes(digest).int(at).optional(by).audited(audited))
    }

    fn next(self, row: impl FnOnce(Checksum) -> Checksum) -> Self {
        let seq = self.seq.wrapping_add(1);
        Self { seq, checksum: row(Checksum::new().int(self.checksum).int(seq)).finish() }
    }
}

/// What the rows of all changes have since format 4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Audited<'a> {
    /// The number of the change among all changes.
    pub(super) change: Option<i64>,
    /// Where it was requested.
    pub(super) origin: Option<&'a str>,
}

/// The checksum of a row of `creations`.
pub(super) fn creation(token: i64, name: Option<&str>, at: Option<i64>, by: Option<i64>, audited: Audited<'_>) -> i64 {
    Checksum::new().int(token).optional_text(name).optional(at).optional(by).audited(audited).finish()
}

/// The checksum of a row of `uses`.
pub(super) fn last_use(token: i64, minute: i64) -> i64 {
    Checksum::new().int(token).int(minute).finish()
}

/// The checksum of a row of `tokens`. Never 0, which stands for a missing row. Without a description it is the one that
/// format 3 has, so that a migration leaves the rows as they are.
pub(super) fn token(columns: &Columns<'_>) -> i64 {
    let checksum = Checksum::new()
        .int(columns.id)
        .bytes(columns.digest)
        .optional(columns.expires_at)
        .bytes(columns.permissions.as_bytes())
        .bytes(columns.name.as_bytes())
        .int(columns.created_at)
        .optional(columns.created_by);
    let checksum = match columns.description {
        Some(description) => checksum.bytes(description.as_bytes()),
        None => checksum,
    };
    match checksum.finish() {
        0 => 1,
        checksum => checksum,
    }
}

/// The checksum of the UUID of a cluster.
pub(super) fn cluster(uuid: Uuid) -> i64 {
    Checksum::new().bytes(uuid.as_bytes()).finish()
}

/// The checksum of bytes that are no row.
pub(super) fn bytes(bytes: &[u8]) -> i64 {
    Checksum::new().bytes(bytes).finish()
}

/// Whether the column holds this checksum.
pub(super) fn is_in(column: ValueRef<'_>, checksum: i64) -> bool {
    column == ValueRef::Integer(checksum)
}

struct Checksum(Sha256);

impl Checksum {
    fn new() -> Self {
        Self(Sha256::new())
    }

    fn int(mut self, value: i64) -> Self {
        self.0.update(value.to_le_bytes());
        self
    }

    fn optional(self, value: Option<i64>) -> Self {
        match value {
            Some(value) => self.int(1).int(value),
            None => self.int(0),
        }
    }

    fn optional_text(self, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.int(1).bytes(value.as_bytes()),
            None => self.int(0),
        }
    }

    /// A row of an earlier format has neither value, and keeps its checksum.
    fn audited(self, audited: Audited<'_>) -> Self {
        match audited {
            Audited { change: None, origin: None } => self,
            Audited { change, origin } => self.optional(change).optional_text(origin),
        }
    }

    /// With their length, so that the boundaries between columns count.
    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    fn finish(self) -> i64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0.finalize().0;
        i64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}
