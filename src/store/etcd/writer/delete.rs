//! Deletions, which share transactions.

use std::collections::HashSet;

use etcd_client::{KeyValue, TxnOpResponse, TxnResponse};
use tokio::time::Instant;

use super::super::copy::{Event, Revision};
use super::super::read::get_all;
use super::super::record::id_from_value;
use super::super::transaction::{Mark, acting, may_act};
use super::{Answer, BATCH, Writer, contradiction, late, pairs, revision, values};
use crate::store::{Actor, Deletion, DeletionOutcome, StoreError, TokenSelector};
use crate::token::{TokenId, TokenName};

/// A deletion that is not answered yet.
struct Open {
    deletion: Deletion,
    mark: Mark,
    /// The token that was selected, once that is known.
    id: Option<TokenId>,
    answer: Answer<DeletionOutcome>,
}

impl Writer {
    /// Makes these deletions, in this order, and answers them.
    pub(super) async fn delete(&mut self, deletions: Vec<(Instant, Deletion, Answer<DeletionOutcome>)>) {
        let now = Instant::now();
        let (mut open, mut deadline) = (Vec::with_capacity(deletions.len()), now);
        for (until, deletion, answer) in deletions {
            let deletion = Open::new(deletion, answer);
            if until <= now {
                fail(vec![deletion], &late());
                continue;
            }
            deadline = deadline.max(until);
            open.push(deletion);
        }
        while !open.is_empty() {
            open = self.resolve_names(open, deadline).await;
            let waiting = take_waiting(&mut open);
            let epoch = self.epoch;
            let retried = self.delete_together(open, deadline).await;
            // Another part of the trail or another token, or it would be the same transaction once more.
            let (retried, stuck) = retried.into_iter().partition(|each| each.id.is_none() || epoch != self.epoch);
            fail(stuck, &contradiction());
            open = retried;
            open.extend(waiting);
        }
    }

    /// Makes deletions that do not depend on each other in one transaction. Returns those that must be tried again.
    async fn delete_together(&mut self, open: Vec<Open>, deadline: Instant) -> Vec<Open> {
        let Some(first) = open.first() else { return open };
        let begin = Instant::now();
        // A transaction without others in it takes etcd less time.
        let is_alone = open.len() == 1;
        let mut each = open.iter().filter_map(|Open { deletion, mark, id, .. }| {
            Some(self.change(mark).deletion((*id)?, deletion.name(), deletion, is_alone))
        });
        let transaction = match each.next() {
            Some(alone) if is_alone => alone,
            first_of_many => self.change(&first.mark).together(first_of_many.into_iter().chain(each)),
        };
        let answer = match self.commit(deadline, transaction).await {
            Ok(answer) => answer,
            Err(error) => {
                fail(open, &error);
                return Vec::new();
            }
        };
        self.counters.committed(open.len(), begin.elapsed());
        let revision = revision(&answer);
        let results = if is_alone {
            vec![answer]
        } else {
            let results = answer.op_responses().into_iter().filter_map(|response| match response {
                TxnOpResponse::Txn(result) => Some(result),
                _ => None,
            });
            results.collect()
        };
        let mut retried = Vec::new();
        for (mut open, result) in open.into_iter().zip(results) {
            match self.outcome(&mut open, revision, &result) {
                // The receiver may be gone; ignore the error.
                Some(outcome) => _ = open.answer.send(Ok(outcome)),
                None => retried.push(open),
            }
        }
        retried
    }

    /// The outcome of a deletion; `None` if it must be tried again.
    fn outcome(&mut self, open: &mut Open, revision: Revision, result: &TxnResponse) -> Option<DeletionOutcome> {
        let id = open.id?;
        if result.succeeded() {
            self.made(revision, Event::Delete(id));
            return Some(DeletionOutcome::Deleted(id));
        }
        // In the order of the reads in `Change::deletion`, after that of the store.
        let pairs = pairs(result.op_responses());
        let [_, token, deleted, epoch, rest @ ..] = &pairs[..] else { return Some(DeletionOutcome::NotFound) };
        self.note_epoch(epoch.as_ref());
        if let Some(deleted) = deleted.as_ref().filter(|deleted| open.mark.is(deleted.value())) {
            // The same request, sent before.
            self.copy.apply_own(deleted.create_revision(), Event::Delete(id));
            return Some(DeletionOutcome::Deleted(id));
        }
        let (name, acting) = rest.split_at(usize::from(open.deletion.name().is_some()));
        if !may_act(Some(open.deletion.by()), &values(acting)) {
            return Some(DeletionOutcome::Unauthorized);
        }
        let name_leads_here = name.iter().all(|name| leads_to(name.as_ref()) == Some(id));
        if token.is_none() && name_leads_here {
            return Some(DeletionOutcome::NotFound);
        }
        if !name_leads_here {
            open.id = None;
        }
        None
    }

    /// Finds the tokens that are selected by their names, and answers the deletions whose name no token ever had.
    async fn resolve_names(&self, open: Vec<Open>, deadline: Instant) -> Vec<Open> {
        let mut resolved = Vec::with_capacity(open.len());
        for mut each in open {
            let (None, Some(name)) = (each.id, each.deletion.name()) else {
                resolved.push(each);
                continue;
            };
            let by = Some(each.deletion.by());
            let keys = [self.keys.name(name)].into_iter().chain(acting(&self.keys, by)).collect();
            let pairs = match get_all(&self.members, deadline, keys).await {
                Ok(pairs) => pairs,
                Err(error) => {
                    fail(vec![each], &error.into());
                    continue;
                }
            };
            each.id = pairs.first().and_then(|name| leads_to(name.as_ref()));
            if each.id.is_some() {
                resolved.push(each);
                continue;
            }
            let may_act = may_act(by, &values(pairs.get(1..).unwrap_or_default()));
            let outcome = if may_act { DeletionOutcome::NotFound } else { DeletionOutcome::Unauthorized };
            // The receiver may be gone; ignore the error.
            _ = each.answer.send(Ok(outcome));
        }
        resolved
    }
}

impl Open {
    fn new(deletion: Deletion, answer: Answer<DeletionOutcome>) -> Self {
        let id = match deletion.token() {
            TokenSelector::Id(id) => Some(*id),
            TokenSelector::Name(_) => None,
        };
        Self { mark: Mark::of(&deletion), id, deletion, answer }
    }
}

impl Deletion {
    /// The name by which the token is selected.
    fn name(&self) -> Option<&TokenName> {
        match self.token() {
            TokenSelector::Name(name) => Some(name),
            TokenSelector::Id(_) => None,
        }
    }
}

/// Takes out those that must wait for the others: a transaction evaluates all preconditions before it changes anything, so
/// two deletions of one token would both succeed, and so would a deletion by a token that another one deletes.
fn take_waiting(open: &mut Vec<Open>) -> Vec<Open> {
    let mut deleted = HashSet::new();
    let mut together = 0;
    let (ready, waiting) = std::mem::take(open).into_iter().partition(|each| {
        let actor = match each.deletion.by() {
            Actor::Token { id, .. } => Some(*id),
            Actor::Other(_) => None,
        };
        let is_ready = together < BATCH
            && !actor.is_some_and(|actor| deleted.contains(&actor))
            && !each.id.is_some_and(|id| deleted.contains(&id));
        // Those behind it wait for one that waits, too, if they depend on it.
        deleted.extend(each.id);
        together += usize::from(is_ready);
        is_ready
    });
    *open = ready;
    waiting
}

fn leads_to(name: Option<&KeyValue>) -> Option<TokenId> {
    id_from_value(name?.value())
}

fn fail(open: Vec<Open>, error: &StoreError) {
    // The receivers may be gone; ignore the errors.
    open.into_iter().for_each(|open| _ = open.answer.send(Err(error.clone())));
}
