//! What each step does.

use crate::action::Action;
use crate::bounds::Bounds;
use crate::cluster::Cluster;
use crate::etcd::{Change, Etcd, TokenId};
use crate::freshness::Verdict;
use crate::node::{Confirm, Node, Request, Response, Source, Stage, Write};
use crate::state::{State, acknowledge, hear, possible, restore};
use crate::variant::Variant;

impl Cluster {
    pub(crate) fn take(&self, state: &mut State, action: Action) {
        let Self { bounds: Bounds { tokens, max_staleness, .. }, variant } = *self;
        let State { etcd, nodes, .. } = state;
        match action {
            Action::Tick => self.tick(state),
            Action::Restore(backup) => restore(state, backup, self.bounds.late),
            Action::Foreign => {
                etcd.commit(Change::Foreign);
            }
            Action::Elsewhere(change) => {
                etcd.commit(change);
                if let Change::Delete(token, mark) = change {
                    state.fates[token].acknowledge(mark);
                }
            }
            Action::Pause(index) => nodes[index].paused = true,
            Action::Resume(index) => nodes[index].paused = false,
            Action::StartLoad(index) => nodes[index].start_load(etcd, tokens),
            Action::LoadSecondPage(index) => nodes[index].load_second_page(etcd),
            Action::OpenWatch(index) => nodes[index].open_watch(etcd, variant),
            Action::CheckHistory(index) => nodes[index].check_history(etcd, variant),
            Action::Deliver(index) => self.deliver(state, index),
            Action::Break(index) => nodes[index].source = Source::Loaded,
            Action::Confirm(index) => self.ask(etcd, &mut nodes[index]),
            Action::Confirmed(index) => self.judge(&mut nodes[index]),
            Action::Unconfirmed(index) => nodes[index].drop_confirm(),
            Action::Presume(index) => nodes[index].fresh = max_staleness,
            Action::Authenticate(index, token) => self.authenticate(etcd, &mut nodes[index], token),
            Action::ReadToken(index) => {
                if let Some(request) = &mut nodes[index].request {
                    request.stage = Stage::Read { age: 0, live: etcd.present.is_live(request.token) };
                }
            }
            Action::Decide(index) => self.decide(&mut nodes[index]),
            Action::Send(index, change) => {
                nodes[index].write = Some(Write { change, response: None });
            }
            Action::Commit(index) => self.commit(etcd, &mut nodes[index]),
            Action::Respond(index) => self.respond(state, index),
            Action::LoseResponse(index) => nodes[index].repeat(),
            Action::GiveUp(index) => {
                let given_up = nodes[index].write.take();
                if let (Variant::UnknownIsSuccess, Some(Write { change: Change::Delete(token, mark), .. })) =
                    (variant, given_up)
                {
                    acknowledge(state, index, token, mark);
                }
            }
        }
    }

    fn tick(&self, state: &mut State) {
        let max_staleness = self.bounds.max_staleness;
        for node in &mut state.nodes {
            if !(node.paused && self.variant == Variant::ClockStopsDuringPause) {
                node.tick(max_staleness);
            }
        }
        for age in state.fates.iter_mut().filter_map(|fate| fate.gone.as_mut()) {
            *age = (*age + 1).min(max_staleness + 1);
        }
    }

    fn deliver(&self, state: &mut State, index: usize) {
        let node = &mut state.nodes[index];
        let Some(era) = node.watch() else { return };
        let event = state.etcd.history_of(era).and_then(|history| history.event_after(node.applied));
        if let Some((head, change)) = event {
            node.apply(head, change, self.variant);
            hear(state, era);
        }
    }

    fn ask(&self, etcd: &Etcd, node: &mut Node) {
        let revision = etcd.present.revision();
        let head = etcd.present.head_at(revision);
        node.confirm = head.map(|head| Confirm { age: 0, known: node.known(), head, revision });
        if let Some(Request { stage: Stage::Waiting { served }, .. }) = &mut node.request {
            *served = true;
        }
    }

    fn judge(&self, node: &mut Node) {
        let Some(confirm) = node.confirm else { return };
        let age = if self.variant == Variant::ClockReadAfterConfirm { 0 } else { confirm.age };
        match node.verdict(&confirm, self.variant) {
            Verdict::Confirmed => node.confirmed(age, self.bounds.max_staleness),
            Verdict::Replaced => node.replaced(),
            Verdict::Behind => {}
        }
    }

    fn authenticate(&self, etcd: &Etcd, node: &mut Node, token: TokenId) {
        node.request = Some(Request {
            token,
            stage: Stage::Waiting { served: false },
            live_throughout: etcd.present.is_live(token),
            after_own_deletion: node.acknowledged[token],
        });
        node.look_up(false);
        // A request that the copy cannot answer waits at once, unless a variant answers it.
        if node.accepts(self.bounds.max_staleness, self.variant).is_none() && node.rejects(self.variant).is_none() {
            self.decide(node);
        }
    }

    /// Ends the request, or lets it wait: the properties read from the state before what the answer would be.
    fn decide(&self, node: &mut Node) {
        let answered =
            node.accepts(self.bounds.max_staleness, self.variant).is_some() || node.rejects(self.variant).is_some();
        let served = self.variant == Variant::SharedConfirmTooOld && node.confirm.is_some();
        match &mut node.request {
            Some(Request { stage: stage @ Stage::LookedUp { confirmed: false, .. }, .. }) if !answered => {
                *stage = Stage::Waiting { served };
            }
            request => *request = None,
        }
    }

    /// The transaction compares that the token exists. Its else-branch reads the mark of the deletion.
    fn commit(&self, etcd: &mut Etcd, node: &mut Node) {
        let Some(write) = &mut node.write else { return };
        let era = etcd.era;
        write.response = Some(match write.change {
            change if possible(&etcd.present, change) => {
                Response::Done { revision: etcd.commit(change), era, earlier: false }
            }
            Change::Delete(token, mark) => match etcd.present.deletion(token) {
                Some((revision, by)) if by == mark || self.variant == Variant::RetryWithoutMark => {
                    Response::Done { revision, era, earlier: true }
                }
                _ => Response::Refused,
            },
            _ => Response::Refused,
        });
    }

    fn respond(&self, state: &mut State, index: usize) {
        let node = &mut state.nodes[index];
        let Some(Write { change, response }) = node.write else { return };
        node.write = None;
        let Some(Response::Done { revision, era, .. }) = response else { return };
        node.apply_own(change, revision, self.variant);
        hear(state, era);
        if let Change::Delete(token, mark) = change
            && era == state.etcd.era
        {
            acknowledge(state, index, token, mark);
        }
    }
}
