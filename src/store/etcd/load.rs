//! Loading all tokens into the copy, as of one revision.

use etcd_client::{GetOptions, GetResponse, KeyValue};
use tokio::time::Instant;

use super::copy::{Head, TokenCopy};
use super::keys::Keys;
use super::members::{Members, RequestError};
use super::record::{id_from_value, token_from_value};
use crate::clock::BootTime;
use crate::store::StoreError;
use crate::token::{TokenId, TokenRecord};

/// How many tokens are read at a time: about 400 KB, so that one answer takes etcd a few milliseconds.
const PAGE: u64 = 1000;

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
///
/// etcd visits every key of the range of a read, also of those beyond the limit. So each read has the range of a page, and
/// the time grows with the number of tokens, not with its square.
pub(super) async fn load(members: &Members, keys: &Keys, copy: &TokenCopy) -> Result<(), LoadError> {
    let begin = BootTime::now();
    // The first read is made by a quorum, which chooses the revision; the others are read as of that.
    let mut first = get(members, keys.next_id(), GetOptions::new()).await?;
    let at = first.header().map_or(0, |header| header.revision());
    let next_id = first.take_kvs().first().and_then(|pair| id_from_value(pair.value())).ok_or(LoadError::Gone)?;
    copy.begin_load(at);
    let (mut from, mut span) = (TokenId::OPERATOR.as_u64(), PAGE);
    loop {
        // The last range has what follows the tokens, too.
        let end = from.checked_add(span).filter(|end| *end < next_id.as_u64()).map(TokenId::from_u64);
        let range = GetOptions::new().with_range(end.map_or_else(|| keys.live_end(), |end| keys.token(end)));
        let options = range.with_limit(PAGE as i64).with_revision(at);
        let mut page = get(members, keys.token(TokenId::from_u64(from)), options).await?;
        let more = page.more();
        let pairs = page.take_kvs();
        let records = records(keys, &pairs)?;
        let count = records.len() as u64;
        let last = if more { records.last().map(|record| record.id) } else { end.map(before) };
        if let Some(last) = last {
            copy.load(records, Some(last));
            from = last.as_u64() + 1;
            // Where most tokens were deleted, a page has more IDs.
            if more {
                span = PAGE;
            } else if count < PAGE / 2 {
                span = span.saturating_mul(2);
            }
            continue;
        }
        copy.load(records, None);
        let head = pairs.last().filter(|last| last.key() == keys.head().as_bytes());
        let head = head.map(|head| Head { revision: head.mod_revision(), nonce: head.value().to_vec() });
        copy.end_load(head.ok_or(LoadError::Gone)?, begin);
        return Ok(());
    }
}

async fn get(members: &Members, key: String, options: GetOptions) -> Result<GetResponse, RequestError> {
    let deadline = Instant::now() + 4 * members.request_timeout();
    let answer = members.ask(deadline, |client| {
        let (key, options) = (key.clone(), options.clone());
        async move { client.kv_client().get(key, Some(options)).await }
    });
    answer.await
}

fn before(id: TokenId) -> TokenId {
    TokenId::from_u64(id.as_u64() - 1)
}

fn records(keys: &Keys, page: &[KeyValue]) -> Result<Vec<TokenRecord>, StoreError> {
    let tokens = page.iter().filter_map(|pair| keys.id_of(pair.key()).map(|id| (id, pair)));
    tokens.map(|(id, pair)| token_from_value(id, pair.value())).collect()
}
