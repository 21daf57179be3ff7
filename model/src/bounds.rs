//! How far the model goes.

use crate::node::Ticks;

/// How far the model goes. Each `true` adds actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The nodes.
    pub nodes: &'static [Role],
    /// Whether further nodes write. Each of their changes is one step: the earliest acknowledgement is the worst case.
    pub elsewhere: bool,
    /// How many tokens there are.
    pub tokens: usize,
    /// etcd's last revision.
    pub revisions: usize,
    /// `--max-staleness`.
    pub max_staleness: Ticks,
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
