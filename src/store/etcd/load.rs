//! Loading all tokens into the copy, as of one revision.

use etcd_client::{KeyValue, Txn};
use tokio::time::Instant;

use super::copy::{Head, OtherHistory, Revision, TokenCopy};
use super::keys::Keys;
use super::members::{Members, RequestError};
use super::read::first;
use super::record::id_from_value;
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
    /// A value is damaged.
    #[error(transparent)]
    Damaged(#[from] StoreError),
    /// The parts that were read are of different histories.
    #[error(transparent)]
    OtherHistory(#[from] OtherHistory),
    /// The prefix has no store any more.
    #[error("etcd has no token store under this prefix any more")]
    Gone,
}

/// Loads all tokens as of the present revision, and confirms the copy as of the moment when the load began.
pub(super) async fn load(members: &Members, keys: &Keys, copy: &TokenCopy) -> Result<(), LoadError> {
    let begin = BootTime::now();
    copy.start_load();
    // The first read is made by a quorum, which chooses the revision; the others are read as of that.
    let (next_id, head, at) = beginning(members, keys).await?.ok_or(LoadError::Gone)?;
    copy.begin_load(at, head);
    let mut walk = Walk::new(TokenId::OPERATOR, next_id);
    loop {
        let page = walk.read(members, keys, at, PAGE).await?;
        let records = records(keys, &page)?;
        let last = walk.advance(&records, page.more());
        copy.load(records, last);
        if last.is_some() {
            continue;
        }
        let head = page.kvs().last().filter(|last| last.key() == keys.head().as_bytes()).map(Head::from);
        // etcd may have been restored since the first read, and have reached the same revision again.
        copy.end_load(&head.ok_or(LoadError::Gone)?, begin)?;
        return Ok(());
    }
}

/// The ID that the next token gets, the value of `head`, and the revision. `None` if the prefix has no store.
async fn beginning(members: &Members, keys: &Keys) -> Result<Option<(TokenId, Head, Revision)>, RequestError> {
    let deadline = Instant::now() + 4 * members.request_timeout();
    let answer = members.read(deadline, Txn::new().and_then(gets(vec![keys.next_id(), keys.head()]))).await?;
    let revision = answer.header().map_or(0, |header| header.revision());
    let pairs: Vec<Option<KeyValue>> = answer.op_responses().into_iter().map(first).collect();
    let [Some(next_id), Some(head)] = &pairs[..] else { return Ok(None) };
    Ok(id_from_value(next_id.value()).map(|next_id| (next_id, Head::from(head), revision)))
}
