use std::fs::{self, DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension};

use super::super::checksum::{self, Audited, Link};
use super::super::error::{OpenError, ReadError};
use super::super::file::{self, FILES, Locked, beside, exists, sync_parent};
use super::super::journal::{DELETIONS, REGENERATIONS};
use super::super::row::{id_to_sql, time_to_sql};
use super::super::{SqliteStore, audit, inspect, journal, restore, row, schema};
use super::{SqliteSource, UNKNOWN, importing, unreadable};
use crate::live::LiveTokensWriter;
use crate::store::{AuditedChange, Begun, ImportId, MoveError, MoveSource, MoveTarget, Moved, MovedChange, TokenStore};
use crate::token::{Digest, TokenId};

/// Makes a database of what is moved to it. Blocks the thread while it writes.
#[derive(Debug)]
pub struct SqliteTarget {
    path: PathBuf,
    /// Keeps others from making a database meanwhile.
    _locked: Arc<Locked>,
    import: Option<Import>,
}

/// An import that was begun.
#[derive(Debug)]
struct Import {
    moved: Moved,
    /// `None` while the database is read.
    connection: Option<Connection>,
    /// The number of changes that the database has.
    changes: i64,
    deletion: Link,
    regeneration: Link,
}

impl SqliteTarget {
    /// A target for a database at `path`, whose directory is made and locked. No store may have it open.
    ///
    /// # Errors
    ///
    /// If the directory is refused, or used by somebody else; see [`OpenError`].
    pub fn new(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref().to_owned();
        let failed = |source| OpenError::io(&path, source);
        file::create_directory(file::parent(&path)).map_err(failed)?;
        let locked = file::lock(&path)?;
        restore::complete(&path).map_err(failed)?;
        Ok(Self { path, _locked: locked, import: None })
    }

    /// The database while it is not complete.
    fn database(&self) -> PathBuf {
        importing(&self.path).join(restore::NEW).join(self.path.file_name().unwrap_or_default())
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// The import that made the database at the path, if one did.
    fn finished(&self) -> Option<ImportId> {
        let (connection, _) = inspect::salvage(&self.path).ok()?;
        meta(&connection, IMPORT).ok().flatten().map(ImportId)
    }

    /// Opens the database of an interrupted import. `None` if it was interrupted before anything was written.
    fn resume(&self) -> Result<Option<(ImportId, Connection)>, MoveError> {
        if !exists(&self.database()) {
            return Ok(None);
        }
        let (connection, _) = schema::connect(&self.database())?;
        let id = meta(&connection, IMPORT).map_err(|error| unreadable(error.into()))?;
        Ok(id.map(|id| (ImportId(id), connection)))
    }

    /// Makes a database without tokens.
    fn create(&self, id: &ImportId, moved: &Moved) -> Result<Connection, MoveError> {
        let directory = importing(&self.path);
        let failed = MoveError::io(&directory);
        if exists(&directory) {
            fs::remove_dir_all(&directory).map_err(&failed)?;
        }
        for directory in [&directory, &directory.join(restore::NEW), &directory.join(restore::OLD)] {
            DirBuilder::new().mode(0o700).create(directory).map_err(&failed)?;
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.database());
        file.map_err(&failed)?;
        sync_parent(&directory).map_err(&failed)?;
        let (connection, _) = schema::connect(&self.database())?;
        let cluster = moved.cluster_uuid;
        let set = |key: &str, value: &dyn rusqlite::ToSql| {
            let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2";
            connection.execute(sql, rusqlite::params![key, value])
        };
        let begin = || {
            let transaction = connection.unchecked_transaction()?;
            set("cluster_uuid", &cluster.to_string())?;
            set("cluster_checksum", &checksum::cluster(cluster))?;
            set(IMPORT, &id.0)?;
            set(CHANGES, &0)?;
            transaction.commit()
        };
        begin().map_err(|error| unreadable(error.into()))?;
        Ok(connection)
    }

    fn import(&mut self) -> &mut Import {
        self.import.as_mut().expect("an import is begun first")
    }
}

/// Keys of the table `meta`: the ID of the import that made the database, and the number of changes that it has written.
const IMPORT: &str = "import";
const CHANGES: &str = "import_changes";

fn meta<T: rusqlite::types::FromSql>(connection: &Connection, key: &str) -> rusqlite::Result<Option<T>> {
    connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
}

impl Import {
    fn new(moved: Moved, connection: Connection, database: &Path) -> Result<Self, ReadError> {
        schema::make_durable(&connection, database)?;
        let changes = meta(&connection, CHANGES)?.unwrap_or(0);
        let last = |table: &str| {
            let seq = connection.query_row(&format!("SELECT coalesce(max(seq), 0) FROM {table}"), [], |row| row.get(0));
            let link = journal::link(&connection, table, moved.cluster_uuid, seq?)?;
            link.ok_or_else(|| ReadError::damaged("a journal has no end"))
        };
        let (deletion, regeneration) = (last(DELETIONS)?, last(REGENERATIONS)?);
        Ok(Self { moved, connection: Some(connection), changes, deletion, regeneration })
    }

    /// Writes changes, in one transaction.
    fn add(&mut self, changes: &[MovedChange]) -> Result<(), ReadError> {
        let connection = self.connection.as_ref().expect("nothing is written after everything");
        let (mut number, mut deletion, mut regeneration) = (self.changes, self.deletion, self.regeneration);
        let transaction = connection.unchecked_transaction()?;
        for MovedChange { record, token, digest } in changes {
            number += 1;
            let origin = record.origin.map(|origin| origin.to_string());
            let audited = Audited { change: Some(number), origin: origin.as_deref() };
            let (at, by) = (time_to_sql(record.at), record.by.map(id_to_sql));
            let digest = digest.unwrap_or(Digest::from_bytes(UNKNOWN));
            match record.change {
                AuditedChange::Created => {
                    let name = record.name.as_ref().map(|name| name.as_str());
                    audit::insert(connection, id_to_sql(record.token), name, Some(at), by, audited)?;
                    if let Some(token) = token {
                        row::insert(connection, token)?;
                    }
                }
                AuditedChange::Deleted => {
                    let by = by.ok_or_else(|| ReadError::damaged("a deletion does not say who requested it"))?;
                    let token = (record.token, &digest);
                    deletion = journal::append_deletion(connection, deletion, token, at, by, audited)?;
                }
                AuditedChange::Regenerated => {
                    regeneration = journal::append_regeneration(connection, regeneration, &digest, at, by, audited)?;
                }
            }
        }
        connection.execute("UPDATE meta SET value = ?2 WHERE key = ?1", rusqlite::params![CHANGES, number])?;
        transaction.commit()?;
        (self.changes, self.deletion, self.regeneration) = (number, deletion, regeneration);
        Ok(())
    }

    /// Writes what follows from all changes together: which ID was given last, that no deleted token is left to remove, and
    /// creations of which nothing is known.
    fn complete(&self) -> Result<(), ReadError> {
        let connection = self.connection.as_ref().expect("it is completed once");
        let last = id_to_sql(self.moved.next_id) - 1;
        let transaction = connection.unchecked_transaction()?;
        connection.execute("UPDATE meta SET value = ?1 WHERE key = 'folded_seq'", [self.deletion.seq])?;
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'tokens'", [])?;
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('tokens', ?1)", [last])?;
        let mut next = id_to_sql(TokenId::OPERATOR) + 1;
        let mut missing = Vec::new();
        let mut known = connection.prepare("SELECT token_id FROM creations WHERE token_id >= ?1 ORDER BY token_id")?;
        let mut rows = known.query([next])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            missing.extend(next..id);
            next = id + 1;
        }
        missing.extend(next..=last);
        for id in missing {
            audit::insert(connection, id, None, None, None, Audited::default())?;
        }
        drop(rows);
        drop(known);
        Ok(transaction.commit()?)
    }
}

#[async_trait]
impl MoveTarget for SqliteTarget {
    async fn begin(&mut self, id: ImportId, moved: &Moved) -> Result<Begun, MoveError> {
        if FILES.iter().any(|suffix| exists(&beside(&self.path, suffix))) {
            let is_same = self.finished() == Some(id);
            return if is_same { Ok(Begun::Finished) } else { Err(MoveError::NotEmpty { place: self.place() }) };
        }
        let connection = match self.resume()? {
            Some((begun, connection)) if begun == id => connection,
            Some(_) => {
                return Err(MoveError::OtherImport { place: importing(&self.path).display().to_string() });
            }
            None => self.create(&id, moved)?,
        };
        let import = Import::new(*moved, connection, &self.database()).map_err(unreadable)?;
        let changes = import.changes.unsigned_abs();
        self.import = Some(import);
        Ok(Begun::After(changes))
    }

    async fn add(&mut self, changes: Vec<MovedChange>) -> Result<(), MoveError> {
        self.import().add(&changes).map_err(unreadable)
    }

    async fn written(&mut self) -> Result<Box<dyn MoveSource>, MoveError> {
        self.import().complete().map_err(unreadable)?;
        self.import().connection = None;
        // Verifies it, and notes in its mark what it has.
        let store = SqliteStore::open(self.database())?;
        store.load(LiveTokensWriter::new()).await?;
        store.close();
        Ok(Box::new(SqliteSource::open(self.database())?))
    }

    async fn finish(&mut self) -> Result<(), MoveError> {
        let placed = restore::commit(&importing(&self.path), &self.path)
            .and_then(|()| sync_parent(&self.path))
            .and_then(|()| restore::complete(&self.path));
        placed.map_err(MoveError::io(&self.path)).map(drop)
    }
}
