//! A kill while a file of the format before the present one is brought up to date. `power_loss` has earlier formats.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::succeed;
use crate::blocking::output;
use crate::cli::set_mode;
use crate::process::{DataDir, command};
use crate::recorded::Recording;
use crate::recorded::faults::{Class, Effect, Fault};

const BEFORE: u32 = 3;

#[test]
fn a_kill_at_any_call_of_a_migration_leaves_the_format_before_or_the_present_one() {
    let mut left = [0, 0];
    for skipped in 0.. {
        let directory = of_format_before();
        let recording = Recording::of(&directory);
        let mut plan = recording.faults();
        plan.begin(Fault { class: Class::Change, skipped, failing: 1, effect: Effect::Kill });
        let status = output(recording.attach(show(&directory))).status;
        // A check changes nothing, so it tells what was left.
        let checked = succeed(command(&["check", &directory.argument()]));
        assert!(checked.contains("6 tokens live"), "{checked}");
        left[usize::from(!checked.contains(&format!("format {BEFORE},")))] += 1;
        let tokens = succeed(show(&directory));
        assert!(tokens.lines().count() == 7 && tokens.contains(",created-by-6,"), "{tokens}");
        if plan.failed() == 0 {
            assert!(status.success(), "{status}");
            break;
        }
        assert!(status.code().is_none());
    }
    assert!(left.iter().all(|count| *count > 2), "{left:?}");
}

fn of_format_before() -> DataDir {
    let directory = DataDir::in_memory();
    DirBuilder::new().mode(0o700).create(directory.path()).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/it/formats/{BEFORE}"));
    for name in ["tokens.db", "tokens.db-mark"] {
        fs::copy(folder.join(name), directory.path().join(name)).unwrap();
        set_mode(&directory.path().join(name), 0o600);
    }
    directory
}

fn show(directory: &DataDir) -> std::process::Command {
    command(&["show", "--format=csv", &directory.argument()])
}
