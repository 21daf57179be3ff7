//! The write-ahead log is synced between its truncation and the zeros that are written over it.

use rustix::process::Signal;

use crate::process::{DataDir, Running};
use crate::recorded::{Event, Recording};

/// Otherwise a power cut could leave frames of the old log between the zeros, on a file system that does not order a
/// truncation and a later write. SQLite would read a damaged log.
#[tokio::test]
async fn the_truncation_of_the_log_is_synced_before_it_is_filled_with_zeros() {
    let directory = DataDir::new();
    let server = directory.start(&[]);
    let create = crate::process::command(&["create", "--admin", &directory.argument()]);
    assert_eq!(crate::process::finish(create).0, 0);
    // The log keeps its frames.
    server.end(Signal::KILL);

    let recording = Recording::of(&directory);
    let server = Running::start(recording.attach(directory.serve(&[])));
    server.end(Signal::KILL);
    let events = recording.events();
    let truncated = events.iter().position(|event| matches!(event, Event::Resized { length: 0, .. })).unwrap();
    let Event::Resized { file: log, .. } = events[truncated] else { unreachable!() };
    let after = events[truncated..].iter();
    let first = after.clone().find(|event| match event {
        Event::Synced { inode: file } | Event::Written { file, .. } => *file == log,
        _ => false,
    });
    assert!(matches!(first, Some(Event::Synced { .. })), "the log is written before its truncation is synced");
    let is_zeros = |event: &Event| matches!(event, Event::Written { file, bytes, .. } if *file == log && bytes.iter().all(|byte| *byte == 0));
    assert!(after.clone().any(is_zeros), "the log is filled with zeros");
}
