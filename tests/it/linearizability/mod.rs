//! Histories of calls by several threads are linearizable, on each store; and a store that is wrong is found.

mod checker;
mod faults;
mod history;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use influxdb3_tokens::{Catalog, MemoryStore, Permissions, SqliteStore, SystemClock, TokenName, TokenStore};
use tempfile::tempdir;

use history::History;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_history_of_the_store_in_memory_is_linearizable() {
    assert_eq!(first_wrong(MemoryStore::new(), histories_or(700)).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_history_of_the_store_on_sqlite_is_linearizable() {
    let directory = tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("data/tokens.db")).unwrap();
    assert_eq!(first_wrong(store, histories_or(300)).await, None);
}

/// How many histories are recorded on each store: what `LINEARIZABILITY_HISTORIES` says, or this many.
fn histories_or(usual: u64) -> u64 {
    std::env::var("LINEARIZABILITY_HISTORIES").map_or(usual, |count| count.parse().unwrap())
}

/// Records histories until one is not linearizable, and returns it with its seed. `LINEARIZABILITY_SEED` sets the first
/// seed; the threads' order differs each time all the same.
#[expect(clippy::print_stderr, reason = "prints the seed")]
async fn first_wrong(store: impl TokenStore, histories: u64) -> Option<String> {
    let catalog = Catalog::open(Arc::new(store), Arc::new(SystemClock)).await.unwrap();
    let (_, mut operator) = catalog.create_fresh(TokenName::OPERATOR, Permissions::ADMIN, None).await.unwrap();
    let now = || u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap();
    let first = std::env::var("LINEARIZABILITY_SEED").map_or_else(|_| now(), |seed| seed.parse().unwrap());
    eprintln!("LINEARIZABILITY_SEED={first}");
    for number in 0..histories {
        let seed = first.wrapping_add(number);
        let history = History::record(&catalog, &mut operator, number, seed).await;
        if !history.is_linearizable() {
            return Some(format!("LINEARIZABILITY_SEED={seed}: {history:#?}"));
        }
    }
    None
}
