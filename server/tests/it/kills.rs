//! Answered changes hold when the server is killed at any time, under a load of every kind of change.
//!
//! `KILLS` is the number of kills; `KILLS_SEED` selects other moments.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use influxdb3_tokens::TokenId;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use uuid::Uuid;

use crate::client::{Http1, Request};
use crate::document::{DELETED, Token};
use crate::limits::within;
use crate::process::{DataDir, Running, finish};
use crate::recorded::survivors::hash;

const DIRECTORIES: u64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answered_changes_hold_when_the_server_is_killed_under_load() {
    let number = |name, usual| std::env::var(name).map_or(usual, |value| value.parse::<u64>().unwrap());
    let (kills, seed) = (number("KILLS", 100), number("KILLS_SEED", 1));
    let lives = (0..DIRECTORIES).map(|directory| {
        tokio::spawn(async move {
            let mut life = Life::new(hash(seed, directory)).await;
            for kill in 0..kills.div_ceil(DIRECTORIES) {
                life.kill_once(kill).await;
            }
            life.check_in_process().await;
        })
    });
    join_all(lives).await.into_iter().for_each(|life| life.unwrap_or_else(|error| panic!("seed {seed}: {error}")));
}

/// Each server that cannot serve the directory says so. When one is killed, another takes over.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_of_one_directory_take_turns_when_they_are_killed() {
    const TURNS: usize = 24;
    let directory = Arc::new(DataDir::in_memory());
    let operator = directory.operator().await;
    let cluster = directory.cluster();
    let mut tokens = Vec::new();
    let catalog = directory.catalog().await;
    for number in 0..TURNS * 3 {
        tokens.push(crate::creation::create(&catalog, &format!("token-{number}"), "db:a:read", None).await.0);
    }
    drop(catalog);
    let (remaining, is_serving) = (Arc::new(Mutex::new(tokens.clone())), Arc::new(AtomicBool::new(false)));
    let supervisors = (0..2).map(|_| {
        let (directory, operator) = (Arc::clone(&directory), operator.clone());
        let (remaining, is_serving) = (Arc::clone(&remaining), Arc::clone(&is_serving));
        tokio::spawn(async move {
            loop {
                let left = remaining.lock().unwrap().len();
                if left == 0 {
                    return;
                }
                let server = match Running::try_start(directory.serve(&[])) {
                    Ok(server) => server,
                    Err((status, printed)) => {
                        assert!(status.code() == Some(1) && printed.contains("in use"), "{status}: {printed}");
                        continue;
                    }
                };
                assert!(!is_serving.swap(true, Ordering::SeqCst), "two servers serve one directory");
                let mut client = server.http1(cluster).await;
                let turn: Vec<_> = {
                    let mut remaining = remaining.lock().unwrap();
                    let rest = remaining.len().saturating_sub(3);
                    remaining.split_off(rest)
                };
                for token in turn {
                    assert_eq!(client.send(&Request::delete(token).bearer(&operator)).await.status, DELETED);
                }
                is_serving.store(false, Ordering::SeqCst);
                server.end(Signal::KILL);
            }
        })
    });
    join_all(supervisors.collect::<Vec<_>>()).await.into_iter().for_each(Result::unwrap);
    let catalog = directory.catalog().await;
    assert!(tokens.iter().all(|token| !catalog.live().contains(token.id)));
}

/// A directory whose server is killed again and again.
struct Life {
    directory: DataDir,
    cluster: Uuid,
    seed: u64,
    known: Known,
}

/// What the clients know.
#[derive(Clone, Default)]
struct Known {
    /// With their secrets.
    live: Vec<(Token, String)>,
    deleted: Vec<(Token, String)>,
    /// The deletion was requested but not answered.
    in_doubt: Vec<(Token, String)>,
    /// The secrets of the operator token, of which the last that was answered is valid.
    operator: Vec<String>,
    ids: BTreeSet<u64>,
}

impl Life {
    async fn new(seed: u64) -> Self {
        let directory = DataDir::in_memory();
        let operator = directory.operator().await;
        let known = Known { operator: vec![operator], ..Known::default() };
        Self { cluster: directory.cluster(), directory, seed, known }
    }

    async fn kill_once(&mut self, kill: u64) {
        let server = self.directory.start(&["--log-filter=warn"]);
        let mut client = server.http1(self.cluster).await;
        self.check(&mut client).await;

        let known = Arc::new(Mutex::new(self.known.clone()));
        let changes = Arc::new(AtomicU64::new(0));
        let socket = self.directory.path().join("control.sock");
        let mut clients = Vec::new();
        for number in 0..3 {
            let (known, changes) = (Arc::clone(&known), Arc::clone(&changes));
            let mut http = server.http1(self.cluster).await;
            let mut control = Control::connect(&socket, hash(self.seed, kill << 2 | number)).await;
            clients.push(tokio::spawn(async move {
                while change(&known, &mut http, &mut control, number == 0).await.is_some() {
                    changes.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        // A number of changes, and then a part of the time that a change takes.
        let wait = hash(self.seed, kill);
        within("changes", async {
            while changes.load(Ordering::Relaxed) < wait % 40 {
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        })
        .await;
        tokio::time::sleep(Duration::from_micros(wait >> 8 & 0xfff)).await;
        let signal = server.signaller();
        if kill.is_multiple_of(5) {
            self.stop_and_continue(&signal);
        }
        let (status, printed) = server.end(Signal::KILL);
        assert!(status.code().is_none() && !printed.contains("ERROR"), "{status}: {printed}");
        join_all(clients).await.into_iter().for_each(Result::unwrap);
        self.known = Arc::into_inner(known).unwrap().into_inner().unwrap();
    }

    /// A server that is stopped keeps its directory.
    fn stop_and_continue(&self, signal: &impl Fn(Signal)) {
        signal(Signal::STOP);
        let (code, _, error) = finish(self.directory.serve(&[]));
        assert!(code == 1 && error.contains("in use"), "{code}: {error}");
        signal(Signal::CONT);
    }

    /// Compares the server with what the clients know, and asks for what is in doubt.
    async fn check(&mut self, client: &mut Http1) {
        let operators = std::mem::take(&mut self.known.operator);
        let mut valid = vec![];
        for secret in operators.iter().rev().take(2) {
            let answer = client.send(&Request::delete(u64::MAX).bearer(secret)).await;
            if answer.status == 404 {
                valid.push(secret.clone());
            }
        }
        // The last may have been answered by nobody: then none is valid, and the operator token is regenerated.
        if valid.is_empty() {
            let printed = super::power_loss::succeed(&[
                "create",
                "--admin",
                "--regenerate",
                "--format=json",
                &self.directory.argument(),
            ]);
            let printed: Value = serde_json::from_str(&printed).unwrap();
            valid.push(printed["token"].as_str().unwrap().to_owned());
        }
        assert_eq!(valid.len(), 1, "two secrets of the operator token are valid");
        self.known.operator = valid;
        for (id, secret) in std::mem::take(&mut self.known.in_doubt) {
            let is_accepted = is_accepted(client, id, &secret).await;
            if is_accepted { &mut self.known.live } else { &mut self.known.deleted }.push((id, secret));
        }
        for (token, secret) in self.known.live.iter().rev().take(30) {
            assert!(is_accepted(client, *token, secret).await, "{token} is lost");
        }
        for (token, secret) in self.known.deleted.iter().rev().take(30) {
            assert!(!is_accepted(client, *token, secret).await, "{token} is back");
        }
    }

    /// Compares everything.
    async fn check_in_process(&self) {
        let catalog = self.directory.catalog().await;
        let Known { live, deleted, in_doubt, .. } = &self.known;
        assert!(live.len() + deleted.len() + in_doubt.len() > 0);
        for (token, secret) in live {
            assert!(catalog.authenticate(secret).is_some_and(|live| live.id() == token.id), "{token} is lost");
        }
        for (token, secret) in deleted {
            assert!(catalog.authenticate(secret).is_none(), "{token} is back");
            assert!(!catalog.live().contains(token.id), "{token} is back");
        }
    }
}

/// Makes one change. `None` when the server is gone.
async fn change(known: &Mutex<Known>, http: &mut Http1, control: &mut Control, may_regenerate: bool) -> Option<()> {
    let choice = hash(control.changes, 7) % 10;
    control.changes += 1;
    match choice {
        0 if may_regenerate => {
            let reply = control.ask(&json!("regenerate")).await?;
            let secret = reply["regenerated"]["token"].as_str().unwrap().to_owned();
            known.lock().unwrap().operator.push(secret);
        }
        0..5 => {
            let name = Uuid::new_v4().to_string();
            let create = json!({"create": {"name": name, "permissions": "db:a:read", "expires_in": null}});
            let reply = control.ask(&create).await?;
            let (id, secret) = (reply["created"]["id"].as_u64().unwrap(), reply["created"]["token"].as_str().unwrap());
            let mut known = known.lock().unwrap();
            assert!(known.ids.insert(id), "the ID {id} is used again");
            known.live.push((Token::new(TokenId::from_u64(id), &name), secret.to_owned()));
        }
        5..8 => {
            let (token, operator) = {
                let mut known = known.lock().unwrap();
                let Some(token) = known.live.pop() else { return Some(()) };
                known.in_doubt.push(token.clone());
                (token, known.operator.last().unwrap().clone())
            };
            let answer = http.try_send(&Request::delete(token.0).bearer(&operator)).await?;
            let mut known = known.lock().unwrap();
            known.in_doubt.retain(|(id, _)| *id != token.0);
            match answer.status.as_u16() {
                DELETED => known.deleted.push(token),
                // The operator token was regenerated meanwhile.
                401 => known.live.push(token),
                status => panic!("{status}"),
            }
        }
        _ => {
            let token = known.lock().unwrap().deleted.last().cloned();
            if let Some((id, secret)) = token {
                let answer = http.try_send(&Request::delete(id).bearer(&secret)).await?;
                assert!(answer.status == 401 && !answer.is_insufficient_scope(), "{id} is accepted");
            }
        }
    }
    Some(())
}

async fn is_accepted(client: &mut Http1, token: Token, secret: &str) -> bool {
    let answer = client.send(&Request::delete(token).bearer(secret)).await;
    assert_eq!(answer.status, 401);
    answer.is_insufficient_scope()
}

/// A connection to the control socket.
struct Control {
    stream: BufReader<UnixStream>,
    changes: u64,
}

impl Control {
    /// `seed` selects the changes.
    async fn connect(socket: &Path, seed: u64) -> Self {
        let stream = within("a connection", UnixStream::connect(socket)).await.unwrap();
        Self { stream: BufReader::new(stream), changes: seed >> 32 }
    }

    /// `None` when the server is gone.
    async fn ask(&mut self, request: &Value) -> Option<Value> {
        within("a reply", async {
            self.stream.write_all(format!("{request}\n").as_bytes()).await.ok()?;
            let mut line = String::new();
            self.stream.read_line(&mut line).await.ok()?;
            serde_json::from_str(&line).ok()
        })
        .await
    }
}
