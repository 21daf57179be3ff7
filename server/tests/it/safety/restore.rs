//! A restoration that is cut short leaves the database before or the restored one.

use std::fs;
use std::path::PathBuf;

use rustix::io::Errno;

use super::{Reader, accepted, backup, check, delete, directory, restore, succeed};
use crate::blocking::output;
use crate::power_loss::states::{Coverage, assert_complete, replay};
use crate::process::DataDir;
use crate::recorded::Recording;
use crate::recorded::disk::Disk;
use crate::recorded::faults::{Class, Effect, Fault, LASTING};

/// The database accepts all readers but the first; its backup accepts all.
async fn deleted_since_its_backup() -> (DataDir, PathBuf, Vec<Reader>) {
    let (source, operator, readers) = directory(2).await;
    let file = source.beside("backup");
    succeed(backup(&source, &file));
    delete(&source, &operator, &readers[0]).await;
    (source, file, readers)
}

/// Whether the backup was restored. Anything else than the database before or the backup is an error.
fn is_restored(left: &DataDir, readers: &[Reader]) -> bool {
    let accepted = tokio::runtime::Runtime::new().unwrap().block_on(accepted(left, readers));
    // Opening it has completed what was begun.
    assert!(!left.path().join("tokens.db-restored").exists());
    succeed(check(left));
    match accepted.len() {
        1 => assert_eq!(accepted, [1].into()),
        2 => {}
        _ => panic!("{accepted:?}"),
    }
    accepted.len() == 2
}

#[test]
fn a_kill_at_any_call_of_a_restoration_leaves_one_database() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut before = 0;
    for skipped in 0.. {
        let (source, file, readers) = runtime.block_on(deleted_since_its_backup());
        let recording = Recording::of(&source);
        let mut plan = recording.faults();
        plan.begin(Fault { class: Class::Change, skipped, failing: 1, effect: Effect::Kill });
        let status = output(recording.attach(restore(&source, &file, &["--force", "--revive-deleted"]))).status;
        let is_restored = is_restored(&source, &readers);
        if plan.failed() == 0 {
            assert!(status.success() && is_restored && before > 20, "{status} after {skipped} calls");
            assert!(skipped > before + 5, "the files are moved after the decision");
            break;
        }
        assert!(status.code().is_none());
        if is_restored {
            continue;
        }
        before = skipped;
        // A second attempt is not hindered by what the first one left.
        succeed(restore(&source, &file, &["--force", "--revive-deleted"]));
        assert!(self::is_restored(&source, &readers));
        assert!(!source.path().join("tokens.db-restoring").exists());
    }
}

#[test]
fn a_power_loss_at_any_moment_of_a_restoration_leaves_one_database() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (source, file, readers) = runtime.block_on(deleted_since_its_backup());
    let (disk, recording) = (Disk::of(&source.path()), Recording::of(&source));
    let done = output(recording.attach(restore(&source, &file, &["--force", "--revive-deleted"])));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let events = recording.events();
    let mut at_end = disk.clone();
    events.iter().for_each(|event| at_end.apply(event));
    assert_complete(&at_end, &source);
    let states = replay(
        &disk,
        &events,
        Coverage::sparse(),
        &(),
        |(), _| (),
        |(), left| {
            is_restored(left, &readers);
        },
    );
    assert!(states > 50, "{states}");
}

#[test]
fn a_restoration_on_a_disk_that_fails_leaves_one_database() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (class, error) in [(Class::Write, Errno::NOSPC), (Class::Sync, Errno::IO), (Class::SyncDirectory, Errno::IO)] {
        for skipped in [0, 1, 3, 6] {
            let (source, file, readers) = runtime.block_on(deleted_since_its_backup());
            let recording = Recording::of(&source);
            let mut plan = recording.faults();
            plan.begin(Fault { class, skipped, failing: LASTING, effect: Effect::Fail(error) });
            let done = output(recording.attach(restore(&source, &file, &["--force", "--revive-deleted"])));
            assert_eq!(done.status.success(), plan.failed() == 0, "{}", String::from_utf8_lossy(&done.stderr));
            is_restored(&source, &readers);
            let _ = fs::remove_dir_all(source.path().join("tokens.db-restoring"));
        }
    }
}
