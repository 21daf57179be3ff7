//! Records what a server does to its files and what it answers, in order. Can hold up its syncs, and let calls fail.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tokio::net::{UnixListener, UnixStream};

use crate::blocking::output;
use crate::limits::within;
use crate::process::DataDir;
use faults::Faults;

pub(crate) mod disk;
pub(crate) mod faults;
pub(crate) mod survivors;
mod tests;

/// The record of the server of a data directory.
pub(crate) struct Recording {
    below: PathBuf,
    to: PathBuf,
    gate: PathBuf,
    faults: PathBuf,
}

impl Recording {
    pub(crate) fn of(directory: &DataDir) -> Self {
        let below = directory.path().parent().unwrap().canonicalize().unwrap();
        Self { to: below.join("record"), gate: below.join("gate"), faults: below.join("faults"), below }
    }

    /// Makes a command write to the record.
    pub(crate) fn attach(&self, mut command: Command) -> Command {
        command.env("LD_PRELOAD", &*LIBRARY);
        command.env("RECORD_BELOW", &self.below).env("RECORD_TO", &self.to).env("SYNC_GATE", &self.gate);
        command.env("FAULT_PLAN", &self.faults);
        command
    }

    /// Everything recorded so far, in order.
    pub(crate) fn events(&self) -> Vec<Event> {
        let record = std::fs::read(&self.to).unwrap();
        let mut rest = &record[..];
        std::iter::from_fn(|| Event::read(&mut rest)).collect()
    }

    /// Makes calls of the command fail. Must be called before the command starts.
    pub(crate) fn faults(&self) -> Faults {
        Faults::new(&self.faults)
    }

    /// Holds up the next sync.
    pub(crate) fn hold_next_sync(&self) -> SyncGate {
        SyncGate { listener: UnixListener::bind(&self.gate).unwrap(), path: self.gate.clone() }
    }
}

/// Holds up a sync.
pub(crate) struct SyncGate {
    listener: UnixListener,
    path: PathBuf,
}

impl SyncGate {
    /// Waits for the sync. It continues when the result is dropped. Later syncs are not held up.
    pub(crate) async fn reached(self) -> UnixStream {
        let (held, _) = within("a sync", self.listener.accept()).await.unwrap();
        std::fs::remove_file(self.path).unwrap();
        held
    }
}

/// Something that the server did. Inode numbers identify files and directories.
pub(crate) enum Event {
    /// A process begins, after the one before has ended.
    Started,
    Written {
        file: u64,
        offset: usize,
        bytes: Vec<u8>,
    },
    Resized {
        file: u64,
        length: usize,
    },
    SyncBegun {
        inode: u64,
    },
    Synced {
        inode: u64,
    },
    SyncFailed {
        inode: u64,
    },
    Created {
        directory: u64,
        name: String,
        file: u64,
    },
    DirectoryCreated {
        directory: u64,
        name: String,
        child: u64,
    },
    Removed {
        directory: u64,
        name: String,
    },
    Renamed {
        directory: u64,
        from: String,
        to_directory: u64,
        to: String,
    },
    Sent(Vec<u8>),
}

impl Event {
    /// The next event of a record. `None` at its end, or if the rest is not written yet.
    fn read(record: &mut &[u8]) -> Option<Self> {
        let (header, rest) = record.split_at_checked(32)?;
        let field = |index: usize| u64::from_ne_bytes(header[8 * index..8 * index + 8].try_into().unwrap());
        let (inode, number) = (field(1), field(2));
        let (bytes, rest) = rest.split_at_checked(field(3).try_into().unwrap())?;
        *record = rest;
        let name = || String::from_utf8(bytes.to_vec()).unwrap();
        let size = || usize::try_from(number).unwrap();
        Some(match u8::try_from(field(0)).unwrap() {
            b'P' => Self::Started,
            b'W' => Self::Written { file: inode, offset: size(), bytes: bytes.to_vec() },
            b'T' => Self::Resized { file: inode, length: size() },
            b'B' => Self::SyncBegun { inode },
            b'E' => Self::Synced { inode },
            b'F' => Self::SyncFailed { inode },
            b'C' => Self::Created { directory: inode, name: name(), file: number },
            b'M' => Self::DirectoryCreated { directory: inode, name: name(), child: number },
            b'U' => Self::Removed { directory: inode, name: name() },
            b'R' => {
                let (from, to) = name().split_once('\0').map(|(from, to)| (from.to_owned(), to.to_owned())).unwrap();
                Self::Renamed { directory: inode, from, to_directory: number, to }
            }
            b'S' => Self::Sent(bytes.to_vec()),
            kind => panic!("unknown kind of event: {kind}"),
        })
    }

    /// Whether a power loss just before this event differs from one before the events around it: a sync ends, or an
    /// answer leaves. Between two such moments the changes that may be lost only become more.
    pub(crate) fn is_moment(&self) -> bool {
        matches!(self, Self::Synced { .. } | Self::SyncFailed { .. } | Self::Sent(_))
    }
}

/// Without bytes, which can be secrets.
impl fmt::Debug for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => write!(formatter, "a process begins"),
            Self::Written { file, offset, bytes } => write!(formatter, "{file}: {} bytes at {offset}", bytes.len()),
            Self::Resized { file, length } => write!(formatter, "{file}: length {length}"),
            Self::SyncBegun { inode } => write!(formatter, "{inode}: sync begins"),
            Self::Synced { inode } => write!(formatter, "{inode}: synced"),
            Self::SyncFailed { inode } => write!(formatter, "{inode}: sync failed"),
            Self::Created { directory, name, file } => write!(formatter, "{directory}: {file} is the file {name}"),
            Self::DirectoryCreated { directory, name, child } => {
                write!(formatter, "{directory}: {child} is the directory {name}")
            }
            Self::Removed { directory, name } => write!(formatter, "{directory}: {name} removed"),
            Self::Renamed { directory, from, to_directory, to } => {
                write!(formatter, "{directory}: {from} renamed to {to_directory}: {to}")
            }
            Self::Sent(bytes) => {
                let status = bytes.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3)).unwrap_or_default();
                write!(formatter, "{} bytes sent {}", bytes.len(), String::from_utf8_lossy(status))
            }
        }
    }
}

/// The recording library, compiled once.
static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/recorded/record.c");
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("record-{}.so", std::process::id()));
    let mut compile = Command::new("cc");
    compile.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&library).arg(source);
    compile.args(["-ldl", "-pthread"]);
    let done = output(compile);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    library
});
