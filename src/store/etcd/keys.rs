//! The names of the keys in etcd.

use crate::token::{Digest, TokenId, TokenName};

/// The keys of one store, which all begin with its prefix.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    /// The keys under this prefix.
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.trim_end_matches('/').to_owned() }
    }

    /// What they begin with, without the slash after it.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The format and the UUID of the store; written once.
    pub(super) fn cluster(&self) -> String {
        self.under("cluster")
    }

    /// The ID that the next token gets.
    pub(super) fn next_id(&self) -> String {
        self.under("next-id")
    }

    /// The digest of the operator token's present secret.
    pub(super) fn operator(&self) -> String {
        self.under("operator")
    }

    /// The number of the part of the audit trail to which changes are added.
    pub(super) fn epoch(&self) -> String {
        self.under("epoch")
    }

    /// The beginning of the keys of the live tokens, and [`head`](Self::head).
    pub(super) fn live(&self) -> String {
        self.under("live/")
    }

    /// The first key after those.
    pub(super) fn live_end(&self) -> String {
        // In ASCII, `0` follows `/`.
        self.under("live0")
    }

    /// The first key that a node watches, and the first after those: the keys of the live tokens, [`head`](Self::head), the
    /// marks of deletions, and what is between them.
    pub(super) fn watched(&self) -> (String, String) {
        (self.under("deleted/"), self.live_end())
    }

    /// The record of a live token.
    pub(super) fn token(&self, id: TokenId) -> String {
        self.under(&format!("live/{}", fixed(id.as_u64())))
    }

    /// A nonce that every transaction replaces that changes tokens.
    pub(super) fn head(&self) -> String {
        self.under("live/head")
    }

    /// The ID in the key of a live token; `None` for another key.
    pub(super) fn id_of(&self, key: &[u8]) -> Option<TokenId> {
        id_after(&self.live(), key)
    }

    /// The ID in the key of the mark of a deletion; `None` for another key.
    pub(super) fn id_of_deleted(&self, key: &[u8]) -> Option<TokenId> {
        id_after(&self.under("deleted/"), key)
    }

    /// The ID of the last token that had a name.
    pub(super) fn name(&self, name: &TokenName) -> String {
        self.under(&format!("names/{name}"))
    }

    /// The ID of the last token that had a digest.
    pub(super) fn digest(&self, digest: &Digest) -> String {
        self.under(&format!("digests/{digest}"))
    }

    /// The mark of the request that deleted a token.
    pub(super) fn deleted(&self, id: TokenId) -> String {
        self.under(&format!("deleted/{}", fixed(id.as_u64())))
    }

    /// The name that a token has or had, kept for the audit trail.
    pub(super) fn register(&self, id: TokenId) -> String {
        self.under(&format!("register/{}", fixed(id.as_u64())))
    }

    /// The beginning of the keys of one part of the audit trail.
    pub(super) fn audit(&self, epoch: u64) -> String {
        self.under(&format!("audit/{}/", fixed(epoch)))
    }

    /// The first key after those of one part of the audit trail.
    pub(super) fn audit_end(&self, epoch: u64) -> String {
        self.under(&format!("audit/{}0", fixed(epoch)))
    }

    /// The last uses of the tokens of a block of IDs, of which this is the first.
    pub(super) fn uses(&self, first: TokenId) -> String {
        self.under(&format!("uses/{}", fixed(first.as_u64())))
    }

    /// The keys that are in no range of [`KINDS`], and `head`. Where one of them exists, no store is made.
    pub(super) fn of_a_store(&self) -> [String; 5] {
        [self.cluster(), self.next_id(), self.epoch(), self.operator(), self.head()]
    }

    /// How far an import has come, until it is finished.
    pub(super) fn import(&self) -> String {
        self.under("import")
    }

    /// The ranges of all keys that are not alone.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (String, String)> {
        KINDS.iter().map(|kind| self.all(kind))
    }

    /// The keys of the stores that would have all keys under this prefix in their ranges, if they exist.
    pub(super) fn around(&self) -> impl Iterator<Item = Self> {
        let parts = self.prefix.match_indices('/').map(|(at, _)| self.prefix.split_at(at));
        let is_in_range = |rest: &str| rest.split('/').nth(1).is_some_and(|kind| KINDS.contains(&kind));
        parts.filter(move |(prefix, rest)| !prefix.is_empty() && is_in_range(rest)).map(|(prefix, _)| Self::new(prefix))
    }

    /// The beginning of all keys of this kind, one of [`KINDS`], and the first key after them.
    pub(super) fn all(&self, kind: &str) -> (String, String) {
        // In ASCII, `0` follows `/`.
        (self.under(&format!("{kind}/")), self.under(&format!("{kind}0")))
    }

    /// A key that means nothing, for finding out whether etcd commits.
    pub(super) fn probe(&self) -> String {
        self.under("probe")
    }

    fn under(&self, rest: &str) -> String {
        format!("{}/{rest}", self.prefix)
    }
}

/// The kinds of keys of which a store has many.
const KINDS: [&str; 7] = ["audit", "deleted", "digests", "live", "names", "register", "uses"];

const DIGITS: usize = 20;

fn id_after(beginning: &str, key: &[u8]) -> Option<TokenId> {
    let id = key.strip_prefix(beginning.as_bytes())?;
    let id = std::str::from_utf8(id).ok().filter(|id| id.len() == DIGITS)?;
    id.parse().ok().map(TokenId::from_u64)
}

/// A number with as many digits as the largest, so that keys are sorted by it.
pub(super) fn fixed(number: u64) -> String {
    format!("{number:0DIGITS$}")
}

/// The prefix of the store whose first key this is.
pub(super) fn store_of(key: &str) -> Option<&str> {
    key.strip_suffix("/cluster").or_else(|| key.split_once("/audit/").map(|(prefix, _)| prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_in_a_range_of_another_store_is_known() {
        let around = |prefix| Keys::new(prefix).around().map(|keys| keys.prefix).collect::<Vec<_>>();
        for apart in ["/a", "/a/b", "/live", "/live/a", "/a/lives", "/a/cluster"] {
            assert!(around(apart).is_empty(), "{apart}");
        }
        assert_eq!(around("/a/live"), ["/a"]);
        assert_eq!(around("/a/b/names/c/uses/d"), ["/a/b", "/a/b/names/c"]);
    }

    #[test]
    fn an_id_is_read_from_the_key_of_a_live_token_only() {
        let keys = Keys::new("/tokens/");
        let id = TokenId::from_u64(7);
        assert_eq!(keys.token(id), "/tokens/live/00000000000000000007");
        assert_eq!(keys.id_of(keys.token(id).as_bytes()), Some(id));
        for key in [keys.head(), keys.live(), keys.deleted(id), "/tokens/live/7".into(), keys.token(id) + "0"] {
            assert_eq!(keys.id_of(key.as_bytes()), None, "{key}");
        }
        assert_eq!(keys.id_of_deleted(keys.deleted(id).as_bytes()), Some(id));
        assert_eq!(keys.id_of_deleted(keys.token(id).as_bytes()), None);
    }
}
