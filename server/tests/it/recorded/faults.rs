//! Calls of the server that fail.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::io::Errno;

/// The plan that `record.c` reads before each call.
pub(crate) struct Faults {
    plan: File,
    generation: u64,
}

/// Which calls fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) class: Class,
    /// How many calls of the class succeed before.
    pub(crate) skipped: u64,
    /// How many calls fail.
    pub(crate) failing: u64,
    pub(crate) effect: Effect,
}

/// The numbers are those of `record.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Write = 1,
    Sync = 2,
    Resize = 4,
    Open = 8,
    Unlink = 16,
    SyncDirectory = 64,
    MakeDirectory = 128,
    Read = 256,
    /// All that change something.
    Change = 255,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Effect {
    Fail(Errno),
    /// After the last failure, the process is killed at its next call, of any class.
    FailThenKill(Errno),
    /// Half of the bytes are written.
    Short,
    /// The process is killed.
    Kill,
}

/// Without end.
pub(crate) const LASTING: u64 = u64::MAX;

impl Faults {
    pub(super) fn new(path: &Path) -> Self {
        let plan = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).unwrap();
        let mut generation = [0; 8];
        // The plan is empty at first; ignore the error.
        let _ = plan.read_exact_at(&mut generation, 0);
        let mut faults = Self { plan, generation: u64::from_ne_bytes(generation) };
        faults.stop();
        faults
    }

    /// Lets these calls fail from now on.
    pub(crate) fn begin(&mut self, fault: Fault) {
        let (error, effect) = match fault.effect {
            Effect::Fail(error) => (u64::try_from(error.raw_os_error()).unwrap(), 0),
            Effect::Short => (0, 1),
            Effect::Kill => (0, 2),
            Effect::FailThenKill(error) => (u64::try_from(error.raw_os_error()).unwrap(), 3),
        };
        self.write([fault.class as u64, fault.skipped, fault.failing, error, effect]);
    }

    /// Lets no call fail.
    pub(crate) fn stop(&mut self) {
        self.write([0; 5]);
    }

    /// How many calls have failed since the last [`Self::begin`].
    pub(crate) fn failed(&self) -> u64 {
        let mut hit = [0; 8];
        self.plan.read_exact_at(&mut hit, 56).unwrap();
        u64::from_ne_bytes(hit)
    }

    fn write(&mut self, fields: [u64; 5]) {
        self.generation += 1;
        let mut plan = self.generation.to_ne_bytes().to_vec();
        plan.extend(fields.into_iter().chain([0, 0]).flat_map(u64::to_ne_bytes));
        self.plan.write_all_at(&plan, 0).unwrap();
    }
}
