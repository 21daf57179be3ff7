use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::vec::IntoIter;

use async_trait::async_trait;
use etcd_client::{GetOptions, KeyValue};

use super::super::audit;
use super::super::copy::{Head, Revision};
use super::super::keys::Keys;
use super::super::members::Members;
use super::super::open;
use super::super::pages::Pages;
use super::super::read::first;
use super::super::record::{FORMAT, IMPORTING, change_from_value, damaged, id_from_value, token_from_value};
use super::super::transaction::gets;
use super::super::{EtcdOpenError, EtcdOptions};
use super::deadline;
use crate::store::{AuditRecord, AuditedChange, MoveError, MoveSource, Moved, MovedChange, StoreError};
use crate::token::{Digest, TokenId, TokenName, TokenRecord};

/// Everything that a store in etcd has at one revision, to be moved to another store. Nodes may change it meanwhile.
///
/// It keeps in memory the IDs of all live tokens and the digests of all deleted ones: about 100 bytes for each.
pub struct EtcdSource {
    members: Members,
    keys: Keys,
    revision: Revision,
    /// The value of `head` at the revision.
    head: Option<Head>,
    moved: Moved,
    /// The part of the audit trail that is read next, up to the last one.
    parts: RangeInclusive<u64>,
    live: HashSet<TokenId>,
    /// The digests of deleted tokens.
    deleted: HashMap<TokenId, Digest>,
    /// The digests that regenerations have replaced, in their order, as far as they are known.
    replaced: IntoIter<Digest>,
}

impl EtcdSource {
    /// Reads the store under the prefix, which must exist, at its present revision.
    ///
    /// # Errors
    ///
    /// See [`MoveError`].
    pub async fn open(options: EtcdOptions) -> Result<Self, MoveError> {
        let keys = Keys::new(&options.prefix);
        Self::read(Members::new(options), keys, FORMAT).await
    }

    /// Reads a store whose import is not finished.
    pub(super) async fn importing(options: EtcdOptions) -> Result<Self, MoveError> {
        let keys = Keys::new(&options.prefix);
        Self::read(Members::new(options), keys, IMPORTING).await
    }

    async fn read(members: Members, keys: Keys, format: u32) -> Result<Self, MoveError> {
        let answer = members.read(deadline(), gets(keys.of_a_store().to_vec())).await?;
        let revision = answer.header().map_or(0, |header| header.revision());
        let pairs: Vec<_> = answer.op_responses().into_iter().map(first).collect();
        let [_, next_id, epoch, operator, head] = &pairs[..] else {
            return Err(MoveError::damaged("etcd returned fewer values than were asked for"));
        };
        let other = |error: EtcdOpenError| MoveError::Store(StoreError::unavailable(error));
        let Some(cluster) = open::cluster(&keys, &pairs, format).map_err(other)? else {
            return Err(other(open::missing(&members, &keys).await));
        };
        let number = |key: String, pair: &Option<KeyValue>| {
            pair.as_ref().and_then(|pair| id_from_value(pair.value())).ok_or_else(|| damaged(&key))
        };
        let (next_id, epoch) = (number(keys.next_id(), next_id)?, number(keys.epoch(), epoch)?);

        let head = head.as_ref().map(Head::from);

        let mut live = HashSet::new();
        let mut pages = Pages::new(keys.all("live"), revision).without_values();
        while let Some(page) = pages.next(&members, deadline()).await? {
            live.extend(page.iter().filter_map(|pair| keys.id_of(pair.key())));
        }
        let operator = operator.as_ref().and_then(|pair| Digest::from_text(pair.value_str().ok()?));
        let (mut deleted, mut replaced) = (HashMap::new(), Vec::new());
        let (digests, end) = keys.all("digests");
        let mut pages = Pages::new((digests.clone(), end), revision);
        while let Some(page) = pages.next(&members, deadline()).await? {
            for pair in page {
                let digest = pair.key().strip_prefix(digests.as_bytes());
                let digest = digest.and_then(|digest| Digest::from_text(std::str::from_utf8(digest).ok()?));
                let (Some(digest), Some(id)) = (digest, id_from_value(pair.value())) else {
                    return Err(damaged(&String::from_utf8_lossy(pair.key())).into());
                };
                if id == TokenId::OPERATOR {
                    replaced.extend((operator != Some(digest)).then(|| (pair.create_revision(), digest)));
                } else if !live.contains(&id) {
                    deleted.insert(id, digest);
                }
            }
        }
        // A regeneration creates the key of the secret that the next one replaces.
        replaced.sort_by_key(|(revision, _)| *revision);
        let replaced: Vec<_> = replaced.into_iter().map(|(_, digest)| digest).collect();

        let (audit, end) = keys.all("audit");
        let count = GetOptions::new().with_range(end).with_revision(revision).with_count_only();
        let changes = members.get(deadline(), audit, count).await?.count().unsigned_abs();
        let moved = Moved { cluster_uuid: cluster.uuid, next_id, changes, tokens: live.len() as u64 };
        let parts = 0..=epoch.as_u64();
        Ok(Self { members, keys, revision, head, moved, parts, live, deleted, replaced: replaced.into_iter() })
    }

    /// Checks that everything that was read is of one history. An etcd that was restored since may have reached the same
    /// revision again.
    async fn check_history(&self) -> Result<(), MoveError> {
        let options = GetOptions::new().with_revision(self.revision);
        let answer = self.members.get(deadline(), self.keys.head(), options).await?;
        if answer.kvs().first().map(Head::from) == self.head {
            return Ok(());
        }
        let error = "the history of etcd was replaced while its tokens were read: export them again";
        Err(MoveError::Store(StoreError::unavailable(error)))
    }

    /// The changes of a part of the audit trail.
    async fn part(&mut self, part: u64) -> Result<Vec<MovedChange>, MoveError> {
        let Self { members, keys, revision, .. } = &*self;
        let pairs = audit::part(members, keys, part, *revision, deadline).await?;
        let records = pairs.iter().map(|pair| change_from_value(pair.value())).collect::<Result<Vec<_>, _>>()?;
        let created =
            records.iter().filter(|record| record.change == AuditedChange::Created).map(|record| record.token);
        let (live, ended): (Vec<_>, Vec<_>) = created.partition(|id| self.live.contains(id));
        let mut tokens = self.tokens(&live).await?;
        let mut names = audit::names(members, keys, &ended, deadline).await?;
        records.into_iter().map(|record| self.change(record, &mut tokens, &mut names)).collect()
    }

    fn change(
        &mut self,
        record: AuditRecord,
        tokens: &mut HashMap<TokenId, TokenRecord>,
        names: &mut HashMap<TokenId, (Revision, TokenName)>,
    ) -> Result<MovedChange, MoveError> {
        let id = record.token;
        let (mut token, mut digest, mut name) = (None, None, None);
        match record.change {
            AuditedChange::Created => {
                token = tokens.remove(&id);
                name =
                    token.as_ref().map(|token| token.name.clone()).or_else(|| names.remove(&id).map(|(_, name)| name));
                if name.is_none() {
                    return Err(MoveError::damaged(format!("etcd has lost the record or the name of token {id}")));
                }
            }
            AuditedChange::Deleted => digest = self.deleted.remove(&id),
            AuditedChange::Regenerated => digest = self.replaced.next(),
        }
        Ok(MovedChange { record: AuditRecord { name, ..record }, token, digest })
    }

    /// The live tokens with these IDs, most of which follow each other.
    async fn tokens(&self, ids: &[TokenId]) -> Result<HashMap<TokenId, TokenRecord>, MoveError> {
        let Self { members, keys, revision, .. } = self;
        let (operator, others): (Vec<_>, Vec<_>) = ids.iter().partition(|id| **id == TokenId::OPERATOR);
        let mut tokens = HashMap::with_capacity(ids.len());
        for ids in [operator, others] {
            let (Some(from), Some(to)) = (ids.iter().min(), ids.iter().max()) else { continue };
            let end = keys.token(*to) + "\0";
            let mut pages = Pages::new((keys.token(*from), end), *revision);
            while let Some(page) = pages.next(members, deadline()).await? {
                for pair in page {
                    let id = keys.id_of(pair.key()).ok_or_else(|| MoveError::damaged("etcd has a key of no token"))?;
                    tokens.insert(id, token_from_value(id, pair.value())?);
                }
            }
        }
        Ok(tokens)
    }
}

#[async_trait]
impl MoveSource for EtcdSource {
    fn moved(&self) -> Moved {
        self.moved
    }

    async fn next(&mut self) -> Result<Vec<MovedChange>, MoveError> {
        while let Some(part) = self.parts.next() {
            let changes = self.part(part).await?;
            // The present part may be empty, and only it.
            if !changes.is_empty() {
                return Ok(changes);
            }
        }
        self.check_history().await?;
        Ok(Vec::new())
    }
}

impl fmt::Debug for EtcdSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdSource")
            .field("revision", &self.revision)
            .field("moved", &self.moved)
            .finish_non_exhaustive()
    }
}
