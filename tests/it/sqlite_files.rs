//! Which files and directories a store accepts, and what it does if they are removed while it is open.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use influxdb3_tokens::{DeletionOutcome, OpenError, SqliteOptions, SqliteStore, StoreError, TokenStore};
use tempfile::tempdir;

use crate::sqlite_store::{fresh, open};
use crate::store_laws::{creation, deletion, name, token};

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
fn files_that_their_owner_cannot_write_are_refused_and_the_error_says_so() {
    for (needed, mode) in [(0o600, 0o400), (0o600, 0o200), (0o700, 0o500)] {
        let (_root, path) = fresh();
        SqliteStore::open(&path).unwrap().close();
        let refused = if needed == 0o700 { path.parent().unwrap() } else { &path };
        fs::set_permissions(refused, Permissions::from_mode(mode)).unwrap();
        let error = SqliteStore::open(&path).unwrap_err();
        fs::set_permissions(refused, Permissions::from_mode(needed)).unwrap();
        assert!(matches!(&error, OpenError::NotWritable { path, .. } if path == refused), "{error:?}");
        assert!(error.to_string().contains(&format!("(mode {mode:o}): `chmod {needed:o}`")), "{error}");
    }
}

#[test]
fn files_and_directories_of_another_user_are_refused() {
    let user = fs::metadata(tempdir().unwrap()).unwrap().uid();
    if user != 0 {
        let error = SqliteStore::open("/usr/tokens.db").unwrap_err();
        assert!(matches!(&error, OpenError::NotOwned { owner: 0, user: found, .. } if *found == user), "{error:?}");
        return;
    }
    for suffix in [Some(""), Some("-wal"), Some("-mark"), None] {
        let (_root, path) = fresh();
        SqliteStore::open(&path).unwrap().close();
        let of_other = suffix.map_or(path.parent().unwrap().to_owned(), |suffix| beside(&path, suffix));
        if !of_other.exists() {
            fs::write(&of_other, "").unwrap();
            fs::set_permissions(&of_other, Permissions::from_mode(0o600)).unwrap();
        }
        chown(&of_other, Some(65534), None).unwrap();
        let error = SqliteStore::open(&path).unwrap_err();
        let expected = |path: &Path| path == of_other;
        assert!(matches!(&error, OpenError::NotOwned { path, owner: 65534, user: 0 } if expected(path)), "{error:?}");
        assert!(error.to_string().contains("belongs to user 65534, and this process runs as user 0"), "{error}");
    }
}

#[test]
fn a_file_that_is_a_symbolic_link_is_refused_and_its_target_stays_unchanged() {
    for suffix in ["", "-wal", "-shm", "-journal", "-mark"] {
        for target_exists in [false, true] {
            let (root, path) = fresh();
            if !suffix.is_empty() {
                SqliteStore::open(&path).unwrap().close();
            }
            let (link, target) = (beside(&path, suffix), root.path().join("target"));
            if target_exists {
                fs::write(&target, "").unwrap();
            }
            let _ = fs::remove_file(&link);
            symlink(&target, &link).unwrap();
            let error = SqliteStore::open(&path).unwrap_err();
            assert!(matches!(&error, OpenError::NotRegular { path } if *path == link), "{error:?}");
            assert_eq!(target.exists(), target_exists);
            assert!(!target_exists || fs::read(&target).unwrap().is_empty());
        }
    }
}

/// A new file in its stead would start without the deletions.
#[test]
fn a_database_that_is_missing_beside_its_other_files_is_not_created_again() {
    let (_root, path) = fresh();
    SqliteStore::open(&path).unwrap().close();
    fs::write(beside(&path, "-mark"), "").unwrap();
    fs::remove_file(&path).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("the database is missing"), "{error}");
    assert!(!path.exists());
}

#[tokio::test]
async fn no_change_is_acknowledged_while_the_files_are_removed_or_renamed() {
    for what in ["", "-wal", "directory"] {
        let (root, path) = fresh();
        let (store, live) = open(SqliteOptions::default(), &path).await;
        for number in 1..=3 {
            store.create(creation(token(&number.to_string()))).await.unwrap();
        }
        store.delete(deletion(name("1"))).await.unwrap();
        let from = if what == "directory" { path.parent().unwrap().to_owned() } else { beside(&path, what) };
        let away = root.path().join("away");
        fs::rename(&from, &away).unwrap();

        let error = store.delete(deletion(name("2"))).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unavailable { .. }), "{what}: {error:?}");
        assert_eq!(live.len(), 2);
        // Only the log can be made again.
        if what == "-wal" {
            fs::remove_file(&away).unwrap();
        } else {
            assert!(matches!(store.delete(deletion(name("2"))).await, Err(StoreError::Unavailable { .. })));
            assert!(!path.exists());
            fs::rename(&away, &from).unwrap();
        }
        assert!(matches!(store.delete(deletion(name("2"))).await.unwrap(), DeletionOutcome::Deleted(_)), "{what}");
        drop(store);
        let (_store, live) = open(SqliteOptions::default(), &path).await;
        assert_eq!(live.len(), 1, "{what}");
    }
}

#[tokio::test]
async fn a_removed_file_that_is_replaced_by_an_older_copy_is_not_used() {
    let (_root, path) = fresh();
    let (store, _) = open(SqliteOptions::default(), &path).await;
    for number in 1..=3 {
        store.create(creation(token(&number.to_string()))).await.unwrap();
    }
    drop(store);
    let copy = path.with_extension("copy");
    fs::copy(&path, &copy).unwrap();

    let (store, live) = open(SqliteOptions::default(), &path).await;
    store.delete(deletion(name("1"))).await.unwrap();
    fs::remove_file(&path).unwrap();
    fs::remove_file(beside(&path, "-wal")).unwrap();
    fs::rename(&copy, &path).unwrap();
    for with_mark in [true, false] {
        if !with_mark {
            fs::remove_file(beside(&path, "-mark")).unwrap();
        }
        for _ in 0..2 {
            assert!(store.delete(deletion(name("2"))).await.is_err());
            assert_eq!(live.len(), 2);
        }
    }
}

#[tokio::test]
async fn a_second_store_cannot_use_the_directory_of_an_open_one_whose_files_were_removed() {
    let (_root, path) = fresh();
    let (store, _) = open(SqliteOptions::default(), &path).await;
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    assert!(!path.exists());
    drop(store);
    SqliteStore::open(&path).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
