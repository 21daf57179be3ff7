//! The format of the file.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, TransactionBehavior};
use uuid::Uuid;

use super::error::{Damage, OpenError, ReadError};
use super::file::beside;
use super::mark::{self, Acknowledged};
use super::row::id_to_sql;
use super::{checksum, journal, log, migration, recovery};
use crate::token::TokenId;

/// "I3TK", in the field where SQLite keeps the kind of file.
pub(super) const APPLICATION_ID: i64 = 0x4933_544b;

/// The version of the format, in the field where SQLite keeps one.
pub(super) const USER_VERSION: i64 = VERSIONS.len() as i64;

/// Leads to each version of the format from the one before; the first from an empty file. A new file takes the same way
/// as an old one that is brought up to date, so that both are alike.
pub(super) const VERSIONS: [&str; 4] = [TABLES, REGENERATIONS, CHECKSUMS, AUDIT];

/// `tokens.id` must be `AUTOINCREMENT`, so that IDs are not reused. `deletions.seq`, the sequence number, counts up
/// without it, because no row of that table is ever deleted. `meta` holds `cluster_uuid` with its checksum, and as
/// `folded_seq` the watermark of compaction: the tokens of deletions up to this sequence number have been removed from
/// `tokens`. A database that an import made also has `import` and `import_changes`, which only the import reads.
const TABLES: &str = "
    CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value ANY NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE tokens (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        digest BLOB NOT NULL CHECK (length(digest) = 64),
        created_at INTEGER NOT NULL,
        expires_at INTEGER,
        permissions TEXT NOT NULL
    ) STRICT;

    CREATE TABLE deletions (
        seq INTEGER PRIMARY KEY,
        token_id INTEGER NOT NULL,
        digest BLOB NOT NULL CHECK (length(digest) = 64),
        deleted_at INTEGER NOT NULL,
        deleted_by INTEGER NOT NULL
    ) STRICT;
";

/// `created_by` is the token that requested a creation, and `regenerated_by` the one that requested a regeneration; null
/// means that no token did. `regenerations` has the replaced digests of the operator token, and is an audit trail.
const REGENERATIONS: &str = "
    ALTER TABLE tokens ADD COLUMN created_by INTEGER;

    CREATE TABLE regenerations (
        seq INTEGER PRIMARY KEY,
        digest BLOB NOT NULL CHECK (length(digest) = 64),
        regenerated_at INTEGER NOT NULL,
        regenerated_by INTEGER
    ) STRICT;
";

/// Every row gets a checksum. That of a deletion and of a regeneration covers the one before it: see
/// [`checksum`](super::checksum). The migration fills the columns.
const CHECKSUMS: &str = "
    ALTER TABLE tokens ADD COLUMN checksum INTEGER;
    ALTER TABLE deletions ADD COLUMN checksum INTEGER;
    ALTER TABLE regenerations ADD COLUMN checksum INTEGER;
";

/// A token may have a description. `creations` has each token that ever was, so that a name is known after its token is
/// compacted: a deletion need not repeat it. Its name and time are null for a token that was compacted in an earlier
/// format. `change` numbers the changes of all three tables, and `origin` says where a change was requested; both are
/// null in rows of earlier formats, which keep the checksums that they have there. `uses` has the minute of each token's
/// last use, since the Unix epoch.
const AUDIT: &str = "
    ALTER TABLE tokens ADD COLUMN description TEXT;
    ALTER TABLE deletions ADD COLUMN change INTEGER;
    ALTER TABLE deletions ADD COLUMN origin TEXT;
    ALTER TABLE regenerations ADD COLUMN change INTEGER;
    ALTER TABLE regenerations ADD COLUMN origin TEXT;

    CREATE TABLE creations (
        token_id INTEGER PRIMARY KEY,
        name TEXT,
        created_at INTEGER,
        created_by INTEGER,
        change INTEGER,
        origin TEXT,
        checksum INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE uses (
        token_id INTEGER PRIMARY KEY,
        minute INTEGER NOT NULL,
        checksum INTEGER NOT NULL
    ) STRICT;
";
/// After how many pages in the log SQLite makes a checkpoint, which is its default.
const CHECKPOINT_PAGES: u16 = 1000;

/// The length to which the log is preallocated: pages of 4096 bytes, each with a header of 24. A commit may go beyond
/// [`CHECKPOINT_PAGES`].
const LOG_LENGTH: usize = (CHECKPOINT_PAGES as usize + 32) * (4096 + 24);

/// Opens the file at `path`, which must exist and whose directory must be locked. Locks the file as well, and brings its
/// tables to the present version. Returns the connection and the UUID of the cluster.
///
/// Finds out whether acknowledged changes are missing, and leaves the log as it is, so that nothing is lost if the file is
/// refused. The rows are not verified. Call [`make_durable`] once they are.
pub(super) fn connect(path: &Path) -> Result<(Connection, Uuid), OpenError> {
    if let Some(finding) = log::damage(path).map_err(|source| OpenError::io(path, source))? {
        return Err(OpenError::damaged(path, Damage::new(finding)));
    }
    let acknowledged = mark::read(path).map_err(|error| open_error(path, error))?;
    let is_store = acknowledged.is_some();
    match try_connect(path, acknowledged) {
        Ok(Checked::Store(connection, cluster_uuid)) => Ok((connection, cluster_uuid)),
        Ok(Checked::TooNew { found }) => {
            Err(OpenError::TooNew { path: path.to_owned(), found, supported: USER_VERSION })
        }
        Ok(Checked::Foreign) => Err(OpenError::Foreign { path: path.to_owned() }),
        Err(error) => Err(open_error(path, error)),
    }
    .map_err(|error| match error {
        OpenError::Foreign { path } if is_store => {
            OpenError::Damaged { path, damage: Damage::new("the header of the database is damaged") }
        }
        error => error,
    })
}

pub(super) fn open_error(path: &Path, error: ReadError) -> OpenError {
    match error {
        ReadError::Damaged(damage) => OpenError::damaged(path, damage),
        ReadError::Sqlite(error) => OpenError::sqlite(path, error),
        ReadError::Io(source) => OpenError::io(path, source),
    }
}

enum Checked {
    Store(Connection, Uuid),
    Foreign,
    TooNew { found: i64 },
}

fn try_connect(path: &Path, acknowledged: Option<Acknowledged>) -> Result<Checked, ReadError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    // Until the log is durable, closing the connection must not move it either.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(Duration::ZERO)?;
    // Must precede the first read: SQLite needs no shared memory for the log only if the lock is exclusive from the
    // start.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;

    let application_id: i64 = read_pragma(&connection, "application_id")?;
    let user_version: i64 = read_pragma(&connection, "user_version")?;
    match (application_id, user_version) {
        (0, 0) if is_empty(&connection)? => {
            if acknowledged.is_some() {
                return Err(ReadError::damaged("the database is empty, but changes of it were acknowledged"));
            }
        }
        (APPLICATION_ID, found) if found < migration::CHECKSUMS && acknowledged.is_some() => {
            return Err(ReadError::damaged("the version in the header of the database is damaged"));
        }
        (APPLICATION_ID, 1..=USER_VERSION) => {}
        (APPLICATION_ID, found) if found > USER_VERSION => return Ok(Checked::TooNew { found }),
        _ => return Ok(Checked::Foreign),
    }

    connection.pragma_update(None, "trusted_schema", false)?;
    // A sort needs no file outside the directory, where others could read it and a sandbox forbids it.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On macOS, `fsync` alone leaves data in the drive's cache.
    connection.pragma_update(None, "fullfsync", true)?;
    lock(&mut connection)?;
    recovery::make_log_durable(path).map_err(ReadError::Io)?;
    require_tables(&connection, user_version)?;
    if let Some(acknowledged) = acknowledged {
        let Some(cluster_uuid) = read_cluster_uuid(&connection)? else { return Ok(Checked::Foreign) };
        require_acknowledged(&connection, cluster_uuid, &acknowledged)?;
    }
    migration::bring_up_to_date(&mut connection, user_version)?;
    let Some(cluster_uuid) = read_cluster_uuid(&connection)? else { return Ok(Checked::Foreign) };
    Ok(Checked::Store(connection, cluster_uuid))
}

/// Fails if the database lacks a change that the mark says was acknowledged.
pub(super) fn require_acknowledged(
    connection: &Connection,
    cluster: Uuid,
    mark: &Acknowledged,
) -> Result<(), ReadError> {
    let expected = mark.watermarks;
    if mark.cluster != cluster {
        return Err(ReadError::damaged("the mark beside the database is that of another cluster"));
    }
    let has_rows = journal::has(connection, journal::DELETIONS, cluster, expected.deletion)?
        && journal::has(connection, journal::REGENERATIONS, cluster, expected.regeneration)?
        && last_token(connection)? >= expected.token;
    // A later regeneration may have replaced the secret.
    let has_operator = || {
        let later = journal::row(connection, journal::REGENERATIONS, expected.regeneration.seq + 1)?.is_some();
        Ok::<_, ReadError>(expected.operator == 0 || later || operator_checksum(connection)? == expected.operator)
    };
    if has_rows && has_operator()? {
        return Ok(());
    }
    Err(ReadError::damaged(
        "acknowledged changes are missing: the database or its write-ahead log is damaged, or older than the mark",
    ))
}

/// The ID that was given to a token last, or 0.
pub(super) fn last_token(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .query_row("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'tokens'", [], |row| row.get(0))
}

/// The checksum of the operator token, or 0.
pub(super) fn operator_checksum(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce(max(checksum), 0) FROM tokens WHERE id = ?1";
    connection.query_row(sql, [id_to_sql(TokenId::OPERATOR)], |row| row.get(0))
}

pub(super) fn read_pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

/// Takes the lock, which the connection then keeps.
fn lock(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.transaction_with_behavior(TransactionBehavior::Exclusive)?.commit()
}

/// Fails unless the tables are those of this version. Only spaces may differ.
pub(super) fn require_tables(connection: &Connection, version: i64) -> Result<(), ReadError> {
    let new = Connection::open_in_memory()?;
    for version in VERSIONS.iter().take(usize::try_from(version).unwrap_or_default()) {
        new.execute_batch(version)?;
    }
    match tables(connection)? == tables(&new)? {
        true => Ok(()),
        false => Err(ReadError::damaged("the definition of a table, or the version in the header, is damaged")),
    }
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1";
    let mut statement = connection.prepare(sql)?;
    let text = |row: &Row<'_>| row.get(0).map(|text: String| text.split_whitespace().collect());
    statement.query_map([], text)?.collect()
}

/// Moves the write-ahead log into the database file, and empties it. From now on, closing the connection does so as well.
///
/// A log that SQLite recovers need not be on the disk. If an earlier `fsync` of it failed, the operating system may
/// treat its pages as clean and never write them, and a crash would lose them together with everything committed after.
/// Moving the log writes its pages again.
pub(super) fn make_durable(connection: &Connection, path: &Path) -> rusqlite::Result<()> {
    checkpoint(connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    if let Err(error) = preallocate_log(path) {
        // Commits take longer without it, and nothing else changes.
        tracing::warn!(%error, "cannot preallocate the write-ahead log");
    }
    Ok(())
}

pub(super) fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    let blocked: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    // No other connection can be reading, because the lock is exclusive.
    debug_assert!(!blocked);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// Moves the write-ahead log into the database file, and leaves that file as it is until [`release_file`] is called. The
/// next commit begins the log anew.
pub(super) fn hold_file(connection: &Connection) -> Result<(), ReadError> {
    let (frames, moved): (i64, i64) =
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))?;
    if frames != moved {
        return Err(ReadError::Io(io::Error::other("the write-ahead log cannot be moved into the database")));
    }
    Ok(connection.pragma_update(None, "wal_autocheckpoint", 0)?)
}

/// Lets checkpoints change the database file again. If the log, which has this length, has become longer than usual,
/// moves it, so that it becomes short again.
pub(super) fn release_file(connection: &Connection, path: &Path, log_length: u64) -> rusqlite::Result<()> {
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    if log_length > LOG_LENGTH as u64 { make_durable(connection, path) } else { Ok(()) }
}

/// The length of the write-ahead log in bytes, with what is preallocated.
pub(super) fn log_length(path: &Path) -> u64 {
    fs::metadata(beside(path, "-wal")).map_or(0, |log| log.len())
}

/// Gives the empty write-ahead log the length at which SQLite starts it from the beginning again.
///
/// A commit that overwrites blocks takes about half as long as one that makes the file longer, because that one also
/// records the new length. SQLite treats a log of zeros as empty.
fn preallocate_log(path: &Path) -> io::Result<()> {
    let mut log = OpenOptions::new().write(true).open(beside(path, "-wal"))?;
    // The checkpoint has truncated the log. Unless that is synced first, a power cut can leave some of the old frames
    // between zeros, which is a damaged log.
    log.sync_all()?;
    log.write_all(&vec![0; LOG_LENGTH])?;
    log.sync_all()
}

/// The UUID of the cluster, whose checksum must be right.
pub(super) fn read_cluster_uuid(connection: &Connection) -> Result<Option<Uuid>, ReadError> {
    let read = |key| connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get::<_, Value>(0));
    let Some(Value::Text(text)) = read("cluster_uuid").optional()? else { return Ok(None) };
    let Ok(cluster) = text.parse() else { return Ok(None) };
    if read("cluster_checksum").optional()? != Some(Value::Integer(checksum::cluster(cluster))) {
        return Err(ReadError::damaged("the UUID of the cluster is damaged"));
    }
    Ok(Some(cluster))
}
