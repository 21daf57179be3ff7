//! The state of the cluster, and what clients and a restore do to it.

use crate::etcd::{Change, Etcd, History, Mark, TokenId};
use crate::node::{Node, TOKENS, Ticks};

/// The state of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// etcd.
    pub etcd: Etcd,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// What clients were told of each token.
    pub fates: [Fate; TOKENS],
}

/// What clients were told of a token; only the properties read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fate {
    /// The time since the first 204, or since a restore made the token unknown.
    pub gone: Option<Ticks>,
    /// The marks that got 204.
    pub acknowledged: Vec<Mark>,
}

/// The change of a token that a client can ask for. A token that a restore lost is not created again.
pub(crate) fn next_change(state: &State, token: TokenId, mark: Mark) -> Option<Change> {
    match (state.etcd.present.knows(token), state.fates[token].gone) {
        (true, _) => Some(Change::Delete(token, mark)),
        (false, None) => Some(Change::Create(token)),
        (false, Some(_)) => None,
    }
}

/// Whether the preconditions of a transaction hold.
pub(crate) fn possible(present: &History, change: Change) -> bool {
    match change {
        Change::Create(token) => !present.knows(token),
        Change::Delete(token, _) => present.is_live(token),
        Change::Foreign => false,
    }
}

pub(crate) fn acknowledge(state: &mut State, index: usize, token: TokenId, mark: Mark) {
    state.nodes[index].acknowledged[token] = true;
    state.fates[token].acknowledge(mark);
}

impl Fate {
    pub(crate) fn acknowledge(&mut self, mark: Mark) {
        self.gone.get_or_insert(0);
        if !self.acknowledged.contains(&mark) {
            self.acknowledged.push(mark);
            self.acknowledged.sort_unstable();
        }
    }
}

/// A restore takes back what it lost: a token lives again, or was never created.
pub(crate) fn restore(state: &mut State, backup: usize, late: bool) {
    let knew: Vec<_> = (0..TOKENS).map(|token| state.etcd.present.knows(token)).collect();
    state.etcd.restore(backup, late);
    let present = &state.etcd.present;
    let is_lost = |token: TokenId| knew[token] && !present.knows(token);
    for node in &mut state.nodes {
        // A creation of the same secret was refused before; it must not succeed now.
        node.write.take_if(|write| matches!(write.change, Change::Create(token) if is_lost(token)));
        if !late {
            node.drop_confirm();
            if node.write.is_some_and(|write| write.response.is_some()) {
                node.repeat();
            }
        }
        for token in (0..TOKENS).filter(|token| present.is_live(*token)) {
            node.acknowledged[token] = false;
            if let Some(request) = node.request.as_mut().filter(|request| request.token == token) {
                request.after_own_deletion = false;
            }
        }
    }
    for (token, fate) in state.fates.iter_mut().enumerate() {
        if present.is_live(token) {
            *fate = Fate::default();
        } else if is_lost(token) {
            fate.gone.get_or_insert(0);
        }
    }
}

/// A node that hears of a lost token after the restore cannot know better. The bound counts from the last such message.
pub(crate) fn hear(state: &mut State, era: usize) {
    if era < state.etcd.era {
        let lost = |(token, fate): (usize, _)| (!state.etcd.present.knows(token)).then_some(fate);
        for fate in state.fates.iter_mut().enumerate().filter_map(lost) {
            fate.gone = fate.gone.map(|_| 0);
        }
    }
}
