//! Loading all tokens into the copy, as of one revision.

use super::copy::{Head, TokenCopy};
use super::keys::Keys;
use super::members::{Members, RequestError};
use super::walk::{PAGE, Walk, next_id, records};
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
    /// The prefix has no store any more.
    #[error("etcd has no token store under this prefix any more")]
    Gone,
}

/// Loads all tokens as of the present revision, and confirms the copy as of the moment when the load began.
pub(super) async fn load(members: &Members, keys: &Keys, copy: &TokenCopy) -> Result<(), LoadError> {
    let begin = BootTime::now();
    // The first read is made by a quorum, which chooses the revision; the others are read as of that.
    let (next_id, at) = next_id(members, keys).await?.ok_or(LoadError::Gone)?;
    copy.begin_load(at);
    let mut walk = Walk::new(TokenId::OPERATOR, next_id);
    loop {
        let page = walk.read(members, keys, at, PAGE).await?;
        let records = records(keys, &page)?;
        let last = walk.advance(&records, page.more());
        copy.load(records, last);
        if last.is_some() {
            continue;
        }
        let head = page.kvs().last().filter(|last| last.key() == keys.head().as_bytes());
        let head = head.map(|head| Head { revision: head.mod_revision(), nonce: head.value().to_vec() });
        copy.end_load(head.ok_or(LoadError::Gone)?, begin);
        return Ok(());
    }
}
