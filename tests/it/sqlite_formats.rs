//! Files of earlier and later formats.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use influxdb3_token_api::with_sources;
use influxdb3_tokens::{
    AuditPosition, AuditRecord, AuditedChange, CreationOutcome, DeletionOutcome, Digest, NewToken, OpenError,
    RegenerationOutcome, SecretOrigin, SqliteOptions, SqliteStore, TokenId, TokenName, TokenStore,
};
use rusqlite::Connection;

use crate::sqlite_store::{fresh, open};
use crate::store_laws::{creation, deletion, digest, load, name, regeneration, token};

#[test]
fn a_file_of_a_newer_version_is_not_opened() {
    let (_root, path) = fresh();
    SqliteStore::open(&path).unwrap().close();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 5).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::TooNew { found: 5, supported: 4, .. }), "{error:?}");
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

/// A file of format 2: an operator token whose secret was regenerated, and tokens that it created. One is deleted but not
/// compacted, one is compacted.
const FORMAT_2: &str = "
    CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value ANY NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE tokens (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        digest BLOB NOT NULL CHECK (length(digest) = 64),
        created_at INTEGER NOT NULL,
        expires_at INTEGER,
        permissions TEXT NOT NULL
    , created_by INTEGER) STRICT;
    CREATE TABLE deletions (
        seq INTEGER PRIMARY KEY,
        token_id INTEGER NOT NULL,
        digest BLOB NOT NULL CHECK (length(digest) = 64),
        deleted_at INTEGER NOT NULL,
        deleted_by INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE regenerations (
        seq INTEGER PRIMARY KEY,
        digest BLOB NOT NULL CHECK (length(digest) = 64),
        regenerated_at INTEGER NOT NULL,
        regenerated_by INTEGER
    ) STRICT;
    INSERT INTO meta VALUES ('cluster_uuid', '0a1b2c3d-0000-4000-8000-000000000002'), ('folded_seq', 1);
    INSERT INTO tokens VALUES
        (0, '_admin', CAST(printf('%064d', 11) AS BLOB), 1700000000000, NULL, '*:*:*', NULL),
        (1, 'reader', CAST(printf('%064d', 2) AS BLOB), 1700000000001, 1900000000000, 'db:a:read', 0),
        (2, 'compacted', CAST(printf('%064d', 3) AS BLOB), 1700000000002, NULL, 'db:a:read', 0),
        (3, 'gone', CAST(printf('%064d', 4) AS BLOB), 1700000000002, NULL, 'db:a:read', 0);
    DELETE FROM tokens WHERE id = 2;
    INSERT INTO deletions VALUES
        (1, 2, CAST(printf('%064d', 3) AS BLOB), 1700000000003, 0),
        (2, 3, CAST(printf('%064d', 4) AS BLOB), 1700000000004, 0);
    INSERT INTO regenerations VALUES (1, CAST(printf('%064d', 1) AS BLOB), 1700000000005, 0);
    PRAGMA application_id = 0x4933544b;
    PRAGMA user_version = 2;
";

/// What leads from a file of [`FORMAT_2`] to one of format 3. Its checksums were computed apart from the store.
const FORMAT_3: &str = "
    ALTER TABLE tokens ADD COLUMN checksum INTEGER;
    ALTER TABLE deletions ADD COLUMN checksum INTEGER;
    ALTER TABLE regenerations ADD COLUMN checksum INTEGER;
    INSERT INTO meta VALUES ('cluster_checksum', 6437637549376788185);
    UPDATE tokens SET checksum = -990642023922995294 WHERE id = 0;
    UPDATE tokens SET checksum = 6357106237507129576 WHERE id = 1;
    UPDATE tokens SET checksum = 4125955432333789038 WHERE id = 3;
    UPDATE deletions SET checksum = -4422324864588586119 WHERE seq = 1;
    UPDATE deletions SET checksum = -4257670761002155965 WHERE seq = 2;
    UPDATE regenerations SET checksum = -2060508398125000643 WHERE seq = 1;
    PRAGMA user_version = 3;
";

#[tokio::test]
async fn a_file_of_format_2_or_3_has_an_audit_trail_as_far_as_it_is_known() {
    use AuditedChange::{Created, Deleted, Regenerated};
    for format in [FORMAT_2.to_owned(), FORMAT_2.to_owned() + FORMAT_3] {
        let (_root, path) = fresh();
        Connection::open(&path).unwrap().execute_batch(&format).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        for round in 0..2 {
            let (store, _) = open(SqliteOptions::default(), &path).await;
            let trail = store.audit(AuditPosition::default(), None, 99).await.unwrap().records;
            let known = |record: &AuditRecord| {
                let name = |name: &Option<TokenName>| name.as_ref().map(ToString::to_string).unwrap_or_default();
                (record.change, record.token.as_u64(), name(&record.name), name(&record.by_name))
            };
            let admin = "_admin".to_owned();
            let mut expected = vec![
                (Created, 0, admin.clone(), String::new()),
                (Created, 1, "reader".to_owned(), admin.clone()),
                (Created, 3, "gone".to_owned(), admin.clone()),
                // Its name is not known, because it was compacted.
                (Deleted, 2, String::new(), admin.clone()),
                (Deleted, 3, "gone".to_owned(), admin.clone()),
                (Regenerated, 0, admin.clone(), admin.clone()),
            ];
            expected.extend((round == 1).then(|| (Created, 4, "new".to_owned(), String::new())));
            assert_eq!(trail.iter().map(known).collect::<Vec<_>>(), expected);
            assert!(trail.iter().all(|record| record.origin.is_none()));
            if round == 0 {
                store.create(creation(token("new"))).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_file_of_format_3_keeps_its_checksums_and_its_damage_is_found() {
    for (damage, finding) in [
        ("SELECT 1", None),
        ("UPDATE tokens SET name = 'other' WHERE id = 1", Some("the record of token 1 is damaged")),
        ("UPDATE deletions SET deleted_by = 1 WHERE seq = 2", Some("row 2 of the table deletions is damaged")),
        ("UPDATE regenerations SET regenerated_at = 1", Some("row 1 of the table regenerations is damaged")),
    ] {
        let (_root, path) = fresh();
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(&(FORMAT_2.to_owned() + FORMAT_3)).unwrap();
        connection.query_row(damage, [], |_| Ok(())).ok();
        drop(connection);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let refusal = match SqliteStore::open(&path) {
            Ok(store) => load(Arc::new(store)).await.err().map(|error| with_sources(&error)),
            Err(error) => Some(with_sources(&error)),
        };
        assert_eq!(refusal.is_some(), finding.is_some(), "{damage}: {refusal:?}");
        assert!(refusal.unwrap_or_default().contains(finding.unwrap_or_default()), "{damage}");
    }
}

#[tokio::test]
async fn a_file_of_format_2_keeps_its_tokens_and_is_brought_to_the_present_format() {
    let (_root, path) = fresh();
    Connection::open(&path).unwrap().execute_batch(FORMAT_2).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    for _ in 0..2 {
        let (store, live) = open(SqliteOptions::default(), &path).await;
        assert_eq!(store.cluster_uuid().to_string(), "0a1b2c3d-0000-4000-8000-000000000002");
        let records = store.page(None, 9).await.unwrap();
        let tokens: Vec<_> = records.iter().map(|token| (token.id.as_u64(), token.expires_at.is_some())).collect();
        assert_eq!(tokens, [(0, false), (1, true)]);
        assert_eq!(live.len(), 2);
        // The secrets of deleted tokens and the replaced one of the operator token stay refused.
        for number in [1, 3, 4] {
            let digest = format!("{number:064}").into_bytes().try_into().unwrap();
            let given = NewToken { digest: Digest::from_bytes(digest), origin: SecretOrigin::Given, ..token("given") };
            assert_eq!(store.create(creation(given)).await.unwrap(), CreationOutcome::DigestDeleted);
        }
    }
    let (store, _) = open(SqliteOptions::default(), &path).await;
    let CreationOutcome::Created(record) = store.create(creation(token("new"))).await.unwrap() else { panic!() };
    assert_eq!(record.id.as_u64(), 4);
    drop(store);

    let new = path.with_extension("new");
    SqliteStore::open(&new).unwrap().close();
    assert_eq!(columns(&path), columns(&new));
}

#[tokio::test]
async fn a_file_of_format_2_that_lacks_a_row_or_a_table_is_refused() {
    for damage in ["DELETE FROM deletions WHERE seq = 1", "DELETE FROM tokens WHERE id = 1", "DROP TABLE regenerations"]
    {
        let (_root, path) = fresh();
        Connection::open(&path).unwrap().execute_batch(FORMAT_2).unwrap();
        Connection::open(&path).unwrap().execute_batch(damage).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let error = match SqliteStore::open(&path) {
            Ok(store) => load(Arc::new(store)).await.unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(error.contains("damage") || error.contains("unavailable"), "{damage}: {error}");
    }
}

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
