//! Writing changes into an open transaction.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, params};

use super::batch::Change;
use super::compaction;
use super::read;
use super::row::{ReadError, id_from_sql, id_to_sql, time_to_sql};
use crate::live::LiveTokens;
use crate::store::{
    Actor, Creation, CreationOutcome, Deletion, DeletionOutcome, Regeneration, RegenerationOutcome, TokenSelector,
};
use crate::token::{Digest, SecretOrigin, TokenId};

/// How far the changes in the file have been applied to the live tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Watermarks {
    /// The sequence number of the last deletion.
    pub(super) deletion: i64,
    /// The ID of the last token that was created. The operator token, whose ID is 0, does not count.
    pub(super) token: i64,
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
    watermarks: Watermarks,
}

impl<'a> Staging<'a> {
    pub(super) fn new(connection: &'a Connection, live: &'a LiveTokens, applied: Watermarks) -> Self {
        let (digests, holders, deleted) = (HashMap::new(), HashMap::new(), HashSet::new());
        Self { connection, live, digests, holders, deleted, watermarks: applied }
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
        self.connection
            .prepare_cached("INSERT INTO deletions (token_id, digest, deleted_at, deleted_by) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id_to_sql(id), digest.as_bytes(), at, by])?;
        self.watermarks.deletion = self.connection.last_insert_rowid();
        self.deleted.insert(id);
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
        self.connection
            .prepare_cached("INSERT INTO regenerations (digest, regenerated_at, regenerated_by) VALUES (?1, ?2, ?3)")?
            .execute(params![operator.digest.as_bytes(), at, by])?;
        self.connection
            .prepare_cached("UPDATE tokens SET digest = ?1, expires_at = NULL WHERE id = ?2")?
            .execute(params![regeneration.digest().as_bytes(), id_to_sql(TokenId::OPERATOR)])?;
        self.note(TokenId::OPERATOR, *regeneration.digest());
        Ok(RegenerationOutcome::Regenerated(regeneration.clone().into_record(operator)))
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

    /// Reads all regenerations and deletions. An index of their digests would cost each deletion a write to a random
    /// page, and only a token from a file, if it is not live, and a regeneration need this search.
    fn digest_was_deleted(&self, digest: &Digest) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM regenerations WHERE digest = ?1)
                     OR EXISTS (SELECT 1 FROM deletions WHERE digest = ?1)",
            )?
            .query_row([digest.as_bytes()], |row| row.get(0))
    }

    /// The token with this name, live or not yet compacted.
    fn token_named(&self, name: &str) -> rusqlite::Result<Option<TokenId>> {
        self.connection
            .prepare_cached("SELECT id FROM tokens WHERE name = ?1")?
            .query_row([name], |row| row.get(0).map(id_from_sql))
            .optional()
    }

    fn insert(&mut self, creation: &Creation) -> rusqlite::Result<TokenId> {
        let token = creation.token();
        let fixed_id = token.name.is_operator().then_some(TokenId::OPERATOR);
        self.connection
            .prepare_cached(
                "INSERT INTO tokens (id, name, digest, created_at, expires_at, permissions, created_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                fixed_id.map(id_to_sql),
                token.name.as_str(),
                token.digest.as_bytes(),
                time_to_sql(creation.at()),
                token.expires_at.map(time_to_sql),
                token.permissions.to_string(),
                creation.by().map(|by| id_to_sql(by.id())),
            ])?;
        let id = self.connection.last_insert_rowid();
        self.watermarks.token = self.watermarks.token.max(id);
        Ok(id_from_sql(id))
    }
}
