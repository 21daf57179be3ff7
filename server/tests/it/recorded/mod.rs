//! A server whose writes, syncs and answers are recorded in their order, and whose syncs can be held up.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tokio::net::{UnixListener, UnixStream};

use crate::blocking::output;
use crate::limits::within;
use crate::process::DataDir;

pub(crate) mod disk;

/// Where the server of a data directory leaves its record.
pub(crate) struct Recording {
    below: PathBuf,
    to: PathBuf,
    gate: PathBuf,
}

impl Recording {
    pub(crate) fn of(directory: &DataDir) -> Self {
        let below = directory.path().parent().unwrap().canonicalize().unwrap();
        Self { to: below.join("record"), gate: below.join("gate"), below }
    }

    /// Has a command recorded.
    pub(crate) fn attach(&self, mut command: Command) -> Command {
        command.env("LD_PRELOAD", &*LIBRARY);
        command.env("RECORD_BELOW", &self.below).env("RECORD_TO", &self.to).env("SYNC_GATE", &self.gate);
        command
    }

    /// Everything recorded so far, in its order.
    pub(crate) fn events(&self) -> Vec<Event> {
        let record = std::fs::read(&self.to).unwrap();
        let mut rest = &record[..];
        std::iter::from_fn(|| Event::read(&mut rest)).collect()
    }

    /// Holds up the next sync.
    pub(crate) fn hold_next_sync(&self) -> SyncGate {
        SyncGate { listener: UnixListener::bind(&self.gate).unwrap(), path: self.gate.clone() }
    }
}

/// Where a sync waits.
pub(crate) struct SyncGate {
    listener: UnixListener,
    path: PathBuf,
}

impl SyncGate {
    /// Waits for the sync. It goes on when the result is dropped; those after it are not held up.
    pub(crate) async fn reached(self) -> UnixStream {
        let (held, _) = within("a sync", self.listener.accept()).await.unwrap();
        std::fs::remove_file(self.path).unwrap();
        held
    }
}

/// Something that the server has done. Files are given by their inode numbers.
pub(crate) enum Event {
    Written { file: u64, offset: usize, bytes: Vec<u8> },
    Resized { file: u64, length: usize },
    SyncBegun { file: u64 },
    Synced { file: u64 },
    DirectorySynced { directory: u64, entries: Vec<(u64, String)> },
    Unlinked { file: u64 },
    Sent(Vec<u8>),
}

impl Event {
    /// The next event of a record. `None` at its end, and where the rest is not written yet.
    fn read(record: &mut &[u8]) -> Option<Self> {
        let (header, rest) = record.split_at_checked(32)?;
        let number = |index: usize| u64::from_ne_bytes(header[8 * index..8 * index + 8].try_into().unwrap());
        let (file, offset) = (number(1), usize::try_from(number(2)).unwrap());
        let (bytes, rest) = rest.split_at_checked(number(3).try_into().unwrap())?;
        *record = rest;
        Some(match u8::try_from(number(0)).unwrap() {
            b'W' => Self::Written { file, offset, bytes: bytes.to_vec() },
            b'T' => Self::Resized { file, length: offset },
            b'B' => Self::SyncBegun { file },
            b'E' => Self::Synced { file },
            b'D' => Self::DirectorySynced { directory: file, entries: entries(bytes) },
            b'U' => Self::Unlinked { file },
            b'S' => Self::Sent(bytes.to_vec()),
            kind => panic!("no such kind of event: {kind}"),
        })
    }
}

fn entries(bytes: &[u8]) -> Vec<(u64, String)> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while let Some((inode, named)) = rest.split_first_chunk() {
        let length = named.iter().position(|byte| *byte == 0).unwrap();
        entries.push((u64::from_ne_bytes(*inode), String::from_utf8(named[..length].to_vec()).unwrap()));
        rest = &named[length + 1..];
    }
    entries
}

/// The library that records, compiled once.
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
