//! Behaviour that no caller can provoke: failures of the storage, the contents of a batch, and compaction.

mod audit;
mod checks;
mod damage;
mod regeneration;

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use futures::FutureExt;
use rusqlite::{Connection, ffi};
use tempfile::TempDir;

use super::writer::execute;
use super::*;
use crate::live::LiveTokens;
use crate::store::{Actor, MemoryStore, TokenSelector};
use crate::token::{Digest, NewToken, Permissions, SecretOrigin, Timestamp, TokenName};

#[tokio::test]
async fn a_change_sees_the_earlier_changes_of_its_batch() {
    let subject = Subject::new().await;
    let first = subject.create(token(1, 1)).await;
    let go = subject.hold();
    let commits = subject.store.commits();

    let store = &subject.store;
    let (a, b, c, d, e, f, ()) = tokio::join!(
        biased;
        store.delete(deletion(first)),
        store.delete(deletion(first)),
        store.create(creation(token(1, 1))),
        store.create(creation(token(1, 2))),
        store.create(creation(token(2, 1))),
        store.delete(deletion(TokenId::from_u64(2))),
        async { go.send(()).unwrap() },
    );
    assert_eq!(a.unwrap(), DeletionOutcome::Deleted(first));
    assert_eq!(b.unwrap(), DeletionOutcome::NotFound);
    assert!(matches!(c.unwrap(), CreationOutcome::Created(record) if record.id.as_u64() == 2));
    assert_eq!(d.unwrap(), CreationOutcome::NameTaken);
    assert_eq!(e.unwrap(), CreationOutcome::DigestTaken);
    assert_eq!(f.unwrap(), DeletionOutcome::Deleted(TokenId::from_u64(2)));
    assert_eq!(subject.store.commits(), commits + 1);
    assert!(subject.live.is_empty());
    assert_eq!(subject.audit_trail().await, [1, 2]);
}

#[tokio::test]
async fn a_name_is_resolved_among_the_earlier_changes_of_its_batch() {
    let subject = Subject::new().await;
    let first = subject.create(token(1, 1)).await;
    let go = subject.hold();
    let commits = subject.store.commits();

    let store = &subject.store;
    let (a, b, c, d, e, f, ()) = tokio::join!(
        biased;
        store.delete(deletion(name(1))),
        store.delete(deletion(name(1))),
        store.delete(deletion(first)),
        store.create(creation(token(1, 2))),
        store.delete(deletion(first)),
        store.delete(deletion(name(1))),
        async { go.send(()).unwrap() },
    );
    assert_eq!(a.unwrap(), DeletionOutcome::Deleted(first));
    assert_eq!(b.unwrap(), DeletionOutcome::NotFound);
    assert_eq!(c.unwrap(), DeletionOutcome::NotFound);
    assert!(matches!(d.unwrap(), CreationOutcome::Created(record) if record.id.as_u64() == 2));
    assert_eq!(e.unwrap(), DeletionOutcome::NotFound);
    assert_eq!(f.unwrap(), DeletionOutcome::Deleted(TokenId::from_u64(2)));
    assert_eq!(subject.store.commits(), commits + 1);
    assert!(subject.live.is_empty());
    assert_eq!(subject.audit_trail().await, [1, 2]);
}

#[tokio::test]
async fn an_actor_is_checked_against_the_earlier_changes_of_its_batch() {
    let subject = Subject::new().await;
    let (actor, other) = (subject.create(token(1, 2)).await, subject.create(token(2, 4)).await);
    let by = |id, digest| Actor::Token { id, digest: Digest::with_prefix(digest) };
    let third = TokenId::from_u64(3);
    let go = subject.hold();
    let commits = subject.store.commits();

    let store = &subject.store;
    let (a, b, c, d, e, f, g, ()) = tokio::join!(
        biased;
        store.create(Creation::new(token(4, 6), Some(by(actor, 2)), Timestamp::EPOCH).unwrap()),
        store.delete(deletion_by(by(third, 2), other)),
        store.delete(deletion_by(by(actor, 2), actor)),
        store.delete(deletion_by(by(actor, 2), other)),
        store.delete(deletion_by(by(actor, 2), actor)),
        store.create(Creation::new(token(5, 8), Some(by(actor, 2)), Timestamp::EPOCH).unwrap()),
        store.delete(deletion_by(by(third, 6), other)),
        async { go.send(()).unwrap() },
    );
    assert!(matches!(a.unwrap(), CreationOutcome::Created(record) if record.id == third));
    assert_eq!(b.unwrap(), DeletionOutcome::Unauthorized);
    assert_eq!(c.unwrap(), DeletionOutcome::Deleted(actor));
    assert_eq!(d.unwrap(), DeletionOutcome::Unauthorized);
    assert_eq!(e.unwrap(), DeletionOutcome::Unauthorized);
    assert_eq!(f.unwrap(), CreationOutcome::Unauthorized);
    assert_eq!(g.unwrap(), DeletionOutcome::Deleted(other));
    assert_eq!(subject.store.commits(), commits + 1);
    assert_eq!(subject.audit_trail().await, [1, 2]);
}

#[tokio::test]
async fn a_change_that_cannot_be_written_does_not_fail_the_others_of_its_batch() {
    let subject = Subject::new().await;
    let first = subject.create(token(1, 1)).await;
    let refuse = "CREATE TEMP TRIGGER no BEFORE INSERT ON main.tokens
                  BEGIN SELECT raise(ABORT, 'no'); END";
    subject.sql(refuse).await;
    let go = subject.hold();

    let store = &subject.store;
    let (deleted, created, again, ()) = tokio::join!(
        biased;
        store.delete(deletion(first)),
        store.create(creation(token(2, 2))),
        store.delete(deletion(first)),
        async { go.send(()).unwrap() },
    );
    assert_eq!(deleted.unwrap(), DeletionOutcome::Deleted(first));
    assert!(matches!(created, Err(StoreError::Unavailable { .. })));
    assert_eq!(again.unwrap(), DeletionOutcome::NotFound);
    assert!(subject.live.is_empty());
    assert_eq!(subject.audit_trail().await, [1]);
}

#[tokio::test]
async fn a_full_disk_refuses_creations_and_loses_nothing() {
    let mut subject = Subject::new().await;
    subject.sql("PRAGMA max_page_count = 40").await;
    let mut created = 0;
    let error = loop {
        match subject.store.create(creation(token(created, created))).await {
            Ok(_) => created += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Unavailable { .. }) && !error.may_have_happened());
    assert_eq!(subject.live.len() as u64, created);

    subject.sql("PRAGMA max_page_count = 4000").await;
    subject.create(token(created, created)).await;
    subject.restart().await;
    assert_eq!(subject.live.len() as u64, created + 1);
}

#[tokio::test]
async fn after_a_failed_commit_the_live_tokens_are_those_in_the_file() {
    for committed in [false, true] {
        let mut subject = Subject::new().await;
        let first = subject.create(token(1, 1)).await;
        subject.create(token(2, 2)).await;
        subject.fail_next_commit(committed, || {}).await;
        let go = subject.hold();

        let store = &subject.store;
        let (deleted, created, operator, ()) = tokio::join!(
            biased;
            store.delete(deletion(name(1))),
            store.create(creation(token(3, 3))),
            store.create(creation(NewToken { name: TokenName::OPERATOR.parse().unwrap(), ..token(5, 4) })),
            async { go.send(()).unwrap() },
        );
        assert!(deleted.unwrap_err().may_have_happened());
        assert!(created.unwrap_err().may_have_happened());
        assert!(operator.unwrap_err().may_have_happened());

        assert_eq!(subject.live.contains(first), !committed);
        assert_eq!(subject.live.contains(TokenId::from_u64(3)), committed);
        assert_eq!(subject.live.contains(TokenId::OPERATOR), committed);
        let retried = subject.store.delete(deletion(first)).await.unwrap();
        assert_eq!(retried == DeletionOutcome::NotFound, committed);

        let live = subject.live_ids();
        subject.restart().await;
        assert_eq!(subject.live_ids(), live);
        assert_eq!(subject.audit_trail().await, [1]);
    }
}

/// Otherwise a deletion would be acknowledged although nothing at the path knows of it.
#[tokio::test]
async fn a_commit_whose_files_are_removed_before_its_answer_has_an_unknown_outcome() {
    for suffix in ["", "-wal"] {
        let mut subject = Subject::new().await;
        let first = subject.create(token(1, 1)).await;
        let (path, away) = (file::beside(&subject.path, suffix), subject.path.with_extension("away"));
        let (from, to) = (path.clone(), away.clone());
        subject
            .tamper(|writer| {
                writer.commit = Box::new(move |connection| {
                    execute(connection, "COMMIT")?;
                    if from.exists() && !to.exists() {
                        fs::rename(&from, &to).unwrap();
                    }
                    Ok(())
                });
            })
            .await;
        assert!(subject.store.delete(deletion(first)).await.unwrap_err().may_have_happened());
        if suffix.is_empty() {
            assert!(subject.live.contains(first), "the change is not answered");
            assert!(subject.store.delete(deletion(first)).await.is_err());
            fs::rename(&away, &path).unwrap();
        }
        assert_eq!(subject.store.delete(deletion(first)).await.unwrap(), DeletionOutcome::NotFound, "{suffix}");
        assert!(subject.live.is_empty());
        subject.restart().await;
        assert!(subject.live.is_empty(), "{suffix}");
    }
}

#[tokio::test]
async fn the_digests_of_deleted_tokens_are_read_once_for_a_batch_of_given_tokens() {
    let subject = Subject::new().await;
    for number in 1..=30 {
        let id = subject.create(NewToken { origin: SecretOrigin::Given, ..token(number, number) }).await;
        subject.store.delete(deletion(id)).await.unwrap();
    }
    let scans = || {
        subject.query(|connection| {
            let statement = connection.prepare_cached(read::DELETED_DIGESTS).unwrap();
            statement.get_status(rusqlite::StatementStatus::Run)
        })
    };
    let before = scans().await;
    let go = subject.hold();
    let given = |number| NewToken { origin: SecretOrigin::Given, ..token(100 + number, number) };
    let creations = (1..=40).map(|number| subject.store.create(creation(given(number))));
    let (outcomes, ()) = tokio::join!(biased; futures::future::join_all(creations), async { go.send(()).unwrap() });
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Ok(CreationOutcome::DigestDeleted)));
    assert_eq!((refused.count(), subject.live.len()), (30, 10));
    assert_eq!(scans().await - before, 1);
}

#[tokio::test]
async fn every_request_fails_while_the_file_cannot_be_opened_again() {
    let mut subject = Subject::new().await;
    let first = subject.create(token(1, 1)).await;
    let directory = subject.path.parent().unwrap().to_owned();
    let away = directory.with_extension("away");
    let (from, to) = (directory.clone(), away.clone());
    subject.fail_next_commit(true, move || fs::rename(from, to).unwrap()).await;

    assert!(subject.store.delete(deletion(first)).await.unwrap_err().may_have_happened());
    for _ in 0..2 {
        let error = subject.store.delete(deletion(first)).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }));
        assert!(subject.store.page(None, 1).await.is_err());
    }
    SqliteStore::open(&subject.path).unwrap().close();
    assert!(subject.store.page(None, 1).await.is_err(), "the file is that of another cluster");

    fs::remove_dir_all(&directory).unwrap();
    fs::rename(&away, &directory).unwrap();
    let retried = subject.store.delete(deletion(first)).await.unwrap();
    assert_eq!(retried, DeletionOutcome::NotFound);
    assert!(subject.live.is_empty());
    subject.restart().await;
    assert!(subject.live.is_empty());
}

/// The next change opens the file again, and is staged after what the file has.
#[tokio::test]
async fn a_deleted_token_stays_deleted_if_the_file_was_opened_again_late() {
    let subject = Subject::new().await;
    let directory = subject.path.parent().unwrap().to_owned();
    let away = directory.with_extension("away");
    let (from, to) = (directory.clone(), away.clone());
    subject.fail_next_commit(true, move || fs::rename(from, to).unwrap()).await;
    assert!(subject.store.create(creation(token(1, 1))).await.unwrap_err().may_have_happened());
    fs::rename(&away, &directory).unwrap();

    let first = TokenId::from_u64(1);
    assert_eq!(subject.store.delete(deletion(first)).await.unwrap(), DeletionOutcome::Deleted(first));
    subject.fail_next_commit(false, || {}).await;
    assert!(subject.store.create(creation(token(2, 2))).await.is_err());
    assert!(subject.live.is_empty());
}

#[tokio::test]
async fn a_commit_that_fails_during_compaction_changes_no_live_token() {
    let subject = Subject::new().await;
    for number in 1..=10 {
        subject.create(token(number, number)).await;
    }
    for number in 1..=5 {
        subject.store.delete(deletion(TokenId::from_u64(number))).await.unwrap();
    }
    for committed in [false, true] {
        subject.fail_next_commit(committed, || {}).await;
        subject.compact().await;
        assert_eq!(subject.live_ids(), [6, 7, 8, 9, 10]);
    }
    assert_eq!(subject.tamper(|writer| writer.rows_of_tokens()).await, 5);
}

#[tokio::test]
async fn an_idle_store_compacts_and_keeps_its_audit_trail() {
    let mut subject = Subject::new().await;
    subject.create_and_delete(2..=3000, |_| ()).await;
    let compacted = async {
        // Each look interrupts the idle time, which must be longer than the writer waits.
        while subject.tamper(|writer| writer.rows_of_tokens()).await > 1 {
            tokio::time::sleep(2 * compaction::IDLE).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), compacted).await.unwrap();
    assert_eq!(subject.audit_trail().await, (2..=3000).collect::<Vec<_>>());
    subject.restart().await;
    assert_eq!(subject.live_ids(), [1]);
}

#[tokio::test]
async fn a_compaction_records_its_watermark_in_the_file_with_its_last_step() {
    let mut subject = Subject::new().await;
    let compact = |writer: &mut Writer| {
        writer.compact();
        (writer.rows_of_tokens(), writer.compacted, writer.compacted_in_file())
    };
    let steps = subject.create_and_delete(2..=1500, move |writer| [compact(writer), compact(writer)]).await;
    assert_eq!(steps, [(1500 - 1024, 0, 0), (1, 1499, 1499)]);
    subject.restart().await;
    assert_eq!(subject.tamper(|writer| (writer.compacted, writer.compacted_in_file())).await, (1499, 1499));
    assert_eq!(subject.live_ids(), [1]);
}

/// Otherwise a full disk would keep the writer busy.
#[tokio::test]
async fn a_failed_compaction_rests_until_the_next_request() {
    let subject = Subject::new().await;
    let goes_on = |writer: &mut Writer| {
        writer.commit =
            Box::new(|_| Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_WRITE), None)));
        writer.compact();
        writer.may_compact()
    };
    assert!(!subject.create_and_delete(2..=3000, goes_on).await);
    assert!(subject.tamper(|writer| writer.may_compact()).await);
}

#[tokio::test]
async fn a_deleted_token_stays_deleted_if_a_restart_interrupts_its_compaction() {
    let mut subject = Subject::new().await;
    let rows = |writer: &mut Writer| {
        writer.compact();
        writer.rows_of_tokens()
    };
    assert_eq!(subject.create_and_delete(2..=3000, rows).await, 3000 - 1024);
    subject.restart().await;
    assert_eq!(subject.live_ids(), [1]);
}

/// Compares with [`MemoryStore`]. The names, digests and IDs are few, so that they collide often.
#[tokio::test]
async fn any_sequence_of_operations_has_the_same_results_as_in_memory() {
    for seed in 1..=20 {
        let mut random = XorShift(seed);
        let mut subject = Subject::new().await;
        let reference = MemoryStore::new();
        let live = load(&reference).await;
        let mut regenerated = 1000;
        for step in 0..200 {
            let context = format!("seed {seed}, step {step}");
            match random.below(13) {
                0..5 => {
                    // Some have a digest that a regeneration has made or replaced.
                    let digest = if random.below(10) == 0 { regenerated - random.below(4) } else { random.below(8) };
                    let mut new = token(random.below(8), digest);
                    if random.below(10) == 0 {
                        new.name = TokenName::OPERATOR.parse().unwrap();
                        new.permissions = Permissions::ADMIN;
                        new.expires_at = None;
                    }
                    let expected = reference.create(creation(new.clone())).await.unwrap();
                    assert_eq!(subject.store.create(creation(new)).await.unwrap(), expected, "{context}");
                }
                5..10 => {
                    let deletion = match random.below(2) {
                        0 => deletion(TokenId::from_u64(1 + random.below(2 + step / 4))),
                        _ => deletion(name(random.below(8))),
                    };
                    let expected = reference.delete(deletion.clone()).await.unwrap();
                    assert_eq!(subject.store.delete(deletion).await.unwrap(), expected, "{context}");
                }
                10 => {
                    let replaces = random.below(3).checked_sub(1).map(|back| regenerated - back);
                    regenerated += 1;
                    // Seldom fresh: the digest of another token.
                    let digest = if random.below(10) == 0 { random.below(8) } else { regenerated };
                    let regeneration = regeneration(digest, replaces);
                    let expected = reference.regenerate(regeneration.clone()).await.unwrap();
                    assert_eq!(subject.store.regenerate(regeneration).await.unwrap(), expected, "{context}");
                }
                11 => subject.compact().await,
                _ => subject.restart().await,
            }
            let after = random.below(2).checked_sub(1).map(|_| TokenId::from_u64(random.below(30)));
            let limit = usize::try_from(random.below(10)).unwrap();
            let expected = reference.page(after, limit).await.unwrap();
            assert_eq!(subject.store.page(after, limit).await.unwrap(), expected, "{context}");
            for record in expected {
                assert_eq!(subject.live.find(&record.digest), live.find(&record.digest), "{context}");
            }
            assert_eq!(subject.live.len(), live.len(), "{context}");
            if step % 50 == 49 {
                assert_eq!(audit::trail(&subject.store).await, audit::trail(&reference).await, "{context}");
            }
        }
    }
}

/// A store, its live tokens, and access to its writer.
struct Subject {
    store: SqliteStore,
    live: LiveTokens,
    path: PathBuf,
    _root: TempDir,
}

impl Subject {
    async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("data/tokens.db");
        let store = SqliteStore::open(&path).unwrap();
        let live = load(&store).await;
        Self { store, live, path, _root: root }
    }

    async fn restart(&mut self) {
        self.reopen();
        self.live = load(&self.store).await;
    }

    fn close(&mut self) {
        drop(self.store.queue.take());
        if let Some(writer) = self.store.writer.take() {
            writer.join().unwrap();
        }
    }

    fn reopen(&mut self) {
        self.close();
        self.store = SqliteStore::open(&self.path).unwrap();
    }

    async fn create(&self, token: NewToken) -> TokenId {
        match self.store.create(creation(token)).await.unwrap() {
            CreationOutcome::Created(record) => record.id,
            refused => panic!("{refused:?}"),
        }
    }

    /// Creates tokens from 1 to the last of `ids`, deletes those in `ids`, and calls `then`. The deletions and the call
    /// wait in the queue together, so that the writer is not idle before the call and starts no compaction.
    async fn create_and_delete<T: Send + 'static>(
        &self,
        ids: std::ops::RangeInclusive<u64>,
        then: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> T {
        for number in 1..=*ids.end() {
            self.create(token(number, number)).await;
        }
        let go = self.hold();
        let mut deletions: Vec<_> = ids.map(|id| self.store.delete(deletion(TokenId::from_u64(id)))).collect();
        for deletion in &mut deletions {
            assert!(deletion.now_or_never().is_none(), "the writer is held");
        }
        let then = self.tamper(then);
        let release = async { go.send(()).unwrap() };
        let (result, ()) = tokio::join!(biased; then, release);
        for deletion in deletions {
            assert!(matches!(deletion.await.unwrap(), DeletionOutcome::Deleted(_)));
        }
        result
    }

    /// Makes the next commit report a failure, and calls `then` before it does. If `committed`, the commit itself
    /// succeeds.
    async fn fail_next_commit(&self, committed: bool, then: impl FnOnce() + Send + 'static) {
        let mut then = Some(then);
        self.tamper(move |writer| {
            writer.commit = Box::new(move |connection| match then.take() {
                None => execute(connection, "COMMIT"),
                Some(then) => {
                    if committed {
                        execute(connection, "COMMIT")?;
                    }
                    then();
                    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC), None))
                }
            });
        })
        .await;
    }

    /// Stops the writer until something is sent. The changes that are requested meanwhile form one batch.
    fn hold(&self) -> mpsc::Sender<()> {
        let (go, wait) = mpsc::channel();
        let hold = Job::Tamper(Box::new(move |_| wait.recv().unwrap()));
        self.store.queue.as_ref().unwrap().try_send(hold).ok().unwrap();
        go
    }

    async fn compact(&self) {
        self.tamper(Writer::compact).await;
    }

    async fn sql(&self, sql: &'static str) {
        self.query(move |connection| connection.execute_batch(sql).unwrap()).await;
    }

    /// The IDs of all deleted tokens, in the order of their deletion.
    async fn audit_trail(&self) -> Vec<i64> {
        self.query(|connection| {
            let mut statement = connection.prepare("SELECT token_id FROM deletions ORDER BY seq").unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        })
        .await
    }

    fn live_ids(&self) -> Vec<u64> {
        (0..10_000).filter(|id| self.live.contains(TokenId::from_u64(*id))).collect()
    }

    async fn query<T: Send + 'static>(&self, query: impl FnOnce(&Connection) -> T + Send + 'static) -> T {
        self.tamper(|writer| query(writer.connection.as_ref().unwrap())).await
    }

    async fn tamper<T: Send + 'static>(&self, tamper: impl FnOnce(&mut Writer) -> T + Send + 'static) -> T {
        let job = |answer: Answer<T>| {
            Job::Tamper(Box::new(|writer| {
                let _ = answer.send(Ok(tamper(writer)));
            }))
        };
        self.store.ask(job).await.unwrap()
    }
}

impl Writer {
    fn rows_of_tokens(&self) -> i64 {
        let connection = self.connection.as_ref().unwrap();
        connection.query_row("SELECT count(*) FROM tokens", [], |row| row.get(0)).unwrap()
    }

    fn query(&self, sql: &str) {
        self.connection.as_ref().unwrap().query_row(sql, [], |_| Ok(())).unwrap();
    }

    /// The watermark of compaction in the file.
    fn compacted_in_file(&self) -> i64 {
        compaction::watermark(self.connection.as_ref().unwrap()).unwrap()
    }
}

/// Loads a store, and returns its live tokens.
async fn load(store: &impl TokenStore) -> LiveTokens {
    let writer = LiveTokensWriter::new();
    let live = writer.tokens().clone();
    store.load(writer).await.unwrap();
    live
}

/// A token with this name and digest. Its expiry, origin and permissions depend on them.
fn token(name: u64, digest: u64) -> NewToken {
    let permissions = if digest.is_multiple_of(2) { "*:*:*" } else { "db:a,b:read system:*:read" };
    NewToken {
        name: format!("token {name}").parse().unwrap(),
        description: name.is_multiple_of(5).then(|| format!("number {name}").parse().unwrap()),
        digest: Digest::with_prefix(digest),
        origin: if name.is_multiple_of(3) { SecretOrigin::Given } else { SecretOrigin::Fresh },
        expires_at: name.is_multiple_of(2).then_some(Timestamp::MAX),
        permissions: permissions.parse().unwrap(),
    }
}

fn creation(token: NewToken) -> Creation {
    Creation::new(token, None, Timestamp::EPOCH).unwrap()
}

fn deletion(token: impl Into<TokenSelector>) -> Deletion {
    deletion_by(Actor::Other(TokenId::OPERATOR), token)
}

fn deletion_by(by: Actor, token: impl Into<TokenSelector>) -> Deletion {
    Deletion::new(token, by, Timestamp::EPOCH).unwrap()
}

fn regeneration(digest: u64, replaces: Option<u64>) -> Regeneration {
    let by = replaces.map(|digest| Actor::Token { id: TokenId::OPERATOR, digest: Digest::with_prefix(digest) });
    Regeneration::new(Digest::with_prefix(digest), by, Timestamp::EPOCH).unwrap()
}

/// Selects the token with the name that [`token`] gives it.
fn name(name: u64) -> TokenSelector {
    TokenSelector::Name(token(name, 0).name)
}

/// Marsaglia's random number generator. The seed must not be 0.
struct XorShift(u64);

impl XorShift {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
