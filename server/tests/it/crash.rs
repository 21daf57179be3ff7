//! Answered deletions are durable when the server is killed, and when its disk is full.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use rustix::process::Signal;
use uuid::Uuid;

use crate::client::{Http1, Request};
use crate::creation;
use crate::document::{DELETED, Token};
use crate::process::{DataDir, Running};

/// A token without permission to delete, so that the response to its own request shows whether it is accepted.
#[derive(Clone)]
struct Reader {
    token: Token,
    secret: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answered_deletions_are_durable_when_the_server_is_killed() {
    const KILLS: usize = 50;
    let directory = DataDir::new();
    let operator = directory.operator().await;
    let cluster = directory.cluster();
    let mut untouched = create(&directory, 3000).await;
    let (mut answered, mut deleted, mut in_doubt) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..KILLS {
        let server = directory.start(&["--log-filter=warn"]);
        let mut client = server.http1(cluster).await;
        expect_deleted(&mut client, &operator, &answered).await;
        deleted.append(&mut answered);
        deleted.extend(repeat(&mut client, &operator, in_doubt).await);
        expect_accepted(&mut client, &untouched[untouched.len() - 20..]).await;

        // Some servers are killed at their first response, some later.
        let load = Load {
            remaining: Arc::new(Mutex::new(untouched)),
            until_kill: Arc::new(AtomicUsize::new(1 + round * 7 % 50)),
            kill: server.signaller(),
        };
        (answered, in_doubt) = load.run(&server, cluster, &operator).await;
        untouched = std::mem::take(&mut *load.remaining.lock().unwrap());
        assert!(server.wait().0.code().is_none());
    }
    let server = directory.start(&[]);
    let mut client = server.http1(cluster).await;
    deleted.extend(answered);
    deleted.extend(repeat(&mut client, &operator, in_doubt).await);
    expect_deleted(&mut client, &operator, &deleted).await;
    expect_accepted(&mut client, &untouched).await;
    assert_eq!(deleted.len() + untouched.len(), 3000);
}

#[tokio::test]
async fn a_full_disk_causes_503_and_loses_no_answered_deletion() {
    let directory = DataDir::new();
    let operator = directory.operator().await;
    let cluster = directory.cluster();
    let mut untouched = create(&directory, 1000).await;
    let database = std::fs::metadata(directory.path().join("tokens.db")).unwrap().len();

    let server = Running::start(directory.serve_with_file_size(database + 64 * 1024));
    let mut client = server.http1(cluster).await;
    let (mut deleted, mut failed) = (Vec::new(), Vec::new());
    for reader in untouched.split_off(500) {
        match client.send(&Request::delete(reader.token).bearer(&operator)).await.status.as_u16() {
            DELETED => deleted.push(reader),
            503 => failed.push(reader),
            status => panic!("{status}"),
        }
    }
    assert!(!deleted.is_empty() && !failed.is_empty(), "{} deleted, {} failed", deleted.len(), failed.len());
    expect_deleted(&mut client, &operator, &deleted).await;
    expect_accepted(&mut client, &untouched).await;
    let mut before = Vec::new();
    for reader in &failed {
        before.push(is_accepted(&mut client, reader).await);
    }
    drop(client);
    assert!(server.end(Signal::TERM).0.success());

    let server = directory.start(&[]);
    let mut client = server.http1(cluster).await;
    for (reader, before) in failed.iter().zip(before) {
        assert_eq!(is_accepted(&mut client, reader).await, before);
    }
    deleted.extend(repeat(&mut client, &operator, failed).await);
    expect_deleted(&mut client, &operator, &deleted).await;
    expect_accepted(&mut client, &untouched).await;
}

/// Clients that delete tokens until one of them kills the server, after a given number of responses.
struct Load<K> {
    remaining: Arc<Mutex<Vec<Reader>>>,
    until_kill: Arc<AtomicUsize>,
    kill: K,
}

impl<K: Fn(Signal) + Clone + Send + 'static> Load<K> {
    fn run_client(&self, mut client: Http1, operator: &str) -> tokio::task::JoinHandle<(Vec<Reader>, Option<Reader>)> {
        let (remaining, until_kill) = (Arc::clone(&self.remaining), Arc::clone(&self.until_kill));
        let (kill, operator) = (self.kill.clone(), operator.to_owned());
        tokio::spawn(async move {
            let mut answered = Vec::new();
            loop {
                let reader = remaining.lock().unwrap().pop().expect("there are enough tokens");
                let Some(answer) = client.try_send(&Request::delete(reader.token).bearer(&operator)).await else {
                    return (answered, Some(reader));
                };
                assert_eq!(answer.status, DELETED);
                if until_kill.fetch_sub(1, Ordering::SeqCst) == 1 {
                    kill(Signal::KILL);
                }
                answered.push(reader);
            }
        })
    }

    /// The tokens whose deletion was answered, and those whose deletion was requested but not answered.
    async fn run(&self, server: &Running, cluster: Uuid, operator: &str) -> (Vec<Reader>, Vec<Reader>) {
        let mut clients = Vec::new();
        for _ in 0..4 {
            clients.push(server.http1(cluster).await);
        }
        let clients = clients.into_iter().map(|client| self.run_client(client, operator)).collect::<Vec<_>>();
        let (answered, asked): (Vec<_>, Vec<_>) = join_all(clients).await.into_iter().map(Result::unwrap).unzip();
        (answered.concat(), asked.into_iter().flatten().collect())
    }
}

async fn create(directory: &DataDir, count: usize) -> Vec<Reader> {
    let catalog = directory.catalog().await;
    let create = |number| {
        let catalog = catalog.clone();
        async move {
            let (token, secret) = creation::create(&catalog, &format!("token-{number}"), "db:a:read", None).await;
            Reader { token, secret }
        }
    };
    join_all((0..count).map(create)).await
}

async fn is_accepted(client: &mut Http1, reader: &Reader) -> bool {
    let answer = client.send(&Request::delete(reader.token).bearer(&reader.secret)).await;
    assert_eq!(answer.status, 401);
    answer.is_insufficient_scope()
}

async fn expect_accepted(client: &mut Http1, readers: &[Reader]) {
    for reader in readers {
        assert!(is_accepted(client, reader).await, "{}", reader.token);
    }
}

async fn expect_deleted(client: &mut Http1, operator: &str, readers: &[Reader]) {
    for reader in readers {
        assert!(!is_accepted(client, reader).await, "{}", reader.token);
        assert_eq!(client.send(&Request::delete(reader.token).bearer(operator)).await.status, 404, "{}", reader.token);
    }
}

/// Repeats deletions that may have happened, and returns their tokens, which are now deleted.
async fn repeat(client: &mut Http1, operator: &str, readers: Vec<Reader>) -> Vec<Reader> {
    for reader in &readers {
        let expected = if is_accepted(client, reader).await { DELETED } else { 404 };
        assert_eq!(client.send(&Request::delete(reader.token).bearer(operator)).await.status, expected);
    }
    readers
}
