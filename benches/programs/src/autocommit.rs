//! The store that a user would write: a transaction for each request.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use influxdb3_tokens::{
    AuditPage, AuditPosition, Creation, CreationOutcome, Deletion, DeletionOutcome, Digest, LiveTokensWriter,
    Permissions, Principal, Regeneration, RegenerationOutcome, StoreError, Timestamp, TokenId, TokenRecord,
    TokenSelector, TokenStore,
};
use rusqlite::Connection;
use uuid::Uuid;

/// Deletes each token from the table of `SqliteStore` in its own transaction, with the same durability.
#[derive(Debug)]
pub struct AutocommitStore {
    connection: Arc<Mutex<Connection>>,
    live: Mutex<Option<LiveTokensWriter>>,
    commits: AtomicU64,
}

impl AutocommitStore {
    /// Opens a file that `SqliteStore` wrote.
    pub fn open(path: impl AsRef<Path>) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), live: Mutex::default(), commits: AtomicU64::new(0) })
    }

    /// The number of committed deletions.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Runs `work` on a thread that may block.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(&self.connection);
        let work = move || work(&connection.lock().expect("no query panics"));
        tokio::task::spawn_blocking(work).await.map_err(StoreError::unavailable)?.map_err(StoreError::outcome_unknown)
    }
}

#[async_trait]
impl TokenStore for AutocommitStore {
    fn cluster_uuid(&self) -> Uuid {
        Uuid::nil()
    }

    async fn load(&self, mut live: LiveTokensWriter) -> Result<(), StoreError> {
        let loaded = self.run(move |connection| {
            let mut statement = connection.prepare("SELECT id, digest, permissions FROM tokens")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let permissions: Permissions = row.get_ref(2)?.as_str()?.parse().expect("`SqliteStore` wrote them");
                let id = TokenId::from_u64(row.get::<_, i64>(0)?.cast_unsigned());
                live.insert(Principal::new(id, Digest::from_bytes(row.get(1)?), None, permissions));
            }
            Ok(live)
        });
        let live = loaded.await?;
        *self.live.lock().expect("nothing panics while it holds the lock") = Some(live);
        Ok(())
    }

    async fn create(&self, _: Creation) -> Result<CreationOutcome, StoreError> {
        Err(StoreError::unavailable("this store only deletes"))
    }

    async fn delete(&self, deletion: Deletion) -> Result<DeletionOutcome, StoreError> {
        let TokenSelector::Id(id) = *deletion.token() else {
            return Err(StoreError::unavailable("this store deletes by ID only"));
        };
        let deleted = self
            .run(move |connection| {
                connection.prepare_cached("DELETE FROM tokens WHERE id = ?1")?.execute([id.as_u64().cast_signed()])
            })
            .await?;
        if deleted == 0 {
            return Ok(DeletionOutcome::NotFound);
        }
        self.commits.fetch_add(1, Ordering::Relaxed);
        let mut live = self.live.lock().expect("nothing panics while it holds the lock");
        live.as_mut().expect("the store is loaded before the first deletion").remove(id);
        Ok(DeletionOutcome::Deleted(id))
    }

    async fn regenerate(&self, _: Regeneration) -> Result<RegenerationOutcome, StoreError> {
        Err(StoreError::unavailable("this store only deletes"))
    }

    async fn page(&self, _: Option<TokenId>, _: usize) -> Result<Vec<TokenRecord>, StoreError> {
        Err(StoreError::unavailable("this store only deletes"))
    }

    async fn audit(&self, _: AuditPosition, _: Option<Timestamp>, _: usize) -> Result<AuditPage, StoreError> {
        Err(StoreError::unavailable("this store only deletes"))
    }
}
