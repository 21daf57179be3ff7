//! The state of the cluster, and what clients and a restore do to it.

use crate::bounds::Bounds;
use crate::etcd::{Change, Etcd, History, Mark, Token, other_of};
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fate {
    /// The time since the first 204, or since a restore made the token unknown.
    pub gone: Option<Ticks>,
    /// Which marks got 204.
    pub acknowledged: [bool; 2],
}

/// The change of a token that a client can ask for. A token that a restore lost does not get live again.
pub(crate) fn next_change(bounds: &Bounds, state: &State, token: Token, mark: Mark) -> Option<Change> {
    let present = &state.etcd.present;
    match (present.knows(token), state.fates[token].gone) {
        (true, _) => Some(Change::Delete(token, mark)),
        (false, None) if present.is_live(other_of(token)) => bounds.regeneration.then_some(Change::Regenerate(token)),
        (false, None) if !present.knows(other_of(token)) => Some(Change::Create(token)),
        (false, _) => None,
    }
}

/// Whether the preconditions of a transaction hold.
pub(crate) fn possible(present: &History, change: Change) -> bool {
    match change {
        Change::Create(token) => !present.knows(token) && !present.knows(other_of(token)),
        Change::Regenerate(token) => !present.knows(token) && present.is_live(other_of(token)),
        Change::Delete(token, _) => present.is_live(token),
        Change::Foreign => false,
    }
}

/// A client hears from this node, or from a further one, that its change was made.
pub(crate) fn acknowledge(state: &mut State, index: Option<usize>, change: Change) {
    let Some((token, mark)) = change.ended() else { return };
    if let Some(index) = index {
        state.nodes[index].acknowledged[token] = true;
    }
    let fate = &mut state.fates[token];
    fate.gone.get_or_insert(0);
    if let Some(mark) = mark {
        fate.acknowledged[mark as usize] = true;
    }
}

/// A restore takes back what it lost: a token lives again, or was never created. The bound for the latter counts from here,
/// even if its deletion was acknowledged.
pub(crate) fn restore(state: &mut State, backup: usize, late: bool) {
    let knew: Vec<_> = (0..TOKENS).map(|token| state.etcd.present.knows(token)).collect();
    state.etcd.restore(backup, late);
    let present = &state.etcd.present;
    let is_lost = |token: Token| knew[token] && !present.knows(token);
    for node in &mut state.nodes {
        // The same secret was refused before; it must not be accepted now.
        node.write.take_if(|write| write.change.put().is_some_and(is_lost));
        if !late {
            if node.confirm.is_some_and(|confirm| confirm.answer.is_some()) {
                node.drop_confirm();
            }
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
            fate.gone = Some(0);
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
