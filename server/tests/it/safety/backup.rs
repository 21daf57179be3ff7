//! Backups of a running server.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rustix::io::Errno;
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::{accepted, backup, check, delete, directory, fail, restore, succeed};
use crate::blocking::output;
use crate::client::Request;
use crate::document::DELETED;
use crate::limits::within;
use crate::process::{DataDir, command};
use crate::recorded::Recording;
use crate::recorded::faults::{Class, Effect, Fault, LASTING};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_under_load_has_every_deletion_that_was_answered_before_it() {
    const BACKUPS: usize = 3;
    let (source, operator, readers) = directory(1500).await;
    let cluster = source.cluster();
    let server = source.start(&["--log-filter=warn"]);
    let (answered, requested) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
    let done = Arc::new(AtomicBool::new(false));
    let deleting = {
        let mut client = server.http1(cluster).await;
        let (answered, requested, done) = (Arc::clone(&answered), Arc::clone(&requested), Arc::clone(&done));
        let (operator, readers) = (operator.clone(), readers.clone());
        tokio::spawn(async move {
            for (number, reader) in readers.iter().enumerate() {
                if done.load(Ordering::SeqCst) {
                    break;
                }
                *requested.lock().unwrap() = number + 1;
                let status = client.send(&Request::delete(reader.token).bearer(&operator)).await.status;
                assert_eq!(status, DELETED);
                *answered.lock().unwrap() = number + 1;
            }
        })
    };
    let mut kept = Vec::new();
    for number in 0..BACKUPS {
        let file = source.beside(&format!("backup-{number}"));
        let before = *answered.lock().unwrap();
        let command = backup(&source, &file);
        let printed = tokio::task::spawn_blocking(|| succeed(command)).await.unwrap();
        let after = *requested.lock().unwrap();
        assert!(printed.starts_with("backed up "), "{printed}");
        kept.push((file, before, after));
    }
    done.store(true, Ordering::SeqCst);
    deleting.await.unwrap();
    assert!(kept.windows(2).any(|pair| pair[0].1 < pair[1].1), "no deletion was answered between the backups");
    for (file, before, after) in kept {
        let target = DataDir::in_memory();
        succeed(restore(&target, &file, &[]));
        let accepted = accepted(&target, &readers).await;
        let deleted = readers.len() - accepted.len();
        assert!((before..=after).contains(&deleted), "{before} <= {deleted} <= {after}");
        assert_eq!(accepted, (deleted..readers.len()).collect(), "deletions were made in their order");
    }
    server.end(Signal::KILL);
    succeed(check(&source));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_during_a_backup_makes_it_fail_and_loses_nothing() {
    let (source, operator, readers) = directory(4).await;
    let cluster = source.cluster();
    let server = source.start(&[]);
    let mut stream = hold(&source).await;
    let mut client = server.http1(cluster).await;
    let request = Request::delete(readers[0].token).bearer(&operator);
    assert_eq!(client.send(&request).await.status, DELETED);
    // Of two backups at a time, the second is refused.
    let command = backup(&source, &source.beside("backup"));
    let printed = tokio::task::spawn_blocking(|| fail(command)).await.unwrap();
    assert!(printed.contains("another backup is under way"), "{printed}");
    server.end(Signal::KILL);
    let mut line = String::new();
    assert_eq!(within("the end", stream.read_line(&mut line)).await.unwrap_or(0), 0);
    assert_eq!(left_beside(&source), ["data"]);
    assert_eq!(accepted(&source, &readers).await, [1, 2, 3].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn backups_to_one_file_at_the_same_time_do_not_meet() {
    let (first, ..) = directory(3).await;
    let (second, ..) = directory(5).await;
    let _servers = [first.start(&[]), second.start(&[])];
    let file = first.beside("backup");
    let mut complete = 0;
    for _ in 0..4 {
        let commands = [&first, &second, &first, &second].map(|source| backup(source, &file));
        let outputs = commands.map(|command| tokio::task::spawn_blocking(|| output(command)));
        for output in outputs {
            let output = output.await.unwrap();
            let printed = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.success() || printed.contains("another backup is under way"), "{printed}");
            complete += usize::from(output.status.success());
        }
        succeed(command(&["check", file.to_str().unwrap()]));
        assert_eq!(left_beside(&first), ["backup", "data"]);
    }
    assert!(complete >= 4, "one of them is made each time");
}

/// The names of what is beside the data directory.
fn left_beside(source: &DataDir) -> Vec<String> {
    let entries = fs::read_dir(source.beside("")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_goes_away_releases_the_file() {
    let (source, ..) = directory(1).await;
    let _server = source.start(&[]);
    for _ in 0..3 {
        drop(hold(&source).await);
        let mut stream = within("the file to be released", hold(&source)).await;
        assert!(ask(&mut stream, "release_file").await.contains("file_released"));
    }
    let mut stream = hold(&source).await;
    assert!(ask(&mut stream, "show").await.contains("release it first"));
    assert!(ask(&mut stream, "release_file").await.contains("no file is held"));
}

/// Asks the server to hold its file until the connection ends, as soon as no other connection does.
async fn hold(directory: &DataDir) -> BufReader<UnixStream> {
    let socket = directory.path().join("control.sock");
    loop {
        let mut stream = BufReader::new(within("a connection", UnixStream::connect(&socket)).await.unwrap());
        let reply = ask(&mut stream, "hold_file").await;
        if reply.contains("file_held") {
            return stream;
        }
        assert!(reply.contains("another backup is under way"), "{reply}");
    }
}

async fn ask(stream: &mut BufReader<UnixStream>, request: &str) -> String {
    let mut line = String::new();
    within("a reply", async {
        stream.write_all(format!("\"{request}\"\n").as_bytes()).await.unwrap();
        stream.read_line(&mut line).await.unwrap();
    })
    .await;
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_killed_at_any_call_leaves_the_file_before_or_a_whole_one() {
    let (source, operator, readers) = directory(3).await;
    let file = source.beside("backup");
    succeed(backup(&source, &file));
    let previous = fs::read(&file).unwrap();
    delete(&source, &operator, &readers[0]).await;
    let server = source.start(&[]);
    for skipped in 0.. {
        fs::write(&file, &previous).unwrap();
        let recording = Recording::of(&source);
        let mut plan = recording.faults();
        plan.begin(Fault { class: Class::Change, skipped, failing: 1, effect: Effect::Kill });
        let status = output(recording.attach(backup(&source, &file))).status;
        let printed = succeed(command(&["check", file.to_str().unwrap()]));
        let is_new = printed.contains("3 tokens live");
        assert!(is_new || fs::read(&file).unwrap() == previous, "{printed}");
        if plan.failed() == 0 {
            assert!(status.success() && is_new && skipped > 4, "{status} after {skipped} calls");
            break;
        }
        assert!(status.code().is_none());
    }
    server.end(Signal::KILL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_to_a_disk_that_fails_leaves_nothing_and_the_server_goes_on() {
    let (source, operator, readers) = directory(40).await;
    let cluster = source.cluster();
    let server = source.start(&[]);
    let mut client = server.http1(cluster).await;
    let file = source.beside("backup");
    let mut failures = 0;
    for (class, error) in [(Class::Write, Errno::NOSPC), (Class::Sync, Errno::IO), (Class::Change, Errno::ROFS)] {
        for skipped in 0..3 {
            let recording = Recording::of(&source);
            let mut plan = recording.faults();
            plan.begin(Fault { class, skipped, failing: LASTING, effect: Effect::Fail(error) });
            let output = output(recording.attach(backup(&source, &file)));
            assert_eq!(output.status.success(), plan.failed() == 0);
            failures += plan.failed();
            assert!(output.status.success() || !file.exists());
            let _ = fs::remove_file(&file);
            let request = Request::delete(readers[failures as usize % 40].token).bearer(&operator);
            assert!([DELETED, 404].contains(&client.send(&request).await.status.as_u16()));
        }
    }
    assert!(failures > 5);
    succeed(backup(&source, &file));
    server.end(Signal::KILL);
    succeed(check(&source));
}
