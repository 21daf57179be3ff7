//! Which steps are possible in a state.

use crate::action::Action;
use crate::cluster::Cluster;
use crate::etcd::{Mark, TokenId};
use crate::freshness::Verdict;
use crate::node::{Node, Source, Stage, Write};
use crate::state::{State, next_change, possible};
use crate::variant::Variant;

impl Cluster {
    pub(crate) fn copy_actions(&self, state: &State, index: usize, actions: &mut Vec<Action>) {
        let node = &state.nodes[index];
        let open_first = self.variant != Variant::HistoryCheckBeforeWatch;
        match node.source {
            Source::Nowhere => actions.push(Action::StartLoad(index)),
            Source::FirstPage { .. } => actions.push(Action::LoadSecondPage(index)),
            Source::Loaded => {
                actions.push(if open_first { Action::OpenWatch(index) } else { Action::CheckHistory(index) });
                if self.bounds.compaction {
                    actions.push(Action::StartLoad(index));
                }
            }
            Source::Verified => actions.push(Action::OpenWatch(index)),
            Source::Opened { .. } => actions.push(Action::CheckHistory(index)),
            Source::Watching { .. } => {
                if self.bounds.breaks {
                    actions.push(Action::Break(index));
                }
                if self.variant == Variant::WatchDuringLoad {
                    actions.push(Action::StartLoad(index));
                }
            }
        }
        if let Some(era) = node.watch() {
            if state.etcd.history_of(era).and_then(|history| history.event_after(node.applied)).is_some() {
                actions.push(Action::Deliver(index));
            }
            // A process takes silence for freshness even if it hears of nothing; progress comes from a member that is
            // reachable, at an older revision.
            let progress = era == state.etcd.era && node.applied < state.etcd.present.revision();
            if self.variant == Variant::FreshFromSilence || self.variant == Variant::FreshFromProgress && progress {
                actions.push(Action::Presume(index));
            }
        }
    }

    pub(crate) fn confirm_actions(&self, node: &Node, index: usize, actions: &mut Vec<Action>) {
        let complete = match node.source {
            Source::Nowhere => false,
            Source::FirstPage { watch, .. } => watch.is_some(),
            _ => true,
        };
        match &node.confirm {
            None if complete => actions.push(Action::Confirm(index)),
            Some(confirm) if complete => {
                if node.verdict(confirm, self.variant) != Verdict::Behind {
                    actions.push(Action::Confirmed(index));
                }
                actions.push(Action::Unconfirmed(index));
            }
            _ => {}
        }
    }

    pub(crate) fn request_actions(&self, state: &State, index: usize, actions: &mut Vec<Action>) {
        let node = &state.nodes[index];
        match node.request.as_ref().map(|request| request.stage) {
            None => {
                let named = |token: &TokenId| state.etcd.present.knows(*token) || node.copy[*token];
                actions.extend((0..self.bounds.tokens).filter(named).map(|token| Action::Authenticate(index, token)));
            }
            Some(Stage::Waiting { .. }) => actions.push(Action::ReadToken(index)),
            Some(_) => actions.push(Action::Decide(index)),
        }
    }

    pub(crate) fn write_actions(&self, state: &State, index: usize, actions: &mut Vec<Action>) {
        let (node, present) = (&state.nodes[index], &state.etcd.present);
        let room = present.revision() < self.bounds.revisions;
        match &node.write {
            None => {
                let marks = if self.bounds.rival { &[Mark::First, Mark::Second][..] } else { &[Mark::First] };
                for (token, mark) in
                    (0..self.bounds.tokens).flat_map(|token| marks.iter().map(move |mark| (token, *mark)))
                {
                    let change = next_change(state, token, mark).filter(|_| room || present.knows(token));
                    actions.extend(change.map(|change| Action::Send(index, change)));
                }
            }
            Some(Write { response: None, change, .. }) => {
                if room || !possible(present, *change) {
                    actions.push(Action::Commit(index));
                }
                actions.push(Action::GiveUp(index));
            }
            Some(_) => actions.extend([Action::Respond(index), Action::LoseResponse(index)]),
        }
    }
}
