//! The members of etcd: which of them is asked, and what their errors mean.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use etcd_client::{Client, Error, GetOptions, GetResponse, Txn, TxnResponse};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};

use super::EtcdOptions;
use super::cause::Cause;
use crate::store::StoreError;

/// The members of etcd. One of them is asked until it fails; the next one is asked then.
///
/// Each has a connection of its own, so that a member that does not answer is left at once, and so that whoever needs
/// another member gets another one.
pub(super) struct Members {
    members: Vec<Member>,
    options: EtcdOptions,
    current: AtomicUsize,
}

struct Member {
    url: String,
    client: OnceCell<Client>,
}

/// The place of a member in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MemberIndex(usize);

/// Why a request to etcd failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum RequestError {
    /// A member refused it, so that it had no effect.
    #[error("etcd refused the request")]
    Refused(#[source] std::sync::Arc<Cause>),
    /// A member did not answer, or the connection failed. The request may have had an effect.
    #[error("etcd did not answer")]
    NoAnswer(#[source] std::sync::Arc<Cause>),
    /// No member answered in time. The request may have had an effect.
    #[error("etcd did not answer in time")]
    Timeout,
}

impl Members {
    pub(super) fn new(options: EtcdOptions) -> Self {
        let scheme = if options.uses_tls() { "https" } else { "http" };
        let of = |member: &String| Member { url: format!("{scheme}://{member}"), client: OnceCell::new() };
        Self { members: options.members.iter().map(of).collect(), options, current: AtomicUsize::new(0) }
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
    pub(super) async fn client(&self, MemberIndex(index): MemberIndex) -> Result<Client, RequestError> {
        let Member { url, client } = &self.members[index];
        let connect = client.get_or_try_init(|| Client::connect([url], Some(self.options.connection())));
        match timeout(self.request_timeout(), connect).await {
            Ok(connected) => connected.cloned().map_err(Into::into),
            Err(_) => Err(RequestError::Timeout),
        }
    }

    /// The pairs of a key or a range.
    pub(super) async fn get(
        &self,
        deadline: Instant,
        key: impl Into<Vec<u8>>,
        options: GetOptions,
    ) -> Result<GetResponse, RequestError> {
        let key = key.into();
        let get = |client: Client| {
            let (key, options) = (key.clone(), options.clone());
            async move { client.kv_client().get(key, Some(options)).await }
        };
        self.ask(self.request_timeout(), deadline, get).await
    }

    /// Commits a transaction that only reads.
    pub(super) async fn read(&self, deadline: Instant, transaction: Txn) -> Result<TxnResponse, RequestError> {
        self.transact(self.request_timeout(), deadline, transaction).await
    }

    /// Commits a transaction that changes something. It may be sent several times, so its preconditions must let it take
    /// effect once.
    pub(super) async fn commit(&self, deadline: Instant, transaction: Txn) -> Result<TxnResponse, RequestError> {
        self.transact(self.commit_timeout(), deadline, transaction).await
    }

    async fn transact(
        &self,
        longest: Duration,
        deadline: Instant,
        transaction: Txn,
    ) -> Result<TxnResponse, RequestError> {
        let commit = |client: Client| {
            let transaction = transaction.clone();
            async move { client.kv_client().txn(transaction).await }
        };
        self.ask(longest, deadline, commit).await
    }

    /// Sends a request to one member after another, and waits for each of them for at most `longest`, until one answers, or
    /// until `deadline`. Returns the answer, or the last error after which it is not known whether the request had an effect.
    async fn ask<T, F>(
        &self,
        longest: Duration,
        deadline: Instant,
        request: impl Fn(Client) -> F + Sync,
    ) -> Result<T, RequestError>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let mut unanswered = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(unanswered.unwrap_or(RequestError::Timeout));
            }
            let member = self.current();
            match timeout(left.min(longest), self.ask_member(member, &request)).await {
                Ok(Ok(answer)) => return Ok(answer),
                // An earlier attempt may have had an effect all the same.
                Ok(Err(error @ RequestError::Refused(_))) => return Err(unanswered.unwrap_or(error)),
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
        let client = self.client(member).await?;
        Ok(request(client).await?)
    }
}

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// The codes of gRPC by which etcd refuses a request before it has an effect (`InvalidArgument`, `PermissionDenied`,
/// `FailedPrecondition`, `OutOfRange`, `Unimplemented`, `Unauthenticated`).
const REFUSALS: [i32; 6] = [3, 7, 9, 11, 12, 16];

impl From<Error> for RequestError {
    fn from(error: Error) -> Self {
        let is_refusal = match &error {
            Error::GRpcStatus(status) => REFUSALS.contains(&i32::from(status.code())),
            Error::InvalidArgs(_) | Error::InvalidUri(_) => true,
            _ => false,
        };
        let error = std::sync::Arc::new(Cause::from(error));
        if is_refusal { Self::Refused(error) } else { Self::NoAnswer(error) }
    }
}

/// For a request that changes nothing.
impl From<RequestError> for StoreError {
    fn from(error: RequestError) -> Self {
        Self::unavailable(error)
    }
}
