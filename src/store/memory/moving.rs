//! Moving the tokens of a store in memory.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use uuid::Uuid;

use super::{MemoryStore, State, index};
use crate::store::{
    AuditRecord, AuditedChange, Begun, ImportId, MoveError, MoveSource, MoveTarget, Moved, MovedChange, StoreError,
};
use crate::token::{Digest, TokenId};

/// What a [`MemoryStore`] has, as of the moment when this was made.
#[derive(Debug)]
pub struct MemorySource {
    moved: Moved,
    changes: Vec<MovedChange>,
}

/// Makes a [`MemoryStore`] of what is moved to it.
#[derive(Debug, Default)]
pub struct MemoryTarget {
    import: Option<(ImportId, Uuid)>,
    state: State,
    is_finished: bool,
}

impl MemoryStore {
    /// What the store has now, to be moved to another one.
    ///
    /// # Errors
    ///
    /// If an earlier change panicked.
    pub fn source(&self) -> Result<MemorySource, StoreError> {
        Ok(MemorySource::new(self.cluster_uuid, &*self.state()?))
    }
}

impl MemorySource {
    fn new(cluster_uuid: Uuid, state: &State) -> Self {
        let ended = state.digests.iter().filter(|(_, id)| !state.is_live(**id));
        let ended: HashMap<TokenId, Digest> = ended.map(|(digest, id)| (*id, *digest)).collect();
        let mut replaced = state.replaced.iter();
        let changes = state.audit.iter().map(|record| {
            let (id, created) = (record.token, record.change == AuditedChange::Created);
            let name = state.register.get(&id).filter(|_| created).map(|(name, _)| name.clone());
            MovedChange {
                record: AuditRecord { name, ..record.clone() },
                token: if created { state.tokens[index(id)].clone() } else { None },
                digest: match record.change {
                    AuditedChange::Created => None,
                    AuditedChange::Regenerated => replaced.next().copied().flatten(),
                    AuditedChange::Deleted => ended.get(&id).copied(),
                },
            }
        });
        let changes: Vec<_> = changes.collect();
        let moved = Moved {
            cluster_uuid,
            next_id: TokenId::from_u64(state.tokens.len() as u64),
            changes: changes.len() as u64,
            tokens: state.tokens.iter().flatten().count() as u64,
        };
        Self { moved, changes }
    }
}

#[async_trait]
impl MoveSource for MemorySource {
    fn moved(&self) -> Moved {
        self.moved
    }

    async fn next(&mut self) -> Result<Vec<MovedChange>, MoveError> {
        Ok(std::mem::take(&mut self.changes))
    }
}

impl MemoryTarget {
    /// The store, once the import is finished.
    pub fn into_store(self) -> Option<MemoryStore> {
        let (_, cluster_uuid) = self.import.filter(|_| self.is_finished)?;
        Some(MemoryStore { cluster_uuid, state: Mutex::new(self.state) })
    }
}

#[async_trait]
impl MoveTarget for MemoryTarget {
    async fn begin(&mut self, import: ImportId, moved: &Moved) -> Result<Begun, MoveError> {
        match &self.import {
            Some((begun, _)) if *begun != import => Err(MoveError::OtherImport { place: "this target".to_owned() }),
            Some(_) if self.is_finished => Ok(Begun::Finished),
            Some(_) => Ok(Begun::After(self.state.audit.len() as u64)),
            None => {
                self.import = Some((import, moved.cluster_uuid));
                self.state.tokens = vec![None; index(moved.next_id)];
                Ok(Begun::After(0))
            }
        }
    }

    async fn add(&mut self, changes: Vec<MovedChange>) -> Result<(), MoveError> {
        let state = &mut self.state;
        for MovedChange { mut record, token, digest } in changes {
            let id = record.token;
            if let Some(name) = record.name.take() {
                state.names.insert(name.clone(), id);
                state.register.insert(id, (name, state.audit.len()));
            }
            state.digests.extend(digest.map(|digest| (digest, id)));
            if record.change == AuditedChange::Regenerated {
                state.replaced.push(digest);
            }
            if let Some(token) = token {
                state.put(token);
            }
            state.audit.push(record);
        }
        Ok(())
    }

    async fn written(&mut self) -> Result<Box<dyn MoveSource>, MoveError> {
        let cluster_uuid = self.import.as_ref().map_or(Uuid::nil(), |(_, cluster_uuid)| *cluster_uuid);
        Ok(Box::new(MemorySource::new(cluster_uuid, &self.state)))
    }

    async fn finish(&mut self) -> Result<(), MoveError> {
        self.is_finished = true;
        Ok(())
    }
}
