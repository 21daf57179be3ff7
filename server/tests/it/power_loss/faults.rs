//! Power losses after calls have failed.
//!
//! After a failed sync, the system may treat the pages as clean: they can be read, but no later sync writes them, and a
//! power loss drops them. Nothing that is answered later may rest on them.

use rustix::io::Errno;
use rustix::process::Signal;

use super::history::{Answered, History};
use super::run::{Run, take};
use super::states::{Coverage, assert_complete, replay};
use super::{block_on, is_long, report};
use crate::document::DELETED;
use crate::process::{DataDir, command, finish};
use crate::recorded::disk::Disk;
use crate::recorded::faults::{Class, Effect, Fault};
use crate::recorded::survivors::Survivors;
use crate::recorded::{Event, Recording};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_answered_change_rests_on_a_sync_that_failed() {
    let (skips, runs) = if is_long() { (6, 4) } else { (2, 3) };
    let mut faults = Vec::new();
    for class in [Class::Sync, Class::SyncDirectory] {
        for skipped in 0..skips {
            for failing in 1..=if class == Class::Sync { runs } else { 1 } {
                let effects = [Effect::Fail(Errno::IO), Effect::FailThenKill(Errno::IO)];
                faults.extend(effects.map(|effect| Fault { class, skipped, failing, effect }));
            }
        }
    }
    let states = lose_power_after(&faults).await;
    report("failed syncs", states);
}

/// Deletes tokens while each of the faults happens, and checks what a power loss leaves behind at any moment.
async fn lose_power_after(faults: &[Fault]) -> usize {
    let mut history = History::default();
    let mut run = Run::first(faults.len() as u64 * 4 + 4, &mut history);
    let mut plan = run.recording.faults();
    for (number, fault) in faults.iter().enumerate() {
        let tokens = take(3, &mut history);
        history.deleted.extend(tokens.clone());
        let operator = history.operator.last().unwrap().clone();
        let operator = operator.as_str();
        plan.begin(*fault);
        if number / 2 % 2 == 0 {
            run.try_create(&mut history);
        }
        let mut tokens = tokens.into_keys();
        let mut is_killed = false;
        for token in tokens.by_ref().take(2) {
            is_killed = is_killed || run.try_delete(token, operator).await.is_none();
        }
        plan.stop();
        if is_killed || number % 3 == 0 {
            run.restart();
        }
        for token in tokens {
            let mut statuses = vec![];
            while ![Some(DELETED), Some(404)].contains(statuses.last().unwrap_or(&None)) {
                assert!(statuses.len() < 5, "{statuses:?} after {fault:?}");
                statuses.push(run.try_delete(token, operator).await);
            }
        }
    }
    let lost = run.end(Signal::KILL, &history);
    lost.check(&history, Coverage::sparse())
}

/// A command creates a token while a call fails, and another one after that.
#[test]
fn a_call_that_fails_while_the_database_is_opened_loses_nothing() {
    let mut history = History::default();
    let run = Run::first(6, &mut history);
    block_on(run.delete(3, 1, &mut history));
    let killed = run.end(Signal::KILL, &history);
    history.end_run(&killed.all_answered());
    let closed = Run::start(killed.left(Survivors::All), &[]).end(Signal::TERM, &history);
    let left: [(&str, &History, &dyn Fn() -> DataDir); 3] = [
        ("new", &History::default(), &DataDir::in_memory),
        ("killed", &history, &|| killed.left(Survivors::All)),
        ("closed", &history, &|| closed.left(Survivors::All)),
    ];
    let mut states = 0;
    for (name, history, directory) in left {
        for class in [
            Class::Sync,
            Class::SyncDirectory,
            Class::Write,
            Class::Resize,
            Class::Unlink,
            Class::Open,
            Class::MakeDirectory,
        ] {
            for skipped in 0.. {
                let fault = Fault { class, skipped, failing: 1, effect: Effect::Fail(Errno::IO) };
                let (failed, checked) = open_with(fault, &directory(), history);
                states += checked.unwrap_or_else(|error| panic!("{name} {fault:?}: {error}"));
                if failed == 0 {
                    break;
                }
            }
        }
    }
    report("failures while opening", states);
}

/// Returns how many calls failed, and the number of states.
fn open_with(fault: Fault, directory: &DataDir, history: &History) -> (u64, Result<usize, String>) {
    let (disk, recording) = (Disk::of(&directory.path()), Recording::of(directory));
    let create = |name: &str| {
        let create = command(&["create", "--admin", "--format=json", "--name", name, &directory.argument()]);
        finish(recording.attach(create))
    };
    let mut plan = recording.faults();
    plan.begin(fault);
    let (code, out, error) = create("during");
    let failed = plan.failed();
    plan.stop();
    if code != 0 && (failed == 0 || !error.starts_with("error: ")) {
        return (failed, Err(error));
    }
    let mut created = History::default();
    let mut answers = vec![None; 2];
    if code == 0 {
        created.add_created(&out);
        answers[1] = created.created.keys().next().map(|token| token.id);
    }
    let (code, out, error) = create("after");
    if code != 0 {
        return (failed, Err(error));
    }
    created.add_created(&out);
    let last = *created.created.keys().last().unwrap();
    let answered_before = answers.into_iter().flatten().collect::<Vec<_>>();
    let history = History { created: created.created, ..history.clone() };

    // The answer of a command is not in the record, but it precedes the next command.
    let mut events = recording.events();
    events.push(Event::Started);
    let mut at_end = disk.clone();
    events.iter().for_each(|event| at_end.apply(event));
    assert_complete(&at_end, directory);
    let take = |(started, answered): &mut (usize, Answered), event: &Event| {
        if matches!(event, Event::Started) {
            *started += 1;
            match started {
                2 => answered.created.extend(&answered_before),
                3 => _ = answered.created.insert(last.id),
                _ => {}
            }
        }
    };
    let before = Answered { anything: !history.operator.is_empty(), ..Answered::default() };
    let check = |(_, answered): &(usize, Answered), left: &DataDir| block_on(history.check(answered, left));
    let interval = if matches!(fault.class, Class::Sync | Class::SyncDirectory) { 3 } else { 12 };
    let interval = if is_long() { interval / 3 } else { interval };
    let coverage = Coverage { interval, every_after: usize::MAX, ..Coverage::scant() };
    (failed, Ok(replay(&disk, &events, coverage, &(0, before), take, check)))
}
