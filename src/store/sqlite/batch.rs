//! Changes that are committed together.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::oneshot;

use crate::live::{LiveTokens, LiveTokensWriter};
use crate::store::{Creation, CreationOutcome, Deletion, DeletionOutcome, StoreError};
use crate::token::{Digest, SecretOrigin, Timestamp, TokenId};

/// Where the answer to a request goes.
pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// A change that someone waits for.
pub(super) enum Change {
    Create(Box<Request<Creation, CreationOutcome>>),
    Delete(Request<Deletion, DeletionOutcome>),
}

/// What is asked for, what came of it, and whom to tell.
pub(super) struct Request<T, Outcome> {
    content: T,
    /// `None` until the change is staged.
    outcome: Option<Outcome>,
    answer: Answer<Outcome>,
}

impl Change {
    /// Takes a committed change into `live`, and only then answers it.
    pub(super) fn settle(self, live: &mut LiveTokensWriter) {
        match self {
            Self::Create(request) => {
                if let Some(CreationOutcome::Created(record)) = &request.outcome {
                    live.insert(record);
                }
                request.settle();
            }
            Self::Delete(request) => {
                if request.outcome == Some(DeletionOutcome::Deleted) {
                    live.remove(request.content.id());
                }
                request.settle();
            }
        }
    }

    /// Answers a change that was not committed, or may not have been.
    pub(super) fn fail(self, error: StoreError) {
        match self {
            Self::Create(request) => request.fail(error),
            Self::Delete(request) => request.fail(error),
        }
    }
}

impl<T, Outcome> Request<T, Outcome> {
    pub(super) fn new(content: T, answer: Answer<Outcome>) -> Self {
        Self { content, outcome: None, answer }
    }

    // Nobody may be listening any more: whoever asked has gone, and the change is made all the
    // same.

    fn settle(self) {
        let outcome = self.outcome.expect("a change is staged before it is committed");
        let _ = self.answer.send(Ok(outcome));
    }

    fn fail(self, error: StoreError) {
        let _ = self.answer.send(Err(error));
    }
}

/// How far the file has been taken into [`LiveTokens`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// The last deletion, by its `seq`.
    pub(super) deletion: i64,
    /// The last token that was created, by its ID; the operator token does not count.
    pub(super) token: i64,
}

/// An open transaction, into which changes are written one after the other.
///
/// Whether a token is live is known from [`LiveTokens`], which is where the file stood before the
/// transaction, and from what the transaction has done since.
pub(super) struct Staging<'a> {
    connection: &'a Connection,
    live: &'a LiveTokens,
    created: HashMap<Digest, TokenId>,
    deleted: HashSet<TokenId>,
    marks: Marks,
}

impl<'a> Staging<'a> {
    pub(super) fn new(connection: &'a Connection, live: &'a LiveTokens, marks: Marks) -> Self {
        Self { connection, live, created: HashMap::new(), deleted: HashSet::new(), marks }
    }

    pub(super) fn stage(&mut self, change: &mut Change) -> rusqlite::Result<()> {
        match change {
            Change::Create(request) => request.outcome = Some(self.create(&request.content)?),
            Change::Delete(request) => request.outcome = Some(self.delete(&request.content)?),
        }
        Ok(())
    }

    /// Whether there is nothing to commit.
    pub(super) fn is_empty(&self) -> bool {
        self.created.is_empty() && self.deleted.is_empty()
    }

    /// The marks once this transaction is committed and taken in.
    pub(super) fn marks(&self) -> Marks {
        self.marks
    }

    fn create(&mut self, creation: &Creation) -> rusqlite::Result<CreationOutcome> {
        let token = creation.token();
        let namesake = self.token_named(token.name.as_str())?;
        if namesake.is_some_and(|id| self.is_live(id)) {
            return Ok(CreationOutcome::NameTaken);
        }
        if self.digest_is_taken(&token.digest) {
            return Ok(CreationOutcome::DigestTaken);
        }
        if token.origin == SecretOrigin::Given && self.digest_was_deleted(&token.digest)? {
            return Ok(CreationOutcome::DigestDeleted);
        }
        if let Some(deleted) = namesake {
            self.fold(deleted)?;
        }
        let id = self.insert(creation)?;
        self.created.insert(token.digest, id);
        Ok(CreationOutcome::Created(creation.clone().into_record(id)))
    }

    fn delete(&mut self, deletion: &Deletion) -> rusqlite::Result<DeletionOutcome> {
        let Some(digest) = self.digest_of(deletion.id()) else {
            return Ok(DeletionOutcome::NotFound);
        };
        self.connection
            .prepare_cached("INSERT INTO deletions (token_id, digest, deleted_at, deleted_by) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                id_to_sql(deletion.id()),
                digest.as_bytes(),
                time_to_sql(deletion.at()),
                id_to_sql(deletion.by()),
            ])?;
        self.marks.deletion = self.connection.last_insert_rowid();
        self.deleted.insert(deletion.id());
        Ok(DeletionOutcome::Deleted)
    }

    fn is_live(&self, id: TokenId) -> bool {
        self.digest_of(id).is_some()
    }

    /// The digest of a live token.
    fn digest_of(&self, id: TokenId) -> Option<Digest> {
        if self.deleted.contains(&id) {
            return None;
        }
        let before = self.live.by_id(id).map(|token| *token.digest());
        before.or_else(|| self.created.iter().find(|(_, created)| **created == id).map(|(digest, _)| *digest))
    }

    fn digest_is_taken(&self, digest: &Digest) -> bool {
        let before = self.live.find(digest).map(|token| token.id());
        let since = self.created.get(digest).copied();
        [before, since].into_iter().flatten().any(|id| self.is_live(id))
    }

    /// Reads all deletions: an index of their digests would cost each deletion a random page, and
    /// only the tokens of a file that are not live are looked for.
    fn digest_was_deleted(&self, digest: &Digest) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM deletions WHERE digest = ?1)")?
            .query_row([digest.as_bytes()], |row| row.get(0))
    }

    fn token_named(&self, name: &str) -> rusqlite::Result<Option<TokenId>> {
        self.connection
            .prepare_cached("SELECT id FROM tokens WHERE name = ?1")?
            .query_row([name], |row| row.get(0).map(id_from_sql))
            .optional()
    }

    /// Folds the deletion of one token ahead of its turn, so that its name is free.
    fn fold(&self, deleted: TokenId) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM tokens WHERE id = ?1")?.execute([id_to_sql(deleted)])?;
        Ok(())
    }

    fn insert(&mut self, creation: &Creation) -> rusqlite::Result<TokenId> {
        let token = creation.token();
        let fixed_id = token.name.is_operator().then_some(TokenId::OPERATOR);
        self.connection
            .prepare_cached(
                "INSERT INTO tokens (id, name, digest, created_at, expires_at, permissions)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                fixed_id.map(id_to_sql),
                token.name.as_str(),
                token.digest.as_bytes(),
                time_to_sql(creation.at()),
                token.expires_at.map(time_to_sql),
                token.permissions.to_string(),
            ])?;
        let id = self.connection.last_insert_rowid();
        self.marks.token = self.marks.token.max(id);
        Ok(id_from_sql(id))
    }
}

/// An ID as SQLite's signed integer. Those of tokens in a file are small; the two's complement
/// keeps any other as it is.
pub(super) fn id_to_sql(id: TokenId) -> i64 {
    id.as_u64().cast_signed()
}

pub(super) fn id_from_sql(id: i64) -> TokenId {
    TokenId::from_u64(id.cast_unsigned())
}

fn time_to_sql(time: Timestamp) -> i64 {
    // At most `Timestamp::MAX`, which is far below `i64::MAX`.
    time.as_millis().cast_signed()
}
