//! Which steps are possible in a state.

use crate::action::Action;
use crate::cluster::Cluster;
use crate::etcd::{Mark, Token};
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
            Source::Started { .. } => actions.push(Action::BeginLoad(index)),
            Source::Begun { .. } => actions.push(Action::LoadPage(index)),
            Source::Loaded => {
                actions.push(if open_first { Action::OpenWatch(index) } else { Action::CheckHistory(index) });
                if self.bounds.foreign && node.can_skip(&state.etcd) {
                    actions.push(Action::Skip(index));
                }
                if self.bounds.compaction {
                    actions.push(Action::StartLoad(index));
                }
            }
            Source::Verified => actions.push(Action::OpenWatch(index)),
            Source::Opened { .. } => {
                actions.push(Action::CheckHistory(index));
                if self.bounds.compaction {
                    actions.push(Action::CheckCompacted(index));
                }
            }
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
            Source::Nowhere => self.variant == Variant::DistrustedCopyConfirmed && node.applied > 0,
            Source::Started { watch, .. } | Source::Begun { watch, .. } => watch.is_some(),
            _ => true,
        };
        match &node.confirm {
            None if complete => actions.push(Action::Confirm(index)),
            Some(confirm) if complete => {
                match node.verdict(confirm, self.variant) {
                    None => actions.push(Action::ReadHead(index)),
                    Some(Verdict::Behind) => {}
                    Some(Verdict::Confirmed | Verdict::Replaced) => actions.push(Action::Confirmed(index)),
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
                let named = |token: &Token| state.etcd.present.knows(*token) || node.copy[*token];
                let tokens = self.bounds.tokens.iter().copied().filter(named);
                actions.extend(tokens.map(|token| Action::Authenticate(index, token)));
            }
            Some(Stage::Waiting { .. }) => actions.push(Action::ReadToken(index)),
            Some(Stage::Confirmed) => actions.push(Action::LookUp(index)),
            Some(_) => actions.push(Action::Decide(index)),
        }
    }

    pub(crate) fn write_actions(&self, state: &State, index: usize, actions: &mut Vec<Action>) {
        let (node, present) = (&state.nodes[index], &state.etcd.present);
        let room = present.revision() < self.bounds.revisions;
        match &node.write {
            None => {
                for token in self.bounds.tokens {
                    let change = |mark| next_change(&self.bounds, state, *token, mark);
                    let first = change(Mark::First).filter(|_| room || present.knows(*token));
                    let rival = change(Mark::Second).filter(|change| self.bounds.rival && change.put().is_none());
                    actions.extend(first.into_iter().chain(rival).map(|change| Action::Send(index, change)));
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
