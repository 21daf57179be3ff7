//! Makes durable what SQLite has recovered from the write-ahead log, before anything rests on it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Writes the log of the database at `path` again, in place, and syncs it, its name, and that of its directory. The
/// database must be locked, and nothing may have been written to it since.
///
/// A log that SQLite recovers need not be on the disk. If an earlier `fsync` of it failed, the operating system may treat
/// its pages as clean: they can be read, but a second `fsync` does not write them. A checkpoint would then overwrite pages
/// of the database without a log that could repair them after a power loss. Writing the same bytes makes the pages dirty
/// again.
///
/// SQLite syncs the directory when it creates a log, but ignores the error; and the process that created the files may
/// have been killed before it synced their directories.
pub(super) fn make_log_durable(path: &Path) -> io::Result<()> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    match OpenOptions::new().read(true).write(true).open(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(io::Error::other(NO_LOG)),
        log => write_again(&log?)?,
    }
    let directory = fs::canonicalize(path)?;
    let mut directories = directory.ancestors().skip(1);
    directories.next().map_or(Ok(()), sync_directory)?;
    match directories.next().map_or(Ok(()), sync_directory) {
        // Then another user has created the data directory.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

/// If SQLite cannot switch to a log, it goes on with a rollback journal, and says that it has a log. A commit would then
/// end with the removal of the journal, which is not synced.
const NO_LOG: &str = "SQLite has not created the write-ahead log";

fn write_again(file: &File) -> io::Result<()> {
    let zeros = vec![0; 1 << 16];
    let mut chunk = zeros.clone();
    let mut offset = 0;
    loop {
        let length = match file.read_at(&mut chunk, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            length => length?,
        };
        if length == 0 {
            return file.sync_all();
        }
        // Most of a preallocated log; no commit rests on it.
        if chunk[..length] != zeros[..length] {
            file.write_all_at(&chunk[..length], offset)?;
        }
        offset += length as u64;
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
