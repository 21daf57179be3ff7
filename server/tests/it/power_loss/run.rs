//! A recorded run of the server.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::time::Duration;

use futures::future::join_all;
use influxdb3_token_api::models::AdminTokenObject;
use influxdb3_tokens::TokenId;
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};
use uuid::Uuid;

use super::block_on;
use super::history::{Answered, History};
use super::states::{Coverage, after_power_loss, assert_complete, replay};
use crate::client::Request;
use crate::document::{DELETED, Token};
use crate::limits::LIMIT;
use crate::process::{DataDir, Running, command, finish};
use crate::recorded::disk::Disk;
use crate::recorded::survivors::Survivors;
use crate::recorded::{Event, Recording};

/// A run of the server, from its start to a power loss.
pub(super) struct Run {
    /// The disk before the run.
    disk: Disk,
    pub(super) recording: Recording,
    /// `None` while it starts again.
    server: Option<Running>,
    cluster: Uuid,
    pub(super) directory: DataDir,
}

/// What a run leaves behind.
pub(super) struct Lost {
    /// The disk before the run.
    pub(super) disk: Disk,
    pub(super) events: Vec<Event>,
    /// The answers before the run.
    pub(super) answered: Answered,
    pub(super) directory: DataDir,
}

impl Run {
    /// Starts a server with this many new tokens.
    pub(super) fn first(tokens: u64, history: &mut History) -> Self {
        let secret = |number: u64| format!("apiv3_{number:0>85}A");
        let token = |number| json!({"token": secret(number), "name": number.to_string(), "permissions": ["db:a:read"]});
        let others = (1..=tokens).map(token).collect::<Vec<_>>();
        let directory = DataDir::in_memory();
        let run = Self::start(
            directory,
            &[
                ("--admin-token-file", json!({"token": secret(0), "name": "_admin"})),
                ("--permission-tokens-file", json!({"tokens": others})),
            ],
        );
        history.operator.push(secret(0));
        let shown = succeed(&["show", "--format=json", &run.directory.argument()]);
        for token in serde_json::from_str::<Vec<Value>>(&shown).unwrap() {
            if let Ok(number) = token["name"].as_str().unwrap().parse() {
                let id = TokenId::from_u64(token["id"].as_u64().unwrap());
                history.kept.insert(Token::new(id, token["name"].as_str().unwrap()), secret(number));
            }
        }
        run
    }

    pub(super) fn start(directory: DataDir, token_files: &[(&str, Value)]) -> Self {
        let mut arguments = Vec::new();
        for (option, contents) in token_files {
            let file = directory.beside(&option[2..]);
            let mut written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file).unwrap();
            written.write_all(contents.to_string().as_bytes()).unwrap();
            arguments.push(format!("{option}={}", file.display()));
        }
        let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
        let (disk, recording) = (Disk::of(&directory.path()), Recording::of(&directory));
        drop(recording.faults());
        let server = Running::start(recording.attach(directory.serve(&arguments)));
        let cluster = cluster_of(server.address);
        Self { disk, recording, server: Some(server), cluster, directory }
    }

    /// Kills the server, unless it is killed already, and starts it again. The record goes on.
    pub(super) fn restart(&mut self) {
        drop(self.server.take());
        self.server = Some(Running::start(self.recording.attach(self.directory.serve(&[]))));
    }

    /// Creates tokens while the server runs.
    pub(super) fn create(&self, count: usize, history: &mut History) {
        for _ in 0..count {
            let argument = format!("--name={}", Uuid::new_v4());
            let arguments = ["create", "--admin", "--format=json", &argument, &self.directory.argument()];
            history.add_created(&succeed(&arguments));
        }
    }

    /// Requests a creation, which may fail.
    pub(super) fn try_create(&self, history: &mut History) {
        let arguments = ["create", "--admin", "--format=json", "--name", &Uuid::new_v4().to_string()];
        let (code, created, _) = finish(command(&[&arguments[..], &[&self.directory.argument()]].concat()));
        if code == 0 {
            history.add_created(&created);
        }
    }

    /// Regenerates the operator token while the server runs.
    pub(super) fn regenerate(&self, history: &mut History) {
        let arguments = ["create", "--admin", "--regenerate", "--format=json", &self.directory.argument()];
        let regenerated: AdminTokenObject = serde_json::from_str(&succeed(&arguments)).unwrap();
        history.operator.push(regenerated.token.unwrap().0.clone());
    }

    /// Deletes tokens that existed when the server started.
    pub(super) async fn delete(&self, count: usize, clients: usize, history: &mut History) {
        let deleted = take(count, history);
        let tokens = deleted.keys().copied().collect::<Vec<_>>();
        let chunks = tokens.chunks(count.div_ceil(clients));
        join_all(chunks.map(|tokens| self.delete_in_turn(tokens, history.operator.last().unwrap()))).await;
        history.deleted.extend(deleted);
    }

    async fn delete_in_turn(&self, tokens: &[Token], operator: &str) {
        let mut client = self.server.as_ref().unwrap().http1(self.cluster).await;
        for token in tokens {
            let request = Request::delete(token).bearer(operator).with("x-span-id", token.id.to_string());
            assert_eq!(client.send(&request).await.status, DELETED);
        }
    }

    /// Requests a deletion, which may fail. Returns the status, or `None` if the server is killed.
    pub(super) async fn try_delete(&self, token: Token, operator: &str) -> Option<u16> {
        TcpStream::connect(self.server.as_ref().unwrap().address).ok()?;
        let mut client = self.server.as_ref().unwrap().http1(self.cluster).await;
        let request = Request::delete(token).bearer(operator).with("x-span-id", token.id.to_string());
        Some(client.try_send(&request).await?.status.as_u16())
    }

    /// Whether a checkpoint has moved changes into the database since the first answer.
    pub(super) fn has_checkpointed(&self) -> bool {
        let database = fs::metadata(self.directory.path().join("tokens.db")).unwrap().ino();
        let events = self.recording.events();
        let mut since = events.iter().skip_while(|event| !matches!(event, Event::Sent(_)));
        since.any(|event| matches!(event, Event::Written { file, .. } if *file == database))
    }

    /// Waits until the table of tokens has this many rows.
    pub(super) async fn until_compacted_to(&self, rows: i64) {
        while self.rows() != Some(rows) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The number of rows in a copy of the files. `None` if the copy has a part of a change.
    fn rows(&self) -> Option<i64> {
        let copy = tempfile::tempdir().unwrap();
        for name in ["tokens.db-wal", "tokens.db"] {
            fs::copy(self.directory.path().join(name), copy.path().join(name)).ok()?;
        }
        let database = Connection::open(copy.path().join("tokens.db")).ok()?;
        database.query_row("SELECT count(*) FROM tokens", [], |row| row.get(0)).ok()
    }

    /// Ends the server with this signal.
    pub(super) fn end(mut self, signal: Signal, history: &History) -> Lost {
        let answered = Answered { anything: !history.gone.is_empty(), ..Answered::default() };
        self.server.take().unwrap().end(signal);
        let lost = Lost { disk: self.disk, events: self.recording.events(), answered, directory: self.directory };
        assert_complete(&lost.disk_at_end(), &lost.directory);
        lost
    }
}

impl Lost {
    fn disk_at_end(&self) -> Disk {
        let mut disk = self.disk.clone();
        self.events.iter().for_each(|event| disk.apply(event));
        disk
    }

    /// The answers of the whole run.
    pub(super) fn all_answered(&self) -> Answered {
        let mut answered = self.answered.clone();
        self.events.iter().for_each(|event| answered.take(event));
        answered
    }

    pub(super) fn moments(&self) -> usize {
        self.events.iter().filter(|event| event.is_moment()).count()
    }

    /// The number of moments before all tokens of the history were deleted.
    pub(super) fn moments_of_deletions(&self, history: &History) -> usize {
        let mut answered = Answered::default();
        let is_before = |event: &&Event| {
            answered.take(event);
            answered.deleted.len() < history.deleted.len()
        };
        self.events.iter().take_while(is_before).filter(|event| event.is_moment()).count()
    }

    /// Compares the files that a power loss leaves behind with the answers up to it. Returns the number of states.
    pub(super) fn check(&self, history: &History, coverage: Coverage) -> usize {
        replay(&self.disk, &self.events, coverage, &self.answered, Answered::take, |answered, left| {
            block_on(history.check(answered, left))
        })
    }

    /// What a power loss at the end leaves behind.
    pub(super) fn left(&self, survivors: Survivors) -> DataDir {
        after_power_loss(&self.disk_at_end(), survivors)
    }
}

/// Takes tokens out of those that the history keeps.
pub(super) fn take(count: usize, history: &mut History) -> BTreeMap<Token, String> {
    let first_to_stay = *history.kept.keys().nth(count).unwrap();
    let rest = history.kept.split_off(&first_to_stay);
    std::mem::replace(&mut history.kept, rest)
}

pub(crate) fn succeed(arguments: &[&str]) -> String {
    let (code, out, error) = finish(command(arguments));
    assert_eq!(code, 0, "{error}");
    out
}

/// The UUID of the cluster, from a response of the server.
fn cluster_of(address: SocketAddr) -> Uuid {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: tokens.test\r\nconnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response.lines().find_map(|line| line.strip_prefix("cluster-uuid: ")).unwrap().parse().unwrap()
}
