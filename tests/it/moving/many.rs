//! Moving many tokens.

use std::time::Instant;

use futures::future::join_all;
use influxdb3_tokens::{CreationOutcome, TokenStore};

use super::place::{Kind, Place};
use super::{Everything, delete, move_all};
use crate::store_laws::{creation, token};

/// As many as take a few seconds, unless the variable says otherwise.
fn tokens() -> usize {
    std::env::var("MOVED_TOKENS").map_or(10_000, |count| count.parse().unwrap())
}

#[cfg(feature = "etcd")]
#[tokio::test(flavor = "multi_thread")]
async fn many_tokens_move_from_sqlite_to_etcd_and_back() {
    let files = tempfile::tempdir().unwrap();
    let first = Place::new(Kind::Sqlite).await;
    let store = first.open().await;
    fill(&*store, tokens()).await;
    let expected = Everything::of(&*store).await;
    drop(store);
    let (mut second, mut third) = (Place::new(Kind::Etcd).await, Place::new(Kind::Sqlite).await);
    let begin = Instant::now();
    move_all(&first, &mut second, &files).await;
    let there = begin.elapsed();
    move_all(&second, &mut third, &files).await;
    report(there, begin.elapsed() - there);
    let store = third.open().await;
    assert!(Everything::of(&*store).await == expected);
}

/// Creates tokens, and deletes one in ten of them.
async fn fill(store: &dyn TokenStore, count: usize) {
    let numbers: Vec<_> = (0..count).collect();
    for numbers in numbers.chunks(1000) {
        let outcomes = numbers.iter().map(|number| store.create(creation(token(&format!("token {number}")))));
        for outcome in join_all(outcomes).await {
            let CreationOutcome::Created(record) = outcome.unwrap() else { panic!() };
            if record.id.as_u64() % 10 == 0 {
                delete(store, record.id, 1).await;
            }
        }
    }
}

#[expect(clippy::print_stderr, reason = "a figure for docs/moving.md")]
fn report(there: std::time::Duration, back: std::time::Duration) {
    eprintln!("{} tokens: to etcd in {there:.1?}, back in {back:.1?}", tokens());
}
