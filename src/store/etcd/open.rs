//! Finding the store under a prefix, or making it.

use std::sync::Arc;

use etcd_client::{Compare, GetOptions, KeyValue, Txn, TxnOp};
use tokio::time::Instant;
use uuid::Uuid;

use super::identity::StoreIdentity;
use super::keys::{Keys, store_of};
use super::members::{Members, RequestError};
use super::read::{first, get_all};
use super::record::{Damage, FORMAT, IMPORTING, StoredCluster};
use super::transaction::{is_missing, put_head};
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
    /// No store can be made under the prefix, because its keys would get mixed up with those of another one.
    #[error("the keys of a token store under {prefix} would get mixed up with those of another one: etcd has {key}")]
    Occupied {
        /// The prefix.
        prefix: String,
        /// A key of the other store, or one that is left of it.
        key: String,
    },
    /// A key of the store is missing, or has a value that no store has put there. Trying again changes nothing.
    #[error("the token store in etcd is damaged")]
    Damaged(#[source] Cause),
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
        if source.is::<Damage>() {
            return Self::Damaged(Arc::clone(source));
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
    let occupied = |key| EtcdOpenError::Occupied { prefix: keys.prefix().to_owned(), key };
    if let Some(around) = store_around(members, keys).await? {
        return Err(occupied(around.cluster()));
    }
    let cluster = StoredCluster { format: FORMAT, uuid: Uuid::new_v4(), import: None };
    let operations = [
        TxnOp::put(keys.cluster(), cluster.to_value(), None),
        TxnOp::put(keys.next_id(), "1", None),
        TxnOp::put(keys.epoch(), "0", None),
        put_head(keys),
    ];
    let a_key = |end| GetOptions::new().with_range(end).with_limit(1).with_keys_only();
    let others: Vec<_> = keys.ranges().map(|(from, end)| TxnOp::get(from, Some(a_key(end)))).collect();
    let create = Txn::new().when(is_free(keys)).and_then(operations).or_else(others);
    let answer = members.commit(deadline(members), create).await?;
    if answer.succeeded() {
        members.keep_to(StoreIdentity::new(keys.cluster(), &cluster.to_value()));
        return Ok((cluster.uuid, true));
    }
    if let Some(uuid) = find(members, keys).await? {
        // The first attempt may have been committed without an answer.
        return Ok((uuid, uuid == cluster.uuid));
    }
    match answer.op_responses().into_iter().find_map(first) {
        Some(pair) => Err(occupied(String::from_utf8_lossy(pair.key()).into_owned())),
        None => Err(missing(members, keys).await),
    }
}

/// The preconditions that etcd has no key that could be taken for one of a store under the prefix.
pub(super) fn is_free(keys: &Keys) -> Vec<Compare> {
    let ranges = keys.ranges().map(|(from, end)| is_missing(from).with_range(end));
    keys.of_a_store().map(is_missing).into_iter().chain(ranges).collect()
}

/// The store that would take keys under the prefix for its own, if one exists and this user may read it.
pub(super) async fn store_around(members: &Members, keys: &Keys) -> Result<Option<Keys>, RequestError> {
    for around in keys.around() {
        match members.get(deadline(members), around.cluster(), GetOptions::new()).await {
            Ok(got) if got.kvs().is_empty() => {}
            Ok(_) => return Ok(Some(around)),
            // A user may read the keys of its own store, and no others.
            Err(RequestError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
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
    let pairs = get_all(members, deadline(members), keys.of_a_store().to_vec()).await?;
    let cluster = cluster(keys, &pairs, FORMAT)?;
    if let Some(pair) = pairs.first().and_then(Option::as_ref).filter(|_| cluster.is_some()) {
        members.keep_to(StoreIdentity::new(keys.cluster(), pair.value()));
    }
    Ok(cluster.map(|cluster| cluster.uuid))
}

/// The value of `cluster`, which must be of this format, from the values of [`Keys::of_a_store`]. `None` if none exists.
pub(super) fn cluster(
    keys: &Keys,
    pairs: &[Option<KeyValue>],
    format: u32,
) -> Result<Option<StoredCluster>, EtcdOpenError> {
    let has_others = pairs.iter().skip(1).any(Option::is_some);
    let stored = pairs.first().and_then(Option::as_ref).map(|pair| StoredCluster::from_value(pair.value()));
    match stored {
        Some(Some(cluster)) if cluster.format == format => Ok(Some(cluster)),
        Some(Some(StoredCluster { format: IMPORTING, .. })) => Err(EtcdOpenError::Importing),
        Some(None) | None if has_others => Err(EtcdOpenError::Damaged(Arc::new(Damage::of(&keys.cluster())))),
        Some(_) => Err(EtcdOpenError::OtherFormat),
        None => Ok(None),
    }
}

fn deadline(members: &Members) -> Instant {
    Instant::now() + 4 * members.commit_timeout()
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
        let is_store = |pair: &KeyValue| StoredCluster::from_value(pair.value()).is_some_and(|it| it.format == FORMAT);
        if cluster.is_ok_and(|got| got.kvs().first().is_some_and(is_store)) {
            found.push(prefix.to_owned());
        }
        // In ASCII, `0` follows `/`.
        from = format!("{prefix}0").into_bytes();
    }
    found
}
