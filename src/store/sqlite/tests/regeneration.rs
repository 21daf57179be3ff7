//! Regenerations of the operator token's secret, in a batch and after failures.

use super::*;

#[tokio::test]
async fn a_regeneration_sees_and_is_seen_by_the_other_changes_of_its_batch() {
    let mut subject = Subject::new().await;
    let go = subject.hold();
    let commits = subject.store.commits();
    let given = |name, digest| creation(NewToken { origin: SecretOrigin::Given, ..token(name, digest) });

    let store = &subject.store;
    let (a, b, c, d, e, f, g, h, ()) = tokio::join!(
        biased;
        store.regenerate(regeneration(4, None)),
        store.create(creation(operator(2))),
        store.regenerate(regeneration(4, Some(2))),
        store.regenerate(regeneration(6, Some(2))),
        store.create(given(1, 2)),
        store.create(given(1, 4)),
        store.regenerate(regeneration(4, None)),
        store.regenerate(regeneration(8, None)),
        async { go.send(()).unwrap() },
    );
    assert_eq!(a.unwrap(), RegenerationOutcome::NotFound);
    assert!(matches!(b.unwrap(), CreationOutcome::Created(record) if record.digest == Digest::with_prefix(2)));
    assert!(matches!(c.unwrap(), RegenerationOutcome::Regenerated(record) if record.digest == Digest::with_prefix(4)));
    assert_eq!(d.unwrap(), RegenerationOutcome::Unauthorized);
    assert_eq!(e.unwrap(), CreationOutcome::DigestDeleted);
    assert_eq!(f.unwrap(), CreationOutcome::DigestTaken);
    assert_eq!(g.unwrap(), RegenerationOutcome::DigestTaken);
    assert!(matches!(h.unwrap(), RegenerationOutcome::Regenerated(record) if record.digest == Digest::with_prefix(8)));
    assert_eq!(subject.store.commits(), commits + 1);
    for _ in 0..2 {
        let live = |digest| subject.live.find(&Digest::with_prefix(digest)).is_some();
        assert_eq!([2, 4, 6, 8].map(live), [false, false, false, true]);
        assert_eq!(subject.regenerations().await, [(2, Some(0)), (4, None)]);
        subject.restart().await;
    }

    let go = subject.hold();
    let store = &subject.store;
    let (a, b, ()) = tokio::join!(
        biased;
        store.regenerate(regeneration(10, Some(8))),
        store.create(given(1, 8)),
        async { go.send(()).unwrap() },
    );
    assert!(matches!(a.unwrap(), RegenerationOutcome::Regenerated(_)));
    assert_eq!(b.unwrap(), CreationOutcome::DigestDeleted);
}

#[tokio::test]
async fn a_file_whose_operator_token_has_a_replaced_secret_is_not_loaded() {
    let mut subject = Subject::new().await;
    subject.create(operator(2)).await;
    // As if the disk had kept the old page.
    subject.sql("CREATE TEMP TABLE old AS SELECT * FROM tokens").await;
    subject.store.regenerate(regeneration(4, None)).await.unwrap();
    subject.sql("UPDATE tokens SET (digest, checksum) = (SELECT digest, checksum FROM old)").await;
    let mark = file::beside(&subject.path, "-mark");
    subject.close();
    assert!(matches!(SqliteStore::open(&subject.path), Err(OpenError::Damaged { .. })));

    fs::remove_file(mark).unwrap();
    subject.reopen();
    let error = subject.store.load(LiveTokensWriter::new()).await.unwrap_err();
    let StoreError::Unavailable { source } = error else { panic!("{error:?}") };
    assert!(source.to_string().contains("the operator token is not the one that was made last"), "{source}");
}

#[tokio::test]
async fn after_a_failed_commit_the_operator_token_has_the_secret_in_the_file() {
    for committed in [false, true] {
        let mut subject = Subject::new().await;
        subject.create(operator(2)).await;
        subject.create(token(2, 3)).await;
        let before = subject.live.by_id(TokenId::OPERATOR).unwrap();
        let mut until_deleted = subject.live.until_deleted(&before);
        assert!((&mut until_deleted).now_or_never().is_none());
        subject.fail_next_commit(committed, || {}).await;
        let error = subject.store.regenerate(regeneration(4, Some(2))).await.unwrap_err();
        assert!(error.may_have_happened());

        assert_eq!(until_deleted.now_or_never().is_some(), committed);
        let expected = if committed { RegenerationOutcome::Unauthorized } else { RegenerationOutcome::DigestTaken };
        let live = |digest| subject.live.find(&Digest::with_prefix(digest)).is_some();
        assert_eq!((live(2), live(4)), (!committed, committed));
        assert_eq!(subject.store.regenerate(regeneration(3, Some(2))).await.unwrap(), expected);
        assert_eq!(subject.live_ids(), [0, 1]);
        subject.restart().await;
        let live = |digest| subject.live.find(&Digest::with_prefix(digest)).is_some();
        assert_eq!((live(2), live(4)), (!committed, committed));
    }
}

impl Subject {
    /// The prefixes of all replaced digests of the operator token, and who requested the regenerations, in their order.
    async fn regenerations(&self) -> Vec<(u64, Option<i64>)> {
        self.query(|connection| {
            let sql = "SELECT digest, regenerated_by FROM regenerations ORDER BY seq";
            let row = |row: &rusqlite::Row<'_>| Ok((Digest::from_bytes(row.get(0)?).prefix(), row.get(1)?));
            connection.prepare(sql).unwrap().query_map([], row).unwrap().map(Result::unwrap).collect()
        })
        .await
    }
}

/// An operator token whose digest has this prefix.
fn operator(digest: u64) -> NewToken {
    NewToken { name: TokenName::OPERATOR.parse().unwrap(), ..token(1, digest) }
}
