//! What the audit trail and the last uses of tokens are after compaction, and when they are written.

use std::sync::Arc;

use super::*;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::store::{AuditPosition, AuditRecord};

#[derive(Debug)]
struct Fixed(u64);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0).unwrap()
    }
}

/// The whole audit trail.
pub(super) async fn trail(store: &impl TokenStore) -> Vec<AuditRecord> {
    store.audit(AuditPosition::default(), None, 1000).await.unwrap().records
}

#[tokio::test]
async fn the_trail_keeps_the_names_of_compacted_tokens_whose_names_are_used_again() {
    let mut subject = Subject::new().await;
    let first = subject.create(token(1, 1)).await;
    subject.store.delete(deletion(first)).await.unwrap();
    subject.compact().await;
    assert_eq!(subject.tamper(|writer| writer.rows_of_tokens()).await, 0);
    let second = subject.create(token(1, 2)).await;
    subject.store.delete(deletion(name(1))).await.unwrap();
    let third = subject.create(token(1, 3)).await;
    for _ in 0..2 {
        let names =
            trail(&subject.store).await.into_iter().map(|record| (record.token, record.name.unwrap().to_string()));
        let expected = [first, first, second, second, third].map(|id| (id, "token 1".to_owned()));
        assert_eq!(names.collect::<Vec<_>>(), expected);
        subject.restart().await;
    }
}

/// A row of `deletions` and nothing else: names are in `creations`.
#[tokio::test]
async fn a_deletion_writes_one_page() {
    let subject = Subject::new().await;
    for number in 0..500 {
        subject.create(token(number, number)).await;
    }
    let frames = |writer: &mut Writer| {
        let sql = "PRAGMA wal_checkpoint(PASSIVE)";
        writer.connection.as_ref().unwrap().query_row(sql, [], |row| row.get::<_, i64>(1)).unwrap()
    };
    subject.store.delete(deletion(TokenId::from_u64(1))).await.unwrap();
    subject.tamper(|writer| writer.query("PRAGMA wal_checkpoint(RESTART)")).await;
    subject.store.delete(deletion(TokenId::from_u64(77))).await.unwrap();
    assert_eq!(subject.tamper(frames).await, 1);
}

#[tokio::test]
async fn the_last_use_is_saved_by_an_idle_writer_and_when_the_store_is_closed() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("data/tokens.db");
    let open = |minute: u64| {
        let store = Arc::new(SqliteStore::open(&path).unwrap());
        async move { Catalog::open(store, Arc::new(Fixed(minute * 60_000))).await.unwrap() }
    };
    let used = |catalog: &Catalog| {
        [0, 1, 2].map(|id| catalog.live().last_used(TokenId::from_u64(id)).map(|at| at.as_millis() / 60_000))
    };
    let catalog = open(7).await;
    let mut secrets = Vec::new();
    for name in ["_admin", "a", "b"] {
        let (token, secret) = NewToken::fresh(name.parse().unwrap(), Permissions::ADMIN).unwrap();
        catalog.create(token).await.unwrap();
        secrets.push(secret);
    }
    catalog.authenticate(secrets[1].expose()).unwrap();
    drop(catalog);
    let catalog = open(8).await;
    assert_eq!(used(&catalog), [None, Some(7), None]);
    let admin = catalog.authenticate(secrets[0].expose()).unwrap();
    catalog.delete(&admin, "1").await.unwrap();
    drop(catalog);
    assert_eq!(used(&open(9).await), [Some(8), None, None]);
}

#[tokio::test]
async fn a_use_that_cannot_be_saved_fails_no_change() {
    let subject = Subject::new().await;
    let id = subject.create(token(2, 2)).await;
    let minute = crate::live::Minute::of(Timestamp::from_millis(60_000).unwrap());
    subject.live.note_use(&subject.live.by_id(id).unwrap(), minute);
    let refuse = "CREATE TEMP TRIGGER no BEFORE INSERT ON main.uses BEGIN SELECT raise(ABORT, 'no'); END";
    subject.sql(refuse).await;
    assert!(!subject.tamper(Writer::save_uses).await);
    subject.create(token(3, 3)).await;
    subject.sql("DROP TRIGGER no").await;
    let count = "SELECT count(*) FROM uses";
    let saved = |connection: &Connection| connection.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(subject.query(saved).await, 0);
    subject.tamper(Writer::save_uses).await;
    assert_eq!(subject.query(saved).await, 1);
    subject.store.delete(deletion(id)).await.unwrap();
    subject.compact().await;
    assert_eq!(subject.query(saved).await, 0);
}
