use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use uuid::Uuid;

use super::{Creation, Deletion, DeletionOutcome, LOADED_ALREADY, StoreError, TokenStore};
use crate::live::LiveTokens;
use crate::token::{Digest, NewToken, Origin, TokenId, TokenName, TokenRecord};

/// Tokens in memory only, for tests and trials: what "durable" means here ends with the process.
///
/// It is the plainest store that upholds what [`TokenStore`] demands; the others are tested
/// against it.
#[derive(Debug)]
pub struct MemoryStore {
    cluster_uuid: Uuid,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// In boxes, so that to take one out moves no others.
    records: BTreeMap<TokenId, Box<TokenRecord>>,
    names: HashSet<TokenName>,
    /// Whether the token with a digest is live: those of deleted tokens stay.
    digests: HashMap<Digest, bool>,
    next_id: u64,
    /// `None` until the store is loaded.
    live: Option<Arc<LiveTokens>>,
}

impl MemoryStore {
    /// A store without tokens, with a new cluster UUID.
    pub fn new() -> Self {
        let state =
            State { records: BTreeMap::new(), names: HashSet::new(), digests: HashMap::new(), next_id: 1, live: None };
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

    async fn load(&self, live: Arc<LiveTokens>) -> Result<(), StoreError> {
        let mut state = self.state()?;
        if state.live.is_some() {
            return Err(StoreError::unavailable(LOADED_ALREADY));
        }
        for record in state.records.values() {
            live.insert(&**record);
        }
        state.live = Some(live);
        Ok(())
    }

    async fn create(&self, token: NewToken) -> Result<Creation, StoreError> {
        let mut state = self.state()?;
        if state.names.contains(&token.name) {
            return Ok(Creation::NameTaken);
        }
        match state.digests.get(&token.digest) {
            Some(true) => return Ok(Creation::DigestTaken),
            Some(false) if token.origin == Origin::Given => return Ok(Creation::DigestDeleted),
            _ => {}
        }
        let id = if token.is_operator() { TokenId::OPERATOR } else { state.next_id() };
        let record = token.with_id(id);
        state.names.insert(record.name.clone());
        state.digests.insert(record.digest, true);
        state.records.insert(id, Box::new(record.clone()));
        if let Some(live) = &state.live {
            live.insert(&record);
        }
        Ok(Creation::Created(record))
    }

    async fn delete(&self, deletion: Deletion) -> Result<DeletionOutcome, StoreError> {
        let mut state = self.state()?;
        let Some(record) = state.records.remove(&deletion.id()) else {
            return Ok(DeletionOutcome::NotFound);
        };
        state.names.remove(&record.name);
        state.digests.insert(record.digest, false);
        if let Some(live) = &state.live {
            live.remove(record.id);
        }
        Ok(DeletionOutcome::Deleted)
    }

    async fn page(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<TokenRecord>, StoreError> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.state()?;
        let records = state.records.range((start, Bound::Unbounded));
        Ok(records.take(limit).map(|(_, record)| TokenRecord::clone(record)).collect())
    }
}

impl State {
    fn next_id(&mut self) -> TokenId {
        let id = TokenId::from_u64(self.next_id);
        self.next_id += 1;
        id
    }
}
