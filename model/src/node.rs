//! One node: its copy of the live tokens, how fresh the copy is, and the request and the write that it works on.

use crate::etcd::{Change, Head, Revision, Token};
use crate::variant::Variant;

/// How many tokens a model has at most.
pub const TOKENS: usize = 4;

/// How many IDs they have.
pub const IDS: usize = TOKENS / 2;

/// Times are in ticks. An age stops at the number after which it decides nothing any more.
pub type Ticks = u8;

/// The state of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    /// The live tokens, as far as the node knows.
    pub copy: [bool; TOKENS],
    /// The overlay: the revision of the node's own change of an ID, until the watch or a snapshot shows it.
    pub own: [Option<Revision>; IDS],
    /// The revision of the last event that the node applied, or of the snapshot.
    pub applied: Revision,
    /// The heads that the node saw.
    pub heads: Vec<Head>,
    /// How long until `fresh_until`.
    pub fresh: Ticks,
    /// Where changes of the copy come from.
    pub source: Source,
    /// The read of `live/head` under way.
    pub confirm: Option<Confirm>,
    /// The request with a token under way.
    pub request: Option<Request>,
    /// The transaction under way.
    pub write: Option<Write>,
    /// Whether the process is suspended.
    pub paused: bool,
    /// The tokens whose deletion this node acknowledged; only the properties read it.
    pub acknowledged: [bool; TOKENS],
}

/// Where a node's copy comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// Nowhere: the node starts, or found that etcd was restored, or a load failed.
    Nowhere,
    /// A load whose revision is not read yet.
    Started {
        /// The time since it started.
        age: Ticks,
        /// The era of the old watch, which only a variant leaves open.
        watch: Option<usize>,
    },
    /// A load of which pages are missing.
    Begun {
        /// The time since it started.
        age: Ticks,
        /// The revision as of which the pages are read.
        at: Revision,
        /// `live/head` at that revision, when it was the present one.
        head: Head,
        /// How many pages are loaded.
        loaded: usize,
        /// The era of the old watch, which only a variant leaves open.
        watch: Option<usize>,
    },
    /// The copy is complete, and no watch is open.
    Loaded,
    /// As `Loaded`, and the histories were compared; only a variant does it in this order.
    Verified,
    /// A watch is open, but the histories are not compared yet, so its events wait.
    Opened {
        /// The era of the connection.
        era: usize,
    },
    /// A watch is open, and its events are applied.
    Watching {
        /// The era of the connection.
        era: usize,
    },
}

/// A linearizable read of `live/head`, and what the node knew at `t0`, before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Confirm {
    /// The time since `t0`.
    pub age: Ticks,
    /// The revision of the last change, applied or the node's own.
    pub changed: Revision,
    /// The latest revision.
    pub reached: Revision,
    /// The response, in flight.
    pub answer: Option<Answer>,
}

/// What etcd answers to a read of `live/head`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Answer {
    /// `live/head`.
    pub head: Head,
    /// The revision in the header.
    pub revision: Revision,
}

/// A request with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Request {
    /// The token.
    pub token: Token,
    /// How far authentication is.
    pub stage: Stage,
    /// Whether the token was live in etcd since the request arrived; only the properties read it.
    pub live_throughout: bool,
    /// Whether this node had acknowledged the token's deletion before; only the properties read it.
    pub after_own_deletion: bool,
}

/// How far authentication is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// The node read `fresh_until`, then looked up the token. It will read the clock, then decide.
    LookedUp {
        /// How long until the `fresh_until` that the node read.
        fresh: Ticks,
        /// Whether the copy has the token.
        found: bool,
        /// Whether a confirmation that began after the request precedes the look-up.
        confirmed: bool,
    },
    /// The request waits for a confirmation.
    Waiting {
        /// Whether the one in flight began after the request.
        served: bool,
    },
    /// A confirmation that began after the request has ended. The node will look the token up again.
    Confirmed,
    /// etcd answered a direct, linearizable read.
    Read {
        /// The time since the read began.
        age: Ticks,
        /// The answer.
        live: bool,
    },
}

/// A transaction, which the node repeats with the same mark until it knows the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Write {
    /// What it changes.
    pub change: Change,
    /// etcd's response, in flight.
    pub response: Option<Response>,
}

/// What etcd answered to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Response {
    /// Committed, now or by an earlier attempt with the same mark.
    Done {
        /// The revision of the change.
        revision: Revision,
        /// The era of etcd; only the properties read it.
        era: usize,
        /// Whether an earlier attempt committed it.
        earlier: bool,
    },
    /// A precondition does not hold.
    Refused,
}

impl Node {
    /// A node that starts.
    pub fn new() -> Self {
        Self {
            copy: [false; TOKENS],
            own: [None; IDS],
            applied: 0,
            heads: Vec::new(),
            fresh: 0,
            source: Source::Nowhere,
            confirm: None,
            request: None,
            write: None,
            paused: false,
            acknowledged: [false; TOKENS],
        }
    }

    /// One tick passes on the clock of this node. Ages stop at `oldest`.
    pub fn tick(&mut self, oldest: Ticks, variant: Variant) {
        let older = |age: &mut Ticks| *age = (*age + 1).min(oldest);
        if let Source::Started { age, .. } | Source::Begun { age, .. } = &mut self.source {
            older(age);
        }
        self.fresh = self.fresh.saturating_sub(1);
        if let Some(confirm) = &mut self.confirm {
            older(&mut confirm.age);
        }
        match &mut self.request {
            Some(Request { stage: Stage::LookedUp { fresh, .. }, .. }) => *fresh = fresh.saturating_sub(1),
            Some(Request { stage: Stage::Read { age, .. }, .. })
                if !(self.paused && variant == Variant::DirectReadByTimer) =>
            {
                older(age);
            }
            _ => {}
        }
    }
}

impl Default for Node {
    fn default() -> Self {
        Self::new()
    }
}
