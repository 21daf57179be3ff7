//! What a start compares, each check alone: rows and tables that are whole and do not fit together.

use super::*;
use crate::store::sqlite::checksum;
use crate::store::sqlite::row::{COLUMNS, Columns};

/// Tokens 1 and 2 are compacted, 3 is deleted, 4 and 5 are live.
async fn refusal_after(damage: impl FnOnce(&Connection) + Send + 'static) -> String {
    let mut subject = Subject::new().await;
    for number in 1..=5 {
        subject.create(token(number, number)).await;
    }
    subject.sql("CREATE TEMP TABLE old AS SELECT * FROM tokens").await;
    for id in [1, 2] {
        subject.store.delete(deletion(TokenId::from_u64(id))).await.unwrap();
    }
    subject.compact().await;
    subject.store.delete(deletion(TokenId::from_u64(3))).await.unwrap();
    subject.query(damage).await;
    let mark = file::beside(&subject.path, "-mark");
    subject.close();
    // It would notice some of the damage first.
    fs::remove_file(mark).unwrap();
    let store = match SqliteStore::open(&subject.path) {
        Ok(store) => store,
        Err(error) => return error.to_string(),
    };
    match store.load(LiveTokensWriter::new()).await {
        Err(StoreError::Unavailable { source }) => source.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn tables_that_do_not_fit_together_are_refused() {
    for (sql, finding) in [
        ("INSERT INTO tokens SELECT * FROM old WHERE id = 1", "token 1 is there, although it was removed"),
        ("UPDATE meta SET value = 3 WHERE key = 'folded_seq'", "token 3 is there, although it was removed"),
        ("UPDATE meta SET value = 4 WHERE key = 'folded_seq'", "the watermark of compaction is damaged"),
        ("UPDATE meta SET value = -1 WHERE key = 'folded_seq'", "the watermark of compaction is damaged"),
        ("UPDATE meta SET value = 'three' WHERE key = 'folded_seq'", "Invalid column type Text"),
        ("DELETE FROM meta WHERE key = 'folded_seq'", "Query returned no rows"),
        ("DELETE FROM tokens WHERE id = 4", "5 tokens were created, but the file has 4"),
        ("UPDATE sqlite_sequence SET seq = 4", "4 tokens were created, but the file has 5"),
        ("UPDATE tokens SET expires_at = NULL WHERE id = 4", "the record of token 4 is damaged"),
        ("UPDATE tokens SET permissions = '*:*:*' WHERE id = 5", "the record of token 5 is damaged"),
        ("UPDATE tokens SET name = 'other' WHERE id = 5", "the record of token 5 is damaged"),
        ("UPDATE tokens SET created_by = 7 WHERE id = 5", "the record of token 5 is damaged"),
        ("UPDATE tokens SET id = 6 WHERE id = 5", "the record of token 6 is damaged"),
        ("DELETE FROM deletions WHERE seq = 2", "row 2 of the table deletions is damaged or missing"),
        ("UPDATE deletions SET token_id = 4 WHERE seq = 3", "row 3 of the table deletions is damaged or missing"),
        ("UPDATE deletions SET deleted_by = 9 WHERE seq = 1", "row 1 of the table deletions is damaged or missing"),
        ("UPDATE deletions SET checksum = NULL WHERE seq = 3", "row 3 of the table deletions is damaged or missing"),
        ("UPDATE meta SET value = upper(value) || '0' WHERE key = 'cluster_uuid'", "is not a token store"),
        (
            "UPDATE meta SET value = '0a1b2c3d-0000-4000-8000-000000000001' WHERE key = 'cluster_uuid'",
            "the UUID of the cluster is damaged",
        ),
        ("UPDATE deletions SET change = 9 WHERE seq = 2", "row 2 of the table deletions is damaged or missing"),
        ("UPDATE deletions SET origin = '::1' WHERE seq = 3", "row 3 of the table deletions is damaged or missing"),
        ("DELETE FROM creations WHERE token_id = 1", "the creation of token 1 is missing."),
        ("DELETE FROM creations WHERE token_id = 3", "the creation of token 3 is missing."),
        ("DELETE FROM creations WHERE token_id = 5", "the creation of token 5 is missing."),
        ("UPDATE creations SET name = 'other' WHERE token_id = 1", "the creation of token 1 is damaged"),
        (
            "UPDATE creations SET name = NULL, created_at = NULL WHERE token_id = 1",
            "the creation of token 1 is damaged",
        ),
        ("UPDATE creations SET origin = '::1' WHERE token_id = 4", "the creation of token 4 is damaged"),
        ("UPDATE creations SET token_id = 0 WHERE token_id = 1", "the creation of token 0 is damaged"),
        ("UPDATE tokens SET description = 'other' WHERE id = 4", "the record of token 4 is damaged"),
        ("UPDATE tokens SET description = NULL WHERE id = 5", "the record of token 5 is damaged"),
        ("CREATE TRIGGER t AFTER INSERT ON deletions BEGIN DELETE FROM deletions; END", "the definition of a table"),
        ("PRAGMA user_version = 2", "the definition of a table, or the version in the header, is damaged"),
    ] {
        let refusal = refusal_after(|connection| connection.execute_batch(sql).unwrap()).await;
        assert!(refusal.contains(finding), "{sql}: {refusal}");
    }
}

#[tokio::test]
async fn a_creation_of_a_token_that_never_was_is_refused() {
    for token in [0, 6, i64::MAX] {
        let refusal = refusal_after(move |connection| {
            let whole = checksum::creation(token, None, None, None, Default::default());
            let sql = "INSERT INTO creations (token_id, checksum) VALUES (?1, ?2)";
            connection.execute(sql, (token, whole)).unwrap();
        })
        .await;
        assert!(refusal.contains(&format!("token {token} has a creation, but was never created")), "{refusal}");
    }
}

#[tokio::test]
async fn a_damaged_last_use_is_forgotten_and_refuses_nothing() {
    let mut subject = Subject::new().await;
    for number in 1..=4 {
        subject.create(token(number, number)).await;
        let minute = crate::live::Minute::of(Timestamp::from_millis(60_000 * number).unwrap());
        subject.live.note_use(&subject.live.by_id(TokenId::from_u64(number)).unwrap(), minute);
    }
    subject.tamper(Writer::save_uses).await;
    subject
        .sql("UPDATE uses SET minute = minute + 1 WHERE token_id = 2; UPDATE uses SET token_id = 9 WHERE token_id = 3")
        .await;
    subject.close();
    let checked = SqliteStore::check(&subject.path).unwrap();
    assert_eq!((checked.uses, checked.damaged_uses, checked.creations), (2, vec![2, 9], 4));
    subject.reopen();
    subject.live = load(&subject.store).await;
    let used = |id| subject.live.last_used(TokenId::from_u64(id)).map(|at| at.as_millis() / 60_000);
    assert_eq!([1, 2, 3, 4].map(used), [Some(1), None, None, Some(4)]);
    subject.close();
    let checked = SqliteStore::check(&subject.path).unwrap();
    assert_eq!((checked.uses, checked.damaged_uses), (2, vec![]));
}

#[tokio::test]
async fn a_deletion_that_names_another_digest_than_its_token_has_is_refused() {
    let refusal = refusal_after(|connection| {
        let sql = format!("SELECT {COLUMNS} FROM old WHERE id = 3");
        let checksum = connection.query_row(&sql, [], |row| {
            let columns = Columns::read(row).unwrap();
            Ok(checksum::token(&Columns { digest: &[7; 64], ..columns }))
        });
        let change = (checksum.unwrap(), [7_u8; 64]);
        connection.execute("UPDATE tokens SET checksum = ?1, digest = ?2 WHERE id = 3", change).unwrap();
    })
    .await;
    assert!(refusal.contains("token 3 and its deletion have different digests"), "{refusal}");
}

/// The error of a command shows it.
#[tokio::test]
async fn a_refusal_says_what_to_do_next() {
    let refusal = refusal_after(|connection| connection.execute_batch("DELETE FROM tokens").unwrap()).await;
    assert!(
        refusal.contains("`influxdb3-tokens restore FILE --force --keep-deletions` restores a backup"),
        "{refusal}"
    );
}
