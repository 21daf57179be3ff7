mod moving;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use uuid::Uuid;

use super::{
    Actor, AuditPage, AuditPosition, AuditRecord, AuditedChange, Creation, CreationOutcome, Deletion, DeletionOutcome,
    LOADED_ALREADY, Origin, Regeneration, RegenerationOutcome, StoreError, TokenSelector, TokenStore,
};
use crate::live::LiveTokensWriter;
use crate::token::{Digest, SecretOrigin, Timestamp, TokenId, TokenName, TokenRecord};
pub use moving::{MemorySource, MemoryTarget};

/// A store in memory, for tests and trials. Its tokens end with the process.
///
/// It is the simplest store that keeps the laws of [`TokenStore`]; the other stores are tested against it.
#[derive(Debug)]
pub struct MemoryStore {
    cluster_uuid: Uuid,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The token with each ID, from that of the operator token on; `None` once it is deleted.
    tokens: Vec<Option<TokenRecord>>,
    /// The last token that had each name. A deletion leaves it here; a creation checks whether that token is live.
    names: HashMap<TokenName, TokenId>,
    /// The last token that had each digest, likewise. A regeneration leaves the digest that it replaces here, too.
    digests: HashMap<Digest, TokenId>,
    /// The digests that each regeneration has replaced.
    replaced: Vec<Option<Digest>>,
    /// The name of the token with each ID, whether it is live or deleted, and the place of its creation in the trail.
    register: HashMap<TokenId, (TokenName, usize)>,
    /// Without the names, which are added when it is read.
    audit: Vec<AuditRecord>,
    /// `None` until the store is loaded.
    live: Option<LiveTokensWriter>,
}

impl MemoryStore {
    /// A store without tokens, with a new cluster UUID.
    pub fn new() -> Self {
        let state = State {
            tokens: vec![None],
            names: HashMap::new(),
            digests: HashMap::new(),
            replaced: Vec::new(),
            register: HashMap::new(),
            audit: Vec::new(),
            live: None,
        };
        Self { cluster_uuid: Uuid::new_v4(), state: Mutex::new(state) }
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        self.state.lock().map_err(|_| StoreError::unavailable("an earlier change panicked"))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    fn cluster_uuid(&self) -> Uuid {
        self.cluster_uuid
    }

    async fn load(&self, mut live: LiveTokensWriter) -> Result<(), StoreError> {
        let mut state = self.state()?;
        if state.live.is_some() {
            return Err(StoreError::unavailable(LOADED_ALREADY));
        }
        state.tokens.iter().flatten().for_each(|token| live.insert(token));
        state.live = Some(live);
        Ok(())
    }

    async fn create(&self, creation: Creation) -> Result<CreationOutcome, StoreError> {
        let mut state = self.state()?;
        if !creation.by().is_none_or(|by| state.may_act(by)) {
            return Ok(CreationOutcome::Unauthorized);
        }
        let token = creation.token();
        if state.names.get(&token.name).is_some_and(|id| state.is_live(*id)) {
            return Ok(CreationOutcome::NameTaken);
        }
        if state.is_digest_live(&token.digest) {
            return Ok(CreationOutcome::DigestTaken);
        }
        if token.origin == SecretOrigin::Given && state.digests.contains_key(&token.digest) {
            return Ok(CreationOutcome::DigestDeleted);
        }
        let origin = creation.origin();
        let record = state.insert(creation);
        state.note(AuditedChange::Created, record.id, record.created_at, record.created_by, origin);
        if let Some(live) = &mut state.live {
            live.insert(&record);
        }
        Ok(CreationOutcome::Created(record))
    }

    async fn delete(&self, deletion: Deletion) -> Result<DeletionOutcome, StoreError> {
        let mut state = self.state()?;
        if !state.may_act(deletion.by()) {
            return Ok(DeletionOutcome::Unauthorized);
        }
        let Some(record) = state.place(deletion.token()).and_then(Option::take) else {
            return Ok(DeletionOutcome::NotFound);
        };
        state.note(AuditedChange::Deleted, record.id, deletion.at(), Some(deletion.by().id()), deletion.origin());
        if let Some(live) = &mut state.live {
            live.remove(record.id);
        }
        Ok(DeletionOutcome::Deleted(record.id))
    }

    async fn regenerate(&self, regeneration: Regeneration) -> Result<RegenerationOutcome, StoreError> {
        let mut state = self.state()?;
        if !regeneration.by().is_none_or(|by| state.may_act(by)) {
            return Ok(RegenerationOutcome::Unauthorized);
        }
        let Some(operator) = state.tokens[index(TokenId::OPERATOR)].clone() else {
            return Ok(RegenerationOutcome::NotFound);
        };
        if state.digests.contains_key(regeneration.digest()) {
            return Ok(RegenerationOutcome::DigestTaken);
        }
        let (at, by, origin) = (regeneration.at(), regeneration.by().map(Actor::id), regeneration.origin());
        state.replaced.push(Some(operator.digest));
        let record = regeneration.into_record(operator);
        state.note(AuditedChange::Regenerated, record.id, at, by, origin);
        state.put(record.clone());
        if let Some(live) = &mut state.live {
            live.insert(&record);
        }
        Ok(RegenerationOutcome::Regenerated(record))
    }

    async fn page(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<TokenRecord>, StoreError> {
        let start = after.map_or(0, |id| index(id).saturating_add(1));
        let state = self.state()?;
        Ok(state.tokens.iter().skip(start).flatten().take(limit).cloned().collect())
    }

    async fn audit(
        &self,
        from: AuditPosition,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        let state = self.state()?;
        let AuditPosition([from, ..]) = from;
        let first = usize::try_from(from).unwrap_or(usize::MAX);
        let rest = state.audit.get(first..).unwrap_or_default();
        let passed = &rest[..rest.len().min(limit)];
        let is_late = |record: &AuditRecord| since.is_none_or(|since| record.at >= since);
        let late = passed.iter().enumerate().filter(|(_, record)| is_late(record));
        let records = late.map(|(place, record)| state.named(first + place, record)).collect();
        let next = (passed.len() < rest.len()).then(|| AuditPosition([from + passed.len() as u64, 0, 0, 0]));
        Ok(AuditPage { records, next })
    }
}

impl State {
    fn may_act(&self, actor: &Actor) -> bool {
        actor.may_act(|id| Some(self.tokens.get(index(id))?.as_ref()?.digest))
    }

    fn is_live(&self, id: TokenId) -> bool {
        self.tokens[index(id)].is_some()
    }

    fn is_digest_live(&self, digest: &Digest) -> bool {
        let last = self.digests.get(digest).and_then(|id| self.tokens[index(*id)].as_ref());
        last.is_some_and(|token| token.digest == *digest)
    }

    /// The place of a token that is live or deleted.
    fn place(&mut self, token: &TokenSelector) -> Option<&mut Option<TokenRecord>> {
        let id = match token {
            TokenSelector::Id(id) => *id,
            TokenSelector::Name(name) => *self.names.get(name)?,
        };
        self.tokens.get_mut(index(id))
    }

    /// Adds a record to the audit trail.
    fn note(
        &mut self,
        change: AuditedChange,
        token: TokenId,
        at: Timestamp,
        by: Option<TokenId>,
        origin: Option<Origin>,
    ) {
        self.audit.push(AuditRecord { change, token, name: None, at, by, by_name: None, origin });
    }

    /// The record at this place, with its names. An identity that is not a token may have the ID that a token got later.
    fn named(&self, place: usize, record: &AuditRecord) -> AuditRecord {
        let name_of = |id: TokenId| self.register.get(&id);
        let by = record.by.and_then(name_of).filter(|(_, created)| *created < place);
        let name = name_of(record.token).map(|(name, _)| name.clone());
        AuditRecord { name, by_name: by.map(|(name, _)| name.clone()), ..record.clone() }
    }

    fn insert(&mut self, creation: Creation) -> TokenRecord {
        let id = if creation.token().name.is_operator() {
            TokenId::OPERATOR
        } else {
            self.tokens.push(None);
            TokenId::from_u64(self.tokens.len() as u64 - 1)
        };
        let record = creation.into_record(id);
        self.names.insert(record.name.clone(), id);
        self.register.insert(id, (record.name.clone(), self.audit.len()));
        self.put(record.clone());
        record
    }

    /// Puts a token in its place, which may be that of its former record.
    fn put(&mut self, record: TokenRecord) {
        self.digests.insert(record.digest, record.id);
        let place = index(record.id);
        self.tokens[place] = Some(record);
    }
}

/// The place of an ID in [`State::tokens`], which may be beyond its end.
fn index(id: TokenId) -> usize {
    usize::try_from(id.as_u64()).unwrap_or(usize::MAX)
}
