//! What the process takes of the machine.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{Dir, Mode, OFlags, open};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Files of `/proc` that are opened before the sandbox hides them. On another system, there are none.
#[derive(Debug, Default)]
pub(crate) struct Process {
    memory: Option<File>,
    descriptors: Option<Mutex<Dir>>,
}

impl Process {
    /// Call it before the sandbox is entered.
    pub(crate) fn open() -> Self {
        let directory = open("/proc/self/fd", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        Self {
            memory: File::open("/proc/self/statm").ok(),
            descriptors: directory.and_then(Dir::new).ok().map(Mutex::new),
        }
    }

    /// The bytes of memory that the process has in RAM.
    pub(super) fn resident_bytes(&self) -> Option<u64> {
        let mut text = [0; 256];
        let length = self.memory.as_ref()?.read_at(&mut text, 0).ok()?;
        let pages: u64 = str::from_utf8(&text[..length]).ok()?.split(' ').nth(1)?.parse().ok()?;
        Some(pages * rustix::param::page_size() as u64)
    }

    /// How many file descriptors are open.
    pub(super) fn open_descriptors(&self) -> Option<u64> {
        let mut directory = self.descriptors.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        directory.rewind();
        let entries = directory.by_ref().collect::<Result<Vec<_>, _>>().ok()?;
        // Without `.` and `..`.
        Some(entries.len().saturating_sub(2) as u64)
    }

    /// How many file descriptors may be open; `None` for any number.
    pub(super) fn max_descriptors(&self) -> Option<u64> {
        getrlimit(Resource::Nofile).current
    }

    /// The seconds for which all threads have run.
    pub(super) fn cpu_seconds(&self) -> f64 {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    }
}
