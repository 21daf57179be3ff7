//! What each step does.

use crate::action::Action;
use crate::cluster::Cluster;
use crate::etcd::{Change, Etcd, Token};
use crate::freshness::Verdict;
use crate::node::{Answer, Node, Request, Response, Source, Stage, Ticks, Write};
use crate::state::{State, acknowledge, hear, possible, restore};
use crate::variant::Variant;

impl Cluster {
    pub(crate) fn take(&self, state: &mut State, action: Action) {
        let Self { bounds, variant } = *self;
        let State { etcd, nodes, .. } = state;
        match action {
            Action::Tick => self.tick(state),
            Action::Restore(backup) => restore(state, backup, self.bounds.late),
            Action::Foreign => {
                etcd.commit(Change::Foreign);
            }
            Action::Elsewhere(change) => {
                etcd.commit(change);
                acknowledge(state, None, change);
            }
            Action::Pause(index) => nodes[index].paused = true,
            Action::Resume(index) => nodes[index].paused = false,
            Action::StartLoad(index) => nodes[index].start_load(variant),
            Action::BeginLoad(index) => nodes[index].begin_load(etcd),
            Action::LoadPage(index) => nodes[index].load_page(etcd, bounds.ids(), bounds.staleness_of(index), variant),
            Action::Skip(index) => nodes[index].skip(etcd),
            Action::OpenWatch(index) => nodes[index].open_watch(etcd, variant),
            Action::CheckHistory(index) => nodes[index].check_history(etcd, false, variant),
            Action::CheckCompacted(index) => nodes[index].check_history(etcd, true, variant),
            Action::Deliver(index) => self.deliver(state, index),
            Action::Break(index) => nodes[index].source = Source::Loaded,
            Action::Confirm(index) => {
                nodes[index].ask();
                if !bounds.restore {
                    answer(etcd, &mut nodes[index]);
                }
            }
            Action::ReadHead(index) => {
                answer(etcd, &mut nodes[index]);
                if let (Variant::PositionBeforeClock, Some(confirm)) = (variant, &mut nodes[index].confirm) {
                    confirm.age = 0;
                }
            }
            Action::Confirmed(index) => self.judge(&mut nodes[index], bounds.staleness_of(index)),
            Action::Unconfirmed(index) => nodes[index].drop_confirm(),
            Action::Presume(index) => nodes[index].fresh = bounds.staleness_of(index),
            Action::Authenticate(index, token) => self.authenticate(state, index, token),
            Action::LookUp(index) => nodes[index].look_up(true),
            Action::ReadToken(index) => {
                if let Some(request) = &mut nodes[index].request {
                    request.stage = Stage::Read { age: 0, live: etcd.present.is_live(request.token) };
                }
            }
            Action::Decide(index) => self.decide(state, index),
            Action::Send(index, change) => {
                nodes[index].write = Some(Write { change, response: None });
            }
            Action::Commit(index) => self.commit(etcd, &mut nodes[index]),
            Action::Respond(index) => self.respond(state, index),
            Action::LoseResponse(index) => nodes[index].repeat(),
            Action::GiveUp(index) => {
                let given_up = nodes[index].write.take();
                if let (Variant::UnknownIsSuccess, Some(Write { change, .. })) = (variant, given_up) {
                    acknowledge(state, Some(index), change);
                }
            }
        }
    }

    fn tick(&self, state: &mut State) {
        let oldest = self.bounds.oldest();
        for node in &mut state.nodes {
            if !(node.paused && self.variant == Variant::ClockStopsDuringPause) {
                node.tick(oldest, self.variant);
            }
        }
        for age in state.fates.iter_mut().filter_map(|fate| fate.gone.as_mut()) {
            *age = (*age + 1).min(oldest);
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

    fn judge(&self, node: &mut Node, longest: Ticks) {
        let Some(confirm) = node.confirm else { return };
        let age = if self.variant == Variant::ClockReadAfterConfirm { 0 } else { confirm.age };
        match node.verdict(&confirm, self.variant) {
            Some(Verdict::Confirmed) => node.confirmed(age, longest),
            Some(Verdict::Replaced) => node.replaced(self.variant),
            Some(Verdict::Behind) | None => {}
        }
    }

    fn authenticate(&self, state: &mut State, index: usize, token: Token) {
        let node = &mut state.nodes[index];
        node.request = Some(Request {
            token,
            stage: Stage::Waiting { served: false },
            live_throughout: state.etcd.present.is_live(token),
            after_own_deletion: node.acknowledged[token],
        });
        node.look_up(false);
        // A request that the copy cannot answer waits at once, unless a variant answers it.
        if !self.answers(state, index) {
            self.decide(state, index);
        }
    }

    fn answers(&self, state: &State, index: usize) -> bool {
        let node = &state.nodes[index];
        node.accepts(self.bounds.staleness_of(index), self.variant).is_some() || node.rejects(self.variant).is_some()
    }

    /// Ends the request, or lets it wait: the properties read from the state before what the answer would be.
    fn decide(&self, state: &mut State, index: usize) {
        let answered = self.answers(state, index);
        let node = &mut state.nodes[index];
        let served = self.variant == Variant::SharedConfirmTooOld && node.confirm.is_some();
        match &mut node.request {
            Some(Request { stage: stage @ Stage::LookedUp { .. }, .. }) if !answered => {
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
            change => match change.put().filter(|token| etcd.present.is_live(*token)) {
                Some(token) => {
                    let revision = etcd.present.put(token).unwrap_or(0);
                    Response::Done { revision, era, earlier: true }
                }
                None => Response::Refused,
            },
        });
    }

    fn respond(&self, state: &mut State, index: usize) {
        let node = &mut state.nodes[index];
        let Some(Write { change, response }) = node.write else { return };
        node.write = None;
        let Some(Response::Done { revision, era, .. }) = response else { return };
        node.apply_own(change, revision, self.variant);
        hear(state, era);
        if era == state.etcd.era {
            acknowledge(state, Some(index), change);
        }
    }
}

/// etcd answers the read of `live/head`.
fn answer(etcd: &Etcd, node: &mut Node) {
    let revision = etcd.present.revision();
    let answer = etcd.present.head_at(revision).map(|head| Answer { head, revision });
    if let Some(confirm) = &mut node.confirm {
        confirm.answer = answer;
    }
}
