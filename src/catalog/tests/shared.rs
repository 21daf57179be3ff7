//! The rules over a store that others change too.

use std::sync::Mutex;

use async_trait::async_trait;
use uuid::Uuid;

use super::*;
use crate::store::{AuditPage, AuditPosition, DeletionOutcome, RegenerationOutcome, SharedStore, TokenStore};

/// A store in which another node has created tokens, which are not in the copy yet.
#[derive(Debug, Default)]
struct Elsewhere(Mutex<Option<Principal>>);

impl Elsewhere {
    /// Creates a token there.
    fn create(&self, token: &NewToken) {
        *self.0.lock().unwrap() =
            Some(Principal::new(TokenId::from_u64(1), token.digest, None, token.permissions.clone()));
    }
}

#[async_trait]
impl SharedStore for Elsewhere {
    async fn find(&self, digest: &Digest) -> Result<Option<Principal>, StoreError> {
        let token = self.0.lock().unwrap().clone().ok_or_else(|| StoreError::unavailable("no answer"))?;
        Ok(Some(token).filter(|token| token.digest() == digest))
    }
}

#[async_trait]
impl TokenStore for Elsewhere {
    fn cluster_uuid(&self) -> Uuid {
        Uuid::nil()
    }

    async fn load(&self, _: LiveTokensWriter) -> Result<(), StoreError> {
        Ok(())
    }

    async fn create(&self, _: Creation) -> Result<CreationOutcome, StoreError> {
        Ok(CreationOutcome::NameTaken)
    }

    async fn delete(&self, _: Deletion) -> Result<DeletionOutcome, StoreError> {
        Err(StoreError::Busy)
    }

    async fn regenerate(&self, _: Regeneration) -> Result<RegenerationOutcome, StoreError> {
        Err(StoreError::Busy)
    }

    async fn page(&self, _: Option<TokenId>, _: usize) -> Result<Vec<TokenRecord>, StoreError> {
        Ok(Vec::new())
    }

    async fn audit(&self, _: AuditPosition, _: Option<Timestamp>, _: usize) -> Result<AuditPage, StoreError> {
        Err(StoreError::Busy)
    }

    fn shared(&self) -> Option<&dyn SharedStore> {
        Some(self)
    }
}

#[tokio::test]
async fn a_token_that_another_node_has_just_created_exists_and_one_with_its_name_is_another() {
    let store = Arc::new(Elsewhere::default());
    let catalog = Catalog::open(store.clone(), Arc::new(ManualClock::default())).await.unwrap();
    let [(there, secret), (other, _)] = [(); 2].map(|()| fresh("ci", "*:*:*"));
    let unavailable = catalog.authenticate_or_ask(secret.expose()).await;
    assert!(matches!(unavailable, Err(AuthenticationError::Unavailable)), "{unavailable:?}");
    store.create(&there);
    assert!(catalog.authenticate_or_ask(secret.expose()).await.is_ok());
    assert!(matches!(catalog.create(there).await, Err(CreateError::AlreadyExists)));
    assert!(matches!(catalog.create(other).await, Err(CreateError::NameTaken)));
}
