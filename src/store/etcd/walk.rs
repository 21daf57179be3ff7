//! Reading live tokens in the order of their IDs, a page at a time.

use etcd_client::{GetOptions, GetResponse};
use tokio::time::Instant;

use super::copy::Revision;
use super::keys::Keys;
use super::members::{Members, RequestError};
use super::read::get_all;
use super::record::{damaged, id_from_value, token_from_value};
use crate::store::StoreError;
use crate::token::{TokenId, TokenRecord};

/// How many tokens are read at a time: about 400 KB, so that one answer takes etcd a few milliseconds.
pub(super) const PAGE: u64 = 1000;

/// A walk through the live tokens, as far as it has come.
///
/// etcd visits every key of the range of a read, also of those beyond the limit. So each read has the range of a page, and
/// the time grows with the number of tokens, not with its square.
pub(super) struct Walk {
    /// The next ID to read.
    from: u64,
    /// How many IDs the next range has. Where most tokens were deleted, a page has more IDs.
    span: u64,
    /// No token has this ID or a greater one.
    next_id: u64,
}

/// Reads the ID that the next token gets.
pub(super) async fn next_id(members: &Members, keys: &Keys) -> Result<TokenId, StoreError> {
    let pairs = get_all(members, Instant::now() + 4 * members.request_timeout(), vec![keys.next_id()]).await?;
    let next_id = pairs.first().and_then(Option::as_ref).and_then(|pair| id_from_value(pair.value()));
    next_id.ok_or_else(|| damaged(&keys.next_id()))
}

impl Walk {
    /// A walk that begins with the ID `from`.
    pub(super) fn new(from: TokenId, next_id: TokenId) -> Self {
        Self { from: from.as_u64(), span: PAGE, next_id: next_id.as_u64() }
    }

    /// Reads the next page, of at most `limit` tokens, as of a revision, or of the present one if that is 0.
    pub(super) async fn read(
        &self,
        members: &Members,
        keys: &Keys,
        at: Revision,
        limit: u64,
    ) -> Result<GetResponse, RequestError> {
        // The last range has the key `head`, too.
        let end = self.end().map_or_else(|| keys.live_end(), |end| keys.token(TokenId::from_u64(end)));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let options = GetOptions::new().with_range(end).with_limit(limit).with_revision(at);
        get(members, keys.token(TokenId::from_u64(self.from)), options).await
    }

    /// Goes on after a page. Returns the ID up to which the walk has come; `None` if it has come to the end.
    pub(super) fn advance(&mut self, records: &[TokenRecord], more: bool) -> Option<TokenId> {
        let read = if more { Some(records.last()?.id.as_u64()) } else { self.end().map(|end| end - 1) };
        let last = read?;
        if more {
            self.span = PAGE;
        } else if (records.len() as u64) < PAGE / 2 {
            self.span = self.span.saturating_mul(2);
        }
        self.from = last + 1;
        Some(TokenId::from_u64(last))
    }

    /// The end of the next range, unless it is the last one.
    fn end(&self) -> Option<u64> {
        self.from.checked_add(self.span).filter(|end| *end < self.next_id)
    }
}

/// The tokens in a page, which may have other keys.
pub(super) fn records(keys: &Keys, page: &GetResponse) -> Result<Vec<TokenRecord>, StoreError> {
    let tokens = page.kvs().iter().filter_map(|pair| keys.id_of(pair.key()).map(|id| (id, pair)));
    tokens.map(|(id, pair)| token_from_value(id, pair.value())).collect()
}

async fn get(members: &Members, key: String, options: GetOptions) -> Result<GetResponse, RequestError> {
    members.get(Instant::now() + 4 * members.request_timeout(), key, options).await
}
