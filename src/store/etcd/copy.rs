//! The copy of the tokens on this node: what of etcd's history has been applied to it, and how long it can be relied upon.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::BootTime;
use crate::live::{LiveTokens, LiveTokensWriter};
use crate::token::{TokenId, TokenRecord};

/// A revision of etcd: the number of the transaction that changed something last.
pub(super) type Revision = i64;

/// The live tokens, and the part of etcd's history that they reflect.
pub(super) struct TokenCopy {
    state: Mutex<State>,
    max_staleness: Duration,
    /// The revision up to which every change has been applied, for those that wait for it.
    applied: watch::Sender<Revision>,
}

struct State {
    live: LiveTokensWriter,
    applied: Revision,
    heads: Heads,
    /// The tokens that this node has changed after the revision `applied`, and the revision of its change. Older events
    /// of these tokens are skipped: at no moment may they undo what this node has acknowledged.
    ahead: HashMap<TokenId, Revision>,
    /// The moment of the last confirmation.
    confirmed: Option<BootTime>,
    /// The IDs that were live when a load began, greatest first, as far as the load has not passed them.
    before_load: Vec<TokenId>,
}

/// The last values of the key `head`, each with its revision, oldest first. A history that was replaced has others.
#[derive(Default)]
struct Heads(VecDeque<Head>);

/// A value of the key `head`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) revision: Revision,
    pub(super) nonce: Vec<u8>,
}

/// One change in etcd.
#[derive(Debug)]
pub(super) enum Event {
    /// A token has this record.
    Put(TokenRecord),
    /// A token was deleted.
    Delete(TokenId),
    /// The key `head` has this value.
    Head(Vec<u8>),
}

/// What the copy says of a value of the key `head`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It has every change up to this value.
    Applied,
    /// It lacks changes.
    NotYet,
    /// The value does not belong to the history that the copy reflects: etcd was restored from a backup.
    OtherHistory,
}

/// How many values of `head` are kept: more than change between the answer to a read and its arrival.
const HEADS: usize = 4096;

impl TokenCopy {
    /// A copy without tokens, which cannot be relied upon yet.
    pub(super) fn new(mut live: LiveTokensWriter, max_staleness: Duration) -> Self {
        live.set_fresh_until(BootTime::START);
        let state = State {
            live,
            applied: 0,
            heads: Heads::default(),
            ahead: HashMap::new(),
            confirmed: None,
            before_load: Vec::new(),
        };
        Self { state: Mutex::new(state), max_staleness, applied: watch::Sender::new(0) }
    }

    /// The tokens, to read.
    pub(super) fn live(&self) -> LiveTokens {
        self.state().live.tokens().clone()
    }

    /// The revision up to which every change has been applied.
    pub(super) fn applied(&self) -> Revision {
        self.state().applied
    }

    /// The last value of `head` that was applied.
    pub(super) fn head(&self) -> Option<Head> {
        self.state().heads.0.back().cloned()
    }

    /// Returns when everything up to this revision has been applied.
    pub(super) async fn wait_for(&self, revision: Revision) {
        // The sender lives as long as `self`.
        _ = self.applied.subscribe().wait_for(|applied| *applied >= revision).await;
    }

    /// Applies a change that this node has made itself, in the revision `revision`, before the stream of changes brings it.
    pub(super) fn apply_own(&self, revision: Revision, event: Event) {
        let mut state = self.state();
        let id = match &event {
            Event::Put(record) => record.id,
            Event::Delete(id) => *id,
            Event::Head(_) => return,
        };
        if revision > state.applied && state.ahead.get(&id).is_none_or(|ahead| *ahead < revision) {
            state.ahead.insert(id, revision);
            state.live.apply(event);
        }
    }

    /// Applies the changes of the stream up to the revision `up_to`, all of them, in their order.
    pub(super) fn apply(&self, events: impl IntoIterator<Item = (Revision, Event)>, up_to: Revision) {
        let mut state = self.state();
        for (revision, event) in events {
            let id = match &event {
                Event::Head(nonce) => {
                    state.heads.push(Head { revision, nonce: nonce.clone() });
                    continue;
                }
                Event::Put(record) => record.id,
                Event::Delete(id) => *id,
            };
            if state.ahead.get(&id).is_none_or(|ahead| *ahead < revision) {
                state.live.apply(event);
            }
        }
        self.reach(state, up_to);
    }

    /// Begins a load of all tokens.
    pub(super) fn begin_load(&self) {
        let mut state = self.state();
        let mut ids = state.live.tokens().ids();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        state.before_load = ids;
    }

    /// Applies the next part of a load, as of the revision `at`: the tokens of etcd up to `last`, sorted by ID. `None` as
    /// `last` means that these are the rest.
    pub(super) fn load(&self, at: Revision, records: Vec<TokenRecord>, last: Option<TokenId>) {
        let mut state = self.state();
        let State { live, ahead, before_load, .. } = &mut *state;
        let is_older = |id: TokenId| ahead.get(&id).is_some_and(|ahead| *ahead > at);
        let mut loaded = records.iter().map(|record| record.id).peekable();
        while let Some(id) = before_load.pop_if(|id| last.is_none_or(|last| *id <= last)) {
            while loaded.next_if(|other| *other < id).is_some() {}
            if loaded.peek() != Some(&id) && !is_older(id) {
                live.remove(id);
            }
        }
        for record in records.into_iter().filter(|record| !is_older(record.id)) {
            // A token that is live already keeps the time of its last use.
            if !live.tokens().holds(&(&record).into()) {
                live.apply(Event::Put(record));
            }
        }
    }

    /// Ends a load as of the revision `at`, when `head` had this value.
    pub(super) fn end_load(&self, at: Revision, head: Head) {
        let mut state = self.state();
        state.heads = Heads(VecDeque::from([head]));
        state.before_load = Vec::new();
        state.applied = 0;
        self.reach(state, at);
    }

    /// What the copy knows of a value of `head` that etcd has just returned.
    pub(super) fn knows(&self, head: &Head) -> Known {
        let state = self.state();
        match state.heads.find(head.revision) {
            Some(nonce) if nonce == head.nonce => Known::Applied,
            None if head.revision > state.applied => Known::NotYet,
            _ => Known::OtherHistory,
        }
    }

    /// The copy has every change that was acknowledged before `moment`.
    pub(super) fn confirm(&self, moment: BootTime) {
        let mut state = self.state();
        if state.confirmed.is_none_or(|confirmed| confirmed < moment) {
            state.confirmed = Some(moment);
            state.live.set_fresh_until(moment.plus(self.max_staleness));
        }
    }

    /// The copy reflects a history that is not etcd's any more. Nothing in it can be relied upon until it is loaded again.
    pub(super) fn distrust(&self) {
        let mut state = self.state();
        state.confirmed = None;
        state.ahead.clear();
        state.live.set_fresh_until(BootTime::START);
        state.live.wake_if_stale();
    }

    /// Wakes those that wait for the deletion of a token, if the copy cannot be relied upon any more.
    pub(super) fn wake_if_stale(&self) {
        self.state().live.wake_if_stale();
    }

    /// How old the copy may be.
    pub(super) fn staleness(&self) -> Option<Duration> {
        self.state().confirmed.map(BootTime::elapsed)
    }

    fn reach(&self, mut state: MutexGuard<'_, State>, revision: Revision) {
        if revision > state.applied {
            state.applied = revision;
            state.ahead.retain(|_, ahead| *ahead > revision);
        }
        let applied = state.applied;
        drop(state);
        self.applied.send_replace(applied);
    }

    /// Ignores poisoning: what a panic leaves behind is refused once it is too old, and loaded again.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiveTokensWriter {
    fn apply(&mut self, event: Event) {
        match event {
            Event::Put(record) => self.insert(&record),
            Event::Delete(id) => _ = self.remove(id),
            Event::Head(_) => {}
        }
    }
}

impl Heads {
    fn push(&mut self, head: Head) {
        if self.0.len() == HEADS {
            self.0.pop_front();
        }
        self.0.push_back(head);
    }

    /// The nonce that was put in this revision, if it is kept.
    fn find(&self, revision: Revision) -> Option<&[u8]> {
        let place = self.0.binary_search_by_key(&revision, |head| head.revision).ok()?;
        Some(&self.0[place].nonce)
    }
}
