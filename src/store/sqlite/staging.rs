//! Writing changes into an open transaction.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, params};

use super::audit;
use super::batch::Change;
use super::checksum::{Audited, Link};
use super::compaction;
use super::error::ReadError;
use super::journal;
use super::read;
use super::row::{self, checksum_of, id_from_sql, id_to_sql, time_to_sql};
use crate::live::LiveTokens;
use crate::store::{
    Actor, Creation, CreationOutcome, Deletion, DeletionOutcome, Regeneration, RegenerationOutcome, TokenSelector,
};
use crate::token::{Digest, SecretOrigin, TokenId};

/// How far the changes in the file have been applied to the live tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Watermarks {
    /// The last deletion.
    pub(super) deletion: Link,
    /// The last regeneration.
    pub(super) regeneration: Link,
    /// The ID of the last token that was created. The operator token, whose ID is 0, does not count.
    pub(super) token: i64,
    /// The checksum of the operator token's row, or 0.
    pub(super) operator: i64,
}

impl Watermarks {
    /// The number of changes that have been made: each appended a row to `creations`, `deletions` or `regenerations`.
    pub(super) fn changes(&self) -> i64 {
        self.deletion.seq + self.regeneration.seq + self.token + i64::from(self.operator != 0)
    }
}

/// An open transaction, into which changes are written one after the other.
///
/// The live tokens tell which tokens were live before the transaction; the staging remembers what has changed since.
pub(super) struct Staging<'a> {
    connection: &'a Connection,
    live: &'a LiveTokens,
    /// The digests of tokens that were created or regenerated.
    digests: HashMap<TokenId, Digest>,
    /// The tokens that have these digests.
    holders: HashMap<Digest, TokenId>,
    deleted: HashSet<TokenId>,
    /// The digests that changes of the batch may look up among those of deleted tokens.
    wanted: HashSet<Digest>,
    /// Which of them deleted tokens had, or the operator token before. `None` until the first look-up.
    refused: Option<HashSet<Digest>>,
    watermarks: Watermarks,
}

impl<'a> Staging<'a> {
    /// Begins to stage the changes of `batch`.
    pub(super) fn new(connection: &'a Connection, live: &'a LiveTokens, applied: Watermarks, batch: &[Change]) -> Self {
        let wanted = batch.iter().filter_map(digest_to_look_up).collect();
        let (digests, holders, deleted) = (HashMap::new(), HashMap::new(), HashSet::new());
        Self { connection, live, digests, holders, deleted, wanted, refused: None, watermarks: applied }
    }

    /// Writes a change, unless a precondition fails, and notes its outcome.
    pub(super) fn stage(&mut self, change: &mut Change) -> Result<(), ReadError> {
        match change {
            Change::Create(request) => request.outcome = Some(self.create(&request.content)?),
            Change::Delete(request) => request.outcome = Some(self.delete(&request.content)?),
            Change::Regenerate(request) => request.outcome = Some(self.regenerate(&request.content)?),
        }
        Ok(())
    }

    /// Whether there is nothing to commit.
    pub(super) fn is_empty(&self) -> bool {
        self.digests.is_empty() && self.deleted.is_empty()
    }

    /// The watermarks once this transaction is committed and applied.
    pub(super) fn watermarks(&self) -> Watermarks {
        self.watermarks
    }

    fn create(&mut self, creation: &Creation) -> rusqlite::Result<CreationOutcome> {
        if !creation.by().is_none_or(|by| self.may_act(by)) {
            return Ok(CreationOutcome::Unauthorized);
        }
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
            compaction::remove_early(self.connection, deleted)?;
        }
        let id = self.insert(creation)?;
        self.note(id, token.digest);
        Ok(CreationOutcome::Created(creation.clone().into_record(id)))
    }

    fn delete(&mut self, deletion: &Deletion) -> rusqlite::Result<DeletionOutcome> {
        if !self.may_act(deletion.by()) {
            return Ok(DeletionOutcome::Unauthorized);
        }
        let named = match deletion.token() {
            TokenSelector::Id(id) => Some(*id),
            TokenSelector::Name(name) => self.token_named(name.as_str())?,
        };
        let Some((id, digest)) = named.and_then(|id| Some((id, self.digest_of(id)?))) else {
            return Ok(DeletionOutcome::NotFound);
        };
        let (at, by) = (time_to_sql(deletion.at()), id_to_sql(deletion.by().id()));
        let origin = deletion.origin().map(|origin| origin.to_string());
        let audited = Audited { change: Some(self.watermarks.changes() + 1), origin: origin.as_deref() };
        let last = self.watermarks.deletion;
        let link = journal::append_deletion(self.connection, last, (id, &digest), at, by, audited)?;
        self.watermarks.deletion = link;
        self.deleted.insert(id);
        self.refuse(digest);
        Ok(DeletionOutcome::Deleted(id))
    }

    fn regenerate(&mut self, regeneration: &Regeneration) -> Result<RegenerationOutcome, ReadError> {
        if !regeneration.by().is_none_or(|by| self.may_act(by)) {
            return Ok(RegenerationOutcome::Unauthorized);
        }
        let Some(operator) = read::operator(self.connection)? else {
            return Ok(RegenerationOutcome::NotFound);
        };
        if self.digest_is_taken(regeneration.digest()) || self.digest_was_deleted(regeneration.digest())? {
            return Ok(RegenerationOutcome::DigestTaken);
        }
        let (at, by) = (time_to_sql(regeneration.at()), regeneration.by().map(|by| id_to_sql(by.id())));
        let origin = regeneration.origin().map(|origin| origin.to_string());
        let audited = Audited { change: Some(self.watermarks.changes() + 1), origin: origin.as_deref() };
        let last = self.watermarks.regeneration;
        let link = journal::append_regeneration(self.connection, last, &operator.digest, at, by, audited)?;
        self.watermarks.regeneration = link;
        self.refuse(operator.digest);
        let record = regeneration.clone().into_record(operator);
        let checksum = checksum_of(&record);
        self.connection
            .prepare_cached("UPDATE tokens SET digest = ?1, expires_at = NULL, checksum = ?2 WHERE id = ?3")?
            .execute(params![record.digest.as_bytes(), checksum, id_to_sql(TokenId::OPERATOR)])?;
        self.watermarks.operator = checksum;
        self.note(TokenId::OPERATOR, record.digest);
        Ok(RegenerationOutcome::Regenerated(record))
    }

    /// Notes the digest of a token that was created or regenerated.
    fn note(&mut self, id: TokenId, digest: Digest) {
        if let Some(replaced) = self.digests.insert(id, digest) {
            self.holders.remove(&replaced);
        }
        self.holders.insert(digest, id);
    }

    fn may_act(&self, actor: &Actor) -> bool {
        actor.may_act(|id| self.digest_of(id))
    }

    fn is_live(&self, id: TokenId) -> bool {
        self.digest_of(id).is_some()
    }

    /// The digest of a live token.
    fn digest_of(&self, id: TokenId) -> Option<Digest> {
        if self.deleted.contains(&id) {
            return None;
        }
        self.digests.get(&id).copied().or_else(|| Some(*self.live.by_id(id)?.digest()))
    }

    fn digest_is_taken(&self, digest: &Digest) -> bool {
        let before = self.live.find(digest).map(|token| token.id());
        let since = self.holders.get(digest).copied();
        [before, since].into_iter().flatten().any(|id| self.digest_of(id) == Some(*digest))
    }

    /// The first call reads all regenerations and deletions, for all changes of the batch at once. An index of their
    /// digests would cost each deletion a write to a random page, and only a token from a file, if it is not live, and a
    /// regeneration need this search.
    fn digest_was_deleted(&mut self, digest: &Digest) -> rusqlite::Result<bool> {
        let refused = match self.refused.take() {
            Some(refused) => refused,
            None => read::digests_among(self.connection, &self.wanted)?,
        };
        Ok(self.refused.insert(refused).contains(digest))
    }

    /// Notes that a token with this digest is not live any more.
    fn refuse(&mut self, digest: Digest) {
        if let Some(refused) = &mut self.refused {
            refused.insert(digest);
        }
    }

    /// The token with this name, live or not yet compacted.
    fn token_named(&self, name: &str) -> rusqlite::Result<Option<TokenId>> {
        self.connection
            .prepare_cached("SELECT id FROM tokens WHERE name = ?1")?
            .query_row([name], |row| row.get(0).map(id_from_sql))
            .optional()
    }

    fn insert(&mut self, creation: &Creation) -> rusqlite::Result<TokenId> {
        let is_operator = creation.token().name.is_operator();
        let id = if is_operator { TokenId::OPERATOR } else { id_from_sql(self.watermarks.token + 1) };
        let record = creation.clone().into_record(id);
        let checksum = row::insert(self.connection, &record)?;
        let origin = creation.origin().map(|origin| origin.to_string());
        let audited = Audited { change: Some(self.watermarks.changes() + 1), origin: origin.as_deref() };
        audit::note_creation(self.connection, &record, audited)?;
        if is_operator {
            self.watermarks.operator = checksum;
        } else {
            self.watermarks.token = id_to_sql(id);
        }
        Ok(id)
    }
}

/// The digest that a change looks up among those of deleted tokens, if it gets that far.
fn digest_to_look_up(change: &Change) -> Option<Digest> {
    match change {
        Change::Create(request) => {
            let token = request.content.token();
            (token.origin == SecretOrigin::Given).then_some(token.digest)
        }
        Change::Delete(_) => None,
        Change::Regenerate(request) => Some(*request.content.digest()),
    }
}
