//! Loading all tokens into the copy, as of one revision.

use etcd_client::{GetOptions, KeyValue};
use tokio::time::Instant;

use super::copy::{Head, TokenCopy};
use super::keys::Keys;
use super::members::{Members, RequestError};
use super::record::token_from_value;
use crate::clock::BootTime;
use crate::store::StoreError;
use crate::token::{TokenId, TokenRecord};

/// How many keys are read at a time: about 400 KB, so that one answer takes etcd a few milliseconds.
const PAGE: i64 = 1000;

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
    copy.begin_load();
    let end = keys.live_end();
    let mut from = keys.live().into_bytes();
    let mut at = 0;
    loop {
        // The first page is read by a quorum, which chooses the revision; the others are read as of that.
        let options = GetOptions::new().with_range(end.clone()).with_limit(PAGE).with_revision(at);
        let mut page = members
            .ask(Instant::now() + 4 * members.request_timeout(), |client| {
                let (from, options) = (from.clone(), options.clone());
                async move { client.kv_client().get(from, Some(options)).await }
            })
            .await?;
        if at == 0 {
            at = page.header().map_or(0, |header| header.revision());
        }
        let more = page.more();
        let keys_and_values = page.take_kvs();
        let records = records(keys, &keys_and_values)?;
        if more {
            let last = records.last().map(|record: &TokenRecord| record.id);
            copy.load(at, records, Some(last.unwrap_or(TokenId::OPERATOR)));
            from = after(keys_and_values.last());
            continue;
        }
        copy.load(at, records, None);
        // Its name comes after those of the tokens.
        let head = keys_and_values.last().filter(|last| last.key() == keys.head().as_bytes());
        let head = head.map(|head| Head { revision: head.mod_revision(), nonce: head.value().to_vec() });
        copy.end_load(at, head.ok_or(LoadError::Gone)?);
        copy.confirm(begin);
        return Ok(());
    }
}

fn records(keys: &Keys, page: &[KeyValue]) -> Result<Vec<TokenRecord>, StoreError> {
    let tokens = page.iter().filter_map(|pair| keys.id_of(pair.key()).map(|id| (id, pair)));
    tokens.map(|(id, pair)| token_from_value(id, pair.value())).collect()
}

/// The first key after this one.
fn after(last: Option<&KeyValue>) -> Vec<u8> {
    let mut key = last.map(|last| last.key().to_vec()).unwrap_or_default();
    key.push(0);
    key
}
