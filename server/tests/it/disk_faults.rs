//! A server whose disk fails goes on, never answers that a change is made unless it is, and recovers with the disk.

use rustix::io::Errno;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use uuid::Uuid;

use crate::client::{Http1, Request};
use crate::creation;
use crate::document::{DELETED, Token};
use crate::limits::within;
use crate::process::{DataDir, Running};
use crate::recorded::Recording;
use crate::recorded::faults::{Class, Effect, Fault, Faults, LASTING};

const CLASSES: [Class; 7] =
    [Class::Write, Class::Sync, Class::Resize, Class::Open, Class::Unlink, Class::SyncDirectory, Class::Change];

#[tokio::test]
async fn a_call_that_fails_once_or_twice_loses_no_answered_change() {
    let mut subject = Subject::new().await;
    for class in CLASSES {
        for failing in [1, 2] {
            for skipped in 0.. {
                let effect = Effect::Fail(Errno::IO);
                if subject.change_during(Fault { class, skipped, failing, effect }).await < failing {
                    break;
                }
            }
        }
    }
    subject.check_after_restart().await;
}

#[tokio::test]
async fn a_full_disk_and_calls_that_end_early_lose_no_answered_change() {
    let mut subject = Subject::new().await;
    for (error, failing) in [(Errno::NOSPC, 1), (Errno::NOSPC, 3), (Errno::DQUOT, 2), (Errno::INTR, 2)] {
        for skipped in 0..12 {
            let effect = Effect::Fail(error);
            subject.change_during(Fault { class: Class::Write, skipped, failing, effect }).await;
        }
    }
    for skipped in 0..6 {
        subject.change_during(Fault { class: Class::Write, skipped, failing: 3, effect: Effect::Short }).await;
    }
    subject.check_after_restart().await;
}

#[tokio::test]
async fn a_disk_that_fails_for_good_refuses_changes_until_it_works_again() {
    let mut subject = Subject::new().await;
    for (class, error) in [
        (Class::Write, Errno::IO),
        (Class::Write, Errno::NOSPC),
        (Class::Sync, Errno::IO),
        (Class::Read, Errno::IO),
        (Class::Change, Errno::IO),
        (Class::Change, Errno::ROFS),
    ] {
        for skipped in 0..4 {
            subject.change_during(Fault { class, skipped, failing: LASTING, effect: Effect::Fail(error) }).await;
        }
    }
    let printed = subject.check_after_restart().await;
    assert!(printed.contains("a commit failed; opening the file again"), "{printed}");
}

/// A token without permission to delete, so that the response to its own request shows whether it is accepted.
#[derive(Clone)]
struct Reader {
    token: Token,
    secret: String,
}

struct Subject {
    directory: DataDir,
    faults: Faults,
    server: Running,
    client: Http1,
    cluster: Uuid,
    operator: String,
    live: Vec<Reader>,
    deleted: Vec<Reader>,
    /// Those that the server created, by ID.
    created: Vec<u64>,
}

impl Subject {
    async fn new() -> Self {
        let directory = DataDir::in_memory();
        let operator = directory.operator().await;
        let cluster = directory.cluster();
        let mut live = Vec::new();
        let catalog = directory.catalog().await;
        for number in 0..600 {
            let (token, secret) = creation::create(&catalog, &format!("token-{number}"), "db:a:read", None).await;
            live.push(Reader { token, secret });
        }
        drop(catalog);
        let recording = Recording::of(&directory);
        let faults = recording.faults();
        let server = Running::start(recording.attach(directory.serve(&[])));
        let client = server.http1(cluster).await;
        let (deleted, created) = (vec![], vec![]);
        Self { directory, faults, server, client, cluster, operator, live, deleted, created }
    }

    /// Requests changes during a fault, and again after it. Returns how many calls failed.
    async fn change_during(&mut self, fault: Fault) -> u64 {
        let first = self.live.pop().expect("there are enough tokens");
        let second = self.live.pop().expect("there are enough tokens");
        self.faults.begin(fault);
        let mut statuses = vec![self.delete(&first).await];
        self.create().await;
        statuses.push(self.delete(&second).await);
        // What the server keeps in memory, it still serves.
        let untouched = self.live.last().unwrap().clone();
        assert!(self.is_accepted(&untouched).await, "{fault:?}");
        let failed = self.faults.failed();
        self.faults.stop();
        for (reader, status) in [(&first, statuses[0]), (&second, statuses[1])] {
            assert!([DELETED, 503].contains(&status), "{status}: {fault:?}");
            assert!(status != DELETED || !self.is_accepted(reader).await, "{fault:?}");
            let again = self.delete(reader).await;
            assert!([DELETED, 404].contains(&again) && (status != DELETED || again == 404), "{again}: {fault:?}");
            assert!(!self.is_accepted(reader).await, "{fault:?}");
        }
        assert!(self.create().await, "{fault:?}");
        self.deleted.extend([first, second]);
        failed
    }

    async fn delete(&mut self, reader: &Reader) -> u16 {
        self.client.send(&Request::delete(reader.token).bearer(&self.operator)).await.status.as_u16()
    }

    async fn is_accepted(&mut self, reader: &Reader) -> bool {
        let answer = self.client.send(&Request::delete(reader.token).bearer(&reader.secret)).await;
        assert_eq!(answer.status, 401);
        answer.is_insufficient_scope()
    }

    /// Whether the server has created a token.
    async fn create(&mut self) -> bool {
        let request = json!({"create": {"name": Uuid::new_v4(), "permissions": "db:a:read", "expires_in": null}});
        let reply = within("a reply", async {
            let mut stream = BufReader::new(UnixStream::connect(self.directory.path().join("control.sock")).await?);
            stream.write_all(format!("{request}\n").as_bytes()).await?;
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            std::io::Result::Ok(line)
        });
        let reply: Value = serde_json::from_str(&reply.await.unwrap()).unwrap();
        let id = reply["created"]["id"].as_u64();
        self.created.extend(id);
        id.is_some()
    }

    /// Kills the server, checks what it has answered, and returns what it printed.
    async fn check_after_restart(self) -> String {
        let Self { directory, server, live, deleted, created, .. } = self;
        let (_, printed) = server.end(Signal::KILL);
        let catalog = directory.catalog().await;
        assert!(live.iter().all(|reader| catalog.authenticate(&reader.secret).is_some()));
        assert!(deleted.iter().all(|reader| catalog.authenticate(&reader.secret).is_none()));
        assert!(created.iter().all(|id| catalog.live().contains(influxdb3_tokens::TokenId::from_u64(*id))));
        let mut distinct = created.clone();
        distinct.dedup();
        assert!(distinct == created && created.is_sorted(), "an ID is used again");
        assert_eq!(directory_cluster(&directory, catalog), self.cluster);
        printed
    }
}

fn directory_cluster(directory: &DataDir, catalog: influxdb3_tokens::Catalog) -> Uuid {
    drop(catalog);
    directory.cluster()
}
