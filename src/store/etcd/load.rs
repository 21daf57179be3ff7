//! Loading all tokens into the copy, as of one revision.

use etcd_client::Txn;
use tokio::time::Instant;
use uuid::Uuid;

use super::copy::{Head, OtherHistory, Revision, TokenCopy};
use super::keys::Keys;
use super::members::{Members, RequestError};
use super::read::first;
use super::record::{FORMAT, StoredCluster, damaged, id_from_value};
use super::transaction::gets;
use super::walk::{PAGE, Walk, records};
use crate::clock::BootTime;
use crate::store::StoreError;
use crate::token::TokenId;

/// Why the tokens could not be loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    /// etcd did not answer, or refused: the revision was compacted while it was read, for example.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A key is missing, or its value is damaged.
    #[error(transparent)]
    Damaged(#[from] StoreError),
    /// The parts that were read are of different histories.
    #[error(transparent)]
    OtherHistory(#[from] OtherHistory),
    /// The prefix has another store, or one whose import is not finished.
    #[error("the prefix of etcd has another token store by now: start this server again")]
    OtherStore,
}

/// Loads all tokens of the store with this UUID as of the present revision, and confirms the copy as of the moment when the
/// load began.
pub(super) async fn load(members: &Members, keys: &Keys, cluster: Uuid, copy: &TokenCopy) -> Result<(), LoadError> {
    let begin = BootTime::now();
    copy.start_load();
    // The first read is made by a quorum, which chooses the revision; the others are read as of that.
    let Start { at, next_id, head } = start(members, keys, cluster).await?;
    copy.begin_load(at, head);
    let mut walk = Walk::new(TokenId::OPERATOR, next_id);
    loop {
        let page = walk.read(members, keys, at, PAGE).await?;
        let records = records(keys, &page)?;
        let last = walk.advance(&records, page.more());
        copy.load(records, last);
        if last.is_none() {
            let head = page.kvs().iter().find(|pair| pair.key() == keys.head().as_bytes()).map(Head::from);
            // etcd may have been restored since the first read, and have reached the same revision again.
            copy.end_load(&head.ok_or_else(|| damaged(&keys.head()))?, begin)?;
            return Ok(());
        }
    }
}

/// What a load begins with.
struct Start {
    at: Revision,
    next_id: TokenId,
    head: Head,
}

async fn start(members: &Members, keys: &Keys, cluster: Uuid) -> Result<Start, LoadError> {
    let transaction = Txn::new().and_then(gets(vec![keys.cluster(), keys.next_id(), keys.head()]));
    let answer = members.read(Instant::now() + 4 * members.request_timeout(), transaction).await?;
    let at = answer.header().map_or(0, |header| header.revision());
    let mut pairs = answer.op_responses().into_iter().map(first);
    let [stored, next_id, head] = [(); 3].map(|()| pairs.next().flatten());
    let stored = stored.and_then(|pair| StoredCluster::from_value(pair.value()));
    let stored = stored.ok_or_else(|| damaged(&keys.cluster()))?;
    if stored.uuid != cluster || stored.format != FORMAT {
        return Err(LoadError::OtherStore);
    }
    let next_id = next_id.and_then(|pair| id_from_value(pair.value()));
    let head = head.as_ref().map(Head::from);
    Ok(Start {
        at,
        next_id: next_id.ok_or_else(|| damaged(&keys.next_id()))?,
        head: head.ok_or_else(|| damaged(&keys.head()))?,
    })
}

impl From<LoadError> for StoreError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Damaged(error) => error,
            error => Self::unavailable(error),
        }
    }
}
