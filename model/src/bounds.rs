//! How far the model goes.

use crate::etcd::{Token, id_of};
use crate::node::Ticks;

/// How far the model goes. Each `true` adds actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The nodes.
    pub nodes: &'static [Role],
    /// Whether further nodes write. Each of their changes is one step: the earliest acknowledgement is the worst case.
    pub elsewhere: bool,
    /// The tokens. Token 0 is live at the beginning.
    pub tokens: &'static [Token],
    /// etcd's last revision.
    pub revisions: usize,
    /// `--max-staleness` of the first node.
    pub max_staleness: Ticks,
    /// By how much that of each further node is greater.
    pub longer: Ticks,
    /// Whether a token can get the ID of a live one, which ends: the operator's secret is regenerated.
    pub regeneration: bool,
    /// Whether a second client deletes tokens too.
    pub rival: bool,
    /// Whether watches end and are opened again.
    pub breaks: bool,
    /// Whether etcd compacts, so that a node loads again.
    pub compaction: bool,
    /// Whether etcd is restored once.
    pub restore: bool,
    /// Whether messages of the etcd before the restore can still arrive after it.
    pub late: bool,
    /// Whether other keys raise etcd's revision.
    pub foreign: bool,
    /// Whether processes are suspended.
    pub pauses: bool,
}

impl Bounds {
    /// `--max-staleness` of this node.
    pub(crate) fn staleness_of(&self, index: usize) -> Ticks {
        self.max_staleness + self.longer * Ticks::try_from(index).unwrap_or(Ticks::MAX)
    }

    /// The age after which nothing changes any more.
    pub(crate) fn oldest(&self) -> Ticks {
        self.staleness_of(self.nodes.len() - 1) + 1
    }

    /// How many IDs there are, which is how many pages a load reads.
    pub(crate) fn ids(&self) -> usize {
        self.tokens.iter().map(|token| id_of(*token) + 1).max().unwrap_or(0)
    }
}

/// What a node does. The steps of one that does everything multiply those of the others, so a check gives most nodes a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It keeps a copy, and gets requests with tokens and writes.
    All,
    /// It keeps a copy and gets requests with tokens.
    Serves,
    /// It keeps a copy and gets writes.
    Replicates,
    /// It gets writes. Its copy does not matter, because no request reads it.
    Writes,
}

impl Role {
    pub(crate) fn copies(self) -> bool {
        self != Self::Writes
    }

    pub(crate) fn serves(self) -> bool {
        matches!(self, Self::All | Self::Serves)
    }

    pub(crate) fn writes(self) -> bool {
        self != Self::Serves
    }
}
