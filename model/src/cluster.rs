//! The cluster: nodes, etcd, clients and time, and the steps that each can take.

use stateright::{Model, Property};

use crate::etcd::{Change, Etcd, History, Mark, TokenId};
use crate::node::{Confirm, Node, Request, Response, Source, Stage, TOKENS, Ticks, Verdict, Write};
use crate::properties;
use crate::variant::Variant;

/// How far the model goes. Each `true` adds actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The nodes.
    pub nodes: &'static [Role],
    /// Whether further nodes write. Each of their changes is one step: the earliest acknowledgement is the worst case.
    pub elsewhere: bool,
    /// How many tokens there are.
    pub tokens: usize,
    /// etcd's last revision.
    pub revisions: usize,
    /// `--max-staleness`.
    pub max_staleness: Ticks,
    /// Whether a second client deletes tokens too.
    pub rival: bool,
    /// Whether watches end and are opened again.
    pub breaks: bool,
    /// Whether etcd compacts, so that a node loads again.
    pub compaction: bool,
    /// Whether etcd is restored once.
    pub restore: bool,
    /// Whether messages of the etcd before the restore can still arrive after it.
    pub late: bool,
    /// Whether other keys raise etcd's revision.
    pub foreign: bool,
    /// Whether processes are suspended.
    pub pauses: bool,
}

/// What a node does. The steps of one that does everything multiply those of the others, so a check gives most nodes a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It keeps a copy, and gets requests with tokens and writes.
    All,
    /// It keeps a copy and gets requests with tokens.
    Serves,
    /// It keeps a copy and gets writes.
    Replicates,
    /// It gets writes. Its copy does not matter, because no request reads it.
    Writes,
}

impl Role {
    pub(crate) fn copies(self) -> bool {
        self != Self::Writes
    }

    pub(crate) fn serves(self) -> bool {
        matches!(self, Self::All | Self::Serves)
    }

    pub(crate) fn writes(self) -> bool {
        self != Self::Serves
    }
}

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct Cluster {
    /// How far it goes.
    pub bounds: Bounds,
    /// Its mistake.
    pub variant: Variant,
}

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

/// A step. The number is that of the node that takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Time passes everywhere.
    Tick,
    /// An administrator restores etcd from a backup of this revision.
    Restore(usize),
    /// Something else raises etcd's revision.
    Foreign,
    /// A further node makes a change and acknowledges it at once.
    Elsewhere(Change),
    /// The process is suspended.
    Pause(usize),
    /// The process goes on.
    Resume(usize),
    /// Load: the first page, at the present revision.
    StartLoad(usize),
    /// Load: the second page, at the revision of the first.
    LoadSecondPage(usize),
    /// Opens the watch.
    OpenWatch(usize),
    /// Compares histories.
    CheckHistory(usize),
    /// The watch delivers an event.
    Deliver(usize),
    /// The watch ends: its stream, its leader, its member or its node's patience is gone.
    Break(usize),
    /// Reads the clock, then `live/head`.
    Confirm(usize),
    /// The response of that read arrives, and the copy is at its revision.
    Confirmed(usize),
    /// The response is lost, or the watch is behind for too long.
    Unconfirmed(usize),
    /// A variant takes its copy for fresh.
    Presume(usize),
    /// A request with this token arrives.
    Authenticate(usize, TokenId),
    /// Reads a token in etcd, because the copy may be too old.
    ReadToken(usize),
    /// Reads the clock, and accepts, rejects, or waits for a confirmation.
    Decide(usize),
    /// A client asks for this change.
    Send(usize, Change),
    /// etcd decides the transaction.
    Commit(usize),
    /// etcd's response arrives.
    Respond(usize),
    /// etcd's response is lost. The node repeats a deletion with the same mark, and gives a creation up.
    LoseResponse(usize),
    /// The node answers 503, because it did not find out the outcome in time. The client may send again.
    GiveUp(usize),
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
            let changes = (0..self.bounds.tokens).filter_map(|token| next_change(state, token, Mark::First));
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

/// Which steps are possible.
impl Cluster {
    fn copy_actions(&self, state: &State, index: usize, actions: &mut Vec<Action>) {
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

    fn confirm_actions(&self, node: &Node, index: usize, actions: &mut Vec<Action>) {
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

    fn request_actions(&self, state: &State, index: usize, actions: &mut Vec<Action>) {
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

    fn write_actions(&self, state: &State, index: usize, actions: &mut Vec<Action>) {
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

/// What the steps do.
impl Cluster {
    fn take(&self, state: &mut State, action: Action) {
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
        if self.bounds.nodes.iter().all(|role| *role == self.bounds.nodes[0]) {
            nodes.sort_unstable();
        }
    }
}

impl Node {
    /// Sends the transaction again. A creation has no mark: the node gives it up, and the snapshot or the watch shows it.
    fn repeat(&mut self) {
        self.write = self.write.take().and_then(|write| match write.change {
            Change::Delete(..) => Some(Write { response: None, ..write }),
            _ => None,
        });
    }
}

/// The change of a token that a client can ask for. A token that a restore lost is not created again.
fn next_change(state: &State, token: TokenId, mark: Mark) -> Option<Change> {
    match (state.etcd.present.knows(token), state.fates[token].gone) {
        (true, _) => Some(Change::Delete(token, mark)),
        (false, None) => Some(Change::Create(token)),
        (false, Some(_)) => None,
    }
}

/// Whether the preconditions of a transaction hold.
fn possible(present: &History, change: Change) -> bool {
    match change {
        Change::Create(token) => !present.knows(token),
        Change::Delete(token, _) => present.is_live(token),
        Change::Foreign => false,
    }
}

fn acknowledge(state: &mut State, index: usize, token: TokenId, mark: Mark) {
    state.nodes[index].acknowledged[token] = true;
    state.fates[token].acknowledge(mark);
}

impl Fate {
    fn acknowledge(&mut self, mark: Mark) {
        self.gone.get_or_insert(0);
        if !self.acknowledged.contains(&mark) {
            self.acknowledged.push(mark);
            self.acknowledged.sort_unstable();
        }
    }
}

/// A restore takes back what it lost: a token lives again, or was never created.
fn restore(state: &mut State, backup: usize, late: bool) {
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
fn hear(state: &mut State, era: usize) {
    if era < state.etcd.era {
        let lost = |(token, fate): (usize, _)| (!state.etcd.present.knows(token)).then_some(fate);
        for fate in state.fates.iter_mut().enumerate().filter_map(lost) {
            fate.gone = fate.gone.map(|_| 0);
        }
    }
}
