use std::path::Path;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension};

use super::super::backup::{self, BackupError, BackupSummary};
use super::super::error::{OpenError, ReadError};
use super::super::file::Directory;
use super::super::inspect::{self, Contents, Stopped};
use super::super::row::{COLUMNS, Columns, id_to_sql};
use super::super::{audit, schema};
use super::{UNKNOWN, unreadable};
use crate::store::{AuditPosition, AuditRecord, AuditedChange, MoveError, MoveSource, Moved, MovedChange};
use crate::token::{Digest, TokenId, TokenRecord};

/// Everything that a database has, to be moved to another store.
#[derive(Debug)]
pub struct SqliteSource {
    moved: Moved,
    contents: Contents,
    /// Where the next page of the trail begins. `None` at its end.
    position: Option<AuditPosition>,
    /// The numbers of the deletions and the regenerations that were passed.
    deletions: i64,
    regenerations: i64,
    /// Keeps others from opening the database.
    _directory: Option<Directory>,
}

/// How many changes are read at a time.
const PAGE: usize = 1000;

impl SqliteSource {
    /// Verifies the database at `path`, which no store may have open, and keeps it closed until this is dropped. Changes
    /// nothing. Blocks, as the other functions do.
    ///
    /// # Errors
    ///
    /// What is wrong first; see [`OpenError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let Stopped { directory, contents, .. } = inspect::stopped(path)?;
        Self::new(contents, Some(directory)).map_err(|error| schema::open_error(path, error))
    }

    /// Like [`open`](Self::open), for a database that a store of another process holds still ([`Snapshot`]). `summary` is that
    /// of the snapshot, which must be held until everything is read.
    ///
    /// [`Snapshot`]: crate::Snapshot
    ///
    /// # Errors
    ///
    /// What is wrong first; see [`OpenError`].
    pub fn open_held(path: impl AsRef<Path>, summary: &BackupSummary) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let contents = inspect::held(path, summary)?;
        Self::new(contents, None).map_err(|error| schema::open_error(path, error))
    }

    /// Verifies the backup in `file` and reads it: for a store that is open in this process.
    ///
    /// # Errors
    ///
    /// [`BackupError::Invalid`] or [`BackupError::Unreadable`] if the file is not a whole backup.
    pub fn open_backup(file: impl AsRef<Path>) -> Result<Self, BackupError> {
        let file = file.as_ref();
        let (_, contents) = backup::verify(file)?;
        Ok(Self::new(contents, None).map_err(|error| schema::open_error(file, error))?)
    }

    fn new(contents: Contents, directory: Option<Directory>) -> Result<Self, ReadError> {
        let known: i64 = contents.connection.query_row(
            "SELECT count(*) FROM creations WHERE created_at IS NOT NULL",
            [],
            |row| row.get(0),
        )?;
        let watermarks = &contents.watermarks;
        let moved = Moved {
            cluster_uuid: contents.cluster,
            next_id: TokenId::from_u64(watermarks.token.unsigned_abs() + 1),
            changes: (known + watermarks.deletion.seq + watermarks.regeneration.seq).unsigned_abs(),
            tokens: contents.live.len() as u64,
        };
        let position = Some(AuditPosition::default());
        Ok(Self { moved, contents, position, deletions: 0, regenerations: 0, _directory: directory })
    }

    fn page(&mut self) -> Result<Vec<MovedChange>, ReadError> {
        let Some(position) = self.position else { return Ok(Vec::new()) };
        let page = audit::page(&self.contents.connection, self.contents.cluster, position, None, PAGE)?;
        self.position = page.next;
        page.records.into_iter().map(|record| self.change(record)).collect()
    }

    fn change(&mut self, record: AuditRecord) -> Result<MovedChange, ReadError> {
        let connection = &self.contents.connection;
        let (mut token, mut digest, mut name) = (None, None, None);
        match record.change {
            AuditedChange::Created => {
                if self.contents.live.contains(record.token) {
                    token = Some(read_token(connection, record.token)?);
                }
                name.clone_from(&record.name);
            }
            AuditedChange::Deleted => {
                self.deletions += 1;
                digest = read_digest(connection, "SELECT digest FROM deletions WHERE seq = ?1", self.deletions)?;
            }
            AuditedChange::Regenerated => {
                self.regenerations += 1;
                let sql = "SELECT digest FROM regenerations WHERE seq = ?1";
                digest = read_digest(connection, sql, self.regenerations)?;
            }
        }
        Ok(MovedChange { record: AuditRecord { name, by_name: None, ..record }, token, digest })
    }
}

fn read_token(connection: &Connection, id: TokenId) -> Result<TokenRecord, ReadError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM tokens WHERE id = ?1"))?;
    let mut rows = statement.query([id_to_sql(id)])?;
    match rows.next()? {
        Some(row) => Columns::read(row)?.record(),
        None => Err(ReadError::damaged(format!("token {id} is missing"))),
    }
}

fn read_digest(connection: &Connection, sql: &str, seq: i64) -> rusqlite::Result<Option<Digest>> {
    let bytes: Option<[u8; 64]> = connection.prepare_cached(sql)?.query_row([seq], |row| row.get(0)).optional()?;
    Ok(bytes.filter(|bytes| *bytes != UNKNOWN).map(Digest::from_bytes))
}

#[async_trait]
impl MoveSource for SqliteSource {
    fn moved(&self) -> Moved {
        self.moved
    }

    async fn next(&mut self) -> Result<Vec<MovedChange>, MoveError> {
        while self.position.is_some() {
            let changes = self.page().map_err(unreadable)?;
            // A page may have no changes although more follow.
            if !changes.is_empty() {
                return Ok(changes);
            }
        }
        Ok(Vec::new())
    }
}
