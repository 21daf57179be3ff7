//! Saving when tokens were used last, and reading what all nodes have saved.
//!
//! Only a list of the tokens waits for these requests, and no node watches these keys. A key has the uses of a block of IDs. A
//! node reads the blocks in which it has seen uses, takes the later use of each token, and writes the blocks back, provided that
//! no other node has written them meanwhile.

mod block;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Compare, CompareOp, GetOptions, KeyValue, Txn, TxnOp};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::copy::{Head, TokenCopy};
use super::keys::Keys;
use super::members::{Members, RequestError};
use super::read::first;
use super::transaction::gets;
use crate::clock::{Clock, SystemClock};
use crate::live::{LiveTokens, Minute};
use crate::token::{Timestamp, TokenId, TokenRecord};
use block::{Block, BlockNumber};

/// How many blocks share a transaction: about 80 KB, so that other requests do not wait for it.
const TOGETHER: usize = 16;

/// How many blocks with uses a node saves in one round, at most. The others have their turn in the next rounds.
const ROUND: usize = 8 * TOGETHER;

/// The last uses in etcd.
#[derive(Clone)]
pub(super) struct Uses {
    pub(super) members: Arc<Members>,
    pub(super) keys: Keys,
    pub(super) copy: Arc<TokenCopy>,
}

/// Where the next round continues.
#[derive(Default)]
struct Places {
    /// Among the blocks with uses.
    saved: Option<BlockNumber>,
    /// After this key.
    swept: Option<Vec<u8>>,
}

/// The tokens with uses that are not saved, by their blocks.
type Unsaved = BTreeMap<BlockNumber, Vec<TokenId>>;

/// The uses that etcd has once the blocks are written.
type Saved = Vec<(TokenId, Timestamp)>;

impl Places {
    /// The blocks with uses whose turn it is.
    fn next(&mut self, unsaved: &Unsaved) -> Vec<BlockNumber> {
        let (before, after): (Vec<_>, Vec<_>) = unsaved.keys().partition(|number| Some(**number) <= self.saved);
        let next: Vec<_> = after.into_iter().chain(before).take(ROUND).collect();
        self.saved = next.last().copied();
        next
    }
}

impl Uses {
    /// Saves the uses again and again, until the task is aborted.
    pub(super) async fn run(self, every: Duration) {
        // Nodes that start together save one after another.
        let part = u32::from(uuid::Uuid::new_v4().as_bytes()[0]);
        sleep(every / 2 + every / 512 * part).await;
        let mut places = Places::default();
        loop {
            if self.copy.live().is_fresh() {
                told(self.round(&mut places).await);
            }
            sleep(every).await;
        }
    }

    /// Saves all uses now, unless etcd does not answer: for a node that ends.
    pub(super) async fn save(&self) {
        let live = self.copy.live();
        if live.is_fresh() {
            let unsaved = unsaved(&live).await;
            let numbers: Vec<_> = unsaved.keys().copied().collect();
            let save = self.visit(&live, &numbers, &unsaved);
            told(timeout(2 * self.members.commit_timeout(), save).await.unwrap_or(Err(RequestError::Timeout)));
        }
    }

    /// Takes note of the uses of these tokens that any node has saved.
    pub(super) async fn read(&self, records: &[TokenRecord]) {
        if let Err(error) = self.try_read(records).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "cannot read when tokens were used last on other nodes");
        }
    }

    async fn try_read(&self, records: &[TokenRecord]) -> Result<(), RequestError> {
        let (live, believed) = (self.copy.live(), believed());
        let numbers: BTreeSet<_> = records.iter().map(|record| BlockNumber::of(record.id)).collect();
        let numbers: Vec<_> = numbers.into_iter().collect();
        let mut blocks = BTreeMap::new();
        for numbers in numbers.chunks(4 * TOGETHER) {
            let keys = numbers.iter().map(|number| self.key(*number)).collect();
            let answer =
                self.members.transact_once(self.members.request_timeout(), Txn::new().and_then(gets(keys))).await?;
            let pairs = answer.op_responses().into_iter().map(first);
            let read = |(number, pair): (&BlockNumber, Option<KeyValue>)| Some((*number, self.block(*number, &pair?)));
            blocks.extend(numbers.iter().zip(pairs).filter_map(read));
        }
        for TokenRecord { id, created_at, .. } in records {
            let minute = blocks.get(&BlockNumber::of(*id)).map(|block| block.get(*id)).unwrap_or_default();
            // An earlier use is that of a token that had the ID before etcd was restored.
            let is_of_this = (Minute::of(*created_at)..=believed).contains(&minute);
            if let Some(at) = minute.begin().filter(|_| is_of_this) {
                live.restore_use(*id, at);
            }
        }
        Ok(())
    }

    /// Saves the uses of some blocks, and forgets those of deleted tokens in a few others.
    async fn round(&self, places: &mut Places) -> Result<(), RequestError> {
        let live = self.copy.live();
        let unsaved = unsaved(&live).await;
        self.visit(&live, &places.next(&unsaved), &unsaved).await?;

        let (swept, last) = self.blocks_after(places.swept.take()).await?;
        places.swept = last;
        self.visit(&live, &swept, &Unsaved::new()).await
    }

    /// Brings these blocks up to date, some of them at a time.
    async fn visit(&self, live: &LiveTokens, numbers: &[BlockNumber], unsaved: &Unsaved) -> Result<(), RequestError> {
        /// How often blocks are tried that other nodes write at the same time. The next round tries again.
        const ATTEMPTS: usize = 8;
        for numbers in numbers.chunks(TOGETHER) {
            for _ in 0..ATTEMPTS {
                if self.update(live, numbers, unsaved).await? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Brings these blocks up to date. Returns `false` if somebody else has written one of them meanwhile, so that none was
    /// written.
    ///
    /// The operations are not nested: etcd 3.4 checks neither permissions nor its quota for those that are.
    async fn update(
        &self,
        live: &LiveTokens,
        numbers: &[BlockNumber],
        unsaved: &Unsaved,
    ) -> Result<bool, RequestError> {
        let keys = [self.keys.head()].into_iter().chain(numbers.iter().map(|number| self.key(*number))).collect();
        let answer =
            self.members.transact_once(self.members.request_timeout(), Txn::new().and_then(gets(keys))).await?;
        let mut pairs = answer.op_responses().into_iter().map(first);
        let head = pairs.next().flatten();
        // Only then the copy has every token of which etcd has a use.
        let is_complete = head.is_some_and(|head| self.copy.knows(&Head::from(&head)));
        let believed = believed();
        let (mut saved, mut compares, mut writes) = (Saved::new(), Vec::new(), Vec::new());
        for (number, pair) in numbers.iter().zip(pairs) {
            let mut block = pair.as_ref().map_or_else(|| Block::new(*number), |pair| self.block(*number, pair));
            if is_complete {
                block.retain(|id| live.contains(id));
            }
            for id in unsaved.get(number).into_iter().flatten() {
                // The present one: the ID may have been given to another token, after etcd was restored.
                if let Some(at) = live.last_used(*id) {
                    block.note(*id, Minute::of(at), believed);
                    saved.push((*id, at));
                }
            }
            let value = block.to_value();
            if value.as_deref() == pair.as_ref().map(KeyValue::value) {
                continue;
            }
            let (key, revision) = (self.key(*number), pair.map_or(0, |pair| pair.mod_revision()));
            compares.push(Compare::mod_revision(key.clone(), CompareOp::Equal, revision));
            writes.push(match value {
                Some(value) => TxnOp::put(key, value, None),
                None => TxnOp::delete(key, None),
            });
        }
        if !writes.is_empty() {
            let write = Txn::new().when(compares).and_then(writes);
            if !self.members.transact_once(self.members.commit_timeout(), write).await?.succeeded() {
                return Ok(false);
            }
        }
        saved.into_iter().for_each(|(id, at)| live.use_saved(id, at));
        Ok(true)
    }

    /// The next blocks in etcd after this key, and the last key that was read. `None` at the end.
    async fn blocks_after(&self, after: Option<Vec<u8>>) -> Result<(Vec<BlockNumber>, Option<Vec<u8>>), RequestError> {
        let (all, end) = self.keys.all("uses");
        let from = after.map_or_else(|| all.clone().into_bytes(), |key| [&*key, &[0]].concat());
        let options = GetOptions::new().with_range(end).with_keys_only().with_limit(TOGETHER as i64);
        let found = self.members.get_once(from, options).await?;
        let number = |pair: &KeyValue| {
            let id = std::str::from_utf8(pair.key().strip_prefix(all.as_bytes())?).ok()?.parse().ok()?;
            Some(BlockNumber::of(TokenId::from_u64(id)))
        };
        let numbers = found.kvs().iter().filter_map(number).collect();
        Ok((numbers, found.kvs().last().map(|pair| pair.key().to_vec())))
    }

    /// The block that etcd has, without uses if it is damaged.
    fn block(&self, number: BlockNumber, pair: &KeyValue) -> Block {
        Block::from_value(number, pair.value()).unwrap_or_else(|| {
            let key = self.key(number);
            tracing::warn!(key, "when some tokens were used last is damaged in etcd, and forgotten");
            Block::new(number)
        })
    }

    fn key(&self, number: BlockNumber) -> String {
        self.keys.uses(number.first())
    }
}

/// The tokens whose last use is to be saved.
async fn unsaved(live: &LiveTokens) -> Unsaved {
    let live = live.clone();
    let collect = move || {
        let mut unsaved = Unsaved::new();
        for (id, _) in live.unsaved_uses() {
            unsaved.entry(BlockNumber::of(id)).or_default().push(id);
        }
        unsaved
    };
    // It visits all tokens, which takes long enough that requests would notice.
    spawn_blocking(collect).await.unwrap_or_default()
}

/// The last minute that is believed of a use: nodes' clocks differ, but not by more than a day.
fn believed() -> Minute {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    Minute::of(SystemClock.now().checked_add(DAY).unwrap_or(Timestamp::MAX))
}

fn told(saved: Result<(), RequestError>) {
    if let Err(error) = saved {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "cannot save when tokens were used last; it will be tried again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_has_its_turn_if_a_round_cannot_save_all() {
        let blocks: Vec<_> = (0..600).map(|number| BlockNumber::of(TokenId::from_u64(number * 1024))).collect();
        let unsaved: Unsaved = blocks.iter().map(|block| (*block, Vec::new())).collect();
        let (mut places, mut seen) = (Places::default(), BTreeSet::new());
        for begin in [0, 128, 256, 384, 512, 40] {
            let next = places.next(&unsaved);
            let expected: Vec<_> = blocks.iter().cycle().skip(begin).take(ROUND).copied().collect();
            assert!(next == expected, "{begin}");
            seen.extend(next);
        }
        assert_eq!(seen.len(), 600);
        assert!(places.next(&Unsaved::new()).is_empty());
    }
}
