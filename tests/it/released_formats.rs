//! A file of each released format, made by the code of that time, has the same tokens today.
//!
//! `tests/it/formats/N` has a file of format N: `tokens.db`, its mark if the format has one, and in `tokens.txt` the tokens
//! as the code of that time listed them. The operator token was created first, and regenerated twice if the format allows
//! it; tokens 3 to 5 were deleted, and the name of 4 and 5 was used again.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use influxdb3_tokens::{
    BackupSummary, Creation, CreationOutcome, Digest, NewToken, SecretOrigin, SqliteOptions, SqliteStore, Timestamp,
    TokenId, TokenRecord, TokenStore,
};
use tempfile::{TempDir, tempdir};

use crate::moving::place::{Kind, Place, kinds};
use crate::moving::{Everything, move_all};
use crate::sqlite_store::open;
use crate::store_laws::{creation, token};

/// The newest is the present one.
const FORMATS: [u32; 4] = [1, 2, 3, 4];

#[test]
fn there_is_a_file_of_each_format() {
    let (root, path) = copy_of(*FORMATS.last().unwrap());
    assert_eq!(SqliteStore::check(&path).unwrap().format, i64::from(*FORMATS.last().unwrap()));
    let new = root.path().join("new/tokens.db");
    SqliteStore::open(&new).unwrap().close();
    assert_eq!(version(&new), *FORMATS.last().unwrap());
}

#[tokio::test]
async fn a_file_of_each_format_has_the_tokens_that_it_had() {
    for format in FORMATS {
        let (_root, path) = copy_of(format);
        for _ in 0..2 {
            let (store, live) = open(SqliteOptions::default(), &path).await;
            assert_eq!(listed(&store).await, expected(format), "format {format}");
            let records = store.page(None, 99).await.unwrap();
            assert!(records.iter().all(|record| live.find(&record.digest).unwrap().id() == record.id));
            assert_eq!(live.len(), records.len());
            require_refused(&store, format).await;
        }
    }
}

#[tokio::test]
async fn a_file_of_each_format_is_checked_and_backed_up() {
    for format in FORMATS {
        let (root, path) = copy_of(format);
        let before = files(&path);
        let checked = SqliteStore::check(&path).unwrap();
        let tokens = (expected(format).len() - 1) as u64;
        assert_eq!((checked.format, checked.tokens, checked.deletions), (format.into(), tokens, 3));
        assert_eq!(files(&path), before, "a check of format {format} changes something");

        let (backup, restored) = (root.path().join("backup"), root.path().join("restored/tokens.db"));
        let (store, _) = open(SqliteOptions::default(), &path).await;
        store.backup(&backup, false).await.unwrap();
        assert_eq!(BackupSummary::of(&backup).unwrap().tokens, tokens);
        SqliteStore::restore(&backup, &restored, Default::default()).await.unwrap();
        let (store, _) = open(SqliteOptions::default(), &restored).await;
        assert_eq!(listed(&store).await, expected(format));
        require_refused(&store, format).await;
    }
}

#[tokio::test]
async fn a_file_of_each_format_takes_further_changes() {
    for format in FORMATS {
        let (_root, path) = copy_of(format);
        let (store, _) = open(SqliteOptions::default(), &path).await;
        let last = TokenId::from_u64(if format == 1 { 6 } else { 8 });
        let CreationOutcome::Created(record) = store.create(creation(token("new"))).await.unwrap() else { panic!() };
        assert_eq!(record.id.as_u64(), last.as_u64() + 1);
        drop(store);
        assert_eq!(SqliteStore::check(&path).unwrap().format, i64::from(*FORMATS.last().unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_each_format_moves_to_other_stores_and_back() {
    for format in FORMATS {
        let (root, path) = copy_of(format);
        let (store, _) = open(SqliteOptions::default(), &path).await;
        let before = Everything::of(&*store).await;
        drop(store);
        let mut place = Place::Database { _root: root, path };
        for kind in kinds().into_iter().chain([Kind::Sqlite]) {
            let (files, mut next) = (tempdir().unwrap(), Place::new(kind).await);
            move_all(&place, &mut next, &files).await;
            assert_eq!(Everything::of(&*next.open().await).await, before, "format {format} in {kind:?}");
            place = next;
        }
        let (store, _) = open(SqliteOptions::default(), place.database()).await;
        assert_eq!(listed(&store).await, expected(format), "format {format}");
        require_refused(&store, format).await;
    }
}

/// The secrets of deleted tokens, and the replaced one of the operator token, stay refused.
async fn require_refused(store: &SqliteStore, format: u32) {
    let replaced = if format == 1 { None } else { Some(1) };
    for number in [4, 5, 6].into_iter().chain(replaced) {
        let digest = Digest::from_bytes([number; 64]);
        let given = NewToken { digest, origin: SecretOrigin::Given, ..token("given") };
        let creation = Creation::new(given, None, Timestamp::EPOCH).unwrap();
        assert_eq!(store.create(creation).await.unwrap(), CreationOutcome::DigestDeleted, "format {format}");
    }
}

/// The UUID of the cluster and all tokens, as `tokens.txt` has them.
async fn listed(store: &SqliteStore) -> Vec<String> {
    let line = |token: &TokenRecord| {
        format!(
            "token {} | {} | {} | {} | {:?} | {:?} | {}",
            token.id,
            token.name,
            token.digest,
            token.created_at.as_millis(),
            token.created_by.map(TokenId::as_u64),
            token.expires_at.map(Timestamp::as_millis),
            token.permissions
        ) + &token.description.as_ref().map(|description| format!(" | {description}")).unwrap_or_default()
    };
    let tokens = store.page(None, 99).await.unwrap();
    std::iter::once(format!("cluster {}", store.cluster_uuid())).chain(tokens.iter().map(line)).collect()
}

fn expected(format: u32) -> Vec<String> {
    fs::read_to_string(folder(format).join("tokens.txt")).unwrap().lines().map(str::to_owned).collect()
}

fn folder(format: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/formats/{format}"))
}

fn copy_of(format: u32) -> (TempDir, PathBuf) {
    let root = tempdir().unwrap();
    let directory = root.path().join("data");
    DirBuilder::new().mode(0o700).create(&directory).unwrap();
    for name in ["tokens.db", "tokens.db-mark"] {
        let from = folder(format).join(name);
        if from.exists() {
            fs::copy(from, directory.join(name)).unwrap();
            fs::set_permissions(directory.join(name), Permissions::from_mode(0o600)).unwrap();
        }
    }
    let path = directory.join("tokens.db");
    assert_eq!(version(&path), format);
    (root, path)
}

/// The version in the header of the file.
fn version(path: &Path) -> u32 {
    u32::from_be_bytes(fs::read(path).unwrap()[60..64].try_into().unwrap())
}

/// The names, contents and times of the files beside a database.
fn files(path: &Path) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
    let entries = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .map(|file| (file.clone(), fs::read(&file).unwrap(), fs::metadata(&file).unwrap().modified().unwrap()))
        .collect();
    files.sort();
    files
}
