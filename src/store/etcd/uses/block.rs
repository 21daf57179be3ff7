//! The last uses of the tokens of a block of IDs: the value of one key in etcd.

use serde::{Deserialize, Serialize};

use crate::live::Minute;
use crate::token::TokenId;

/// How many IDs a block has. Its value has about 5 KB if all of them are in use, so that few keys have the uses of many
/// tokens, and a use of one token writes little.
const SIZE: u64 = 1024;

/// The place of a block among all blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BlockNumber(u64);

/// When the tokens of a block were used last.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Block {
    number: BlockNumber,
    /// Of each ID; [`Minute::default`] if no use is known.
    minutes: Vec<Minute>,
}

/// The value. It grows with the number of tokens in use, not with that of IDs.
#[derive(Serialize, Deserialize)]
struct StoredBlock {
    /// The minute of the last use of all.
    latest: u32,
    /// Two numbers for each token in use, in the order of their IDs: how many IDs without a use are before it, and how many
    /// minutes before the latest it was used.
    uses: Vec<u32>,
}

impl BlockNumber {
    /// The block of this ID.
    pub(super) fn of(id: TokenId) -> Self {
        Self(id.as_u64() / SIZE)
    }

    /// The first ID in it.
    pub(super) fn first(self) -> TokenId {
        TokenId::from_u64(self.0 * SIZE)
    }
}

impl Block {
    /// A block without uses.
    pub(super) fn new(number: BlockNumber) -> Self {
        Self { number, minutes: vec![Minute::default(); usize::try_from(SIZE).expect("a small number")] }
    }

    /// Reads a value. `None` if it is damaged.
    pub(super) fn from_value(number: BlockNumber, value: &[u8]) -> Option<Self> {
        let StoredBlock { latest, uses } = serde_json::from_slice(value).ok()?;
        let (mut block, mut minutes) = (Self::new(number), uses.chunks_exact(2));
        let mut left = block.minutes.iter_mut();
        for pair in &mut minutes {
            let [unused, before] = *pair else { return None };
            *left.nth(usize::try_from(unused).ok()?)? = Minute::new(latest.checked_sub(before)?)?;
        }
        minutes.remainder().is_empty().then_some(block)
    }

    /// The value. `None` if no token was used.
    pub(super) fn to_value(&self) -> Option<Vec<u8>> {
        let latest = self.minutes.iter().max().filter(|latest| **latest != Minute::default())?.as_u32();
        let (mut uses, mut unused) = (Vec::new(), 0);
        for minute in &self.minutes {
            if *minute == Minute::default() {
                unused += 1;
            } else {
                uses.extend([std::mem::take(&mut unused), latest - minute.as_u32()]);
            }
        }
        Some(serde_json::to_vec(&StoredBlock { latest, uses }).expect("numbers have a JSON form"))
    }

    /// When this token of the block was used last.
    pub(super) fn get(&self, id: TokenId) -> Minute {
        self.place(id).map_or_else(Minute::default, |place| self.minutes[place])
    }

    /// Takes note of a use of this token of the block, unless a later one is known. A known one that is later than `believed` is
    /// not: it comes from a node whose clock was wrong.
    pub(super) fn note(&mut self, id: TokenId, minute: Minute, believed: Minute) {
        if let Some(place) = self.place(id) {
            let known = &mut self.minutes[place];
            if *known < minute || *known > believed {
                *known = minute;
            }
        }
    }

    /// Forgets the uses of tokens for which `is_live` does not hold.
    pub(super) fn retain(&mut self, is_live: impl Fn(TokenId) -> bool) {
        let first = self.number.first().as_u64();
        for (id, minute) in (first..).zip(&mut self.minutes).filter(|(_, minute)| **minute != Minute::default()) {
            if !is_live(TokenId::from_u64(id)) {
                *minute = Minute::default();
            }
        }
    }

    fn place(&self, id: TokenId) -> Option<usize> {
        (BlockNumber::of(id) == self.number).then(|| usize::try_from(id.as_u64() % SIZE).ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BELIEVED: Minute = Minute::MAX;

    fn minute(number: u32) -> Minute {
        Minute::new(number).unwrap()
    }

    fn id(id: u64) -> TokenId {
        TokenId::from_u64(id)
    }

    fn number(number: u64) -> BlockNumber {
        BlockNumber(number)
    }

    #[test]
    fn a_block_is_read_back_from_its_value() {
        let mut block = Block::new(number(1));
        assert_eq!(block.to_value(), None);
        for (id, at) in [(1024, 30_000_000), (1025, 1), (1030, 29_999_990), (2047, 30_000_000)] {
            block.note(self::id(id), minute(at), BELIEVED);
        }
        let value = block.to_value().unwrap();
        assert_eq!(
            String::from_utf8(value.clone()).unwrap(),
            r#"{"latest":30000000,"uses":[0,0,0,29999999,4,10,1016,0]}"#
        );
        let read = Block::from_value(number(1), &value).unwrap();
        assert!(read == block);
        assert_eq!([1024, 1026, 1030, 2048].map(|id| read.get(self::id(id)).as_u32()), [30_000_000, 0, 29_999_990, 0]);
    }

    #[test]
    fn a_block_of_tokens_that_were_used_lately_has_five_kilobytes() {
        let mut block = Block::new(number(7));
        for id in 7 * SIZE..8 * SIZE {
            block.note(self::id(id), minute(30_000_000 - u32::try_from(id % 10).unwrap()), BELIEVED);
        }
        let len = block.to_value().unwrap().len();
        assert!((4000..5000).contains(&len), "{len}");
        let mut long_ago = block.clone();
        (7 * SIZE + 1..8 * SIZE).for_each(|id| long_ago.minutes[usize::try_from(id % SIZE).unwrap()] = minute(1));
        assert!(long_ago.to_value().unwrap().len() < 12_000);
    }

    #[test]
    fn a_damaged_value_is_found() {
        let full = format!(r#"{{"latest":9,"uses":[{}0,0]}}"#, "0,0,".repeat(1023));
        assert!(Block::from_value(number(0), full.as_bytes()).is_some());
        for damaged in [
            "",
            "{}",
            "7",
            r#"{"latest":9,"uses":[0]}"#,
            r#"{"latest":9,"uses":[0,10]}"#,
            r#"{"latest":9,"uses":[0,9]}"#,
            r#"{"latest":9,"uses":[1024,0]}"#,
            r#"{"latest":9,"uses":[1023,0,0,0]}"#,
            r#"{"latest":9,"uses":[-1,0]}"#,
            r#"{"latest":4294967295,"uses":[0,0]}"#,
            r#"{"latest":9,"uses":[4294967295,0]}"#,
        ] {
            assert!(Block::from_value(number(0), damaged.as_bytes()).is_none(), "{damaged}");
        }
    }

    #[test]
    fn the_latest_use_counts_unless_nobody_can_believe_it() {
        let mut block = Block::new(number(0));
        let mut note = |at, believed| {
            block.note(id(1), minute(at), minute(believed));
            block.get(id(1)).as_u32()
        };
        assert_eq!([note(5, 9), note(4, 9), note(8, 9), note(20, 20), note(10, 19)], [5, 5, 8, 20, 10]);
    }

    #[test]
    fn uses_of_tokens_that_are_not_live_are_forgotten() {
        let mut block = Block::new(number(1));
        [1024, 1026, 2047].into_iter().for_each(|id| block.note(self::id(id), minute(7), BELIEVED));
        block.retain(|id| id.as_u64() == 2047);
        assert_eq!([1024, 1026, 2047].map(|id| block.get(self::id(id)).as_u32()), [0, 0, 7]);
        block.retain(|_| false);
        assert_eq!(block.to_value(), None);
    }
}
