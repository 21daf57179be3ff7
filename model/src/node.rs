//! One node: its copy of the live tokens, how fresh the copy is, and the request and the write that it works on.

use std::mem;

use crate::etcd::{Change, Etcd, Head, Revision, TokenId};
use crate::variant::Variant;

/// How many tokens a model has at most.
pub const TOKENS: usize = 2;

/// Times are in ticks. An age stops at the number after which it decides nothing any more.
pub type Ticks = u8;

/// The state of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    /// The live tokens, as far as the node knows.
    pub copy: [bool; TOKENS],
    /// The overlay: the revision of the node's own change of a token, until the watch or a snapshot shows it.
    pub own: [Option<Revision>; TOKENS],
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
    /// Nowhere yet: the node starts, or it found that etcd was restored.
    Nowhere,
    /// A snapshot of which the second page is missing.
    FirstPage {
        /// The revision of the snapshot.
        revision: Revision,
        /// `live/head` in the snapshot.
        head: Head,
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

/// A linearizable read of `live/head` whose response is in flight. The earliest instant of the read is just after `t0`.
/// Later ones see more, so they need no step of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Confirm {
    /// The time since `t0`.
    pub age: Ticks,
    /// The latest revision that the node knew at `t0`.
    pub known: Revision,
    /// `live/head`.
    pub head: Head,
    /// The revision in the header of the response.
    pub revision: Revision,
}

/// A request with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Request {
    /// The token.
    pub token: TokenId,
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

/// What a confirmation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The copy contains every change that was acknowledged before `t0`.
    Confirmed,
    /// The watch has not delivered the head yet.
    Behind,
    /// etcd was restored.
    Replaced,
}

impl Node {
    /// A node that starts.
    pub fn new() -> Self {
        Self {
            copy: [false; TOKENS],
            own: [None; TOKENS],
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

    /// Reads the head and the first page of `live/`, which has the last token. What the node did itself before is in the
    /// snapshot, unless etcd was restored; either way the overlay ends. A confirmation in flight compares heads that the
    /// node forgets, so it ends too.
    pub fn start_load(&mut self, etcd: &Etcd, tokens: usize) {
        let Some(head) = etcd.present.head_at(etcd.present.revision()) else { return };
        let revision = etcd.present.revision();
        self.own = [None; TOKENS];
        let watch = match self.source {
            Source::Watching { era } => Some(era),
            _ => None,
        };
        if watch.is_none() {
            self.drop_confirm();
        }
        self.source = Source::FirstPage { revision, head, watch };
        self.merge_page(etcd, tokens - 1, revision);
        if tokens == 1 {
            self.finish_load(revision, head);
        }
    }

    /// Reads the second page, which has token 0, at the revision of the first. After a restore that revision can lie in
    /// the future; etcd then fails the read, and the load begins again.
    pub fn load_second_page(&mut self, etcd: &Etcd) {
        let Source::FirstPage { revision, head, .. } = self.source else { return };
        if revision > etcd.present.revision() {
            self.source = Source::Nowhere;
            return;
        }
        self.merge_page(etcd, 0, revision);
        self.finish_load(revision, head);
    }

    fn merge_page(&mut self, etcd: &Etcd, token: TokenId, revision: Revision) {
        if self.own[token].is_none_or(|own| own <= revision) {
            self.copy[token] = etcd.present.is_live_at(token, revision);
        }
    }

    fn finish_load(&mut self, revision: Revision, head: Head) {
        self.applied = revision;
        self.heads = vec![head];
        self.source = Source::Loaded;
    }

    /// Opens a watch of the revisions after `applied`.
    pub fn open_watch(&mut self, etcd: &Etcd, variant: Variant) {
        self.source = match variant {
            Variant::WatchWithoutRevision => {
                self.applied = etcd.present.revision();
                Source::Watching { era: etcd.era }
            }
            Variant::WatchWithoutHistoryCheck | Variant::HistoryCheckBeforeWatch => Source::Watching { era: etcd.era },
            _ => Source::Opened { era: etcd.era },
        };
    }

    /// Compares histories: `live/head` as it was at `applied` must have the nonce that the node saw last.
    pub fn check_history(&mut self, etcd: &Etcd, variant: Variant) {
        let last = self.heads.last().copied();
        let revision = match variant {
            Variant::HistoryCheckAtHead => last.map_or(0, |head| head.revision),
            _ => self.applied,
        };
        self.source = match (etcd.present.head_at(revision) == last, self.source) {
            (true, Source::Opened { era }) => Source::Watching { era },
            (true, _) => Source::Verified,
            (false, _) => return self.replaced(),
        };
    }

    /// The era of the watch whose events the node applies.
    pub fn watch(&self) -> Option<usize> {
        match self.source {
            Source::Watching { era } => Some(era),
            Source::FirstPage { watch, .. } => watch,
            _ => None,
        }
    }

    /// Applies one event. If the watch passes the revision of an own change without showing it, etcd was restored.
    pub fn apply(&mut self, head: Head, change: Change, variant: Variant) {
        let (token, live) = match change {
            Change::Create(token) => (token, true),
            Change::Delete(token, _) => (token, false),
            Change::Foreign => return,
        };
        for other in 0..TOKENS {
            let missed = |own| own < head.revision || own == head.revision && other != token;
            if self.own[other].is_some_and(missed) && variant != Variant::OverlayWithoutCheck {
                return self.replaced();
            }
        }
        if variant == Variant::NoOverlay || self.own[token].is_none_or(|own| own <= head.revision) {
            self.copy[token] = live;
            self.own[token] = None;
        }
        self.applied = head.revision;
        self.heads.push(head);
    }

    /// The latest revision that the node knows.
    pub fn known(&self) -> Revision {
        self.own.iter().flatten().copied().fold(self.applied, Revision::max)
    }

    /// Judges a response of `live/head`. The head must be the last one that the node saw up to the revision of the
    /// response.
    pub fn verdict(&self, confirm: &Confirm, variant: Variant) -> Verdict {
        let Confirm { known, head, revision, .. } = *confirm;
        let seen = match variant {
            Variant::HeadWithoutNonce => self.heads.iter().any(|seen| seen.revision == head.revision),
            _ => self.heads.contains(&head),
        };
        let later = |seen: Revision| head.revision < seen && seen <= revision;
        let more =
            self.heads.iter().any(|seen| later(seen.revision)) || self.own.iter().flatten().any(|own| later(*own));
        if revision < known || more && variant != Variant::AnyHeadOfRing {
            Verdict::Replaced
        } else if self.applied < head.revision {
            Verdict::Behind
        } else if seen {
            Verdict::Confirmed
        } else {
            Verdict::Replaced
        }
    }

    /// Raises `fresh_until`, and lets the request look up its token again.
    pub fn confirmed(&mut self, age: Ticks, max_staleness: Ticks) {
        self.fresh = self.fresh.max(max_staleness.saturating_sub(age));
        self.confirm = None;
        if let Some(Request { stage: Stage::Waiting { served: true }, .. }) = self.request {
            self.look_up(true);
        }
    }

    /// etcd was restored: nothing of the copy counts until a load.
    pub fn replaced(&mut self) {
        self.fresh = 0;
        self.source = Source::Nowhere;
        self.drop_confirm();
    }

    /// Gives a confirmation up. The request that it would have served waits for another.
    pub fn drop_confirm(&mut self) {
        self.confirm = None;
        if let Some(Request { stage: Stage::Waiting { served }, .. }) = &mut self.request {
            *served = false;
        }
    }

    /// Reads `fresh_until`, then looks up the token. Between the two, `fresh_until` can only rise, so both at the same
    /// instant is the worst case.
    pub fn look_up(&mut self, confirmed: bool) {
        let (copy, fresh) = (self.copy, self.fresh);
        if let Some(request) = &mut self.request {
            request.stage = Stage::LookedUp { fresh, found: copy[request.token], confirmed };
        }
    }

    /// Applies the node's own change to its copy. A creation counts only if the copy is older: a later copy has it, or has
    /// its deletion. A deletion always counts; if a later copy has the token nevertheless, etcd was restored. While a load
    /// goes on, the copy is as old as the snapshot.
    pub fn apply_own(&mut self, change: Change, revision: Revision, variant: Variant) {
        let (copied, loading) = match self.source {
            Source::FirstPage { revision, .. } if variant != Variant::LateCreationDuringLoad => (revision, true),
            _ => (self.applied, false),
        };
        let news = revision > copied;
        match change {
            Change::Create(token) if news || variant == Variant::LateCreationApplied => self.copy[token] = true,
            Change::Delete(token, _) => {
                let had = mem::replace(&mut self.copy[token], false);
                if had && !news && !loading {
                    return self.replaced();
                }
            }
            _ => {}
        }
        if let (true, Change::Create(token) | Change::Delete(token, _)) = (news, change) {
            self.own[token] = Some(revision);
        }
    }

    /// The token that the node would accept if it read the clock now.
    pub fn accepts(&self, max_staleness: Ticks, variant: Variant) -> Option<&Request> {
        let request = self.request.as_ref().filter(|_| !self.paused)?;
        let accepted = match request.stage {
            Stage::LookedUp { fresh, found, .. } => {
                found && 0 < if variant == Variant::FreshUntilReadAfterLookup { self.fresh } else { fresh }
            }
            Stage::Read { age, live } => live && (age <= max_staleness || variant == Variant::DirectReadWithoutLimit),
            Stage::Waiting { .. } => false,
        };
        accepted.then_some(request)
    }

    /// The request that the node would answer with 401 now.
    pub fn rejects(&self, variant: Variant) -> Option<&Request> {
        self.request.as_ref().filter(|request| match request.stage {
            Stage::LookedUp { found, confirmed, .. } => !found && (confirmed || variant == Variant::MissWithoutAsking),
            Stage::Read { live, .. } => !live,
            Stage::Waiting { .. } => false,
        })
    }

    /// One tick passes on the clock of this node.
    pub fn tick(&mut self, max_staleness: Ticks) {
        let older = |age: &mut Ticks| *age = (*age + 1).min(max_staleness + 1);
        self.fresh = self.fresh.saturating_sub(1);
        if let Some(confirm) = &mut self.confirm {
            older(&mut confirm.age);
        }
        match &mut self.request {
            Some(Request { stage: Stage::LookedUp { fresh, .. }, .. }) => *fresh = fresh.saturating_sub(1),
            Some(Request { stage: Stage::Read { age, .. }, .. }) => older(age),
            _ => {}
        }
    }
}

impl Default for Node {
    fn default() -> Self {
        Self::new()
    }
}
