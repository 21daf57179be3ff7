//! When `create --offline` makes a token file durable.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use rustix::process::Pid;

use crate::blocking::{block, kill};
use crate::process::{DataDir, command};
use crate::recorded::{Event, Recording};

fn offline(kind: &str, file: &str, name: &str) -> Command {
    command(&["create", kind, "--offline", "--output-file", file, "--name", name])
}

#[tokio::test]
async fn a_token_file_has_its_name_after_its_sync_and_is_acknowledged_after_that_of_its_folder() {
    for (kind, existing) in [("--admin", false), ("--permission=db:a:read", false), ("--permission=db:a:read", true)] {
        for killed in [true, false] {
            let directory = DataDir::new();
            let file = directory.beside("tokens.json");
            let path = file.to_str().unwrap();
            if existing {
                assert!(offline(kind, path, "first").stdout(Stdio::null()).status().unwrap().success());
            }
            let before = fs::read_to_string(&file).ok();
            let recording = Recording::of(&directory);
            let gate = recording.hold_next_sync();
            let mut command = recording.attach(offline(kind, path, "second"));
            let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let id = Pid::from_child(&child);

            let held = gate.reached().await;
            assert_eq!(fs::read_to_string(&file).ok(), before);
            if killed {
                kill(id);
            }
            drop(held);
            let ended = block("the command", move || child.wait_with_output().unwrap(), || kill(id));
            if killed {
                assert!(ended.stdout.is_empty());
                assert_eq!(fs::read_to_string(&file).ok(), before);
                continue;
            }
            assert!(ended.status.success(), "{ended:?}");
            let inode = fs::metadata(&file).unwrap().ino();
            let events = recording.events();
            let written =
                events.iter().rposition(|event| matches!(event, Event::Written { file, .. } if *file == inode));
            let is_synced = |event: &Event, of: u64| matches!(event, Event::Synced { inode } if *inode == of);
            let synced = events.iter().rposition(|event| is_synced(event, inode));
            let folder = fs::metadata(file.parent().unwrap()).unwrap().ino();
            let named = events.iter().rposition(|event| is_synced(event, folder));
            assert!(written.is_some() && written < synced && synced < named, "{written:?} {synced:?} {named:?}");
        }
    }
}
