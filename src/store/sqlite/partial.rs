//! A file that gets its name only when it is whole.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::backup::BackupError;
use super::file::{beside, exists, parent, sync_parent};

/// How long nothing was written to a file that a killed process must have left behind.
const ABANDONED: Duration = Duration::from_secs(3600);

/// A file that is being written, under a name that no other process uses: that of the file, eight digits and `.partial`.
/// Dropping this before it gets its own name removes it.
#[derive(Debug)]
pub(super) struct Partial {
    target: PathBuf,
    path: PathBuf,
    pub(super) file: File,
    overwrite: bool,
}

impl Partial {
    /// Begins the file at `target`, for its owner only (mode 0600). Removes what killed processes have left of it.
    pub(super) fn create(target: &Path, overwrite: bool) -> Result<Self, BackupError> {
        match fs::symlink_metadata(target) {
            // Otherwise it would replace the link, and not the file that it leads to; or a device.
            Ok(metadata) if !metadata.is_file() => return Err(BackupError::NotRegular { path: target.to_owned() }),
            Ok(_) if !overwrite => return Err(BackupError::Exists { path: target.to_owned() }),
            _ => {}
        }
        remove_abandoned(target);
        loop {
            let number = Uuid::new_v4().as_fields().0;
            let path = beside(target, &format!(".{number:08x}{SUFFIX}"));
            match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok(Self { target: target.to_owned(), path, file, overwrite }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(BackupError::io(&path)(error)),
            }
        }
    }

    /// Where it is until it gets its name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file, which must have been synced, its name, durably.
    pub(super) fn complete(self) -> Result<(), BackupError> {
        let named = if self.overwrite {
            fs::rename(&self.path, &self.target)
        } else {
            // Unlike a renaming, this fails if the name is in use.
            fs::hard_link(&self.path, &self.target)
        };
        match named {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(BackupError::Exists { path: self.target.clone() });
            }
            // Some file systems have no hard links.
            Err(_) if !self.overwrite && !exists(&self.target) => fs::rename(&self.path, &self.target),
            named => named,
        }
        .and_then(|()| sync_parent(&self.target))
        .map_err(BackupError::io(&self.target))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // It has another name by now, or is not whole.
        let _ = fs::remove_file(&self.path);
    }
}

const SUFFIX: &str = ".partial";

/// Removes the partial files of `target` to which nothing was written for a long time, as far as they can be found. A process
/// that still writes one fails.
fn remove_abandoned(target: &Path) {
    let (Some(name), Ok(entries)) = (target.file_name(), fs::read_dir(parent(target))) else { return };
    let now = SystemTime::now();
    for entry in entries.flatten().filter(|entry| is_partial(&entry.file_name(), name)) {
        let written = entry.metadata().ok().filter(fs::Metadata::is_file).and_then(|metadata| metadata.modified().ok());
        let age = written.and_then(|written| now.duration_since(written).ok());
        if age.is_some_and(|age| age > ABANDONED) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether `found` is a name of a partial file of `name`.
fn is_partial(found: &OsStr, name: &OsStr) -> bool {
    let number = found.as_bytes().strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
    number.and_then(|number| number.strip_prefix(b".")).is_some_and(|number| {
        number.len() == 8 && number.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abandoned_partial_file_is_removed_and_no_other() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("backup");
        let long_ago = SystemTime::now() - ABANDONED - Duration::from_secs(60);
        let write = |name: &str, modified| {
            let file = File::create(root.path().join(name)).unwrap();
            file.set_modified(modified).unwrap();
        };
        write("backup.0123abcd.partial", long_ago);
        let kept = [
            ("backup.0123abce.partial", SystemTime::now()),
            ("backup.0123abcd", long_ago),
            ("backup.0123abcg.partial", long_ago),
            ("backup.0123abcde.partial", long_ago),
            ("backup.partial", long_ago),
            ("backup2.0123abcd.partial", long_ago),
        ];
        kept.iter().for_each(|(name, modified)| write(name, *modified));
        drop(Partial::create(&path, false).unwrap());
        let mut left: Vec<_> = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        let mut expected = kept.map(|(name, _)| name);
        left.sort();
        expected.sort_unstable();
        assert_eq!(left, expected);
    }
}
