//! Finding the store under a prefix, or making it.

use std::sync::Arc;

use etcd_client::{GetOptions, KeyValue, Txn, TxnOp};
use tokio::time::Instant;
use uuid::Uuid;

use super::identity::StoreIdentity;
use super::keys::{Keys, store_of};
use super::members::{Members, RequestError};
use super::read::first;
use super::record::{FORMAT, IMPORTING, StoredCluster};
use super::transaction::{gets, is_missing, put_head};
use crate::store::{Cause, StoreError};

/// Why an [`EtcdStore`](super::EtcdStore) could not be opened.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EtcdOpenError {
    /// etcd does not answer. It may do so later.
    #[error("etcd does not answer")]
    Unavailable(#[source] Cause),
    /// etcd answers, and refuses: the user, its password, or what its role allows is wrong. Trying again changes nothing.
    #[error(
        "etcd refuses this user; check its name, its password, and that its role may read and write the keys under the prefix"
    )]
    Refused(#[source] Cause),
    /// No connection can be made by TLS: etcd refuses the certificate of this node, or this node that of etcd. Trying again
    /// changes nothing.
    #[error(
        "etcd and this node do not accept each other's certificates; check the certificates, and the authorities that signed them"
    )]
    Untrusted(#[source] Cause),
    /// The prefix has no store.
    #[error("etcd has no token store under the prefix {prefix}{}", near(.others))]
    Missing {
        /// The prefix.
        prefix: String,
        /// Other prefixes that have a store, as far as they are found quickly.
        others: Vec<String>,
    },
    /// The keys under the prefix are of another program, or of a version of this store that this one does not know.
    #[error("the keys under this prefix of etcd are not those of a token store of version {FORMAT}")]
    OtherFormat,
    /// The prefix has keys of a token store, but this one is missing.
    #[error(
        "the keys under this prefix of etcd are those of a token store, but {0} is missing: restore a snapshot of etcd, or name another prefix"
    )]
    Incomplete(String),
    /// An import was begun under the prefix, and is not finished.
    #[error("an import was begun under this prefix of etcd and is not finished: run `import` with the same file again")]
    Importing,
}

fn near(others: &[String]) -> String {
    if others.is_empty() { String::new() } else { format!("; it has one under {}", others.join(", ")) }
}

impl From<RequestError> for EtcdOpenError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Refused(source) => Self::Refused(source),
            RequestError::Untrusted(error) => Self::Untrusted(Arc::new(error)),
            error => Self::Unavailable(Arc::new(error)),
        }
    }
}

impl From<StoreError> for EtcdOpenError {
    /// Tells why a request of this store or of an [`EtcdSource`](super::EtcdSource) failed.
    fn from(error: StoreError) -> Self {
        let StoreError::Unavailable { source } = &error else { return Self::Unavailable(Arc::new(error)) };
        if let Some(found) = source.downcast_ref::<Self>() {
            return found.clone();
        }
        match source.downcast_ref::<RequestError>() {
            Some(error) => error.clone().into(),
            None => Self::Unavailable(Arc::clone(source)),
        }
    }
}

/// The UUID of the store under the prefix, and whether this call has made it.
pub(super) async fn find_or_create(members: &Members, keys: &Keys) -> Result<(Uuid, bool), EtcdOpenError> {
    // An etcd that is full takes no transaction that may write, even if it would only read.
    if let Some(uuid) = find(members, keys).await? {
        return Ok((uuid, false));
    }
    let cluster = StoredCluster { format: FORMAT, uuid: Uuid::new_v4(), import: None };
    let operations = [
        TxnOp::put(keys.cluster(), cluster.to_value(), None),
        TxnOp::put(keys.next_id(), "1", None),
        TxnOp::put(keys.epoch(), "0", None),
        put_head(keys),
    ];
    let create =
        Txn::new().when(keys.of_a_store().map(is_missing)).and_then(operations).or_else(gets(vec![keys.cluster()]));
    let answer = members.commit(Instant::now() + 4 * members.commit_timeout(), create).await;
    let answer = answer?;
    if answer.succeeded() {
        members.keep_to(StoreIdentity::new(keys.cluster(), &cluster.to_value()));
        return Ok((cluster.uuid, true));
    }
    let stored = answer.op_responses().into_iter().next().and_then(first);
    let stored = stored.ok_or_else(|| EtcdOpenError::Incomplete(keys.cluster()))?;
    let uuid = opened(members, keys, &stored)?;
    // The first attempt may have been committed without an answer.
    Ok((uuid, uuid == cluster.uuid))
}

/// The UUID of the store under the prefix.
pub(super) async fn existing(members: &Members, keys: &Keys) -> Result<Uuid, EtcdOpenError> {
    match find(members, keys).await? {
        Some(uuid) => Ok(uuid),
        None => Err(missing(members, keys).await),
    }
}

/// The error for a prefix without a store.
pub(super) async fn missing(members: &Members, keys: &Keys) -> EtcdOpenError {
    EtcdOpenError::Missing { prefix: keys.prefix().to_owned(), others: prefixes(members).await }
}

async fn find(members: &Members, keys: &Keys) -> Result<Option<Uuid>, EtcdOpenError> {
    let deadline = Instant::now() + 4 * members.commit_timeout();
    let got = members.get(deadline, keys.cluster(), GetOptions::new()).await;
    let got = got?;
    got.kvs().first().map(|pair| opened(members, keys, pair)).transpose()
}

/// The UUID of the store whose key `cluster` this is, and to which the members are kept from now on.
fn opened(members: &Members, keys: &Keys, cluster: &KeyValue) -> Result<Uuid, EtcdOpenError> {
    let uuid = uuid(cluster.value())?;
    members.keep_to(StoreIdentity::new(keys.cluster(), cluster.value()));
    Ok(uuid)
}

fn uuid(value: &[u8]) -> Result<Uuid, EtcdOpenError> {
    match StoredCluster::from_value(value) {
        Some(StoredCluster { format: FORMAT, uuid, .. }) => Ok(uuid),
        Some(StoredCluster { format: IMPORTING, .. }) => Err(EtcdOpenError::Importing),
        _ => Err(EtcdOpenError::OtherFormat),
    }
}

/// The prefixes of a few stores in etcd. One that is deep among the keys of other programs is not found, and none if this
/// user may not read all keys.
async fn prefixes(members: &Members) -> Vec<String> {
    /// Each step may take a member as long as going through the names of all keys.
    const STEPS: usize = 8;
    let deadline = Instant::now() + 2 * members.request_timeout();
    let next = || GetOptions::new().with_from_key().with_limit(1).with_keys_only().with_serializable();
    let (mut found, mut from) = (Vec::new(), b"\0".to_vec());
    for _ in 0..STEPS {
        let Ok(got) = members.get(deadline, from, next()).await else { break };
        let Some(key) = got.kvs().first().and_then(|pair| pair.key_str().ok()) else { break };
        let prefix = match store_of(key) {
            Some(prefix) => prefix,
            None => &key[..key.trim_start_matches('/').find('/').map_or(key.len(), |end| end + 1)],
        };
        let cluster = members.get(deadline, Keys::new(prefix).cluster(), GetOptions::new()).await;
        if cluster.is_ok_and(|got| got.kvs().first().is_some_and(|pair| uuid(pair.value()).is_ok())) {
            found.push(prefix.to_owned());
        }
        // In ASCII, `0` follows `/`.
        from = format!("{prefix}0").into_bytes();
    }
    found
}
