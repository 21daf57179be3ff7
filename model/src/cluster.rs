//! The cluster: nodes, etcd, clients and time, and the steps that each can take.

use stateright::{Model, Property};

use crate::action::Action;
use crate::bounds::Bounds;
use crate::etcd::{Etcd, Mark};
use crate::node::{Node, Source};
use crate::properties;
use crate::state::{State, next_change, possible};
use crate::variant::Variant;

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct Cluster {
    /// How far it goes.
    pub bounds: Bounds,
    /// Its mistake.
    pub variant: Variant,
}

impl Model for Cluster {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let nodes = vec![Node::new(); self.bounds.nodes.len()];
        vec![State { etcd: Etcd::new(), nodes, fates: Default::default() }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let Bounds { restore, foreign, revisions, .. } = self.bounds;
        let present = &state.etcd.present;
        actions.push(Action::Tick);
        if restore && state.etcd.era == 0 {
            actions.extend((1..present.revision()).map(Action::Restore));
        }
        if foreign && present.revision() < revisions {
            actions.push(Action::Foreign);
        }
        if self.bounds.elsewhere && present.revision() < revisions {
            let tokens = self.bounds.tokens.iter();
            let changes = tokens.filter_map(|token| next_change(&self.bounds, state, *token, Mark::First));
            actions.extend(changes.filter(|change| possible(present, *change)).map(Action::Elsewhere));
        }
        for index in 0..state.nodes.len() {
            if state.nodes[index].paused {
                actions.push(Action::Resume(index));
                continue;
            }
            let role = self.bounds.nodes[index];
            if self.bounds.pauses && role.serves() {
                actions.push(Action::Pause(index));
            }
            if role.copies() {
                self.copy_actions(state, index, actions);
                self.confirm_actions(&state.nodes[index], index, actions);
            }
            if role.serves() {
                self.request_actions(state, index, actions);
            }
            if role.writes() {
                self.write_actions(state, index, actions);
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        self.take(&mut state, action);
        self.tidy(&mut state);
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(&self.bounds)
    }
}

impl Cluster {
    /// Forgets what cannot matter any more, so that equal situations are equal states.
    fn tidy(&self, state: &mut State) {
        let State { etcd, nodes, .. } = state;
        for node in nodes.iter_mut() {
            // A response of `live/head` is compared with the last head at `t0` and later ones.
            if node.confirm.is_none() && self.variant != Variant::AnyHeadOfRing {
                node.heads.drain(..node.heads.len().saturating_sub(1));
            }
            if let Some(request) = &mut node.request {
                request.live_throughout &= etcd.present.is_live(request.token);
            }
        }
        let old = |era: usize| era < etcd.era;
        if !nodes
            .iter()
            .any(|node| matches!(node.source, Source::Opened { era } | Source::Watching { era } if old(era)))
        {
            etcd.replaced = None;
        }
        // Nodes of one role can be exchanged.
        if self.bounds.longer == 0 && self.bounds.nodes.iter().all(|role| *role == self.bounds.nodes[0]) {
            nodes.sort_unstable();
        }
    }
}
