//! Creating and checking the files and their directory before SQLite opens the database.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{Damage, OpenError};
use super::{moving, restore};

/// The files of a store, by what their names add to that of the database. SQLite creates the second to the fourth.
pub(super) const FILES: [&str; 5] = ["", "-wal", "-shm", "-journal", "-mark"];

/// The directory of the database, locked for this store.
///
/// The lock belongs to the directory and not to a file in it. So a second server cannot take over a directory whose files
/// somebody removed under the first one.
#[derive(Debug)]
pub(super) struct Directory {
    locked: Arc<Locked>,
    path: PathBuf,
    /// The database that was checked.
    database: (u64, u64),
}

impl Directory {
    /// Locks the directory of the database at `path`, and creates both if they do not exist. Makes sure that only their
    /// owner, the user of this process, has access to them, and that they survive a crash.
    pub(super) fn prepare(path: &Path) -> Result<Self, OpenError> {
        let parent = parent(path);
        create_directory(parent).map_err(|source| OpenError::io(parent, source))?;
        let locked = lock(path)?;
        restore::complete(path).map_err(|source| OpenError::io(path, source))?;
        let is_used = FILES.iter().any(|suffix| !suffix.is_empty() && exists(&beside(path, suffix)));
        moving::require_complete(path)?;
        if is_used && !exists(path) {
            let damage = Damage::new("the database is missing, but other files of it exist");
            return Err(OpenError::damaged(path, damage));
        }
        create_file(path).map_err(|source| OpenError::io(path, source))?;
        let directory = Self::check(locked, path)?;
        // SQLite would name no reason, such as a file system that is read-only.
        OpenOptions::new().write(true).open(path).map_err(|source| OpenError::io(path, source))?;
        Ok(directory)
    }

    /// Locks the directory of the database at `path`, which must exist, and checks its files. Changes nothing.
    pub(super) fn existing(path: &Path) -> Result<Self, OpenError> {
        Self::check(lock(path)?, path)
    }

    /// How many files of the store there are.
    pub(super) fn count_files(&self) -> usize {
        FILES.iter().filter(|suffix| exists(&beside(&self.path, suffix))).count()
    }

    /// Checks the files again before the database is opened again. Locks the directory at the path if it is another one
    /// now.
    pub(super) fn again(&self) -> Result<Self, OpenError> {
        let parent = parent(&self.path);
        let is_same = || Ok(identity(&fs::metadata(parent)?) == identity(&self.locked.0.metadata()?));
        let locked = match is_same().map_err(|source| OpenError::io(parent, source))? {
            true => Arc::clone(&self.locked),
            false => lock(&self.path)?,
        };
        Self::check(locked, &self.path)
    }

    fn check(locked: Arc<Locked>, path: &Path) -> Result<Self, OpenError> {
        require_own_files(path)?;
        let database = fs::symlink_metadata(path).map_err(|source| OpenError::io(path, source))?;
        Ok(Self { locked, path: path.to_owned(), database: identity(&database) })
    }

    /// The database, for reading. `opened` is one that was opened before, which is used again if it is the same file.
    pub(super) fn database(&self, opened: Option<Arc<File>>) -> io::Result<Arc<File>> {
        let is_same = |file: &Arc<File>| file.metadata().is_ok_and(|metadata| identity(&metadata) == self.database);
        match opened.filter(is_same) {
            Some(file) => Ok(file),
            None => File::open(&self.path).map(Arc::new),
        }
    }

    /// The files that commits write to, once they have been opened.
    pub(super) fn open_files(&self) -> io::Result<OpenFiles> {
        let log = beside(&self.path, "-wal");
        let log_identity = identity(&fs::symlink_metadata(&log)?);
        Ok(OpenFiles([(self.path.clone(), self.database), (log, log_identity)]))
    }
}

/// A directory that is locked until this is dropped.
#[derive(Debug)]
pub(super) struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing it is not enough: a process that another thread is just starting has a copy of the descriptor.
        let _ = self.0.unlock();
    }
}

/// Locks the directory of the database at `path`.
pub(super) fn lock(path: &Path) -> Result<Arc<Locked>, OpenError> {
    let parent = parent(path);
    let failed = |source| OpenError::io(parent, source);
    require_own(parent, &fs::metadata(parent).map_err(failed)?, 0o700)?;
    let directory = File::open(parent).map_err(failed)?;
    match directory.try_lock() {
        Ok(()) => Ok(Arc::new(Locked(directory))),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// The files that a store has open. They are still there as long as their names lead to the same inodes: the number of
/// an open file is not used again.
#[derive(Debug)]
pub(super) struct OpenFiles([(PathBuf, (u64, u64)); 2]);

impl OpenFiles {
    /// Fails if a file has been removed, renamed or replaced, or its directory has.
    pub(super) fn check(&self) -> Result<(), Removed> {
        for (path, expected) in &self.0 {
            let found = fs::symlink_metadata(path).map(|metadata| identity(&metadata));
            if !found.is_ok_and(|found| found == *expected) {
                return Err(Removed { path: path.clone() });
            }
        }
        Ok(())
    }
}

/// The error for a change that would go to a file, or went to one, that has no name any more.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} was removed or replaced while it is open: put the files back where they were, or stop the server and restore them \
     from a backup",
    path.display()
)]
pub(super) struct Removed {
    path: PathBuf,
}

/// The file whose name adds this suffix to that of the database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(OsStr::new(suffix));
    name.into()
}

pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    File::open(parent(path))?.sync_all()
}

pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))
}

pub(super) fn create_directory(directory: &Path) -> io::Result<()> {
    let missing: Vec<_> = directory.ancestors().take_while(|path| is_missing(path)).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    missing.into_iter().try_for_each(sync_parent)
}

fn is_missing(path: &Path) -> bool {
    path != Path::new("") && !path.exists()
}

fn create_file(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            file.sync_all()?;
            sync_parent(path)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether the name is in use, also by a symbolic link that leads nowhere.
pub(super) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn require_own_files(path: &Path) -> Result<(), OpenError> {
    for suffix in FILES {
        let file = beside(path, suffix);
        match fs::symlink_metadata(&file) {
            Ok(metadata) if metadata.is_file() => require_own(&file, &metadata, 0o600)?,
            Ok(_) => return Err(OpenError::NotRegular { path: file }),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !suffix.is_empty() => {}
            Err(source) => return Err(OpenError::io(&file, source)),
        }
    }
    Ok(())
}

/// Only the user of this process may have access to the file or directory, and must have the access `needed`.
fn require_own(path: &Path, metadata: &Metadata, needed: u32) -> Result<(), OpenError> {
    let (path, mode, owner) = (path.to_owned(), metadata.mode() & 0o777, metadata.uid());
    let user = rustix::process::geteuid().as_raw();
    if owner != user {
        return Err(OpenError::NotOwned { path, owner, user });
    }
    if mode & 0o077 != 0 {
        return Err(OpenError::NotPrivate { path, mode });
    }
    if mode & needed != needed {
        return Err(OpenError::NotWritable { path, mode, needed });
    }
    Ok(())
}

/// The device and the inode.
fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}
