//! The members of etcd: which of them is asked, and what their errors mean.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use etcd_client::{Client, Compare, ConnectOptions, Error, GetOptions, GetResponse, KvClient, Txn, TxnOp, TxnResponse};
use tokio::time::{Instant, timeout};

use super::EtcdOptions;
use super::cause::Cause;
use super::connecting::Connecting;
use super::credentials::Credentials;
use super::handshake::{error_of_tls, refusal};
use super::identity::StoreIdentity;
use crate::store::StoreError;

/// The members of etcd. One of them is asked until it fails; the next one is asked then.
///
/// Each has a connection of its own, so that a member that does not answer is left at once, and so that whoever needs
/// another member gets another one.
pub(super) struct Members {
    members: Vec<Member>,
    options: EtcdOptions,
    credentials: RwLock<Arc<Credentials>>,
    current: AtomicUsize,
    /// Whether the last login found that etcd has no authentication.
    has_no_login: Arc<AtomicBool>,
    /// Unset until the store is found.
    store: OnceLock<StoreIdentity>,
}

struct Member {
    /// `HOST:PORT`.
    address: String,
    connection: Connecting,
}

/// The place of a member in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MemberIndex(usize);

/// Why a request to etcd failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum RequestError {
    /// A member refused it, so that it had no effect.
    #[error("etcd refused the request")]
    Refused(#[source] Arc<Cause>),
    /// No member and this node accept each other's certificates, so that it had no effect.
    #[error("no connection can be trusted")]
    Untrusted(#[source] rustls::Error),
    /// No member has the store that was opened, so that it had no effect.
    #[error(
        "etcd has lost the token store that was opened, or has another one under the prefix: restore a snapshot of etcd, or start again"
    )]
    OtherStore,
    /// A member did not answer, or the connection failed. The request may have had an effect.
    #[error("etcd did not answer")]
    NoAnswer(#[source] Arc<Cause>),
    /// No member answered in time. The request may have had an effect.
    #[error("etcd did not answer in time")]
    Timeout,
}

impl Members {
    pub(super) fn new(mut options: EtcdOptions) -> Self {
        let credentials = RwLock::new(Arc::new(std::mem::take(&mut options.credentials)));
        let of = |address: &String| Member { address: address.clone(), connection: Connecting::default() };
        let members = options.members.iter().map(of).collect();
        let (current, has_no_login, store) = (AtomicUsize::new(0), Arc::default(), OnceLock::new());
        Self { members, options, credentials, current, has_no_login, store }
    }

    /// Makes every further [`transaction`](Self::transaction) one of this store.
    pub(super) fn keep_to(&self, store: StoreIdentity) {
        _ = self.store.set(store);
    }

    /// A transaction in the store that was opened: see [`StoreIdentity::transaction`].
    pub(super) fn transaction(&self, compares: Vec<Compare>, operations: Vec<TxnOp>, reads: Vec<TxnOp>) -> Txn {
        match self.store.get() {
            Some(store) => store.transaction(compares, operations, reads),
            None => Txn::new().when(compares).and_then(operations).or_else(reads),
        }
    }

    /// Makes every further connection with these credentials. A request that has a connection goes on to use it.
    pub(super) fn renew(&self, credentials: Credentials) {
        *self.credentials.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(credentials);
        self.members.iter().for_each(|member| member.connection.renew());
    }

    /// How long a request to a member may take that only reads.
    pub(super) fn request_timeout(&self) -> Duration {
        self.options.request_timeout()
    }

    /// How long a request to a member may take that changes something: members write to their disks.
    pub(super) fn commit_timeout(&self) -> Duration {
        const SHORTEST: Duration = Duration::from_secs(1);
        self.request_timeout().max(SHORTEST)
    }

    /// The member that is asked at present.
    pub(super) fn current(&self) -> MemberIndex {
        MemberIndex(self.current.load(Ordering::Relaxed) % self.members.len())
    }

    /// Leaves a member that does not do its duty; the next one is asked from now on. Nothing changes if another one has been
    /// left meanwhile.
    pub(super) fn leave(&self, MemberIndex(index): MemberIndex) {
        let next = (index + 1) % self.members.len();
        _ = self.current.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// A connection to the member, which may have to be made.
    pub(super) async fn client(&self, member: MemberIndex) -> Result<Client, RequestError> {
        Ok(self.connect(member).await?.0)
    }

    /// A connection to the member, and its number.
    async fn connect(&self, MemberIndex(index): MemberIndex) -> Result<(Client, u64), RequestError> {
        let Member { address, connection } = &self.members[index];
        let connect = || {
            let credentials = Arc::clone(&self.credentials.read().unwrap_or_else(PoisonError::into_inner));
            let (address, options, longest) = (address.clone(), self.options.connection(), 4 * self.commit_timeout());
            let has_no_login = Arc::clone(&self.has_no_login);
            let connect = connect(address, credentials, options, self.request_timeout() / 2, has_no_login);
            async move { timeout(longest, connect).await.unwrap_or(Err(RequestError::Timeout)) }
        };
        timeout(self.request_timeout(), connection.client(connect)).await.unwrap_or(Err(RequestError::Timeout))
    }

    /// The pairs of a key or a range.
    pub(super) async fn get(
        &self,
        deadline: Instant,
        key: impl Into<Vec<u8>>,
        options: GetOptions,
    ) -> Result<GetResponse, RequestError> {
        let key = key.into();
        let get = |client| get(client, key.clone(), options.clone());
        self.ask(self.request_timeout(), deadline, get, |_| true).await
    }

    /// Reads at one moment, in the store that was opened.
    pub(super) async fn read(&self, deadline: Instant, reads: Vec<TxnOp>) -> Result<TxnResponse, RequestError> {
        self.transact(self.request_timeout(), deadline, self.transaction(Vec::new(), reads, Vec::new())).await
    }

    /// Commits a transaction that changes something. It may be sent several times, so its preconditions must let it take
    /// effect once. Once a store was opened, it must be a [`transaction`](Self::transaction) in it.
    pub(super) async fn commit(&self, deadline: Instant, transaction: Txn) -> Result<TxnResponse, RequestError> {
        self.transact(self.commit_timeout(), deadline, transaction).await
    }

    async fn transact(
        &self,
        longest: Duration,
        deadline: Instant,
        transaction: Txn,
    ) -> Result<TxnResponse, RequestError> {
        let commit = |client| commit(client, transaction.clone());
        let is_of_store = |answer: &_| !self.store.get().is_some_and(|store| store.is_missing_in(answer));
        self.ask(longest, deadline, commit, is_of_store).await
    }

    /// Like [`get`](Self::get), from the present member alone. No other request leaves it because this one fails.
    pub(super) async fn get_once(
        &self,
        key: impl Into<Vec<u8>>,
        options: GetOptions,
    ) -> Result<GetResponse, RequestError> {
        let key = key.into();
        let get = |client| get(client, key.clone(), options.clone());
        self.ask_once(self.request_timeout(), get).await
    }

    /// Sends a transaction once, to the present member. No other request leaves it because this one fails.
    pub(super) async fn transact_once(&self, longest: Duration, transaction: Txn) -> Result<TxnResponse, RequestError> {
        let commit = |client| commit(client, transaction.clone());
        self.ask_once(longest, commit).await
    }

    async fn ask_once<T, F>(&self, longest: Duration, request: impl Fn(Client) -> F + Sync) -> Result<T, RequestError>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        timeout(longest, self.ask_member(self.current(), &request)).await.unwrap_or(Err(RequestError::Timeout))
    }

    /// Sends a request to one member after another, and waits for each of them for at most `longest`, until one answers, or
    /// until `deadline`. Returns the answer, or the last error after which it is not known whether the request had an effect.
    /// Gives up earlier if a member refuses the request, or if no member can be trusted, or none has the store.
    async fn ask<T, F>(
        &self,
        longest: Duration,
        deadline: Instant,
        request: impl Fn(Client) -> F + Sync,
        is_of_store: impl Fn(&T) -> bool,
    ) -> Result<T, RequestError>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let (mut unanswered, mut useless) = (None, 0);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(unanswered.unwrap_or(RequestError::Timeout));
            }
            let member = self.current();
            let answer = timeout(left.min(longest), self.ask_member(member, &request)).await;
            let of_store = |answer| if is_of_store(&answer) { Ok(answer) } else { Err(RequestError::OtherStore) };
            match answer.map(|answer| answer.and_then(of_store)) {
                Ok(Ok(answer)) => return Ok(answer),
                // An earlier attempt may have had an effect all the same.
                Ok(Err(error @ RequestError::Refused(_))) => return Err(unanswered.unwrap_or(error)),
                Ok(Err(error @ (RequestError::Untrusted(_) | RequestError::OtherStore))) => {
                    useless += 1;
                    if useless == self.members.len() {
                        return Err(unanswered.unwrap_or(error));
                    }
                }
                Ok(Err(error)) => unanswered = Some(error),
                // An error of another attempt says more.
                Err(_) => unanswered = unanswered.or(Some(RequestError::Timeout)),
            }
            self.leave(member);
            // All members may refuse connections at once.
            tokio::time::sleep(PAUSE.min(left)).await;
        }
    }

    async fn ask_member<T, F>(
        &self,
        member: MemberIndex,
        request: &(impl Fn(Client) -> F + Sync),
    ) -> Result<T, RequestError>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let (client, number) = self.connect(member).await?;
        let answer = request(client).await;
        if let Err(Error::GRpcStatus(status)) = &answer
            && [UNAUTHENTICATED, INVALID_ARGUMENT].contains(&i32::from(status.code()))
        {
            // Its login has expired, or the member has forgotten it, or etcd had no authentication when it was made.
            self.members[member.0].connection.forget(number);
        }
        Ok(answer?)
    }
}

/// Connects to a member, whose handshake may take `limit`. It logs in, unless etcd has no authentication.
async fn connect(
    address: String,
    credentials: Arc<Credentials>,
    options: ConnectOptions,
    limit: Duration,
    has_no_login: Arc<AtomicBool>,
) -> Result<Client, RequestError> {
    let mut scheme = "http";
    if let Some(tls) = &credentials.tls {
        scheme = "https";
        if let Some(error) = refusal(tls, &address, limit).await {
            return Err(RequestError::Untrusted(error));
        }
    }
    let connect =
        |options: ConnectOptions| Client::connect([format!("{scheme}://{address}")], Some(credentials.add_to(options)));
    let Some((name, password)) = &credentials.user else { return Ok(connect(options).await?) };
    match connect(options.clone().with_user(name, password.as_str())).await {
        Err(Error::GRpcStatus(status)) if i32::from(status.code()) == FAILED_PRECONDITION => {
            if !has_no_login.swap(true, Ordering::Relaxed) {
                tracing::warn!(user = name, "etcd has no authentication; this user does not log in until it has");
            }
            Ok(connect(options).await?)
        }
        connected => {
            has_no_login.store(false, Ordering::Relaxed);
            Ok(connected?)
        }
    }
}

/// How long an answer may be. A page of tokens with many permissions is longer than the 4 MiB that the client would take, and
/// so are the changes that a node has missed.
pub(super) const LONGEST_ANSWER: usize = usize::MAX;

async fn get(client: Client, key: Vec<u8>, options: GetOptions) -> Result<GetResponse, Error> {
    kv(&client).get(key, Some(options)).await
}

async fn commit(client: Client, transaction: Txn) -> Result<TxnResponse, Error> {
    kv(&client).txn(transaction).await
}

fn kv(client: &Client) -> KvClient {
    client.kv_client().max_decoding_message_size(LONGEST_ANSWER)
}

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// The codes of gRPC by which etcd refuses a request before it has an effect (`InvalidArgument`, `PermissionDenied`,
/// `FailedPrecondition`, `OutOfRange`, `Unimplemented`).
const REFUSALS: [i32; 5] = [3, 7, 9, 11, 12];

/// The code by which etcd refuses a request whose login is not valid any more. It is sent again after another login.
const UNAUTHENTICATED: i32 = 16;

/// The code by which etcd refuses a request without a login.
const INVALID_ARGUMENT: i32 = 3;

/// The code by which etcd refuses a login while it has no authentication.
const FAILED_PRECONDITION: i32 = 9;

impl From<Error> for RequestError {
    fn from(error: Error) -> Self {
        // The source of the client's error is not its source for the standard library.
        let source: Option<&(dyn std::error::Error + 'static)> = match &error {
            Error::GRpcStatus(status) => Some(status),
            Error::TransportError(error) => Some(error),
            _ => None,
        };
        if let Some(error) = source.and_then(error_of_tls) {
            return Self::Untrusted(error.clone());
        }
        let is_refusal = match &error {
            Error::GRpcStatus(status) => REFUSALS.contains(&i32::from(status.code())),
            Error::InvalidArgs(_) | Error::InvalidUri(_) => true,
            _ => false,
        };
        let error = Arc::new(Cause::from(error));
        if is_refusal { Self::Refused(error) } else { Self::NoAnswer(error) }
    }
}

/// For a request that changes nothing.
impl From<RequestError> for StoreError {
    fn from(error: RequestError) -> Self {
        Self::unavailable(error)
    }
}
