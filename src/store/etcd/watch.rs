//! Following the changes in etcd: the task that keeps the copy up to date.

use std::sync::Arc;

use etcd_client::{EventType, GetOptions, KeyValue, WatchOptions, WatchResponse};
use futures::FutureExt;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::Counts;
use super::copy::{Event, Head, Known, Revision, TokenCopy};
use super::keys::Keys;
use super::load::{LoadError, load};
use super::members::{MemberIndex, Members, RequestError};
use super::record::token_from_value;
use crate::store::StoreError;

/// What the task works on.
pub(super) struct Follower {
    pub(super) members: Arc<Members>,
    pub(super) keys: Keys,
    pub(super) copy: Arc<TokenCopy>,
    pub(super) counts: Arc<Counts>,
    pub(super) orders: Arc<Orders>,
}

/// What a confirmation tells the follower.
#[derive(Default)]
pub(super) struct Orders {
    /// The stream of changes is behind: begin it again, at another member.
    pub(super) restart: Notify,
    /// The history was replaced: load the tokens again.
    pub(super) reload: Notify,
}

/// Why a stream of changes ended.
enum End {
    /// It is to be begun again at the next change.
    Lost,
    /// The next change is not to be had any more, or belongs to another history.
    Reload,
}

impl Follower {
    /// Follows the changes until the task is aborted.
    pub(super) async fn run(self) {
        loop {
            let member = self.members.current();
            match self.follow(member).await {
                Ok(End::Lost) => self.members.leave(member),
                Ok(End::Reload) => self.reload().await,
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "the stream of changes from etcd ended");
                    self.members.leave(member);
                    sleep(self.members.request_timeout() / 4).await;
                }
            }
            self.counts.watch_restarts.add();
        }
    }

    /// Loads the tokens again, and tries until that succeeds.
    async fn reload(&self) {
        loop {
            self.counts.reloads.add();
            match load(&self.members, &self.keys, &self.copy).await {
                Ok(()) => {
                    // An order that came before the load is fulfilled.
                    _ = self.orders.reload.notified().now_or_never();
                    return;
                }
                Err(error) => {
                    if !matches!(error, LoadError::Request(_)) {
                        tracing::error!(error = &error as &dyn std::error::Error, "cannot load the tokens from etcd");
                    }
                    sleep(self.members.request_timeout() / 4).await;
                }
            }
        }
    }

    /// Follows the changes at one member until the stream ends.
    async fn follow(&self, member: MemberIndex) -> Result<End, RequestError> {
        let client = self.members.client(member).await?;
        let Some(start) = self.next_revision().await? else {
            return Ok(End::Reload);
        };
        let options = WatchOptions::new().with_range(self.keys.live_end()).with_start_revision(start);
        let mut client = client.watch_client();
        let begin = client.watch(self.keys.live(), Some(options));
        let mut stream = match timeout(self.members.request_timeout(), begin).await {
            Ok(stream) => stream?,
            Err(_) => return Err(RequestError::Timeout),
        };
        loop {
            let response = tokio::select! {
                response = stream.message() => response?,
                () = self.orders.restart.notified() => return Ok(End::Lost),
                () = self.orders.reload.notified() => return Ok(End::Reload),
            };
            let Some(response) = response else { return Ok(End::Lost) };
            if response.canceled() {
                let is_compacted = response.compact_revision() != 0;
                return Ok(if is_compacted { End::Reload } else { End::Lost });
            }
            if let Err(error) = self.apply(&response) {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot apply a change from etcd");
                return Ok(End::Reload);
            }
        }
    }

    /// The revision from which on changes are to be followed, if the copy reflects etcd's present history. `None` if the
    /// tokens must be loaded again.
    async fn next_revision(&self) -> Result<Option<Revision>, RequestError> {
        let Some(last) = self.copy.head() else { return Ok(None) };
        let (now, revision) = self.head_at(0).await?;
        match now {
            // Nothing changed since; so changes that were compacted in between are not missed.
            Some(now) if now == last => return Ok(Some(revision + 1)),
            Some(now) if now.revision > last.revision => {}
            Some(now) if self.copy.knows(&now) == Known::Applied => return Ok(Some(self.copy.applied() + 1)),
            _ => {
                self.copy.distrust();
                return Ok(None);
            }
        }
        // Changes were made; they continue this history if it had this value at that time.
        match self.head_at(last.revision).await {
            Ok((then, _)) if then.as_ref() == Some(&last) => Ok(Some(self.copy.applied() + 1)),
            Ok(_) => {
                self.copy.distrust();
                Ok(None)
            }
            // Compacted, or not reached yet by a history that was replaced.
            Err(RequestError::Refused(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The value of `head` at a revision, or at present if that is 0, and the present revision. A quorum answers.
    async fn head_at(&self, at: Revision) -> Result<(Option<Head>, Revision), RequestError> {
        read_head(&self.members, &self.keys, at).await
    }

    fn apply(&self, response: &WatchResponse) -> Result<(), StoreError> {
        let Some(last) = response.events().last().and_then(|event| event.kv()).map(KeyValue::mod_revision) else {
            return Ok(());
        };
        let events = response.events().iter().filter_map(|event| {
            let pair = event.kv()?;
            Some(self.event(event.event_type(), pair)?.map(|event| (pair.mod_revision(), event)))
        });
        let events = events.collect::<Result<Vec<_>, _>>()?;
        self.copy.apply(events, last);
        Ok(())
    }

    fn event(&self, kind: EventType, pair: &KeyValue) -> Option<Result<Event, StoreError>> {
        if pair.key() == self.keys.head().as_bytes() {
            return (kind == EventType::Put).then(|| Ok(Event::Head(pair.value().to_vec())));
        }
        let id = self.keys.id_of(pair.key())?;
        Some(match kind {
            EventType::Put => token_from_value(id, pair.value()).map(Event::Put),
            EventType::Delete => Ok(Event::Delete(id)),
        })
    }
}

/// The value of `head` at a revision, or at present if that is 0, and the present revision. A quorum answers.
pub(super) async fn read_head(
    members: &Members,
    keys: &Keys,
    at: Revision,
) -> Result<(Option<Head>, Revision), RequestError> {
    let deadline = Instant::now() + 2 * members.request_timeout();
    let answer = members.ask(deadline, |client| {
        let (key, options) = (keys.head(), GetOptions::new().with_revision(at));
        async move { client.kv_client().get(key, Some(options)).await }
    });
    let answer = answer.await?;
    let revision = answer.header().map_or(0, |header| header.revision());
    let head = answer.kvs().first();
    Ok((head.map(|head| Head { revision: head.mod_revision(), nonce: head.value().to_vec() }), revision))
}
