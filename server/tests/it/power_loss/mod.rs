//! An answered change survives a power loss at any moment. A power loss drops any part of what was not synced.
//!
//! The tests record what the real server does to its files, and its answers. For the moments of the record, they rebuild
//! the files as a power loss would leave them, and compare the tokens in these files with the answers up to that moment.
//! `POWER_LOSS=long` checks many more states; `POWER_LOSS_SEED` selects others.

mod faults;
mod history;
mod migration;
mod run;
pub(crate) mod states;

use std::fs;
use std::os::unix::fs::DirBuilderExt;

use rustix::process::Signal;
use serde_json::Value;

use crate::limits::within;
use crate::process::{DataDir, command, finish};
use crate::recorded::Recording;
use crate::recorded::disk::Disk;
use crate::recorded::survivors::Survivors;
use history::History;
use run::Run;
pub(crate) use run::succeed;
use states::{Coverage, is_long, replay};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answered_change_survives_a_power_loss_at_any_moment() {
    let mut history = History::default();
    let rounds = if is_long() { 10 } else { 3 };
    let mut run = Run::first(8 + 6 * rounds, &mut history);
    let mut states = 0;
    for round in 0..rounds {
        run.create(2, &mut history);
        run.regenerate(&mut history);
        run.delete(2, 1, &mut history).await;
        run.delete(4, 4, &mut history).await;
        // The server that ends by itself moves the log into the database, and removes it.
        let lost = run.end(if round % 2 == 0 { Signal::KILL } else { Signal::TERM }, &history);
        history.check_complete(&lost.all_answered());
        states += lost.check(&history, Coverage::exhaustive());
        let survivors = [Survivors::Nothing, Survivors::All, Survivors::Random(round)][round as usize % 3];
        history.end_run(&lost.all_answered());
        run = Run::start(lost.left(survivors), &[]);
    }
    report("changes", states);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_power_loss_during_a_checkpoint_or_compaction_loses_nothing() {
    let mut history = History::default();
    let run = Run::first(1200, &mut history);
    // One at a time, so that there are enough commits for a checkpoint.
    run.delete(1100, 1, &mut history).await;
    assert!(run.has_checkpointed());
    within("the compaction", run.until_compacted_to(101)).await;
    let lost = run.end(Signal::KILL, &history);
    history.check_complete(&lost.all_answered());
    let coverage = Coverage::of(30, lost.moments(), lost.moments_of_deletions(&history));
    report("checkpoint and compaction", lost.check(&history, coverage));
}

#[test]
fn a_written_token_file_survives_a_power_loss() {
    let directory = DataDir::in_memory();
    fs::DirBuilder::new().mode(0o700).create(directory.path()).unwrap();
    let (disk, recording) = (Disk::of(&directory.path()), Recording::of(&directory));
    // The number of tokens in `others.json`, and the number of events, when a command has ended.
    let mut ends = vec![];
    for (kind, name, file) in [
        ("--admin", "--name=admin", "admin.json"),
        ("--permission=db:a:read", "--name=first", "others.json"),
        ("--permission=db:a:read", "--name=second", "others.json"),
    ] {
        let path = directory.path().join(file);
        let create = command(&["create", kind, name, "--offline", "--output-file", path.to_str().unwrap()]);
        let (code, _, error) = finish(recording.attach(create));
        assert_eq!(code, 0, "{error}");
        let mut disk = disk.clone();
        recording.events().iter().for_each(|event| disk.apply(event));
        let left = states::after_power_loss(&disk, Survivors::Nothing);
        // `assert_eq` would print secrets.
        assert!(fs::read(left.path().join(file)).unwrap() == fs::read(path).unwrap(), "{name}");
        ends.push(recording.events().len());
    }
    // The file has its old contents or the new ones, at any moment.
    let events = recording.events();
    let check = |passed: &usize, left: &DataDir| {
        let Ok(contents) = fs::read(left.path().join("others.json")) else {
            return assert!(*passed <= ends[1], "others.json is lost");
        };
        let contents: Value = serde_json::from_slice(&contents).expect("a whole token file");
        let tokens = contents["tokens"].as_array().unwrap().len();
        assert!(tokens == 2 || tokens == 1 && *passed <= ends[2], "{tokens} tokens");
    };
    report("token files", replay(&disk, &events, Coverage::exhaustive(), &0, |passed, _| *passed += 1, check));
}

/// Waits for a future in a thread of its own runtime.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Prints how many states were checked.
#[expect(clippy::print_stderr, reason = "the figures of a long run are written down")]
fn report(what: &str, states: usize) {
    eprintln!("{what}: {states} states after a power loss");
}
