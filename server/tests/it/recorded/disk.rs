//! What a power loss leaves behind of the files in a data directory.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::Event;

/// A disk holds a write from its sync on. Before, it may hold the write, a part of it, or nothing. A file has a name from
/// the sync of its directory on.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    files: Vec<File>,
    /// The file that each inode number stands for. A number is used again once its file is unlinked.
    by_inode: HashMap<u64, usize>,
    /// The names that directories had when they were synced.
    directories: HashMap<u64, HashMap<String, usize>>,
    /// The directory that contains the data directory.
    root: u64,
    data: Option<u64>,
}

/// Which of the unsynced writes the disk holds after the power loss.
pub(crate) enum Survivors<'r> {
    All,
    Nothing,
    /// Any sectors of them.
    Some(&'r mut Random),
}

#[derive(Clone, Default)]
struct File {
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    /// How many of the unsynced changes precede the sync that is under way.
    syncing: usize,
}

#[derive(Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Resize(usize),
}

impl Disk {
    /// The disk before the server starts. Everything in the data directory, which need not exist, is synced.
    pub(crate) fn of(data: &Path) -> Self {
        let inode = |path: &Path| fs::metadata(path).unwrap().ino();
        let mut disk = Self { root: inode(data.parent().unwrap()), ..Self::default() };
        if data.exists() {
            let mut names = HashMap::new();
            for entry in fs::read_dir(data).unwrap().map(Result::unwrap) {
                let file = disk.file(inode(&entry.path()));
                disk.files[file].synced = fs::read(entry.path()).unwrap();
                names.insert(entry.file_name().into_string().unwrap(), file);
            }
            disk.data = Some(inode(data));
            disk.directories.insert(inode(data), names);
        }
        disk
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Written { file, offset, bytes } => {
                let write = Change::Write { offset: *offset, bytes: bytes.clone() };
                self.file_mut(*file).unsynced.push(write);
            }
            Event::Resized { file, length } => self.file_mut(*file).unsynced.push(Change::Resize(*length)),
            Event::SyncBegun { file } => {
                let file = self.file_mut(*file);
                file.syncing = file.unsynced.len();
            }
            Event::Synced { file } => self.file_mut(*file).sync(),
            Event::DirectorySynced { directory, entries } => {
                if *directory == self.root {
                    self.data = entries.iter().find(|(_, name)| name == "data").map(|(inode, _)| *inode);
                } else {
                    let is_file = |name: &str| !name.starts_with('.') && name != "control.sock";
                    let files = entries.iter().filter(|(_, name)| is_file(name));
                    let names = files.map(|(inode, name)| (name.clone(), self.file(*inode))).collect();
                    self.directories.insert(*directory, names);
                }
            }
            Event::Unlinked { file } => {
                self.by_inode.remove(file);
            }
            Event::Sent(_) => {}
        }
    }

    /// Writes what is left of the data directory to `to`, which does not exist.
    pub(crate) fn write(&self, to: &Path, mut survivors: Survivors<'_>) {
        let Some(names) = self.data.and_then(|data| self.directories.get(&data)) else { return };
        fs::DirBuilder::new().mode(0o700).create(to).unwrap();
        for (name, file) in names {
            let mut options = fs::OpenOptions::new();
            let mut written = options.write(true).create_new(true).mode(0o600).open(to.join(name)).unwrap();
            std::io::Write::write_all(&mut written, &self.files[*file].after_power_loss(&mut survivors)).unwrap();
        }
    }

    fn file(&mut self, inode: u64) -> usize {
        *self.by_inode.entry(inode).or_insert_with(|| {
            self.files.push(File::default());
            self.files.len() - 1
        })
    }

    fn file_mut(&mut self, inode: u64) -> &mut File {
        let file = self.file(inode);
        &mut self.files[file]
    }
}

impl File {
    fn sync(&mut self) {
        for change in self.unsynced.drain(..std::mem::take(&mut self.syncing)) {
            change.apply(&mut self.synced, || true);
        }
    }

    fn after_power_loss(&self, survivors: &mut Survivors<'_>) -> Vec<u8> {
        let mut contents = self.synced.clone();
        for change in &self.unsynced {
            change.apply(&mut contents, || match survivors {
                Survivors::All => true,
                Survivors::Nothing => false,
                Survivors::Some(random) => random.coin(),
            });
        }
        contents
    }
}

impl Change {
    /// Applies the sectors that survive.
    fn apply(&self, contents: &mut Vec<u8>, mut survives: impl FnMut() -> bool) {
        const SECTOR: usize = 512;
        match self {
            Self::Write { offset, bytes } => {
                let mut from = 0;
                while from < bytes.len() {
                    let at = offset + from;
                    let to = bytes.len().min(from + SECTOR - at % SECTOR);
                    if survives() {
                        contents.resize(contents.len().max(offset + to), 0);
                        contents[at..offset + to].copy_from_slice(&bytes[from..to]);
                    }
                    from = to;
                }
            }
            Self::Resize(length) => {
                if survives() {
                    contents.resize(*length, 0);
                }
            }
        }
    }
}

/// Marsaglia's generator: the same numbers for the same seed, which is not 0.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn coin(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 & 1 << 32 != 0
    }
}
