//! Deletions on behalf of a token that is deleted, or whose secret is regenerated, while they are under way.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use futures::future::join_all;
use influxdb3_tokens::{Secret, SqliteStore, TokenId};
use rusqlite::Connection;
use tempfile::tempdir;

use crate::client::{Answer, Http2, Request, Substance};
use crate::document::{DELETED, Token};
use crate::limits::within;
use crate::running::{Fault, FaultyStore, Gate, Server};

#[tokio::test]
async fn a_deletion_by_a_token_that_is_deleted_meanwhile_is_answered_like_an_unknown_credential() {
    let store = Arc::new(FaultyStore::default());
    let server = Server::over(Arc::clone(&store) as _).await;
    let (actor, secret) = server.token("*:*:*").await;
    let held = Held::new(&server, &store, &secret).await;
    assert_eq!(held.client.clone().send(&Request::delete(actor).bearer(&secret)).await.status, DELETED);
    held.all_are_rejected(&server).await;
}

#[tokio::test]
async fn a_deletion_with_an_operator_secret_that_is_replaced_meanwhile_is_answered_like_an_unknown_credential() {
    let store = Arc::new(FaultyStore::default());
    let server = Server::over(Arc::clone(&store) as _).await;
    let secret = server.operator().await;
    let held = Held::new(&server, &store, &secret).await;
    server.catalog.regenerate_operator().await.unwrap();
    held.all_are_rejected(&server).await;
}

/// The journal has the order of the commits.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_deletion_by_a_token_is_committed_after_its_own() {
    const TOKENS: usize = 200;
    let directory = tempdir().unwrap();
    let path = directory.path().join("data/tokens.db");
    let server = Server::over(Arc::new(SqliteStore::open(&path).unwrap())).await;
    for own in [TOKENS / 8, TOKENS / 2, TOKENS] {
        let (actor, secret) = server.token("*:*:*").await;
        let mut targets: Vec<_> = join_all((0..TOKENS).map(|_| server.token("db:a:read"))).await;
        targets.insert(own, (actor, secret.clone()));
        let clients = [server.http2().await, server.http2().await];
        let requests = targets.iter().enumerate().map(|(number, (token, _))| {
            let (mut client, request) = (clients[number % 2].clone(), Request::delete(token).bearer(&secret));
            tokio::spawn(async move { client.send(&request).await })
        });
        let answers = within("all deletions", join_all(requests.collect::<Vec<_>>())).await;
        let (mut deleted, unknown) = (Vec::new(), unknown(&server).await);
        for ((token, _), answer) in targets.iter().zip(answers) {
            let answer = answer.unwrap();
            if answer.status == DELETED {
                deleted.push(token.id.as_u64());
            } else {
                assert_eq!(answer.substance(), unknown);
                assert!(server.catalog.live().contains(token.id));
            }
        }
        let mut journal = deletions_by(&path, actor.id);
        assert_eq!(journal.last(), Some(&actor.id.as_u64()));
        journal.sort();
        deleted.sort();
        assert_eq!(journal, deleted);
    }
}

/// Deletions that have been authenticated, and wait before the store.
struct Held {
    client: Http2,
    gates: Vec<Arc<Gate>>,
    targets: Vec<Token>,
    answers: Vec<tokio::task::JoinHandle<Answer>>,
}

impl Held {
    async fn new(server: &Server, store: &FaultyStore, secret: &str) -> Self {
        let client = server.http2().await;
        let mut held = Self { client, gates: Vec::new(), targets: Vec::new(), answers: Vec::new() };
        for _ in 0..20 {
            let (gate, (target, _)) = (Arc::<Gate>::default(), server.token("*:*:*").await);
            store.inject(Fault::Waits(Arc::clone(&gate)));
            let (mut client, request) = (held.client.clone(), Request::delete(target).bearer(secret));
            held.answers.push(tokio::spawn(async move { client.send(&request).await }));
            gate.reached().await;
            held.gates.push(gate);
            held.targets.push(target);
        }
        held
    }

    async fn all_are_rejected(self, server: &Server) {
        let unknown = unknown(server).await;
        self.gates.iter().for_each(|gate| gate.open());
        for answer in within("all deletions", join_all(self.answers)).await {
            assert_eq!(answer.unwrap().substance(), unknown);
        }
        assert!(self.targets.iter().all(|target| server.catalog.live().contains(target.id)));
    }
}

/// What a client with an unknown credential gets.
async fn unknown(server: &Server) -> Substance {
    let request = Request::delete(12345).bearer(Secret::generate().unwrap().expose());
    let answer = server.http2().await.send(&request).await;
    assert!(answer.status == 401 && !answer.is_insufficient_scope());
    answer.substance()
}

/// The tokens that `actor` deleted, in the order of the commits.
fn deletions_by(path: &Path, actor: TokenId) -> Vec<u64> {
    // The store has locked its file, so read a copy.
    let copy = tempdir().unwrap();
    for file in fs::read_dir(path.parent().unwrap()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    let connection = Connection::open(copy.path().join(path.file_name().unwrap())).unwrap();
    let mut rows = connection.prepare("SELECT token_id FROM deletions WHERE deleted_by = ?1 ORDER BY seq").unwrap();
    let ids = rows.query_map([actor.as_u64().cast_signed()], |row| row.get(0)).unwrap();
    ids.map(|id: rusqlite::Result<i64>| id.unwrap().cast_unsigned()).collect()
}
