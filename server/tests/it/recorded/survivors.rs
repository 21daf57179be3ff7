//! Which of the changes that were not synced are on the disk after a power loss.

use super::disk::Part;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Survivors {
    All,
    Nothing,
    /// The changes before this event.
    Before(u64),
    /// All but the change of this event.
    Except(u64),
    /// Only the change of this event.
    Only(u64),
    /// Only a few sectors of the change of this event, which follow from the number.
    Sparse(u64, u64),
    /// All but a few sectors of the change of this event.
    Gaps(u64, u64),
    /// A selection that follows from this number.
    Random(u64),
}

impl Survivors {
    pub(super) fn contain(&self, part: &Part) -> bool {
        match self {
            Self::Random(seed) => {
                let odds = if part.is_metadata() { metadata_odds(*seed) } else { data_odds(*seed) };
                let in_one_piece = hash(*seed, 3).is_multiple_of(3);
                let index = if in_one_piece && !part.is_metadata() { 1 } else { part.index };
                hash(*seed, part.event << 16 | index) % 16 < odds
            }
            Self::Sparse(event, seed) => part.event == *event && is_rare(*seed, part),
            Self::Gaps(event, seed) => part.event != *event || !is_rare(*seed, part),
            _ => self.contain_name(part.event),
        }
    }

    pub(super) fn contain_name(&self, event: u64) -> bool {
        match self {
            Self::All | Self::Gaps(..) => true,
            Self::Nothing | Self::Sparse(..) => false,
            Self::Before(other) => event < *other,
            Self::Except(other) => event != *other,
            Self::Only(other) => event == *other,
            Self::Random(seed) => hash(*seed, event << 16) % 16 < metadata_odds(*seed),
        }
    }

    /// Whether the earlier changes of a sector are on the disk if a later one is. Caches of pages keep this order.
    pub(super) fn keep_order_in_sectors(&self) -> bool {
        !matches!(self, Self::Random(seed) if hash(*seed, 4).is_multiple_of(4))
    }
}

fn is_rare(seed: u64, part: &Part) -> bool {
    !part.is_metadata() && hash(seed, part.event << 16 | part.index).is_multiple_of(32)
}

/// Of 16 sectors, how many survive.
fn data_odds(seed: u64) -> u64 {
    [1, 8, 8, 15][usize::try_from(hash(seed, 1) % 4).unwrap()]
}

/// Of 16 lengths and names, how many survive.
fn metadata_odds(seed: u64) -> u64 {
    [0, 4, 8, 12, 16][usize::try_from(hash(seed, 2) % 5).unwrap()]
}

/// The mixing function of splitmix64.
pub(crate) fn hash(seed: u64, key: u64) -> u64 {
    let mut mixed = seed.wrapping_add(key.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
