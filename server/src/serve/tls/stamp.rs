//! Whether files have changed.

use std::fs::Metadata;
use std::path::Path;
use std::time::SystemTime;

/// What the system says of some files. A changed or replaced file has another.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Stamp(Vec<Option<File>>);

#[derive(Clone, Debug, Eq, PartialEq)]
struct File {
    /// The device, the inode and the time of its last change, which no program can set.
    #[cfg(unix)]
    identity: (u64, u64, i64, i64),
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// Links are followed: a link to another file is another file.
    pub(super) fn of<'p>(files: impl IntoIterator<Item = &'p Path>) -> Self {
        Self(files.into_iter().map(|file| file.metadata().ok().map(|metadata| File::of(&metadata))).collect())
    }
}

impl File {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            #[cfg(unix)]
            identity: (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}
