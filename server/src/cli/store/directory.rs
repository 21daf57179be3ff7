//! The data directory of a server whose tokens are elsewhere.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use crate::cli::Failure;

/// A data directory that no other server can use until this is dropped. It is locked as a database locks it, so that a
/// server with a database is kept out, too.
#[derive(Debug)]
pub(in crate::cli) struct LockedDirectory(File);

impl LockedDirectory {
    /// Locks the directory, and makes it unless it exists. Only the user of this process may have access to it, because a
    /// client of the control socket in it may do everything.
    pub(super) fn prepare(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let failed = |error: std::io::Error| format!("{shown}: {error}");
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let metadata = fs::metadata(path).map_err(failed)?;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(format!("{shown} belongs to another user; run the server as its owner").into());
        }
        if metadata.mode() & 0o077 != 0 {
            return Err(format!("{shown}: other users have access to it; run `chmod go= {shown}`").into());
        }
        let directory = File::open(path).map_err(failed)?;
        match directory.try_lock() {
            Ok(()) => Ok(Self(directory)),
            Err(TryLockError::WouldBlock) => Err(format!("{shown} is in use by another server").into()),
            Err(TryLockError::Error(error)) => Err(failed(error).into()),
        }
    }
}

impl Drop for LockedDirectory {
    fn drop(&mut self) {
        // Closing it is not enough: a process that another thread is just starting has a copy of the descriptor.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_is_of_one_server_and_of_one_user() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("data");
        let locked = LockedDirectory::prepare(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert!(LockedDirectory::prepare(&path).unwrap_err().to_string().contains("another server"));
        drop(locked);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(LockedDirectory::prepare(&path).unwrap_err().to_string().contains("chmod go="));
    }
}
