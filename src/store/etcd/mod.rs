//! Tokens in etcd, for many nodes.
//!
//! A node keeps a copy of the live tokens, and knows until when it can rely on it. Data goes one way: `writer` commits what is
//! requested, `watch` follows what any node has committed and applies it to `copy`, `confirm` finds out by reads whether
//! the copy has everything, and `find` and `read` decide about a token when it has not. docs/cluster.md has the protocol and why it
//! keeps its promise.

mod audit;
mod cause;
mod confirm;
mod connecting;
mod copy;
mod credentials;
mod find;
mod handshake;
mod identity;
mod keys;
mod load;
mod members;
mod moving;
mod open;
mod options;
mod pages;
mod read;
mod record;
mod transaction;
mod uses;
mod walk;
mod watch;
mod writer;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::statistics::Counters;
use super::{
    AuditPage, AuditPosition, CopyStatistics, Creation, CreationOutcome, Deletion, DeletionOutcome, LOADED_ALREADY,
    Regeneration, RegenerationOutcome, SharedStore, StoreError, StoreStatistics, TokenStore,
};
use crate::live::LiveTokensWriter;
use crate::token::{Timestamp, TokenId, TokenRecord};
use confirm::{Confirmations, Confirmer};
use copy::TokenCopy;
use credentials::Credentials;
pub use credentials::EtcdTls;
use keys::Keys;
use members::Members;
pub use moving::{EtcdSource, EtcdTarget};
pub use open::EtcdOpenError;
pub use options::{EtcdOptions, EtcdOptionsError};
use read::{Lookup, Reader};
use uses::Uses;
use walk::{PAGE, Walk};
use watch::{Follower, Orders};
use writer::{Answer, Job, Request, Writer};

/// Tokens in etcd, which many nodes share. Every node opens a store of its own under the same prefix.
///
/// After a deletion has been acknowledged by one node, no node accepts the token for longer than the time that
/// [`EtcdOptions::max_staleness`] sets, whatever fails: nodes, members of etcd, or the network between them. docs/cluster.md has
/// the promise, its proof, and what it assumes.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use influxdb3_tokens::{EtcdOptions, EtcdStore, TokenApi};
///
/// # async fn open(password: &str) -> Result<TokenApi, Box<dyn std::error::Error>> {
/// let options = EtcdOptions::from_url("etcd://etcd1,etcd2,etcd3/influxdb3-tokens")?.user("node", password);
/// let store = EtcdStore::open(options).await?;
/// let api = TokenApi::builder(Arc::new(store)).build().await?;
/// # Ok(api)
/// # }
/// ```
///
/// The methods need a tokio runtime with time enabled. Dropping the store ends its tasks; a change that was accepted is
/// completed if the runtime goes on. Call [`save_uses`](TokenStore::save_uses) before, so that the last uses are not lost.
pub struct EtcdStore {
    shared: Arc<Shared>,
    cluster_uuid: Uuid,
    is_new: bool,
    jobs: mpsc::Sender<Request>,
    lookups: mpsc::Sender<Lookup>,
    /// What the tasks take that [`load`](TokenStore::load) starts.
    unstarted: std::sync::Mutex<Option<Unstarted>>,
    /// The tasks that end with the store.
    tasks: std::sync::Mutex<JoinSet<()>>,
}

struct Shared {
    members: Arc<Members>,
    keys: Keys,
    options: EtcdOptions,
    counters: Arc<Counters>,
    counts: Arc<Counts>,
    confirmations: Arc<Confirmations>,
    /// Empty until the store is loaded.
    copy: OnceLock<Arc<TokenCopy>>,
}

impl Shared {
    /// The last uses of tokens. `None` until the store is loaded.
    fn uses(&self) -> Option<Uses> {
        let copy = self.copy.get()?.clone();
        Some(Uses { members: self.members.clone(), keys: self.keys.clone(), copy })
    }
}

struct Unstarted {
    jobs: mpsc::Receiver<Request>,
    lookups: mpsc::Receiver<Lookup>,
}

/// How often the copy did what.
#[derive(Default)]
struct Counts {
    confirmations: Count,
    failed_confirmations: Count,
    watch_restarts: Count,
    reloads: Count,
    fallback_reads: Count,
}

#[derive(Default)]
struct Count(AtomicU64);

impl Count {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl EtcdStore {
    /// Opens the store under the prefix, which is created if etcd has none there. [`is_new`](Self::is_new) says so.
    ///
    /// # Errors
    ///
    /// See [`EtcdOpenError`].
    pub async fn open(options: EtcdOptions) -> Result<Self, EtcdOpenError> {
        let (members, keys) = (Arc::new(Members::new(options.clone())), Keys::new(&options.prefix));
        let (cluster_uuid, is_new) = open::find_or_create(&members, &keys).await?;
        Ok(Self::new(members, keys, options, cluster_uuid, is_new))
    }

    /// Opens the store under the prefix, and writes nothing.
    ///
    /// # Errors
    ///
    /// [`EtcdOpenError::Missing`] if etcd has none there, or another [`EtcdOpenError`].
    pub async fn open_existing(options: EtcdOptions) -> Result<Self, EtcdOpenError> {
        let (members, keys) = (Arc::new(Members::new(options.clone())), Keys::new(&options.prefix));
        let cluster_uuid = open::existing(&members, &keys).await?;
        Ok(Self::new(members, keys, options, cluster_uuid, false))
    }

    fn new(members: Arc<Members>, keys: Keys, mut options: EtcdOptions, cluster_uuid: Uuid, is_new: bool) -> Self {
        // The members have them, and may get others.
        options.credentials = Credentials::default();
        let (jobs, waiting_jobs) = mpsc::channel(options.queue_capacity.max(1));
        let (lookups, waiting_lookups) = mpsc::channel(read::CAPACITY);
        let shared = Shared {
            members,
            keys,
            options,
            counters: Arc::new(Counters::new()),
            counts: Arc::default(),
            confirmations: Arc::default(),
            copy: OnceLock::new(),
        };
        let unstarted = Unstarted { jobs: waiting_jobs, lookups: waiting_lookups };
        Self {
            shared: Arc::new(shared),
            cluster_uuid,
            is_new,
            jobs,
            lookups,
            unstarted: std::sync::Mutex::new(Some(unstarted)),
            tasks: std::sync::Mutex::default(),
        }
    }

    /// Whether this opening has created the store.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Makes every further connection to etcd with the certificates, the user and the password of these options: renew them
    /// before they expire. Open connections stay. The rest of the options does not count.
    pub fn renew(&self, options: &EtcdOptions) {
        self.shared.members.renew(options.credentials.clone());
    }

    async fn request<T>(&self, job: impl FnOnce(Answer<T>) -> Job + Send) -> Result<T, StoreError> {
        if self.shared.copy.get().is_none() {
            return Err(StoreError::unavailable("the store is not loaded"));
        }
        let (answer, answered) = oneshot::channel();
        let deadline = Instant::now() + 4 * self.shared.members.commit_timeout();
        match self.jobs.try_send(Request { deadline, job: job(answer) }) {
            Ok(()) => answered.await.map_err(|_| StoreError::outcome_unknown("the store was closed"))?,
            Err(TrySendError::Full(_)) => Err(StoreError::Busy),
            Err(TrySendError::Closed(_)) => Err(StoreError::unavailable("the store was closed")),
        }
    }

    /// Starts the tasks that keep the copy up to date and make changes.
    fn start(&self, Unstarted { jobs, lookups }: Unstarted, copy: &Arc<TokenCopy>) {
        let Shared { members, keys, counters, counts, confirmations, .. } = &*self.shared;
        let (members, copy, counts, orders) = (members.clone(), copy.clone(), counts.clone(), Arc::<Orders>::default());
        let writer = Writer {
            members: members.clone(),
            keys: keys.clone(),
            copy: copy.clone(),
            counters: counters.clone(),
            requests: jobs,
            next_id: 1,
            epoch: 0,
            changes_in_epoch: 0,
        };
        // Not ended with the store: it ends by itself once every accepted change is made.
        tokio::spawn(writer.run());
        let reader = Reader { members: members.clone(), keys: keys.clone(), lookups };
        let follower = Follower {
            members: members.clone(),
            keys: keys.clone(),
            copy: copy.clone(),
            counts: counts.clone(),
            orders: orders.clone(),
        };
        let (keys, confirmations) = (keys.clone(), confirmations.clone());
        let confirmer = Confirmer { members, keys, copy: copy.clone(), counts, orders, confirmations };
        let mut tasks = self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tasks.spawn(reader.run());
        tasks.spawn(follower.run());
        tasks.spawn(confirmer.run());
        tasks.spawn(wake_if_stale(copy, self.shared.options.max_staleness));
        let uses = self.shared.uses().map(|uses| uses.run(self.shared.options.save_uses_every));
        uses.into_iter().for_each(|uses| _ = tasks.spawn(uses));
    }
}

/// Wakes those that wait for the deletion of a token, as soon as the copy cannot be relied upon any more.
async fn wake_if_stale(copy: Arc<TokenCopy>, max_staleness: Duration) {
    let mut was_fresh = false;
    loop {
        // A timer stands still while the machine is suspended, so it must not run for long.
        let left = max_staleness.saturating_sub(copy.staleness().unwrap_or(max_staleness));
        sleep(left.clamp(Duration::from_millis(5), max_staleness / 8)).await;
        let is_fresh = copy.live().is_fresh();
        if was_fresh && !is_fresh {
            copy.wake_if_stale();
        }
        was_fresh = is_fresh;
    }
}

#[async_trait]
impl TokenStore for EtcdStore {
    fn cluster_uuid(&self) -> Uuid {
        self.cluster_uuid
    }

    async fn load(&self, live: LiveTokensWriter) -> Result<(), StoreError> {
        let unstarted = self.unstarted.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let unstarted = unstarted.ok_or_else(|| StoreError::unavailable(LOADED_ALREADY))?;
        let copy = Arc::new(TokenCopy::new(live, self.shared.options.max_staleness));
        load::load(&self.shared.members, &self.shared.keys, &copy).await?;
        _ = self.shared.copy.set(copy.clone());
        self.start(unstarted, &copy);
        Ok(())
    }

    async fn create(&self, creation: Creation) -> Result<CreationOutcome, StoreError> {
        self.request(|answer| Job::Create(Box::new(creation), answer)).await
    }

    async fn delete(&self, deletion: Deletion) -> Result<DeletionOutcome, StoreError> {
        self.request(|answer| Job::Delete(deletion, answer)).await
    }

    async fn regenerate(&self, regeneration: Regeneration) -> Result<RegenerationOutcome, StoreError> {
        self.request(|answer| Job::Regenerate(Box::new(regeneration), answer)).await
    }

    async fn page(&self, after: Option<TokenId>, limit: usize) -> Result<Vec<TokenRecord>, StoreError> {
        // What this node has accepted comes first.
        self.request(Job::Pass).await?;
        let Shared { members, keys, .. } = &*self.shared;
        let from = after.map_or(Some(0), |id| id.as_u64().checked_add(1)).map(TokenId::from_u64);
        let Some(from) = from else { return Ok(Vec::new()) };
        let (mut walk, mut records) = (Walk::new(from, walk::next_id(members, keys).await?), Vec::new());
        while records.len() < limit {
            let page = walk.read(members, keys, 0, PAGE.min((limit - records.len()) as u64)).await?;
            let mut found = walk::records(keys, &page)?;
            let is_end = walk.advance(&found, page.more()).is_none();
            records.append(&mut found);
            if is_end {
                break;
            }
        }
        if let Some(uses) = self.shared.uses() {
            uses.read(&records).await;
        }
        Ok(records)
    }

    async fn audit(
        &self,
        from: AuditPosition,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        self.request(Job::Pass).await?;
        audit::page(&self.shared.members, &self.shared.keys, from, since, limit).await
    }

    fn shared(&self) -> Option<&dyn SharedStore> {
        Some(self)
    }

    fn statistics(&self) -> StoreStatistics {
        let Shared { counters, counts, copy, .. } = &*self.shared;
        let capacity = self.jobs.max_capacity();
        let copy = copy.get().map(|copy| CopyStatistics {
            is_fresh: copy.live().is_fresh(),
            staleness: copy.staleness(),
            confirmations: counts.confirmations.get(),
            failed_confirmations: counts.failed_confirmations.get(),
            watch_restarts: counts.watch_restarts.get(),
            reloads: counts.reloads.get(),
            fallback_reads: counts.fallback_reads.get(),
        });
        StoreStatistics {
            queue_depth: (capacity - self.jobs.capacity()) as u64,
            queue_capacity: capacity as u64,
            copy,
            ..counters.statistics()
        }
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.request(Job::Probe).await
    }

    async fn save_uses(&self) {
        if let Some(uses) = self.shared.uses() {
            uses.save().await;
        }
    }
}

impl fmt::Debug for EtcdStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdStore").field("options", &self.shared.options).finish_non_exhaustive()
    }
}
