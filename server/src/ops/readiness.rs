//! Whether requests should be sent to this server, and whether it can make changes.
//!
//! A server is ready if it can authenticate. One that cannot make changes stays ready: a load balancer would take all nodes
//! of a cluster away at once, although each could answer nearly every request.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use influxdb3_tokens::{Catalog, StoreStatistics};
use tokio::sync::watch;
use tokio::time::timeout;

/// The reasons why requests should not be sent to this server, as far as they are known without asking the store.
pub(super) fn against_requests(is_draining: bool, store: &StoreStatistics) -> Vec<&'static str> {
    let is_too_old = store.copy.as_ref().is_some_and(|copy| !copy.is_fresh);
    holding([(is_draining, "draining"), (is_too_old, "the copy of the tokens is too old")])
}

/// The reasons why this server can make no changes, but for [`FAILING`].
pub(super) fn against_changes(store: &StoreStatistics) -> Vec<&'static str> {
    let is_full = store.queue_capacity > 0 && store.queue_depth >= store.queue_capacity;
    holding([(is_full, "too many changes wait for the store")])
}

fn holding<const N: usize>(reasons: [(bool, &'static str); N]) -> Vec<&'static str> {
    reasons.into_iter().filter_map(|(holds, reason)| holds.then_some(reason)).collect()
}

/// The reason that the store may take no changes.
pub(super) const FAILING: &str = "the last commit failed";

/// The reason that a store on other machines cannot be reached.
pub(super) const UNANSWERED: &str = "the store does not answer";

/// What a store has shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// It commits.
    pub(super) commits: bool,
    /// It answers. One that is not on other machines always does.
    pub(super) answers: bool,
}

/// The attempts to find out whether the store works. Those that ask within a second share one, and one at a time is under
/// way, because each may write.
#[derive(Debug, Default)]
pub(super) struct Probes(Mutex<Option<Probe>>);

#[derive(Clone, Debug)]
struct Probe {
    begin: Instant,
    commits: Answer,
    answers: Answer,
}

/// `None` until there is one. A store may take longer to refuse a commit than to answer.
type Answer = watch::Receiver<Option<bool>>;

/// The least time between the beginnings of two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a store may take to show that it works.
const PATIENCE: Duration = Duration::from_secs(2);

impl Probes {
    /// What the store has shown at most a second ago, or shows now.
    pub(super) async fn of(&self, catalog: &Catalog) -> Shown {
        let Probe { commits, answers, .. } = self.current(catalog);
        let (commits, answers) = tokio::join!(is_yes(commits), is_yes(answers));
        Shown { commits, answers }
    }

    fn current(&self, catalog: &Catalog) -> Probe {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(probe) if probe.begin.elapsed() < PAUSE || !probe.has_ended() => probe.clone(),
            _ => last.insert(Probe::begin(catalog)).clone(),
        }
    }
}

impl Probe {
    fn begin(catalog: &Catalog) -> Self {
        let [committing, answering] = [catalog.clone(), catalog.clone()];
        Self {
            begin: Instant::now(),
            commits: answer(async move { committing.probe_store().await.is_ok() }),
            answers: answer(async move { answering.reach_store().await.is_ok() }),
        }
    }

    fn has_ended(&self) -> bool {
        // A task that panics closes its channel.
        [&self.commits, &self.answers].iter().all(|answer| answer.borrow().is_some() || answer.has_changed().is_err())
    }
}

/// Asks in a task of its own, which goes on after the requests that wait for the answer have ended.
fn answer(asked: impl Future<Output = bool> + Send + 'static) -> Answer {
    let (sender, answer) = watch::channel(None);
    tokio::spawn(async move { sender.send_replace(Some(asked.await)) });
    answer
}

async fn is_yes(mut answer: Answer) -> bool {
    let answered = timeout(PATIENCE, answer.wait_for(Option::is_some)).await;
    matches!(answered, Ok(Ok(answer)) if *answer == Some(true))
}
