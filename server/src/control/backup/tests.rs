//! How long a server holds its file. The clock is paused, so no test waits as long as its limits.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use influxdb3_tokens::{AuditRecord, AuditedChange, Catalog, SystemClock, TokenId};
use tempfile::TempDir;
use tokio::net::UnixStream;

use super::*;
use crate::control::{Served, server};

/// A client of a server with a database, which is removed with the first value.
///
/// The paused clock does not wait for the thread of the store. So no test asks the store for something while a limit runs.
async fn client() -> (TempDir, Arc<SqliteStore>, Client) {
    let root = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(root.path().join("data/tokens.db")).unwrap());
    let catalog = Catalog::open(Arc::clone(&store) as _, Arc::new(SystemClock)).await.unwrap();
    let (here, there) = UnixStream::pair().unwrap();
    let served = Served { catalog, store: Some(Arc::clone(&store)), address: ([127, 0, 0, 1], 8181).into() };
    tokio::spawn(server::converse(there, Some(served)));
    (root, store, Client(Connection::new(here)))
}

/// Asks without the limit of a reply, which a paused clock exceeds while another thread takes the snapshot.
async fn hold(client: &mut Client) {
    client.send(Request::HoldFile).await.unwrap();
    let reply = client.0.receive(1 << 20).await.unwrap();
    assert!(matches!(reply, Some(Reply::FileHeld(_))), "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_makes_no_progress_is_given_up() {
    let (_root, store, mut client) = client().await;
    hold(&mut client).await;
    // As long as this, the command is stopped.
    tokio::time::sleep(PATIENCE + Duration::from_secs(1)).await;
    store.snapshot().await.unwrap();
    // Long enough for the server to close the connection.
    tokio::time::sleep(Duration::from_secs(600)).await;
    let error = client.release_file().await.unwrap_err().to_string();
    assert!(error.contains("made no progress for 60s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_makes_progress_may_take_longer_but_not_without_limit() {
    let (_root, _store, mut client) = client().await;
    hold(&mut client).await;
    for _ in 0..20 {
        tokio::time::sleep(PATIENCE - Duration::from_secs(1)).await;
        client.send(Request::KeepFile).await.unwrap();
    }
    client.release_file().await.unwrap();

    let (_root, store, mut client) = self::client().await;
    hold(&mut client).await;
    let end = Instant::now() + LONGEST_COPY + PATIENCE;
    while Instant::now() < end {
        tokio::time::sleep(PATIENCE / 2).await;
        let _ = client.send(Request::KeepFile).await;
    }
    store.snapshot().await.unwrap();
    client.release_file().await.unwrap_err();
}

/// The command tells the server of its progress, and not only that it lives.
#[tokio::test(start_paused = true)]
async fn a_command_keeps_the_file_only_while_it_makes_progress() {
    for is_stuck in [false, true] {
        let (_root, _store, mut client) = client().await;
        hold(&mut client).await;
        client.while_held(|| !is_stuck, tokio::time::sleep(3 * PATIENCE)).await;
        assert_eq!(client.release_file().await.is_err(), is_stuck);
    }
}

/// A source whose parts take this long.
struct Slow {
    each: Duration,
    left: usize,
}

#[async_trait]
impl MoveSource for Slow {
    fn moved(&self) -> Moved {
        Moved {
            cluster_uuid: "6f1c3f0e-0c1a-4b7e-9a53-2f6f0a3c9d10".parse().unwrap(),
            next_id: TokenId::OPERATOR,
            changes: 0,
            tokens: 0,
        }
    }

    async fn next(&mut self) -> Result<Vec<MovedChange>, MoveError> {
        tokio::time::sleep(self.each).await;
        let Some(left) = self.left.checked_sub(1) else { return Ok(Vec::new()) };
        self.left = left;
        let record = AuditRecord {
            change: AuditedChange::Created,
            token: TokenId::OPERATOR,
            name: None,
            at: Timestamp::EPOCH,
            by: None,
            by_name: None,
            origin: None,
        };
        Ok(vec![MovedChange { record, token: None, digest: None }])
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_is_held_as_long_as_it_is_read() {
    for (each, is_held) in [(PATIENCE - Duration::from_secs(1), true), (PATIENCE + Duration::from_secs(1), false)] {
        let (_root, _store, mut client) = client().await;
        hold(&mut client).await;
        let mut source = HeldSource::new(Slow { each, left: 3 }, client);
        let read = async {
            while !source.next().await?.is_empty() {}
            Ok::<_, MoveError>(())
        };
        assert_eq!(read.await.is_ok(), is_held);
    }
}
