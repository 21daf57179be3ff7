//! The format of the file.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior};
use uuid::Uuid;

use super::file::OpenError;
use super::recovery;

/// "I3TK", in the field where SQLite keeps the kind of file.
const APPLICATION_ID: i64 = 0x4933_544b;

/// The version of the format, in the field where SQLite keeps one.
const USER_VERSION: i64 = VERSIONS.len() as i64;

/// Leads to each version of the format from the one before; the first from an empty file. A new file takes the same way
/// as an old one that is brought up to date, so that both are alike.
const VERSIONS: [&str; 2] = [TABLES, REGENERATIONS];

/// `tokens.id` must be `AUTOINCREMENT`, so that IDs are not reused. `deletions.seq`, the sequence number, counts up
/// without it, because no row of that table is ever deleted. `meta` holds `cluster_uuid`, and as `folded_seq` the
/// watermark of compaction: the tokens of deletions up to this sequence number have been removed from `tokens`.
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

/// Opens the file at `path`, which must exist, locks it, and brings its tables to the present version. Returns the
/// connection and the UUID of the cluster.
///
/// Everything that the connection reads is durable: see [`make_durable`].
pub(super) fn connect(path: &Path) -> Result<(Connection, Uuid), OpenError> {
    match try_connect(path) {
        Ok(Checked::Store(connection, cluster_uuid)) => Ok((connection, cluster_uuid)),
        Ok(Checked::Foreign) => Err(OpenError::Foreign { path: path.to_owned() }),
        Ok(Checked::TooNew { found }) => {
            Err(OpenError::TooNew { path: path.to_owned(), found, supported: USER_VERSION })
        }
        Err(error) => Err(open_error(path, error)),
    }
}

fn open_error(path: &Path, error: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked { path },
        Some(ErrorCode::NotADatabase) => OpenError::Foreign { path },
        _ => OpenError::Failed { path, source: error.into() },
    }
}

enum Checked {
    Store(Connection, Uuid),
    Foreign,
    TooNew { found: i64 },
}

fn try_connect(path: &Path) -> rusqlite::Result<Checked> {
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
        (0, 0) if is_empty(&connection)? => {}
        (APPLICATION_ID, 1..=USER_VERSION) => {}
        (APPLICATION_ID, found) if found > USER_VERSION => return Ok(Checked::TooNew { found }),
        _ => return Ok(Checked::Foreign),
    }

    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On macOS, `fsync` alone leaves data in the drive's cache.
    connection.pragma_update(None, "fullfsync", true)?;
    lock(&mut connection)?;
    recovery::make_log_durable(path).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    bring_up_to_date(&mut connection, user_version)?;
    make_durable(&connection)?;
    if let Err(error) = preallocate_log(path) {
        // Commits take longer without it, and nothing else changes.
        tracing::warn!(%error, "cannot preallocate the write-ahead log");
    }
    Ok(match read_cluster_uuid(&connection)? {
        Some(cluster_uuid) => Checked::Store(connection, cluster_uuid),
        None => Checked::Foreign,
    })
}

fn read_pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

/// Takes the lock, which the connection then keeps.
fn lock(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.transaction_with_behavior(TransactionBehavior::Exclusive)?.commit()
}

/// Leads the file from the version `found` to [`USER_VERSION`], in one transaction.
fn bring_up_to_date(connection: &mut Connection, found: i64) -> rusqlite::Result<()> {
    if found == USER_VERSION {
        return Ok(());
    }
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
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", USER_VERSION)?;
    transaction.commit()
}

/// Moves the write-ahead log into the database file and empties it, so that its pages are written again: see
/// [`recovery::make_log_durable`]. From now on, closing the connection does so as well.
fn make_durable(connection: &Connection) -> rusqlite::Result<()> {
    let blocked: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    // No other connection can be reading, because the lock is exclusive.
    debug_assert!(!blocked);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// Gives the empty write-ahead log the length at which SQLite starts it from the beginning again.
///
/// A commit that overwrites blocks takes about half as long as one that makes the file longer, because that one also
/// records the new length. SQLite treats a log of zeros as empty.
fn preallocate_log(path: &Path) -> io::Result<()> {
    // `PRAGMA wal_autocheckpoint` is 1000 pages of 4096 bytes, each with a header of 24; a commit may go beyond.
    const LENGTH: usize = 1032 * (4096 + 24);
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let mut log = OpenOptions::new().write(true).open(log)?;
    // The checkpoint has truncated the log. If the disk took the zeros first, it would hold a log with gaps, of which
    // SQLite would recover a part that is older than the database.
    log.sync_all()?;
    log.write_all(&vec![0; LENGTH])?;
    log.sync_all()
}

fn read_cluster_uuid(connection: &Connection) -> rusqlite::Result<Option<Uuid>> {
    let text: Option<String> =
        connection.query_row("SELECT value FROM meta WHERE key = 'cluster_uuid'", [], |row| row.get(0)).optional()?;
    Ok(text.and_then(|text| text.parse().ok()))
}
