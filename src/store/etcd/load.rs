//! Loading all tokens into the copy, as of one revision.

use tokio::time::Instant;

use super::copy::{Head, OtherHistory, Revision, TokenCopy};
use super::keys::Keys;
use super::members::{Members, RequestError};
use super::read::first;
use super::record::{damaged, id_from_value};
use super::transaction::gets;
use super::walk::{PAGE, Walk, records};
use crate::clock::BootTime;
use crate::store::StoreError;
use crate::token::TokenId;

/// Why the tokens could not be loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    /// etcd did not answer, or refused: the revision was compacted while it was read, for example. Or it does not have the
    /// store.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A key is missing, or its value is damaged.
    #[error(transparent)]
    Damaged(#[from] StoreError),
    /// The parts that were read are of different histories.
    #[error(transparent)]
    OtherHistory(#[from] OtherHistory),
}

/// Loads all tokens of the store as of the present revision, and confirms the copy as of the moment when the
/// load began.
pub(super) async fn load(members: &Members, keys: &Keys, copy: &TokenCopy) -> Result<(), LoadError> {
    let begin = BootTime::now();
    copy.start_load();
    // The first read is made by a quorum, which chooses the revision; the others are read as of that.
    let Start { at, next_id, head } = start(members, keys).await?;
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

async fn start(members: &Members, keys: &Keys) -> Result<Start, LoadError> {
    let reads = gets(vec![keys.next_id(), keys.head()]);
    let answer = members.read(Instant::now() + 4 * members.request_timeout(), reads).await?;
    let at = answer.header().map_or(0, |header| header.revision());
    let mut pairs = answer.op_responses().into_iter().map(first);
    let [next_id, head] = [(); 2].map(|()| pairs.next().flatten());
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
