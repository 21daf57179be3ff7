//! Writes a file as a whole, so that every reader sees the old contents or the new, whatever fails in between.

use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

/// How long to wait for other commands that replace a file of the same folder.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait before the lock is tried again.
const PAUSE: Duration = Duration::from_millis(5);

/// Writes a new file durably, for its owner only.
///
/// # Errors
///
/// `AlreadyExists` if the path exists, even as a symbolic link that leads nowhere.
pub(super) fn write_new(file: &Path, contents: &[u8]) -> io::Result<()> {
    let folder = folder_of(file);
    let written = write_beside(folder, contents, None)?;
    written.persist_noclobber(file)?;
    File::open(folder)?.sync_all()
}

/// A file that this process alone replaces until it drops this.
///
/// It locks the folder. A lock on the file itself would be one on a file that is gone once it is replaced.
pub(super) struct Replacement {
    target: PathBuf,
    folder: File,
}

impl Replacement {
    /// Waits for other commands, and locks. If the file is a symbolic link, the file that it leads to is replaced.
    ///
    /// # Errors
    ///
    /// If the lock or the link's target cannot be had.
    pub(super) fn begin(file: &Path) -> io::Result<Self> {
        loop {
            let target = target(file)?;
            let folder = File::open(folder_of(&target))?;
            lock(&folder)?;
            // The link may have been changed before the lock was taken.
            if self::target(file)? == target {
                return Ok(Self { target, folder });
            }
        }
    }

    /// The file, without symbolic links on the way to it.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Replaces the file durably. `before` is what it was when it was read, and `None` if it did not exist. Its owner, its
    /// group and its mode are kept.
    ///
    /// # Errors
    ///
    /// The old contents remain unless only the last step failed, which makes the new ones durable.
    pub(super) fn write(self, before: Option<&Metadata>, contents: &[u8]) -> io::Result<()> {
        let written = write_beside(folder_of(&self.target), contents, before)?;
        match before {
            None => written.persist_noclobber(&self.target)?,
            Some(before) => {
                // Someone may edit the file without the lock.
                let now = fs::metadata(&self.target)?;
                let version = |file: &Metadata| (file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec());
                if version(before) != version(&now) {
                    return Err(io::Error::other("it was changed in the meantime; try again"));
                }
                written.persist(&self.target)?
            }
        };
        self.folder.sync_all()
    }
}

/// Writes a file of a unique name, durably. Unless it gets another name, it is removed when this is dropped.
fn write_beside(folder: &Path, contents: &[u8], like: Option<&Metadata>) -> io::Result<NamedTempFile> {
    let mut written = tempfile::Builder::new().prefix(".influxdb3-tokens-").tempfile_in(folder)?;
    if let Some(like) = like {
        let file = written.as_file();
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
            fchown(file, Some(like.uid()), Some(like.gid())).map_err(|error| {
                let owner = format!("user {} and group {}", like.uid(), like.gid());
                io::Error::new(error.kind(), format!("it cannot stay the property of {owner}: {error}"))
            })?;
        }
        // Last, so that nobody can read it who could not read the old one.
        file.set_permissions(like.permissions())?;
    }
    written.write_all(contents)?;
    written.as_file().sync_all()?;
    Ok(written)
}

fn lock(folder: &File) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match folder.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => {
                return Err(io::Error::new(error.kind(), format!("its folder cannot be locked: {error}")));
            }
            Err(TryLockError::WouldBlock) if begun.elapsed() > PATIENCE => {
                return Err(io::Error::other("another process has locked its folder; try again once that has ended"));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
        }
    }
}

/// The file that a path leads to, whether it exists or not.
fn target(file: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if fs::symlink_metadata(file).is_ok() {
                let reason = "it is a symbolic link to a file that does not exist; name that file instead";
                return Err(io::Error::new(io::ErrorKind::NotFound, reason));
            }
            let name = file.file_name().ok_or(error)?;
            Ok(fs::canonicalize(folder_of(file))?.join(name))
        }
        other => other,
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
