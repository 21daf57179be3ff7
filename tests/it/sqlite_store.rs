//! Tests the laws of all stores on [`SqliteStore`], and its own guarantees.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use influxdb3_tokens::{
    CreationOutcome, DeletionOutcome, LiveTokens, OpenError, RegenerationOutcome, SqliteOptions, SqliteStore,
    StoreError, TokenId, TokenStore,
};
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

use crate::limits::within;
use crate::store_laws::{Subject, creation, deletion, digest, laws, load, name, regeneration, token};

laws!(subject);

async fn subject() -> Subject {
    let directory = tempdir().unwrap();
    let open = move || SqliteStore::open(directory.path().join("data/tokens.db")).unwrap();
    Subject::new(open()).await.reopened_by(open)
}

#[test]
fn only_the_owner_has_access_to_the_new_file_and_its_directories() {
    let root = tempdir().unwrap();
    let path = root.path().join("a/b/tokens.db");
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&root.path().join("a/b/tokens.db-wal")), 0o600);
    assert_eq!(mode(&root.path().join("a/b")), 0o700);
    assert_eq!(mode(&root.path().join("a")), 0o700);
    store.close();
}

#[test]
fn a_file_or_directory_that_is_open_to_other_users_is_not_opened() {
    let root = tempdir().unwrap();
    let (directory, path) = (root.path().join("d"), root.path().join("d/tokens.db"));
    SqliteStore::open(&path).unwrap().close();

    for (open, private, bits) in [(&path, 0o600, 0o644), (&directory, 0o700, 0o710)] {
        fs::set_permissions(open, Permissions::from_mode(bits)).unwrap();
        let error = SqliteStore::open(&path).unwrap_err();
        assert!(matches!(&error, OpenError::NotPrivate { path, mode } if path == open && *mode == bits));
        assert!(error.to_string().contains(&format!("mode {bits:o}")));
        fs::set_permissions(open, Permissions::from_mode(private)).unwrap();
    }
    SqliteStore::open(&path).unwrap().close();
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
fn a_file_of_a_newer_version_is_not_opened() {
    let (_root, path) = fresh();
    SqliteStore::open(&path).unwrap().close();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 4).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::TooNew { found: 4, supported: 3, .. }), "{error:?}");
}

/// A file of format 1: an operator token that expires, a live token, and one that is deleted but not compacted.
const FORMAT_1: &str = "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE tokens (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        digest BLOB NOT NULL CHECK (length(digest) = 64),
        created_at INTEGER NOT NULL,
        expires_at INTEGER,
        permissions TEXT NOT NULL
    ) STRICT;
    CREATE TABLE deletions (
        seq INTEGER PRIMARY KEY,
        token_id INTEGER NOT NULL,
        digest BLOB NOT NULL CHECK (length(digest) = 64),
        deleted_at INTEGER NOT NULL,
        deleted_by INTEGER NOT NULL
    ) STRICT;
    INSERT INTO meta VALUES ('cluster_uuid', '0a1b2c3d-0000-4000-8000-000000000001'), ('folded_seq', 0);
    INSERT INTO tokens VALUES
        (0, '_admin', CAST(printf('%064d', 1) AS BLOB), 1700000000000, 1800000000000, '*:*:*'),
        (1, 'reader', CAST(printf('%064d', 2) AS BLOB), 1700000000001, NULL, 'db:a:read'),
        (2, 'gone', CAST(printf('%064d', 3) AS BLOB), 1700000000002, NULL, 'db:a:read');
    INSERT INTO deletions VALUES (1, 2, CAST(printf('%064d', 3) AS BLOB), 1700000000003, 0);
    PRAGMA application_id = 0x4933544b;
    PRAGMA user_version = 1;
";

#[tokio::test]
async fn a_file_of_format_1_keeps_its_tokens_and_is_brought_to_the_present_format() {
    let (_root, path) = fresh();
    Connection::open(&path).unwrap().execute_batch(FORMAT_1).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    for _ in 0..2 {
        let (store, live) = open(SqliteOptions::default(), &path).await;
        assert_eq!(store.cluster_uuid().to_string(), "0a1b2c3d-0000-4000-8000-000000000001");
        let records = store.page(None, 9).await.unwrap();
        let names: Vec<_> = records.iter().map(|token| (token.id.as_u64(), token.name.as_str())).collect();
        assert_eq!(names, [(0, "_admin"), (1, "reader")]);
        assert!(records.iter().all(|token| token.created_by.is_none() && live.contains(token.id)));
        assert!(records[0].expires_at.is_some());
    }

    let (store, live) = open(SqliteOptions::default(), &path).await;
    assert_eq!(store.delete(deletion(name("gone"))).await.unwrap(), DeletionOutcome::NotFound);
    let outcome = store.regenerate(regeneration(digest(), None)).await.unwrap();
    assert!(matches!(outcome, RegenerationOutcome::Regenerated(operator) if operator.expires_at.is_none()));
    assert_eq!(live.by_id(TokenId::OPERATOR).unwrap().expires_at(), None);
    drop(store);
    let (store, live) = open(SqliteOptions::default(), &path).await;
    assert_eq!(live.by_id(TokenId::OPERATOR).unwrap().expires_at(), None);
    drop(store);

    let new = path.with_extension("new");
    SqliteStore::open(&new).unwrap().close();
    assert_eq!(columns(&path), columns(&new));
}

/// The columns of every table.
fn columns(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let sql = "SELECT sqlite_schema.name || '.' || c.name || ' ' || c.type || c.'notnull' || c.pk
               FROM sqlite_schema, pragma_table_info(sqlite_schema.name) AS c ORDER BY 1";
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
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
fn fresh() -> (TempDir, PathBuf) {
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

async fn open(options: SqliteOptions, path: &Path) -> (Arc<SqliteStore>, LiveTokens) {
    let store = Arc::new(options.open(path).unwrap());
    let live = load(Arc::clone(&store) as _).await.unwrap();
    (store, live)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
