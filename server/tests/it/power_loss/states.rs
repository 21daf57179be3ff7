//! The states that a power loss can leave behind at each moment of a record.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread;

use crate::process::DataDir;
use crate::recorded::Event;
use crate::recorded::disk::{Disk, Left};
use crate::recorded::survivors::{Survivors, hash};

/// How many states are checked.
#[derive(Clone, Copy)]
pub(crate) struct Coverage {
    /// Of so many moments, one is checked.
    pub(crate) interval: usize,
    /// After this many moments, each is checked.
    pub(crate) every_after: usize,
    /// The states with a random selection of what was not synced.
    pub(crate) random: u64,
    /// Of so many changes that were not synced: one is missing, one alone survives, only those before it do, and the same
    /// with parts of the change.
    pub(crate) systematic: usize,
    pub(crate) seed: u64,
}

impl Coverage {
    /// Every moment, with a few states each; with `POWER_LOSS=long`, many.
    pub(crate) fn exhaustive() -> Self {
        let seed = std::env::var("POWER_LOSS_SEED").map_or(1, |seed| seed.parse().unwrap());
        let (random, systematic) = if is_long() { (100, 64) } else { (16, 4) };
        Self { interval: 1, every_after: 0, random, systematic, seed }
    }

    /// About this many moments of `total`, and each after `every_after`.
    pub(crate) fn of(moments: usize, total: usize, every_after: usize) -> Self {
        let interval = total.div_ceil(moments);
        Self { interval, every_after, ..Self::exhaustive() }
    }

    /// Every moment, with fewer states each, for a record of many moments.
    pub(crate) fn sparse() -> Self {
        let (random, systematic) = if is_long() { (10, 4) } else { (4, 1) };
        Self { random, systematic, ..Self::exhaustive() }
    }

    /// Every moment, with very few states each, for many records.
    pub(crate) fn scant() -> Self {
        let (random, systematic) = if is_long() { (4, 1) } else { (1, 0) };
        Self { random, systematic, ..Self::exhaustive() }
    }

    fn survivors(&self, moment: usize, pending: &[u64]) -> Vec<Survivors> {
        let seed = |number| hash(self.seed, (moment as u64) << 20 | number);
        let mut survivors = vec![Survivors::Nothing, Survivors::All];
        if pending.is_empty() {
            return vec![Survivors::Nothing];
        }
        let step = pending.len().div_ceil(self.systematic.max(1));
        let start = usize::try_from(seed(0) % step as u64).unwrap();
        for event in pending.iter().skip(start).step_by(step).take(self.systematic) {
            survivors.extend([Survivors::Before(*event), Survivors::Except(*event), Survivors::Only(*event)]);
            survivors.extend((0..4).map(|number| Survivors::Sparse(*event, seed(number))));
            survivors.push(Survivors::Gaps(*event, seed(0)));
        }
        survivors.extend((1..=self.random).map(|number| Survivors::Random(seed(number))));
        survivors
    }
}

pub(crate) fn is_long() -> bool {
    std::env::var("POWER_LOSS").is_ok_and(|value| value == "long")
}

/// Replays a record, and checks the files that a power loss leaves behind at its moments. `take` is called for each event
/// just before it happens. Returns the number of states that differ from the others of their moment.
pub(crate) fn replay<A: Clone + Send + Sync>(
    disk: &Disk,
    events: &[Event],
    coverage: Coverage,
    answered: &A,
    take: impl Fn(&mut A, &Event) + Sync,
    check: impl Fn(&A, &DataDir) + Sync,
) -> usize {
    const WORKERS: usize = 2;
    let work = |worker: usize| {
        let (mut disk, mut answered, mut moment, mut states) = (disk.clone(), answered.clone(), 0, 0);
        let mut check_all = |disk: &Disk, answered: &A, moment: usize, passed: &[Event]| {
            // Most selections of a few changes leave the same files.
            let mut seen = HashSet::new();
            for survivors in coverage.survivors(moment, &disk.pending()) {
                let left = disk.left(&survivors);
                if !seen.insert(BuildHasherDefault::<DefaultHasher>::default().hash_one(&left)) {
                    continue;
                }
                let left = written(&left);
                let checked = catch_unwind(AssertUnwindSafe(|| check(answered, &left)));
                if checked.is_err() {
                    fail(disk, survivors, format_args!("at moment {moment}, with the seed {}", coverage.seed), passed);
                }
                states += 1;
            }
        };
        for (number, event) in events.iter().enumerate() {
            take(&mut answered, event);
            if event.is_moment() {
                let is_chosen = moment >= coverage.every_after || moment % coverage.interval == 0;
                if is_chosen && (moment / coverage.interval) % WORKERS == worker {
                    check_all(&disk, &answered, moment, &events[..number]);
                }
                moment += 1;
            }
            disk.apply(event);
        }
        if worker == 0 {
            check_all(&disk, &answered, moment, events);
        }
        states
    };
    thread::scope(|scope| {
        let workers = (0..WORKERS).map(|worker| scope.spawn(move || work(worker))).collect::<Vec<_>>();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    })
}

pub(crate) fn after_power_loss(disk: &Disk, survivors: Survivors) -> DataDir {
    written(&disk.left(&survivors))
}

fn written(left: &Left) -> DataDir {
    let directory = DataDir::in_memory();
    left.write(&directory.path());
    directory
}

/// Keeps the files, as they were before the check, and says where.
fn fail(disk: &Disk, survivors: Survivors, moment: impl Display, passed: &[Event]) -> ! {
    let kept = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
    disk.left(&survivors).write(&kept.join("data"));
    let events = passed.iter().zip(1..).map(|(event, number)| format!("\n{number}: {event:?}")).collect::<String>();
    std::fs::write(kept.join("events"), events).unwrap();
    panic!("the check fails {moment}: {survivors:?}; {} has the files, and the events before", kept.display());
}

/// Checks that the record contains every change: that the model has the files that the server has.
pub(crate) fn assert_complete(disk: &Disk, directory: &DataDir) {
    let model = after_power_loss(disk, Survivors::All);
    assert_same(&model.path(), &directory.path());
}

fn assert_same(model: &Path, real: &Path) {
    let names = |directory: &Path| {
        let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
        let mut names: Vec<_> = entries
            .filter(|entry| entry.file_type().unwrap().is_file() || entry.file_type().unwrap().is_dir())
            .map(|entry| entry.file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(model), names(real), "the record lacks a change of a name");
    for name in names(model) {
        let (model, real) = (model.join(&name), real.join(&name));
        if model.is_dir() {
            assert_same(&model, &real);
        } else {
            assert!(std::fs::read(model).unwrap() == std::fs::read(real).unwrap(), "{name:?}");
        }
    }
}
