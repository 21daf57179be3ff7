//! Tests the laws of all stores on [`SqliteStore`], and its own guarantees.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use influxdb3_tokens::{
    CreationOutcome, DeletionOutcome, LiveTokens, OpenError, SqliteOptions, SqliteStore, StoreError, TokenStore,
};
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

use crate::limits::within;
use crate::store_laws::{Subject, creation, deletion, laws, load, token};

laws!(subject);

async fn subject() -> Subject {
    let directory = tempdir().unwrap();
    let open = move || std::future::ready(SqliteStore::open(directory.path().join("data/tokens.db")).unwrap());
    Subject::new(open().await).await.reopened_by(open)
}

#[test]
fn the_file_is_locked_while_it_is_open() {
    let (_root, path) = fresh();
    let store = SqliteStore::open(&path).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    let foreign = Connection::open(&path).unwrap();
    foreign.busy_timeout(std::time::Duration::ZERO).unwrap();
    assert!(foreign.query_row("SELECT count(*) FROM tokens", [], |_| Ok(())).is_err());
    drop(foreign);
    store.close();
    SqliteStore::open(&path).unwrap();
}

#[test]
fn a_file_that_is_not_a_token_store_is_not_opened_or_changed() {
    let (_root, text) = fresh();
    fs::write(&text, "not a database\n".repeat(100)).unwrap();
    let other = text.with_extension("other");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();

    for path in [text, other] {
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let before = fs::read(&path).unwrap();
        let error = SqliteStore::open(&path).unwrap_err();
        assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[tokio::test]
async fn every_request_fails_before_the_store_is_loaded() {
    let (_root, path) = fresh();
    let store = SqliteStore::open(&path).unwrap();
    let error = store.create(creation(token("a"))).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }));
    assert!(store.page(None, 1).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_deletions_share_commits() {
    const COUNT: u64 = 2000;
    let (_root, path) = fresh();
    let (store, live) = open(SqliteOptions::default(), &path).await;
    let names = (0..COUNT).map(|number| number.to_string());
    let tasks = names.map(|name| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.create(creation(token(&name))).await.unwrap() })
    });
    let mut ids = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        let CreationOutcome::Created(record) = within("the store's answer", task).await.unwrap() else {
            panic!("the name is already in use")
        };
        ids.push(record.id);
    }

    let before = store.commits();
    let tasks = ids.into_iter().map(|id| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.delete(deletion(id)).await.unwrap() })
    });
    for task in tasks.collect::<Vec<_>>() {
        assert!(matches!(within("the store's answer", task).await.unwrap(), DeletionOutcome::Deleted(_)));
    }
    let commits = store.commits() - before;
    assert!((1..COUNT / 4).contains(&commits), "{commits} commits");
    assert!(live.is_empty());
}

#[tokio::test]
async fn a_full_queue_rejects_changes_and_does_not_apply_them() {
    let (_root, path) = fresh();
    let (store, live) = open(SqliteOptions::default().queue_capacity(1), &path).await;
    // Requests arrive much faster than an fsync completes, so that most of them find the queue full.
    let tasks: Vec<_> = (0..1000)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.create(creation(token(&number.to_string()))).await })
        })
        .collect();
    let (mut created, mut busy) = (0, 0);
    for task in tasks {
        match within("the store's answer", task).await.unwrap() {
            Ok(_) => created += 1,
            Err(StoreError::Busy) => busy += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(created > 0 && busy > 0, "{created} created, {busy} busy");
    assert_eq!(live.len(), created);
    assert_eq!(store.page(None, usize::MAX).await.unwrap().len(), created);
}

/// A path in a new directory, where no file exists yet.
pub(crate) fn fresh() -> (TempDir, PathBuf) {
    let root = tempdir().unwrap();
    let path = private_directory(&root).join("tokens.db");
    (root, path)
}

/// Creates a directory that other users cannot access, unlike the temporary directory itself.
fn private_directory(root: &TempDir) -> PathBuf {
    let directory = root.path().join("data");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, Permissions::from_mode(0o700)).unwrap();
    directory
}

pub(crate) async fn open(options: SqliteOptions, path: &Path) -> (Arc<SqliteStore>, LiveTokens) {
    let store = Arc::new(options.open(path).unwrap());
    let live = load(Arc::clone(&store) as _).await.unwrap();
    (store, live)
}
