//! A server in the same process as the test, and a store that can fail.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use influxdb3_tokens::{
    AuditPage, AuditPosition, Catalog, Clock, Creation, CreationOutcome, Deletion, DeletionOutcome, LiveTokensWriter,
    MemoryStore, Regeneration, RegenerationOutcome, SqliteStore, StoreError, Timestamp, TokenApi, TokenId, TokenName,
    TokenRecord, TokenStore,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::client::{Client, Http1, Http2};
use crate::creation::create;
use crate::document::Token;
use crate::limits::within;
use crate::serving;

/// A server that ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) catalog: Catalog,
    pub(crate) clock: Arc<SetClock>,
    _directory: Option<TempDir>,
}

impl Server {
    pub(crate) async fn in_memory() -> Self {
        Self::over(Arc::new(MemoryStore::new())).await
    }

    pub(crate) async fn on_sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path().join("data/tokens.db")).unwrap();
        Self { _directory: Some(directory), ..Self::over(Arc::new(store)).await }
    }

    /// A server for each store.
    pub(crate) async fn each() -> [Self; 2] {
        [Self::in_memory().await, Self::on_sqlite().await]
    }

    pub(crate) async fn over(store: Arc<dyn TokenStore>) -> Self {
        Self::served(store, |listener, api| {
            tokio::spawn(serving::serve(listener, api));
        })
        .await
    }

    /// Like [`Self::over`], but `serve` starts the server.
    pub(crate) async fn served(store: Arc<dyn TokenStore>, serve: impl FnOnce(TcpListener, TokenApi)) -> Self {
        let clock = Arc::new(SetClock::default());
        let catalog = Catalog::open(store, Arc::clone(&clock) as Arc<dyn Clock>).await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        serve(listener, TokenApi::new(catalog.clone()));
        Self { address, catalog, clock, _directory: None }
    }

    pub(crate) fn cluster(&self) -> Uuid {
        self.catalog.cluster_uuid()
    }

    pub(crate) async fn http1(&self) -> Http1 {
        Http1::connect(self.address, self.cluster()).await
    }

    pub(crate) async fn http2(&self) -> Http2 {
        Http2::connect(self.address, self.cluster()).await
    }

    /// A client for each protocol.
    pub(crate) async fn clients(&self) -> [Client; 2] {
        [Client::One(self.http1().await), Client::Two(self.http2().await)]
    }

    /// Creates the operator token, which must not exist yet, and returns its secret.
    pub(crate) async fn operator(&self) -> String {
        self.create(TokenName::OPERATOR, "*:*:*", None).await.1
    }

    /// Creates a token with a unique name, and returns it with its secret.
    pub(crate) async fn token(&self, permissions: &str) -> (Token, String) {
        static NAMES: AtomicU64 = AtomicU64::new(0);
        let name = format!("token-{}", NAMES.fetch_add(1, Ordering::Relaxed));
        self.create(&name, permissions, None).await
    }

    pub(crate) async fn create(&self, name: &str, permissions: &str, good_for: Option<Duration>) -> (Token, String) {
        create(&self.catalog, name, permissions, good_for).await
    }
}

/// A clock that stands still until a test advances it.
#[derive(Debug, Default)]
pub(crate) struct SetClock(AtomicU64);

impl SetClock {
    pub(crate) fn advance(&self, duration: Duration) {
        self.0.fetch_add(duration.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }
}

impl SetClock {
    #[allow(dead_code, reason = "only the tests of the library set it back")]
    pub(crate) fn set_back(&self, duration: Duration) {
        self.0.fetch_sub(duration.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// A store in memory. A deletion takes the next injected [`Fault`], if there is one.
#[derive(Debug, Default)]
pub(crate) struct FaultyStore {
    store: MemoryStore,
    faults: Mutex<VecDeque<Fault>>,
}

#[derive(Debug)]
pub(crate) enum Fault {
    /// The deletion fails and has no effect.
    Fails(StoreError),
    /// The token is deleted, but the store returns an error.
    FailsAfterwards(StoreError),
    Panics,
    Waits(Arc<Gate>),
}

/// Holds up a deletion.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    reached: Notify,
    open: Notify,
}
impl Gate {
    /// Waits for the deletion to arrive.
    pub(crate) async fn reached(&self) {
        within("the deletion to reach the store", self.reached.notified()).await;
    }

    /// Lets the deletion continue.
    pub(crate) fn open(&self) {
        self.open.notify_one();
    }
}

impl FaultyStore {
    /// Adds a fault for the next deletion that has none.
    pub(crate) fn inject(&self, fault: Fault) {
        self.faults.lock().unwrap().push_back(fault);
    }
}

#[async_trait]
impl TokenStore for FaultyStore {
    fn cluster_uuid(&self) -> Uuid {
        self.store.cluster_uuid()
    }

    async fn load(&self, live: LiveTokensWriter) -> Result<(), StoreError> {
        self.store.load(live).await
    }

    async fn create(&self, creation: Creation) -> Result<CreationOutcome, StoreError> {
        self.store.create(creation).await
    }

    async fn delete(&self, deletion: Deletion) -> Result<DeletionOutcome, StoreError> {
        let fault = self.faults.lock().unwrap().pop_front();
        match fault {
            None => {}
            Some(Fault::Fails(error)) => return Err(error),
            Some(Fault::FailsAfterwards(error)) => {
                self.store.delete(deletion).await?;
                return Err(error);
            }
            Some(Fault::Panics) => panic!("on purpose, with a detail"),
            Some(Fault::Waits(gate)) => {
                gate.reached.notify_one();
                gate.open.notified().await;
            }
        }
        self.store.delete(deletion).await
    }

    async fn regenerate(&self, regeneration: Regeneration) -> Result<RegenerationOutcome, StoreError> {
        self.store.regenerate(regeneration).await
    }

    async fn page(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<TokenRecord>, StoreError> {
        self.store.page(after, limit).await
    }

    async fn audit(
        &self,
        from: AuditPosition,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        self.store.audit(from, since, limit).await
    }
}
