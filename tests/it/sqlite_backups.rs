//! Backups of a store that goes on, and restoring them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use influxdb3_tokens::{
    BackupError, BackupSummary, CreationOutcome, DeletionOutcome, LaterChanges, LiveTokens, NewBackup, NewToken,
    RestoreError, RestoreOptions, SecretOrigin, SqliteOptions, SqliteStore, StoreError, TokenId, TokenName,
    TokenRecord, TokenStore,
};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::sqlite_store::{fresh, open};
use crate::store_laws::{creation, deletion, digest, regeneration, token};

#[tokio::test]
async fn a_restored_backup_has_every_token_and_deletion_of_its_moment() {
    let subject = Subject::new(40).await;
    subject.delete(1..=9).await;
    subject.store.regenerate(regeneration(digest(), None)).await.unwrap();
    let (before, backup) = (subject.records().await, subject.backup().await);
    subject.delete(10..=19).await;
    let restored = subject.root().join("restored/tokens.db");
    let summary = SqliteStore::restore(&backup, &restored, RestoreOptions::default()).await.unwrap();
    assert_eq!((summary.tokens, summary.backup.deletions, summary.previous), (32, 9, None));
    let (store, _) = open(SqliteOptions::default(), &restored).await;
    assert_eq!(store.page(None, 99).await.unwrap(), before);
    assert_eq!(store.cluster_uuid(), subject.store.cluster_uuid());
    for (name, token) in [("deleted", 1), ("live", 20)] {
        let given =
            NewToken { digest: subject.created[token].digest, origin: SecretOrigin::Given, ..self::token(name) };
        let outcome = store.create(creation(given)).await.unwrap();
        assert_eq!(outcome == CreationOutcome::DigestDeleted, name == "deleted", "{outcome:?}");
    }
}

#[tokio::test]
async fn the_file_does_not_change_while_a_snapshot_is_held_and_changes_go_on() {
    let subject = Subject::new(3000).await;
    subject.delete(1..=10).await;
    let snapshot = subject.store.snapshot().await.unwrap();
    let before = fs::read(&subject.path).unwrap();
    // More commits than fit in the log before its usual checkpoint.
    for id in 11..=1500 {
        subject.delete(id..=id).await;
    }
    assert!(snapshot.is_held() && fs::read(&subject.path).unwrap() == before);
    let error = subject.store.snapshot().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    drop(snapshot);
    // The writer resumes before its next change.
    subject.delete(1501..=1501).await;
    let snapshot = subject.store.snapshot().await.unwrap();
    assert_eq!((snapshot.summary().tokens, snapshot.summary().deletions), (1500, 1501));
    assert!(fs::read(&subject.path).unwrap() != before);
    drop(snapshot);
    let path = subject.path.clone();
    drop(subject.store);
    let (_, live) = open(SqliteOptions::default(), &path).await;
    assert_eq!(live.len(), 1500);
}

#[tokio::test]
async fn a_snapshot_is_given_up_before_the_store_changes_the_file() {
    let subject = Subject::new(10).await;
    let mut backup = NewBackup::create(subject.root().join("backup"), false).unwrap();
    let snapshot = subject.store.snapshot().await.unwrap();
    let root = subject.root();
    drop(subject.store);
    assert!(!snapshot.is_held());
    assert!(matches!(backup.copy_snapshot(&snapshot), Err(BackupError::Changed)));
    drop(backup);
    assert!(fs::read_dir(root).unwrap().all(|entry| entry.unwrap().file_name() == "data"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_under_load_has_what_was_acknowledged_before_and_nothing_requested_after() {
    let subject = Arc::new(Subject::new(2000).await);
    let done = Arc::new(AtomicBool::new(false));
    let deleting = {
        let (subject, done) = (Arc::clone(&subject), Arc::clone(&done));
        tokio::spawn(async move {
            for id in 1..1900 {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                subject.delete(id..=id).await;
            }
        })
    };
    for number in 0..4 {
        let before = subject.live();
        let backup = subject.root().join(format!("backup-{number}"));
        let summary = subject.store.backup(&backup, false).await.unwrap();
        let after = subject.live();
        let restored = subject.root().join(format!("restored-{number}/tokens.db"));
        SqliteStore::restore(&backup, &restored, RestoreOptions::default()).await.unwrap();
        let (_, live) = open(SqliteOptions::default(), &restored).await;
        let restored: BTreeSet<_> = (0..=2000).filter(|id| live.contains(TokenId::from_u64(*id))).collect();
        assert!(restored.is_subset(&before) && after.is_subset(&restored));
        assert_eq!(summary.tokens, restored.len() as u64);
        // Deletions are made in the order of their IDs, so the backup has a prefix of them.
        let first = restored.iter().find(|id| **id > 0).unwrap();
        assert_eq!(restored.len() as u64, 2000 - first + 2);
    }
    done.store(true, Ordering::Relaxed);
    deleting.await.unwrap();
}

#[tokio::test]
async fn a_truncated_or_altered_backup_is_refused() {
    let subject = Subject::new(20).await;
    subject.delete(1..=5).await;
    let backup = subject.backup().await;
    let whole = fs::read(&backup).unwrap();
    let altered = subject.root().join("altered");
    let path = subject.root().join("restored/tokens.db");
    let refuse = async |bytes: &[u8]| {
        fs::write(&altered, bytes).unwrap();
        let error = BackupSummary::of(&altered).unwrap_err();
        assert!(matches!(error, BackupError::Invalid { .. }), "{error:?}");
        let error = SqliteStore::restore(&altered, &path, RestoreOptions::default()).await.unwrap_err();
        assert!(matches!(error, RestoreError::Backup(BackupError::Invalid { .. })), "{error:?}");
        assert!(!path.exists());
    };
    for length in (0..whole.len()).step_by(509).chain([whole.len() - 1, whole.len() - 512]) {
        refuse(&whole[..length]).await;
    }
    refuse(&[&whole[..], &[0]].concat()).await;
    for byte in (0..whole.len()).step_by(211) {
        let mut bytes = whole.clone();
        bytes[byte] ^= 1 << (byte % 8);
        refuse(&bytes).await;
    }
}

#[tokio::test]
async fn a_backup_is_a_database_that_other_tools_read() {
    let subject = Subject::new(20).await;
    let backup = subject.backup().await;
    let connection = Connection::open(backup).unwrap();
    let count: i64 = connection.query_row("SELECT count(*) FROM tokens", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 21);
}

#[tokio::test]
async fn a_backup_does_not_overwrite_a_file_unless_it_is_told_to() {
    let subject = Subject::new(1).await;
    let backup = subject.backup().await;
    fs::write(&backup, "something else").unwrap();
    let error = subject.store.backup(&backup, false).await.unwrap_err();
    assert!(matches!(error, BackupError::Exists { .. }), "{error:?}");
    assert_eq!(fs::read(&backup).unwrap(), b"something else");
    subject.store.backup(&backup, true).await.unwrap();
    assert_eq!(BackupSummary::of(&backup).unwrap().tokens, 2);
}

#[tokio::test]
async fn a_restore_says_which_deletions_it_would_undo_and_changes_nothing() {
    let (_root, path, backup) = changed_since_its_backup().await;
    let before = tokens(&path).await;
    let error = SqliteStore::restore(&backup, &path, RestoreOptions::default()).await.unwrap_err();
    assert!(matches!(error, RestoreError::Exists { .. }), "{error:?}");
    let replace = RestoreOptions { replace: true, later: None };
    let error = SqliteStore::restore(&backup, &path, replace).await.unwrap_err();
    let RestoreError::WouldRevive { deleted, regenerated: true } = error else { panic!("{error:?}") };
    assert_eq!(deleted, [(TokenId::from_u64(3), "token-3".parse().unwrap()), named(4)]);
    assert_eq!(tokens(&path).await, before);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 2);
}

#[tokio::test]
async fn a_restore_keeps_later_deletions_and_the_operator_tokens_secret() {
    let (_root, path, backup) = changed_since_its_backup().await;
    let (before, _) = tokens(&path).await;
    let keep = RestoreOptions { replace: true, later: Some(LaterChanges::Keep) };
    let restored = SqliteStore::restore(&backup, &path, keep).await.unwrap();
    assert_eq!(restored.deleted_since, [named(3), named(4)]);
    assert!(restored.regenerated_since && restored.unknown.is_none());
    assert_eq!(restored.created_since, 1);
    let (after, replaced) = tokens(&path).await;
    let old: Vec<_> = before.iter().filter(|token| token.name.as_str() != "since").map(|token| token.digest).collect();
    assert_eq!(after.iter().map(|token| token.digest).collect::<Vec<_>>(), old);
    assert_eq!(replaced, 3, "the replaced secrets stay refused");
    // The previous files are whole by themselves.
    let (previous, _) = tokens(&restored.previous.unwrap().join("tokens.db")).await;
    assert_eq!(previous, before);
}

#[tokio::test]
async fn a_restore_revives_later_deletions_only_if_it_is_told_to() {
    let (_root, path, backup) = changed_since_its_backup().await;
    let discard = RestoreOptions { replace: true, later: Some(LaterChanges::Discard) };
    let restored = SqliteStore::restore(&backup, &path, discard).await.unwrap();
    assert_eq!(restored.deleted_since, [named(3), named(4)]);
    let (after, replaced) = tokens(&path).await;
    assert_eq!((after.len(), replaced), (9, 1));
}

/// The deletions are read as far as the damage; of a damaged page elsewhere, nothing is lost.
#[tokio::test]
async fn a_restore_keeps_the_deletions_of_a_damaged_database() {
    let (_root, path, backup) = changed_since_its_backup().await;
    Connection::open(&path).unwrap().execute_batch("UPDATE tokens SET name = 'damaged' WHERE id = 5").unwrap();
    SqliteStore::check(&path).unwrap_err();
    let keep = RestoreOptions { replace: true, later: Some(LaterChanges::Keep) };
    let restored = SqliteStore::restore(&backup, &path, keep).await.unwrap();
    assert_eq!(restored.deleted_since, [named(3), named(4)]);
    assert_eq!(restored.unknown, None);
    SqliteStore::check(&path).unwrap();

    let (_root, path, backup) = changed_since_its_backup().await;
    let newest = "UPDATE deletions SET deleted_by = 99 WHERE seq = 4";
    Connection::open(&path).unwrap().execute_batch(newest).unwrap();
    let restored = SqliteStore::restore(&backup, &path, keep).await.unwrap();
    assert_eq!(restored.deleted_since, [named(3)]);
    assert!(restored.unknown.unwrap().contains("row 4 of the table deletions"));

    // The chain is whole, but the mark names one more.
    let (_root, path, backup) = changed_since_its_backup().await;
    Connection::open(&path).unwrap().execute_batch("DELETE FROM deletions WHERE seq = 4").unwrap();
    let restored = SqliteStore::restore(&backup, &path, keep).await.unwrap();
    assert_eq!(restored.deleted_since, [named(3)]);
    assert!(restored.unknown.unwrap().contains("acknowledged changes are missing"));

    let (_root, path, backup) = changed_since_its_backup().await;
    fs::write(&path, "lost").unwrap();
    let restored = SqliteStore::restore(&backup, &path, keep).await.unwrap();
    assert!(restored.deleted_since.is_empty() && restored.unknown.is_some());
    assert_eq!(tokens(&path).await.0.len(), 9);
}

#[tokio::test]
async fn a_backup_of_another_cluster_is_restored_with_a_warning() {
    let (_root, path, _) = changed_since_its_backup().await;
    let other = Subject::new(2).await;
    let backup = other.backup().await;
    let replace = RestoreOptions { replace: true, later: None };
    let restored = SqliteStore::restore(&backup, &path, replace).await.unwrap();
    assert!(restored.unknown.unwrap().contains("not a later state"));
    let (store, _) = open(SqliteOptions::default(), &path).await;
    assert_eq!(store.cluster_uuid(), other.store.cluster_uuid());
}

#[tokio::test]
async fn a_store_that_is_open_is_not_replaced_or_checked() {
    let subject = Subject::new(2).await;
    let backup = subject.backup().await;
    let replace = RestoreOptions { replace: true, later: None };
    SqliteStore::restore(&backup, &subject.path, replace).await.unwrap_err();
    SqliteStore::check(&subject.path).unwrap_err();
    subject.delete(1..=1).await;
    let snapshot = subject.store.snapshot().await.unwrap();
    let checked = SqliteStore::check_held(&subject.path, snapshot.summary()).unwrap();
    assert_eq!((checked.tokens, checked.deletions), (2, 1));
}

/// A database and a backup of it, in a folder that is removed with the first value. Two deletions were made before the backup; the deletions of
/// tokens 3 and 4, two regenerations and a creation, after it.
async fn changed_since_its_backup() -> (TempDir, PathBuf, PathBuf) {
    let subject = Subject::new(10).await;
    subject.store.regenerate(regeneration(digest(), None)).await.unwrap();
    subject.delete(1..=2).await;
    let backup = subject.backup().await;
    subject.delete(3..=4).await;
    subject.store.regenerate(regeneration(digest(), None)).await.unwrap();
    subject.store.regenerate(regeneration(digest(), None)).await.unwrap();
    let outcome = subject.store.create(creation(token("since"))).await.unwrap();
    assert!(matches!(outcome, CreationOutcome::Created(_)));
    let Subject { root, path, store, .. } = subject;
    drop(store);
    (root, path, backup)
}

/// The tokens of the database at `path`, and how many secrets of the operator token were replaced.
async fn tokens(path: &Path) -> (Vec<TokenRecord>, u64) {
    let (store, _) = open(SqliteOptions::default(), path).await;
    let tokens = store.page(None, 99).await.unwrap();
    drop(store);
    (tokens, SqliteStore::check(path).unwrap().regenerations)
}

fn named(id: u64) -> (TokenId, TokenName) {
    (TokenId::from_u64(id), format!("token-{id}").parse().unwrap())
}

struct Subject {
    root: TempDir,
    path: PathBuf,
    store: Arc<SqliteStore>,
    live: LiveTokens,
    created: Vec<TokenRecord>,
}

impl Subject {
    /// A store with the operator token and this many others.
    async fn new(count: u64) -> Self {
        let (root, path) = fresh();
        let (store, live) = open(SqliteOptions::default(), &path).await;
        let operator = NewToken { permissions: influxdb3_tokens::Permissions::ADMIN, ..token(TokenName::OPERATOR) };
        let tokens = std::iter::once(operator).chain((1..=count).map(|id| token(&format!("token-{id}"))));
        let created = futures::future::join_all(tokens.map(|token| store.create(creation(token)))).await;
        let record = |outcome: Result<CreationOutcome, StoreError>| match outcome.unwrap() {
            CreationOutcome::Created(record) => record,
            outcome => panic!("{outcome:?}"),
        };
        Self { root, path, store, live, created: created.into_iter().map(record).collect() }
    }

    fn root(&self) -> PathBuf {
        self.root.path().to_owned()
    }

    async fn delete(&self, ids: std::ops::RangeInclusive<u64>) {
        for id in ids {
            let outcome = self.store.delete(deletion(TokenId::from_u64(id))).await.unwrap();
            assert_eq!(outcome, DeletionOutcome::Deleted(TokenId::from_u64(id)));
        }
    }

    fn live(&self) -> BTreeSet<u64> {
        (0..=2000).filter(|id| self.live.contains(TokenId::from_u64(*id))).collect()
    }

    async fn records(&self) -> Vec<TokenRecord> {
        self.store.page(None, 9999).await.unwrap()
    }

    async fn backup(&self) -> PathBuf {
        let backup = self.root().join("backup");
        self.store.backup(&backup, false).await.unwrap();
        backup
    }
}
