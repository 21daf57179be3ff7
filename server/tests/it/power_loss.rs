//! An answered change survives a power loss at any moment. A power loss drops everything that was not synced.
//!
//! The tests record the writes, syncs and answers of the real server. For many moments of the record, they rebuild the
//! files as a power loss would leave them, and compare the tokens in these files with the answers up to that moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use influxdb3_token_api::models::AdminTokenObject;
use influxdb3_tokens::TokenId;
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Request;
use crate::document::{DELETED, Token};
use crate::limits::{LIMIT, within};
use crate::process::{DataDir, Running, command, finish};
use crate::recorded::disk::{Disk, Random, Survivors};
use crate::recorded::{Event, Recording};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answered_change_survives_a_power_loss_at_any_moment() {
    let mut history = History::default();
    let mut run = Run::first(300, &mut history);
    for round in 0.. {
        run.create(3, &mut history);
        run.regenerate(&mut history);
        run.delete(80, 8, &mut history).await;
        let left = run.lose_power(25, &mut history).await;
        if round == 2 {
            break;
        }
        run = Run::start(left, &[]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_power_loss_during_a_checkpoint_or_compaction_loses_nothing() {
    let mut history = History::default();
    let run = Run::first(1200, &mut history);
    // One at a time, so that there are enough commits for a checkpoint.
    run.delete(1100, 1, &mut history).await;
    assert!(run.has_checkpointed());
    within("the compaction", run.until_compacted_to(101)).await;
    run.lose_power(60, &mut history).await;
}

#[test]
fn a_written_token_file_survives_a_power_loss() {
    let directory = DataDir::new();
    fs::DirBuilder::new().mode(0o700).create(directory.path()).unwrap();
    let (disk, recording) = (Disk::of(&directory.path()), Recording::of(&directory));
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
        let left = after_power_loss(&disk, Survivors::Nothing);
        // `assert_eq` would print secrets.
        assert!(fs::read(left.path().join(file)).unwrap() == fs::read(path).unwrap(), "{name}");
    }
}

/// Secrets by token. The operator token is not among them.
type Tokens = BTreeMap<Token, String>;

/// Every token, by its state.
#[derive(Default)]
struct History {
    /// The secrets of the operator token, of which the last is valid.
    operator: Vec<String>,
    /// How many of them were replaced before the run.
    replaced: usize,
    /// Created before the run.
    kept: Tokens,
    created: Tokens,
    deleted: Tokens,
    /// Deleted before the run.
    gone: Tokens,
}

/// A run of the server, from its start to a power loss.
struct Run {
    /// The disk before the run.
    disk: Disk,
    recording: Recording,
    server: Running,
    cluster: Uuid,
    directory: DataDir,
}

impl Run {
    /// Starts a server with this many new tokens.
    fn first(tokens: u64, history: &mut History) -> Self {
        let secret = |number: u64| format!("apiv3_{number:0>85}A");
        let token = |number| json!({"token": secret(number), "name": number.to_string(), "permissions": ["db:a:read"]});
        let others = (1..=tokens).map(token).collect::<Vec<_>>();
        let directory = DataDir::new();
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

    fn start(directory: DataDir, token_files: &[(&str, Value)]) -> Self {
        let mut arguments = Vec::new();
        for (option, contents) in token_files {
            let file = directory.beside(&option[2..]);
            let mut written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file).unwrap();
            written.write_all(contents.to_string().as_bytes()).unwrap();
            arguments.push(format!("{option}={}", file.display()));
        }
        let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
        let (disk, recording) = (Disk::of(&directory.path()), Recording::of(&directory));
        let server = Running::start(recording.attach(directory.serve(&arguments)));
        let cluster = cluster_of(server.address);
        Self { disk, recording, server, cluster, directory }
    }

    /// Creates tokens while the server runs.
    fn create(&self, count: usize, history: &mut History) {
        for _ in 0..count {
            let name = Uuid::new_v4().to_string();
            let argument = format!("--name={name}");
            let created = succeed(&["create", "--admin", "--format=json", &argument, &self.directory.argument()]);
            let created: AdminTokenObject = serde_json::from_str(&created).unwrap();
            let id = TokenId::from_u64(created.id.unwrap().try_into().unwrap());
            history.created.insert(Token::new(id, &name), created.token.unwrap().0.clone());
        }
    }

    /// Regenerates the operator token while the server runs.
    fn regenerate(&self, history: &mut History) {
        let arguments = ["create", "--admin", "--regenerate", "--format=json", &self.directory.argument()];
        let regenerated: AdminTokenObject = serde_json::from_str(&succeed(&arguments)).unwrap();
        history.operator.push(regenerated.token.unwrap().0.clone());
    }

    /// Deletes tokens that existed when the server started.
    async fn delete(&self, count: usize, clients: usize, history: &mut History) {
        let first_to_stay = *history.kept.keys().nth(count).unwrap();
        let rest = history.kept.split_off(&first_to_stay);
        history.deleted = std::mem::replace(&mut history.kept, rest);
        let tokens = history.deleted.keys().copied().collect::<Vec<_>>();
        let chunks = tokens.chunks(count.div_ceil(clients));
        join_all(chunks.map(|tokens| self.delete_in_turn(tokens, history.operator.last().unwrap()))).await;
    }

    async fn delete_in_turn(&self, tokens: &[Token], operator: &str) {
        let mut client = self.server.http1(self.cluster).await;
        for token in tokens {
            let request = Request::delete(token).bearer(operator).with("x-span-id", token.id.to_string());
            assert_eq!(client.send(&request).await.status, DELETED);
        }
    }

    /// Whether a checkpoint has moved changes into the database since the first answer.
    fn has_checkpointed(&self) -> bool {
        let database = fs::metadata(self.directory.path().join("tokens.db")).unwrap().ino();
        let events = self.recording.events();
        let mut since = events.iter().skip_while(|event| !matches!(event, Event::Sent(_)));
        since.any(|event| matches!(event, Event::Written { file, .. } if *file == database))
    }

    /// Waits until the table of tokens has this many rows.
    async fn until_compacted_to(&self, rows: i64) {
        loop {
            let mut disk = self.disk.clone();
            self.recording.events().iter().for_each(|event| disk.apply(event));
            let copy = after_power_loss(&disk, Survivors::All);
            let database = Connection::open(copy.path().join("tokens.db")).unwrap();
            let found: i64 = database.query_row("SELECT count(*) FROM tokens", [], |row| row.get(0)).unwrap();
            if found == rows {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Kills the server, and checks the files that a power loss leaves behind at this many moments of the run. Returns
    /// the least that a power loss at the end leaves behind.
    async fn lose_power(mut self, moments: usize, history: &mut History) -> DataDir {
        self.server.end(Signal::KILL);
        let events = self.recording.events();
        // The moment before an answer leaves, or before a sync ends.
        let is_moment = |event: &&Event| matches!(event, Event::Synced { .. } | Event::Sent(_));
        let interval = events.iter().filter(is_moment).count().div_ceil(moments);
        let mut answered = Answered { anything: !history.gone.is_empty(), ..Answered::default() };
        let mut random = Random(events.len() as u64);
        let mut passed = 0;
        for event in &events {
            answered.take(event);
            if is_moment(&event) {
                passed += 1;
                // The last moments belong to a compaction; check them all.
                if passed % interval == 0 || answered.deleted.len() == history.deleted.len() {
                    history.check(&answered, &after_power_loss(&self.disk, Survivors::Nothing)).await;
                    history.check(&answered, &after_power_loss(&self.disk, Survivors::Some(&mut random))).await;
                }
            }
            self.disk.apply(event);
        }
        let is_all =
            |answered: &BTreeSet<TokenId>, tokens: &Tokens| answered.iter().eq(tokens.keys().map(|token| &token.id));
        assert!(is_all(&answered.created, &history.created) && is_all(&answered.deleted, &history.deleted));
        assert_eq!(history.replaced + answered.regenerated + 1, history.operator.len());
        assert_same(&after_power_loss(&self.disk, Survivors::All).path(), &self.directory.path());
        history.check(&answered, &after_power_loss(&self.disk, Survivors::Nothing)).await;
        history.replaced += answered.regenerated;
        history.kept.append(&mut history.created);
        history.gone.append(&mut history.deleted);
        // A new copy, because the check has emptied the log of the other ones.
        after_power_loss(&self.disk, Survivors::Nothing)
    }
}

/// The answers of the server up to a moment of its record.
#[derive(Default)]
struct Answered {
    anything: bool,
    /// The number of regenerations.
    regenerated: usize,
    created: BTreeSet<TokenId>,
    deleted: BTreeSet<TokenId>,
}

impl Answered {
    fn take(&mut self, event: &Event) {
        let Event::Sent(bytes) = event else { return };
        self.anything = true;
        let text = String::from_utf8_lossy(bytes);
        if text.starts_with(&format!("HTTP/1.1 {DELETED} ")) {
            let id = text.lines().find_map(|line| line.strip_prefix("x-span-id: ")).unwrap();
            self.deleted.insert(id.parse().unwrap());
        } else if text.starts_with(r#"{"created":"#) {
            let reply: Value = serde_json::from_str(&text).unwrap();
            self.created.insert(TokenId::from_u64(reply["created"]["id"].as_u64().unwrap()));
        } else if text.starts_with(r#"{"regenerated":"#) {
            self.regenerated += 1;
        }
    }
}

impl History {
    /// Opens the files that a power loss left behind, and compares their tokens with the answers.
    async fn check(&self, answered: &Answered, left: &DataDir) {
        let catalog = left.catalog().await;
        let is_accepted = |id: TokenId, secret: &str| {
            let is_live = catalog.live().contains(id);
            assert_eq!(catalog.authenticate(secret).is_some(), is_live, "{id}");
            is_live
        };
        if answered.anything {
            // The secret that was answered last, or the next one, and no other.
            let last = self.replaced + answered.regenerated;
            let accepted = self.operator.iter().map(|secret| catalog.authenticate(secret).is_some());
            let [current] =
                accepted.enumerate().filter(|(_, accepted)| *accepted).map(|(i, _)| i).collect::<Vec<_>>()[..]
            else {
                panic!("one secret of the operator token is accepted");
            };
            assert!(current == last || current == last + 1, "{current} instead of {last}");
            self.kept.iter().for_each(|(token, secret)| assert!(is_accepted(token.id, secret), "{token} is lost"));
        }
        for (token, secret) in &self.created {
            assert!(!answered.created.contains(&token.id) || is_accepted(token.id, secret), "{token} is lost");
        }
        for (token, secret) in &self.deleted {
            assert!(!answered.deleted.contains(&token.id) || !is_accepted(token.id, secret), "{token} is back");
        }
        self.gone.iter().for_each(|(token, secret)| assert!(!is_accepted(token.id, secret), "{token} is back"));
    }
}

fn after_power_loss(disk: &Disk, survivors: Survivors<'_>) -> DataDir {
    let left = DataDir::new();
    disk.write(&left.path(), survivors);
    left
}

/// Checks that the record contains every write.
fn assert_same(left: &Path, right: &Path) {
    for name in ["tokens.db", "tokens.db-wal"] {
        assert!(fs::read(left.join(name)).unwrap() == fs::read(right.join(name)).unwrap(), "{name}");
    }
}

fn succeed(arguments: &[&str]) -> String {
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
