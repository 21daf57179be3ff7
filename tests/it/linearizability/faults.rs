//! A store with a fault on purpose, which the histories must show.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use influxdb3_tokens::{
    Actor, AuditPage, AuditPosition, Creation, CreationOutcome, Deletion, DeletionOutcome, LiveTokensWriter,
    MemoryStore, Regeneration, RegenerationOutcome, StoreError, Timestamp, TokenId, TokenName, TokenRecord,
    TokenSelector, TokenStore,
};
use tokio::sync::Mutex;
use tokio::task::yield_now;
use uuid::Uuid;

use super::{first_wrong, histories_or};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_without_a_fault_passes() {
    assert_eq!(first_wrong(FaultyStore::new(Fault::None), histories_or(100)).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_creation_that_is_applied_after_its_answer_is_found() {
    is_found(Fault::AppliesCreationsLate).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deletion_that_is_applied_after_its_answer_is_found() {
    is_found(Fault::AppliesDeletionsLate).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_regeneration_that_is_applied_after_its_answer_is_found() {
    is_found(Fault::AppliesRegenerationsLate).await;
}

/// A look-up before the queue, but within the call, would be no fault: IDs are not reused, so if the token is gone by the
/// time of the deletion, no token had the name at the moment at which it went.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_that_is_looked_up_before_the_call_is_found() {
    is_found(Fault::RemembersNames).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_actor_that_is_not_checked_again_is_found() {
    is_found(Fault::TrustsActors).await;
}

async fn is_found(fault: Fault) {
    assert!(first_wrong(FaultyStore::new(fault), 5000).await.is_some());
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    AppliesCreationsLate,
    AppliesDeletionsLate,
    AppliesRegenerationsLate,
    RemembersNames,
    TrustsActors,
}

/// Keeps its tokens in a store that is not loaded, and applies changes to the live tokens itself.
#[derive(Debug)]
struct FaultyStore {
    fault: Fault,
    tokens: MemoryStore,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    live: Option<LiveTokensWriter>,
    /// The token to which each name led when somebody last deleted by it.
    names: HashMap<TokenName, TokenId>,
}

impl FaultyStore {
    fn new(fault: Fault) -> Self {
        Self { fault, tokens: MemoryStore::new(), state: Arc::default() }
    }

    /// Applies a change before the answer, or after it if that is the fault.
    async fn apply(&self, late: Fault, state: &mut State, change: impl FnOnce(&mut LiveTokensWriter) + Send + 'static) {
        if self.fault != late {
            return change(state.live.as_mut().unwrap());
        }
        let state = Arc::clone(&self.state);
        tokio::spawn(async move {
            yield_now().await;
            change(state.lock().await.live.as_mut().unwrap());
        });
    }

    /// The deletion with the fault in it.
    async fn wrong(&self, deletion: Deletion, state: &mut State) -> Deletion {
        match (self.fault, deletion.token()) {
            (Fault::TrustsActors, token) => {
                Deletion::new(token.clone(), Actor::Other(deletion.by().id()), deletion.at()).unwrap()
            }
            (Fault::RemembersNames, TokenSelector::Name(name)) => {
                let tokens = self.tokens.page(None, usize::MAX).await.unwrap();
                let now = tokens.iter().find(|token| token.name == *name).map(|token| token.id);
                let remembered = state.names.get(name).copied().or(now);
                state.names.extend(now.map(|id| (name.clone(), id)));
                Deletion::new(remembered.unwrap_or(TokenId::from_u64(u64::MAX)), *deletion.by(), deletion.at()).unwrap()
            }
            _ => deletion,
        }
    }
}

#[async_trait]
impl TokenStore for FaultyStore {
    fn cluster_uuid(&self) -> Uuid {
        self.tokens.cluster_uuid()
    }

    async fn load(&self, live: LiveTokensWriter) -> Result<(), StoreError> {
        self.state.lock().await.live = Some(live);
        Ok(())
    }

    async fn create(&self, creation: Creation) -> Result<CreationOutcome, StoreError> {
        let mut state = self.state.lock().await;
        let outcome = self.tokens.create(creation).await?;
        if let CreationOutcome::Created(token) = outcome.clone() {
            self.apply(Fault::AppliesCreationsLate, &mut state, move |live| live.insert(&token)).await;
        }
        Ok(outcome)
    }

    async fn delete(&self, deletion: Deletion) -> Result<DeletionOutcome, StoreError> {
        let mut state = self.state.lock().await;
        let deletion = self.wrong(deletion, &mut state).await;
        let outcome = self.tokens.delete(deletion).await?;
        if let DeletionOutcome::Deleted(id) = outcome {
            self.apply(Fault::AppliesDeletionsLate, &mut state, move |live| _ = live.remove(id)).await;
        }
        Ok(outcome)
    }

    async fn regenerate(&self, regeneration: Regeneration) -> Result<RegenerationOutcome, StoreError> {
        let mut state = self.state.lock().await;
        let outcome = self.tokens.regenerate(regeneration).await?;
        if let RegenerationOutcome::Regenerated(token) = outcome.clone() {
            self.apply(Fault::AppliesRegenerationsLate, &mut state, move |live| live.insert(&token)).await;
        }
        Ok(outcome)
    }

    async fn page(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<TokenRecord>, StoreError> {
        self.tokens.page(after, limit).await
    }

    async fn audit(
        &self,
        from: AuditPosition,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        self.tokens.audit(from, since, limit).await
    }
}
