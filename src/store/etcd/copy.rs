//! The copy of the tokens on this node: what of etcd's history has been applied to it, and how long it can be relied upon.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use etcd_client::KeyValue;
use tokio::sync::watch;

use crate::clock::BootTime;
use crate::live::{LiveTokens, LiveTokensWriter};
use crate::token::{TokenId, TokenRecord};

#[cfg(test)]
mod tests;

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
    load: Option<Load>,
    /// Whether the copy reflects another history. Nothing confirms it before it is loaded again.
    is_distrusted: bool,
    /// How many loads have started and ended.
    turns: u64,
}

/// A load that is under way.
enum Load {
    /// It has started, and the revision as of which the tokens are loaded is being read.
    Started,
    /// The tokens are being loaded.
    Begun {
        /// The revision as of which they are loaded.
        at: Revision,
        /// The value of `head` at that revision, as the first read has it.
        head: Head,
        /// The IDs that were live when it began, greatest first, as far as the load has not passed them.
        before: Vec<TokenId>,
    },
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

impl From<&KeyValue> for Head {
    fn from(pair: &KeyValue) -> Self {
        Self { revision: pair.mod_revision(), nonce: pair.value().to_vec() }
    }
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

/// What the copy knows when a read begins.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) head: Option<Head>,
    /// The last change that was applied, or that this node has made itself.
    changed: Revision,
    /// The last revision that the copy knows of.
    reached: Revision,
    /// Whether it was found to reflect another history, or is being loaded.
    pub(super) is_distrusted: bool,
    turns: u64,
}

/// What a read of `head` says of the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The copy has every change that was acknowledged before the read began. It has been confirmed.
    Confirmed,
    /// The copy lacks changes.
    Behind,
    /// The copy reflects another history: etcd was restored from a backup.
    OtherHistory,
    /// The tokens were loaded, or very many changes applied, while the read was under way, so it says nothing.
    Overtaken,
}

/// The copy reflects another history than the one that etcd has: etcd was restored from a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the history of etcd was replaced")]
pub(super) struct OtherHistory;

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
            load: None,
            is_distrusted: false,
            turns: 0,
        };
        Self { state: Mutex::new(state), max_staleness, applied: watch::Sender::new(0) }
    }

    /// The tokens, to read.
    pub(super) fn live(&self) -> LiveTokens {
        self.state().live.tokens().clone()
    }

    /// What the copy knows now. Call it before a read that is to be judged.
    pub(super) fn position(&self) -> Position {
        let state = self.state();
        let own = state.ahead.values().copied().max().unwrap_or(0);
        let head = state.heads.0.back().cloned();
        let changed = head.as_ref().map_or(0, |head| head.revision).max(own);
        let (reached, is_distrusted, turns) =
            (state.applied.max(own), state.is_distrusted || state.load.is_some(), state.turns);
        Position { head, changed, reached, is_distrusted, turns }
    }

    /// The revision up to which every change has been applied.
    pub(super) fn applied(&self) -> Revision {
        self.state().applied
    }

    /// Whether the copy has every change up to the one that put this value of `head`.
    pub(super) fn knows(&self, head: &Head) -> bool {
        let state = self.state();
        let is_whole = state.load.is_none() && !state.is_distrusted;
        is_whole && state.heads.find(head.revision) == Some(&head.nonce)
    }

    /// Returns when everything up to this revision has been applied.
    pub(super) async fn wait_for(&self, revision: Revision) {
        // The sender lives as long as `self`.
        _ = self.applied.subscribe().wait_for(|applied| *applied >= revision).await;
    }

    /// Applies a change that this node has made itself, in the revision `revision`, unless the copy has it already.
    ///
    /// A copy that is not older must have the change already. If it has another secret for the ID, or one after a deletion, the
    /// change and the copy are of different histories (or another node has regenerated the operator's secret, too): the token
    /// is not accepted any more, and the tokens must be loaded again.
    pub(super) fn apply_own(&self, revision: Revision, event: Event) {
        let mut state = self.state();
        let State { live, applied, ahead, load, .. } = &mut *state;
        let (id, digest) = match &event {
            Event::Put(record) => (record.id, Some(&record.digest)),
            Event::Delete(id) => (*id, None),
            Event::Head(_) => return,
        };
        let has_another = live.tokens().by_id(id).is_some_and(|token| digest != Some(token.digest()));
        // The stream begins after `included`. The token is as old as `reflected`, unless it is still to be loaded.
        let (included, reflected) = match load {
            None => (*applied, Some(*applied)),
            Some(Load::Started) => (0, None),
            Some(Load::Begun { at, before, .. }) => {
                (*at, before.binary_search_by(|other| id.cmp(other)).is_err().then_some(*at))
            }
        };
        if revision > included && ahead.get(&id).is_none_or(|ahead| *ahead < revision) {
            ahead.insert(id, revision);
            if revision > *applied {
                live.apply(event);
                return;
            }
        }
        if has_another {
            live.remove(id);
            if reflected.is_some_and(|reflected| revision <= reflected) {
                state.distrust();
            }
        }
    }

    /// Applies the changes of the stream up to the revision `up_to`, all of them, in their order.
    ///
    /// # Errors
    ///
    /// If they lack a change that this node has made. Nothing in the copy can be relied upon until it is loaded again.
    pub(super) fn apply(
        &self,
        events: impl IntoIterator<Item = (Revision, Event)>,
        up_to: Revision,
    ) -> Result<(), OtherHistory> {
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
            let ahead = state.ahead.get(&id).copied();
            if ahead == Some(revision) {
                state.ahead.remove(&id);
            }
            // In the revision of the node's own change too: in another history, it is another change of the same token.
            if ahead.is_none_or(|ahead| ahead <= revision) {
                state.live.apply(event);
            }
        }
        if state.ahead.values().any(|ahead| *ahead <= up_to) {
            // At once: the heads of the other history are known already, so a read of them would confirm the copy.
            state.distrust();
            return Err(OtherHistory);
        }
        self.reach(state, up_to);
        Ok(())
    }

    /// Skips revisions up to this one, which changed no token.
    pub(super) fn skip_to(&self, revision: Revision) {
        let state = self.state();
        if state.ahead.is_empty() {
            self.reach(state, revision);
        }
    }

    /// Starts a load of all tokens. Call it before the first read, which sees everything that this node has done before.
    pub(super) fn start_load(&self) {
        let mut state = self.state();
        state.ahead.clear();
        state.is_distrusted = false;
        state.load = Some(Load::Started);
        state.turns += 1;
    }

    /// Begins to load the tokens as of the revision `at`, at which `head` had this value.
    pub(super) fn begin_load(&self, at: Revision, head: Head) {
        let mut state = self.state();
        let mut before = state.live.tokens().ids();
        before.sort_unstable_by(|a, b| b.cmp(a));
        state.ahead.retain(|_, ahead| *ahead > at);
        state.load = Some(Load::Begun { at, head, before });
    }

    /// Applies the next part of a load: the tokens of etcd up to `last`, sorted by ID. `None` as `last` means that these are
    /// the rest.
    pub(super) fn load(&self, records: Vec<TokenRecord>, last: Option<TokenId>) {
        let mut state = self.state();
        let State { live, ahead, load: Some(Load::Begun { before, .. }), .. } = &mut *state else { return };
        let mut loaded = records.iter().map(|record| record.id).peekable();
        while let Some(id) = before.pop_if(|id| last.is_none_or(|last| *id <= last)) {
            while loaded.next_if(|other| *other < id).is_some() {}
            if loaded.peek() != Some(&id) && !ahead.contains_key(&id) {
                live.remove(id);
            }
        }
        for record in records.into_iter().filter(|record| !ahead.contains_key(&record.id)) {
            live.apply(Event::Put(record));
        }
    }

    /// Ends a load, at whose revision `head` had this value when the last part was read. Its first read began at the moment
    /// `begin`.
    ///
    /// # Errors
    ///
    /// If the parts may be of different histories, because `head` had another value when the first part was read, or the copy
    /// was distrusted since.
    pub(super) fn end_load(&self, last: &Head, begin: BootTime) -> Result<(), OtherHistory> {
        let mut state = self.state();
        let Some(Load::Begun { at, head, .. }) = state.load.take_if(|load| matches!(load, Load::Begun { .. })) else {
            return Err(OtherHistory);
        };
        if head != *last || state.is_distrusted {
            state.distrust();
            return Err(OtherHistory);
        }
        state.heads = Heads(VecDeque::from([head]));
        state.turns += 1;
        state.applied = 0;
        state.confirmed = None;
        state.confirm(begin, self.max_staleness);
        self.reach(state, at);
        Ok(())
    }

    /// Whether the copy has everything that etcd has: `head` has this value at the present revision `now`.
    pub(super) fn is_complete(&self, head: Option<&Head>, now: Revision) -> bool {
        let state = self.state();
        // An earlier revision is one of a history that was restored. Changes up to `applied` may follow, and no stream from
        // there on would bring them.
        now >= state.applied && state.heads.0.back() == head
    }

    /// Judges the copy by a read of `head` by a quorum, which began at the moment `begin`, after `before` was taken. etcd was
    /// at the revision `now` then. If the copy has every change, it is fresh for the bound from `begin` on; if it
    /// reflects another history, it cannot be relied upon any more.
    pub(super) fn judge(&self, before: &Position, begin: BootTime, head: &Head, now: Revision) -> Verdict {
        let mut state = self.state();
        if state.load.is_some() || state.turns != before.turns {
            return Verdict::Overtaken;
        }
        let is_same_history = !state.is_distrusted
            && now >= before.reached
            && head.revision >= before.changed
            && !state.heads.0.iter().any(|other| (head.revision + 1..=now).contains(&other.revision));
        let (kept, is_forgotten) = (state.heads.find(head.revision), state.heads.have_forgotten(head.revision));
        if !is_same_history || kept.map_or(head.revision <= state.applied && !is_forgotten, |nonce| nonce != head.nonce)
        {
            state.distrust();
            return Verdict::OtherHistory;
        }
        match kept {
            // The process was stopped for long while the read was under way.
            None if is_forgotten => return Verdict::Overtaken,
            None => return Verdict::Behind,
            Some(_) => {}
        }
        state.confirm(begin, self.max_staleness);
        Verdict::Confirmed
    }

    /// Says that the copy reflects a history that is not etcd's any more. Nothing in it can be relied upon until it is loaded
    /// again.
    pub(super) fn distrust(&self) {
        self.state().distrust();
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
        state.applied = state.applied.max(revision);
        let applied = state.applied;
        drop(state);
        self.applied.send_replace(applied);
    }

    /// Ignores poisoning: what a panic leaves behind is refused once it is too old, and loaded again.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn confirm(&mut self, moment: BootTime, max_staleness: Duration) {
        if self.confirmed.is_none_or(|confirmed| confirmed < moment) {
            self.confirmed = Some(moment);
            self.live.set_fresh_until(moment.plus(max_staleness));
        }
    }

    fn distrust(&mut self) {
        self.is_distrusted = true;
        self.confirmed = None;
        self.live.set_fresh_until(BootTime::START);
        self.live.wake_if_stale();
    }
}

impl LiveTokensWriter {
    fn apply(&mut self, event: Event) {
        match event {
            // A token that is live already keeps the time of its last use.
            Event::Put(record) if self.tokens().holds(&(&record).into()) => {}
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

    /// Whether a value that was put in this revision may have been kept and is not any more.
    fn have_forgotten(&self, revision: Revision) -> bool {
        self.0.len() == HEADS && self.0.front().is_some_and(|oldest| revision < oldest.revision)
    }

    /// The nonce that was put in this revision, if it is kept.
    fn find(&self, revision: Revision) -> Option<&[u8]> {
        let place = self.0.binary_search_by_key(&revision, |head| head.revision).ok()?;
        Some(&self.0[place].nonce)
    }
}
