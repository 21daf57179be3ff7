//! The task that makes changes, one transaction after another.

use std::sync::Arc;

use etcd_client::{KeyValue, Txn, TxnOp, TxnOpResponse, TxnResponse};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::audit;
use super::copy::{Event, Revision, TokenCopy};
use super::keys::Keys;
use super::members::{Members, RequestError};
use super::read::first;
use super::transaction::{Change, Mark, gets, has_value};
use crate::store::statistics::Counters;
use crate::store::{
    Creation, CreationOutcome, Deletion, DeletionOutcome, Regeneration, RegenerationOutcome, StoreError,
};

mod create;
mod delete;
mod regenerate;

/// Where the answer to a request is sent.
pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// A request to the writer, and when it is given up.
pub(super) struct Request {
    pub(super) deadline: Instant,
    pub(super) job: Job,
}

/// What is requested of the writer.
pub(super) enum Job {
    Create(Box<Creation>, Answer<CreationOutcome>),
    Delete(Deletion, Answer<DeletionOutcome>),
    Regenerate(Box<Regeneration>, Answer<RegenerationOutcome>),
    Probe(Answer<()>),
    /// Answered once every job before it is done.
    Pass(Answer<()>),
}

/// How many deletions share a transaction. etcd takes 128 operations, unless it is configured otherwise, and counts those of
/// the transaction itself with those of each deletion in it.
const BATCH: usize = 64;

pub(super) struct Writer {
    pub(super) members: Arc<Members>,
    pub(super) keys: Keys,
    pub(super) copy: Arc<TokenCopy>,
    pub(super) counters: Arc<Counters>,
    pub(super) requests: mpsc::Receiver<Request>,
    /// What this node knows of the key `next-id`. A creation that finds another value reads it.
    pub(super) next_id: u64,
    /// What this node knows of the key `epoch`. A change that finds another value reads it.
    pub(super) epoch: u64,
    /// How many changes this node has added to this part of the audit trail.
    pub(super) changes_in_epoch: u64,
}

impl Writer {
    /// Makes changes until nobody can request any more. Every change that was accepted is completed, unless it had to wait
    /// until its deadline: etcd does not answer then, and it is not sent.
    pub(super) async fn run(mut self) {
        let mut requests = Vec::with_capacity(BATCH);
        while self.requests.recv_many(&mut requests, BATCH).await > 0 {
            let mut deletions = Vec::new();
            for Request { deadline, job } in requests.drain(..) {
                let job = match job {
                    Job::Delete(deletion, answer) => {
                        deletions.push((deadline, deletion, answer));
                        continue;
                    }
                    job => job,
                };
                // In the order in which they were requested.
                self.delete(std::mem::take(&mut deletions)).await;
                self.make(deadline, job).await;
            }
            self.delete(deletions).await;
            if self.changes_in_epoch >= audit::CHANGES_IN_PART {
                self.begin_epoch().await;
            }
        }
    }

    async fn make(&mut self, deadline: Instant, job: Job) {
        let is_late = Instant::now() >= deadline;
        // The receivers may be gone; ignore the errors.
        match job {
            Job::Create(_, answer) if is_late => _ = answer.send(Err(late())),
            Job::Regenerate(_, answer) if is_late => _ = answer.send(Err(late())),
            Job::Probe(answer) | Job::Pass(answer) if is_late => _ = answer.send(Err(late())),
            Job::Create(creation, answer) => _ = answer.send(self.create(*creation, deadline).await),
            Job::Regenerate(regeneration, answer) => _ = answer.send(self.regenerate(*regeneration, deadline).await),
            Job::Probe(answer) => _ = answer.send(self.probe(deadline).await),
            Job::Pass(answer) => _ = answer.send(Ok(())),
            Job::Delete(deletion, answer) => self.delete(vec![(deadline, deletion, answer)]).await,
        }
    }

    fn change<'a>(&'a self, mark: &'a Mark) -> Change<'a> {
        Change { members: &self.members, keys: &self.keys, epoch: self.epoch, mark }
    }

    /// Commits a transaction, which may be sent several times: its preconditions let it take effect once.
    async fn commit(&self, deadline: Instant, transaction: Txn) -> Result<TxnResponse, StoreError> {
        self.members.commit(deadline, transaction).await.map_err(|error| {
            self.counters.failed();
            match error {
                RequestError::Refused(_) | RequestError::Untrusted(_) | RequestError::OtherStore => {
                    StoreError::unavailable(error)
                }
                _ => StoreError::outcome_unknown(error),
            }
        })
    }

    /// Applies a change that this node has made to its copy.
    fn made(&mut self, revision: Revision, event: Event) {
        self.copy.apply_own(revision, event);
        self.changes_in_epoch += 1;
    }

    /// Takes note of the value of `epoch`.
    fn note_epoch(&mut self, value: Option<&KeyValue>) {
        let epoch = value.and_then(|pair| pair.value_str().ok()?.parse().ok());
        if epoch.is_some_and(|epoch| epoch != self.epoch) {
            self.epoch = epoch.unwrap_or_default();
            self.changes_in_epoch = 0;
        }
    }

    /// Begins the next part of the audit trail, unless another node has done so.
    async fn begin_epoch(&mut self) {
        let is_same = has_value(self.keys.epoch(), self.epoch.to_string());
        let next = TxnOp::put(self.keys.epoch(), self.epoch.saturating_add(1).to_string(), None);
        let transaction = self.members.transaction(vec![is_same], vec![next], gets(vec![self.keys.epoch()]));
        let deadline = Instant::now() + self.members.commit_timeout();
        match self.commit(deadline, transaction).await {
            Ok(answer) if answer.succeeded() => {
                self.epoch = self.epoch.saturating_add(1);
                self.changes_in_epoch = 0;
            }
            Ok(answer) => {
                let pairs = pairs(answer.op_responses());
                self.note_epoch(pairs.last().and_then(Option::as_ref));
            }
            // The next change finds out.
            Err(_) => {}
        }
    }

    /// Finds out whether etcd commits, by a key that means nothing.
    async fn probe(&self, deadline: Instant) -> Result<(), StoreError> {
        let put = TxnOp::put(self.keys.probe(), uuid::Uuid::new_v4().simple().to_string(), None);
        self.commit(deadline, self.members.transaction(Vec::new(), vec![put], Vec::new())).await?;
        self.counters.works();
        Ok(())
    }
}

/// The error of a change that waited until its deadline.
fn late() -> StoreError {
    StoreError::unavailable("etcd does not answer in time to the changes before this one")
}

/// The error of a change whose preconditions fail although all of them hold: a key is damaged, and it would be tried in vain
/// on and on.
fn contradiction() -> StoreError {
    const FINDING: &str = "the keys of the token store in etcd contradict each other: restore a snapshot of etcd";
    StoreError::unavailable(FINDING)
}

/// The revision of a transaction.
fn revision(answer: &TxnResponse) -> Revision {
    answer.header().map_or(0, |header| header.revision())
}

/// What the reads of a transaction returned.
fn pairs(responses: Vec<TxnOpResponse>) -> Vec<Option<KeyValue>> {
    responses.into_iter().map(first).collect()
}

/// The values of these pairs.
fn values(pairs: &[Option<KeyValue>]) -> Vec<Option<&[u8]>> {
    pairs.iter().map(|pair| pair.as_ref().map(KeyValue::value)).collect()
}
