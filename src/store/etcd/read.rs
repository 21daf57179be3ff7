//! Reading tokens from etcd when the copy cannot decide, many at a time.

use std::sync::Arc;

use etcd_client::{KeyValue, TxnOpResponse};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::keys::Keys;
use super::members::{Members, RequestError};
use super::record::{id_from_value, token_from_value};
use super::transaction::gets;
use crate::store::StoreError;
use crate::token::{Digest, Principal};

/// A digest to look up, and the place for the answer.
pub(super) struct Lookup {
    pub(super) digest: Digest,
    pub(super) answer: oneshot::Sender<Result<Option<Principal>, StoreError>>,
}

/// How many look-ups share a transaction. etcd takes 128 operations, unless it is configured otherwise.
const BATCH: usize = 100;

/// How many may wait.
pub(super) const CAPACITY: usize = 4096;

/// The task that looks digests up.
pub(super) struct Reader {
    pub(super) members: Arc<Members>,
    pub(super) keys: Keys,
    pub(super) lookups: mpsc::Receiver<Lookup>,
}

impl Reader {
    /// Answers until nobody can ask any more.
    pub(super) async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.lookups.recv_many(&mut batch, BATCH).await > 0 {
            let digests: Vec<_> = batch.iter().map(|lookup| lookup.digest).collect();
            match self.find(&digests).await {
                Ok(found) => batch.drain(..).zip(found).for_each(|(lookup, found)| _ = lookup.answer.send(found)),
                Err(error) => {
                    let error = StoreError::from(error);
                    batch.drain(..).for_each(|lookup| _ = lookup.answer.send(Err(error.clone())));
                }
            }
        }
    }

    /// The token with each digest. Both reads are made by a quorum. A digest leads to one ID and an ID to one token, so a
    /// token that the second read finds is live then.
    async fn find(&self, digests: &[Digest]) -> Result<Vec<Result<Option<Principal>, StoreError>>, RequestError> {
        let ids = self.get(digests.iter().map(|digest| self.keys.digest(digest)).collect()).await?;
        let ids: Vec<_> = ids.iter().map(|pair| pair.as_ref().and_then(|pair| id_from_value(pair.value()))).collect();
        let known: Vec<_> = ids.iter().flatten().map(|id| self.keys.token(*id)).collect();
        let mut records = if known.is_empty() { Vec::new() } else { self.get(known).await? }.into_iter();
        let found = digests.iter().zip(ids).map(|(digest, id)| {
            let Some(id) = id else { return Ok(None) };
            let Some(pair) = records.next().flatten() else { return Ok(None) };
            let record = token_from_value(id, pair.value())?;
            Ok((record.digest == *digest).then(|| Principal::from(&record)))
        });
        Ok(found.collect())
    }

    /// The values of these keys, at one moment.
    async fn get(&self, keys: Vec<String>) -> Result<Vec<Option<KeyValue>>, RequestError> {
        get_all(&self.members, Instant::now() + 2 * self.members.request_timeout(), keys).await
    }
}

/// The values of these keys, at most 128, at one moment after this call began.
pub(super) async fn get_all(
    members: &Members,
    deadline: Instant,
    keys: Vec<String>,
) -> Result<Vec<Option<KeyValue>>, RequestError> {
    let responses = members.read(deadline, gets(keys)).await?.op_responses();
    Ok(responses.into_iter().map(first).collect())
}

/// The first pair that a read returned.
pub(super) fn first(response: TxnOpResponse) -> Option<KeyValue> {
    match response {
        TxnOpResponse::Get(mut got) => got.take_kvs().into_iter().next(),
        _ => None,
    }
}
