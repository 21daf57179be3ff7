//! Reading a database without changing anything: a backup, or the files of a store that is not open.
//!
//! SQLite reads a file as it is if it takes it for immutable, but then it ignores the write-ahead log, and cannot bring
//! the tables to the present format. A database that needs either is read into memory, where both are done.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use uuid::Uuid;

use super::checksum::Link;
use super::error::{Damage, OpenError, ReadError};
use super::file::Directory;
use super::log::{self, Committed};
use super::mark::{self, Acknowledged};
use super::schema::{self, APPLICATION_ID, USER_VERSION};
use super::staging::Watermarks;
use super::{BackupSummary, journal, last_use, migration, read, restore};
use crate::live::{LiveTokens, LiveTokensWriter};
use crate::store::Origin;
use crate::token::Digest;

/// What a check has found in a store that is in order.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The UUID of the cluster.
    pub cluster_uuid: Uuid,
    /// The version of the format.
    pub format: i64,
    /// The files whose owner and mode were checked.
    pub files: usize,
    /// The commits in the write-ahead log.
    pub log_commits: usize,
    /// Whether a mark says which changes were acknowledged, and the database has them.
    pub mark: bool,
    /// The pages of the database.
    pub pages: u64,
    /// The live tokens.
    pub tokens: u64,
    /// The deletions, each of which is linked to the one before.
    pub deletions: u64,
    /// The deletions whose tokens still have a row.
    pub uncompacted: u64,
    /// The regenerations of the operator token's secret, each of which is linked to the one before.
    pub regenerations: u64,
    /// The creations: one of each token that ever was.
    pub creations: u64,
    /// The last uses of tokens, without those that are damaged.
    pub uses: u64,
    /// The tokens whose last use is damaged. The next start of the server forgets it, and nothing depends on it.
    pub damaged_uses: Vec<i64>,
}

/// What a database has, all of which is verified.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) cluster: Uuid,
    pub(super) live: LiveTokens,
    pub(super) watermarks: Watermarks,
    creations: u64,
    uses: last_use::Loaded,
    format: i64,
    pub(super) connection: Connection,
}

/// Verifies the database of `length` bytes at the beginning of a backup.
pub(super) fn backup(path: &Path, length: u64) -> Result<Contents, OpenError> {
    Database::open(path, Some(length), &Committed::default())
        .and_then(|database| database.verify(None))
        .map_err(|error| error.of(path))
}

/// Verifies the files of the store at `path`.
pub(super) fn check(path: &Path) -> Result<Checked, OpenError> {
    let Stopped { directory, contents, log_commits, mark } = stopped(path)?;
    let checked = contents.checked(directory.count_files(), log_commits, mark);
    checked.map_err(|error| error.of(path))
}

/// A store that no process has open, nor can open meanwhile.
pub(super) struct Stopped {
    pub(super) directory: Directory,
    pub(super) contents: Contents,
    log_commits: usize,
    mark: bool,
}

/// Reads and verifies the files of the store at `path`.
pub(super) fn stopped(path: &Path) -> Result<Stopped, OpenError> {
    let directory = Directory::existing(path)?;
    if restore::is_pending(path) {
        let reason = "a restoration was interrupted: start the server, or any other command, to complete it";
        return Err(OpenError::io(path, io::Error::other(reason)));
    }
    let committed = committed(path)?;
    let acknowledged = mark::read(path).map_err(|error| Unreadable::from(error).of(path))?;
    let (log_commits, mark) = (committed.commits, acknowledged.is_some());
    let contents = Database::open(path, None, &committed)
        .and_then(|database| database.verify(acknowledged))
        .and_then(|contents| contents.verify_records())
        .map_err(|error| error.of(path))?;
    Ok(Stopped { directory, contents, log_commits, mark })
}

/// Verifies the database at `path`, which a running server holds still.
pub(super) fn check_held(path: &Path, summary: &BackupSummary) -> Result<Checked, OpenError> {
    held(path, summary)?.check(path)
}

/// Reads and verifies the database at `path`, which a running server holds still.
pub(super) fn held(path: &Path, summary: &BackupSummary) -> Result<Contents, OpenError> {
    let contents = Database::open(path, None, &Committed::default())
        .and_then(|database| database.verify(None))
        .map_err(|error| error.of(path))?;
    let deletions = contents.watermarks.deletion.seq.unsigned_abs();
    let found = (contents.cluster, contents.live.len() as u64, deletions);
    if found != (summary.cluster_uuid, summary.tokens, summary.deletions) {
        return Err(OpenError::damaged(path, Damage::new("the file lacks changes that the server has made")));
    }
    Ok(contents)
}

/// Opens the database at `path` to read what can be read of it, without any verification but that of its format.
pub(super) fn salvage(path: &Path) -> Result<(Connection, Uuid), OpenError> {
    // Of a damaged log, the part before the damage.
    let committed = log::committed(path).map_err(|source| OpenError::io(path, source))?;
    let opened = Database::open(path, None, &committed).and_then(|database| database.identify());
    opened.map(|(connection, cluster, _)| (connection, cluster)).map_err(|error| error.of(path))
}

fn committed(path: &Path) -> Result<Committed, OpenError> {
    let failed = |source| OpenError::io(path, source);
    match log::damage(path).map_err(failed)? {
        Some(finding) => Err(OpenError::damaged(path, Damage::new(finding))),
        None => log::committed(path).map_err(failed),
    }
}

/// Why a database cannot be read.
enum Unreadable {
    Foreign,
    TooNew { found: i64 },
    Failed(ReadError),
}

impl<E: Into<ReadError>> From<E> for Unreadable {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Unreadable {
    fn of(self, path: &Path) -> OpenError {
        match self {
            Self::Foreign => OpenError::Foreign { path: path.to_owned() },
            Self::TooNew { found } => OpenError::TooNew { path: path.to_owned(), found, supported: USER_VERSION },
            Self::Failed(error) => schema::open_error(path, error),
        }
    }
}

/// A database that is open for reading.
struct Database {
    connection: Connection,
}

impl Database {
    /// Opens the database at `path`. In a backup, it has `length` bytes, and a trailer follows.
    fn open(path: &Path, length: Option<u64>, log: &Committed) -> Result<Self, Unreadable> {
        let connection = if log.frames.is_empty() && !is_of_earlier_format(path)? {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(immutable(path)?, flags)?
        } else {
            in_memory(path, length, log)?
        };
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(Self { connection })
    }

    /// The connection, the UUID of the cluster, and the version of the format that the file has.
    fn identify(self) -> Result<(Connection, Uuid, i64), Unreadable> {
        let mut connection = self.connection;
        if schema::read_pragma(&connection, "application_id")? != APPLICATION_ID {
            return Err(Unreadable::Foreign);
        }
        let format = schema::read_pragma(&connection, "user_version")?;
        match format {
            1..=USER_VERSION => {}
            found if found > USER_VERSION => return Err(Unreadable::TooNew { found }),
            _ => return Err(Unreadable::Foreign),
        }
        schema::require_tables(&connection, format)?;
        migration::bring_up_to_date(&mut connection, format)?;
        let cluster = schema::read_cluster_uuid(&connection)?.ok_or(Unreadable::Foreign)?;
        Ok((connection, cluster, format))
    }

    fn verify(self, acknowledged: Option<Acknowledged>) -> Result<Contents, Unreadable> {
        let (connection, cluster, format) = self.identify()?;
        if let Some(acknowledged) = acknowledged {
            schema::require_acknowledged(&connection, cluster, &acknowledged)?;
        }
        let mut writer = LiveTokensWriter::new();
        let read::Loaded { watermarks, creations, uses } = read::load(&connection, cluster, &mut writer)?;
        Ok(Contents { cluster, live: writer.tokens().clone(), watermarks, creations, uses, format, connection })
    }
}

impl Contents {
    /// Verifies every column of the tokens, and reports.
    pub(super) fn check(self, path: &Path) -> Result<Checked, OpenError> {
        self.verify_records().and_then(|contents| contents.checked(1, 0, false)).map_err(|error| error.of(path))
    }

    /// Reads the columns too that no token needs to be accepted, such as its name.
    fn verify_records(self) -> Result<Self, Unreadable> {
        read::verify_records(&self.connection)?;
        Ok(self)
    }

    fn checked(&self, files: usize, log_commits: usize, mark: bool) -> Result<Checked, Unreadable> {
        let compacted = super::compaction::watermark(&self.connection)?;
        Ok(Checked {
            cluster_uuid: self.cluster,
            format: self.format,
            files,
            log_commits,
            mark,
            pages: schema::read_pragma(&self.connection, "page_count")?.unsigned_abs(),
            tokens: self.live.len() as u64,
            deletions: self.watermarks.deletion.seq.unsigned_abs(),
            uncompacted: (self.watermarks.deletion.seq - compacted).unsigned_abs(),
            regenerations: self.watermarks.regeneration.seq.unsigned_abs(),
            creations: self.creations,
            uses: self.uses.rows - self.uses.damaged.len() as u64,
            damaged_uses: self.uses.damaged.clone(),
        })
    }
}

/// The name under which SQLite opens a file without a lock and without its log.
fn immutable(path: &Path) -> io::Result<String> {
    let path = fs::canonicalize(path)?;
    let mut name = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => name.push(char::from(*byte)),
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    Ok(name + "?immutable=1")
}

/// Whether the file's header names an earlier format. If there are commits in the log, they may have changed that.
fn is_of_earlier_format(path: &Path) -> io::Result<bool> {
    /// Where SQLite keeps `user_version`.
    const AT: u64 = 60;
    let mut version = [0; 4];
    match File::open(path)?.read_exact_at(&mut version, AT) {
        // SQLite says what is wrong with it.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| i64::from(u32::from_be_bytes(version)) < USER_VERSION),
    }
}

/// A copy of the database in memory, with the commits of the log.
fn in_memory(path: &Path, length: Option<u64>, log: &Committed) -> Result<Connection, ReadError> {
    /// Where the header says how the database is written. One in memory has no log.
    const WRITE_VERSION_AND_READ_VERSION: std::ops::Range<usize> = 18..20;
    let mut bytes = Vec::new();
    File::open(path)?.take(length.unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
    log.apply(path, &mut bytes)?;
    let Some(version) = bytes.get_mut(WRITE_VERSION_AND_READ_VERSION) else {
        return Err(ReadError::damaged("the database is empty"));
    };
    version.fill(1);
    let mut connection = Connection::open_in_memory()?;
    connection.deserialize_read_exact("main", &bytes[..], bytes.len(), false)?;
    Ok(connection)
}

/// Changes that a store has, and an earlier state of it lacks.
#[derive(Default)]
pub(super) struct Later {
    pub(super) deletions: Vec<LaterDeletion>,
    pub(super) regenerations: Vec<LaterRegeneration>,
    /// The present digest of the operator token.
    pub(super) operator: Option<Digest>,
    /// The ID that was given last.
    pub(super) token: i64,
    /// Why they are not all.
    pub(super) damage: Option<String>,
}

/// A deletion, as its row has it.
pub(super) struct LaterDeletion {
    pub(super) token: i64,
    pub(super) at: i64,
    pub(super) by: Option<i64>,
    pub(super) origin: Option<Origin>,
}

/// A regeneration, as its row has it.
pub(super) struct LaterRegeneration {
    pub(super) replaced: Digest,
    pub(super) at: i64,
    pub(super) by: Option<i64>,
    pub(super) origin: Option<Origin>,
}

/// Reads what the database at `path` has after `from`, as far as it can be read. `None` if it is not a later state of the
/// same store.
pub(super) fn later(path: &Path, cluster: Uuid, from: &Watermarks) -> Result<Option<Later>, OpenError> {
    let failed = |error: ReadError| Unreadable::from(error).of(path);
    let (connection, own) = salvage(path)?;
    let is_later = own == cluster
        && journal::has(&connection, journal::DELETIONS, cluster, from.deletion).map_err(failed)?
        && journal::has(&connection, journal::REGENERATIONS, cluster, from.regeneration).map_err(failed)?;
    if !is_later {
        return Ok(None);
    }
    let mut later = Later { token: from.token, ..Later::default() };
    let deletions = each_verified(from.deletion, &mut later.deletions, |last, row| {
        journal::deletions_after(&connection, last, 1, |_, entry| {
            let origin = origin(entry.audited.origin);
            *row = Some(LaterDeletion { token: entry.token, at: entry.at, by: entry.by, origin });
            Ok(())
        })
    });
    let regenerations = each_verified(from.regeneration, &mut later.regenerations, |last, row| {
        journal::regenerations_after(&connection, last, 1, |replaced, entry| {
            let origin = origin(entry.audited.origin);
            *row = Some(LaterRegeneration { replaced, at: entry.at, by: entry.by, origin });
            Ok(())
        })
    });
    let operator = read::operator(&connection).map(|operator| later.operator = operator.map(|token| token.digest));
    let token = schema::last_token(&connection).map(|last| later.token = last.max(from.token));
    let damage = [deletions.err(), regenerations.err(), operator.err(), token.err().map(ReadError::from)];
    // The ends of the journals may be lost, which nothing in the database tells.
    let last = |from: Link, rows: usize| from.seq.saturating_add_unsigned(rows as u64);
    let lacks = |marked: &Watermarks| {
        marked.deletion.seq > last(from.deletion, later.deletions.len())
            || marked.regeneration.seq > last(from.regeneration, later.regenerations.len())
    };
    let lost = match mark::read(path) {
        Ok(Some(mark)) if mark.cluster == cluster && lacks(&mark.watermarks) => {
            Some(ReadError::damaged("acknowledged changes are missing"))
        }
        Ok(_) => None,
        Err(error) => Some(error),
    };
    later.damage = damage.into_iter().chain([lost]).flatten().next().map(|error| error.to_string());
    Ok(Some(later))
}

fn origin(text: Option<&str>) -> Option<Origin> {
    text.and_then(|origin| origin.parse().ok())
}

/// Reads a journal row by row, so that only rows are kept that are verified.
fn each_verified<T>(
    from: Link,
    rows: &mut Vec<T>,
    next: impl Fn(Link, &mut Option<T>) -> Result<Link, ReadError>,
) -> Result<(), ReadError> {
    let mut last = from;
    loop {
        let mut row = None;
        last = next(last, &mut row)?;
        match row {
            Some(row) => rows.push(row),
            None => return Ok(()),
        }
    }
}
