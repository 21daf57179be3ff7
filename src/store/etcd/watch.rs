//! Following the changes in etcd: the task that keeps the copy up to date.

use std::sync::Arc;

use etcd_client::{EventType, GetOptions, KeyValue, WatchOptions, WatchResponse};
use futures::FutureExt;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::Counts;
use super::copy::{Event, Head, OtherHistory, Revision, TokenCopy};
use super::keys::Keys;
use super::load::{LoadError, load};
use super::members::{LONGEST_ANSWER, MemberIndex, Members, RequestError};
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

/// Why the changes cannot be followed.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    OtherHistory(#[from] OtherHistory),
    /// Changes are not to be had any more.
    #[error("changes were missed")]
    Missed(#[source] RequestError),
    /// The stream went on without some of the changes.
    #[error("etcd left out changes")]
    LeftOut,
    #[error(transparent)]
    Damaged(#[from] StoreError),
}

impl Follower {
    /// Follows the changes until the task is aborted.
    pub(super) async fn run(self) {
        loop {
            let member = self.members.current();
            match self.follow(member).await {
                Ok(End::Lost) => self.members.leave(member),
                Ok(End::Reload) => self.reload().await,
                Err(FollowError::Request(error)) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "the stream of changes from etcd ended");
                    self.members.leave(member);
                    sleep(self.members.request_timeout() / 4).await;
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the tokens are loaded again from etcd");
                    // Even if changes were only missed: their history may have been replaced as well.
                    self.copy.distrust();
                    self.reload().await;
                }
            }
            self.counts.watch_restarts.add();
        }
    }

    /// Loads the tokens again, and tries until that succeeds.
    async fn reload(&self) {
        let mut was_told = false;
        loop {
            self.counts.reloads.add();
            match load(&self.members, &self.keys, &self.copy).await {
                Ok(()) => {
                    // An order that came before the load is fulfilled.
                    _ = self.orders.reload.notified().now_or_never();
                    return;
                }
                Err(LoadError::Request(error)) if !matches!(error, RequestError::OtherStore) => {
                    sleep(self.members.request_timeout() / 4).await
                }
                // It stays so until somebody repairs it.
                Err(error) => {
                    if !was_told {
                        tracing::error!(error = &error as &dyn std::error::Error, "cannot load the tokens from etcd");
                    }
                    was_told = true;
                    sleep(4 * self.members.request_timeout()).await;
                }
            }
        }
    }

    /// Follows the changes at one member until the stream ends.
    async fn follow(&self, member: MemberIndex) -> Result<End, FollowError> {
        let client = self.members.client(member).await?;
        self.skip().await?;
        let start = self.copy.applied() + 1;
        let (watched, end_of_watched) = self.keys.watched();
        let options = WatchOptions::new().with_range(end_of_watched).with_start_revision(start);
        let mut client = client.watch_client().max_decoding_message_size(LONGEST_ANSWER);
        let begin = async {
            let mut stream = client.watch(watched, Some(options)).await?;
            // etcd says that the stream has begun, before any event.
            let first = stream.message().await?;
            Ok::<_, etcd_client::Error>((stream, first))
        };
        let (mut stream, first) = match timeout(self.members.request_timeout(), begin).await {
            Ok(begun) => begun.map_err(RequestError::from)?,
            Err(_) => return Err(RequestError::Timeout.into()),
        };
        if let Some(end) = end(first.as_ref()) {
            return Ok(end);
        }
        // After the stream has begun and before its first event is applied: a history that is replaced later ends it.
        let mut head_version = self.check_history().await?;
        loop {
            let response = tokio::select! {
                response = stream.message() => response.map_err(RequestError::from)?,
                () = self.orders.restart.notified() => return Ok(End::Lost),
                () = self.orders.reload.notified() => return Ok(End::Reload),
            };
            match (end(response.as_ref()), response) {
                (Some(end), _) => return Ok(end),
                (None, response) => {
                    response.iter().try_for_each(|response| self.apply(response, &mut head_version))?;
                }
            }
        }
    }

    /// Skips the revisions that changed no token, because their changes may be compacted.
    async fn skip(&self) -> Result<(), RequestError> {
        let (pair, now) = self.head_at(0).await?;
        let head = pair.as_ref().map(Head::from);
        if self.copy.is_complete(head.as_ref(), now) {
            self.copy.skip_to(now);
        }
        Ok(())
    }

    /// Checks that the copy reflects the history that etcd has now. Returns how often `head` was put up to the last change of
    /// the copy.
    async fn check_history(&self) -> Result<i64, FollowError> {
        let last = self.copy.position().head;
        let head = |pair: &Option<KeyValue>| pair.as_ref().map(Head::from);
        let pair = match self.head_at(self.copy.applied()).await {
            Ok((pair, _)) if head(&pair) == last => pair,
            Ok(_) => return Err(OtherHistory.into()),
            Err(error @ RequestError::Refused(_)) => match self.head_at(0).await? {
                // Nothing changed since, so nothing that was compacted is missed.
                (pair, now) if self.copy.is_complete(head(&pair).as_ref(), now) => pair,
                // Compacted, or not reached yet by a history that was replaced.
                _ => return Err(FollowError::Missed(error)),
            },
            Err(error) => return Err(error.into()),
        };
        Ok(pair.map_or(0, |pair| pair.version()))
    }

    /// The pair of `head` at a revision, or at present if that is 0, and the present revision. A quorum answers.
    async fn head_at(&self, at: Revision) -> Result<(Option<KeyValue>, Revision), RequestError> {
        read_head(&self.members, &self.keys, at).await
    }

    fn apply(&self, response: &WatchResponse, head_version: &mut i64) -> Result<(), FollowError> {
        let Some(last) = response.events().last().and_then(|event| event.kv()).map(KeyValue::mod_revision) else {
            return Ok(());
        };
        let events = response.events().iter().filter_map(|event| {
            let pair = event.kv()?;
            Some(self.event(event.event_type(), pair, head_version)?.map(|event| (pair.mod_revision(), event)))
        });
        let events = events.collect::<Result<Vec<_>, _>>()?;
        Ok(self.copy.apply(events, last)?)
    }

    fn event(&self, kind: EventType, pair: &KeyValue, head_version: &mut i64) -> Option<Result<Event, FollowError>> {
        if pair.key() == self.keys.head().as_bytes() {
            return Some(match kind {
                EventType::Put => count(head_version, pair.version()).map(|()| Event::Head(pair.value().to_vec())),
                // Somebody removes the store. Another one may follow under the same prefix.
                EventType::Delete => Err(OtherHistory.into()),
            });
        }
        // A compaction at the revision of a deletion can leave out that a key was removed, but no key that was put.
        if let Some(id) = self.keys.id_of_deleted(pair.key()) {
            return (kind == EventType::Put).then_some(Ok(Event::Delete(id)));
        }
        let id = self.keys.id_of(pair.key())?;
        Some(match kind {
            EventType::Put => token_from_value(id, pair.value()).map(Event::Put).map_err(Into::into),
            EventType::Delete => Ok(Event::Delete(id)),
        })
    }
}

/// Goes on to the next value of `head`, which each change puts. etcd counts how often a key was put.
fn count(head_version: &mut i64, version: i64) -> Result<(), FollowError> {
    let last = std::mem::replace(head_version, version);
    if version == last + 1 { Ok(()) } else { Err(FollowError::LeftOut) }
}

/// Whether the stream ends with this response. `None` instead of a response means that it does.
fn end(response: Option<&WatchResponse>) -> Option<End> {
    match response {
        None => Some(End::Lost),
        Some(response) if !response.canceled() => None,
        Some(response) if response.compact_revision() != 0 => Some(End::Reload),
        Some(_) => Some(End::Lost),
    }
}

/// The pair of `head` at a revision, or at present if that is 0, and the present revision. A quorum answers.
pub(super) async fn read_head(
    members: &Members,
    keys: &Keys,
    at: Revision,
) -> Result<(Option<KeyValue>, Revision), RequestError> {
    let deadline = Instant::now() + 2 * members.request_timeout();
    let mut answer = members.get(deadline, keys.head(), GetOptions::new().with_revision(at)).await?;
    let revision = answer.header().map_or(0, |header| header.revision());
    Ok((answer.take_kvs().into_iter().next(), revision))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_without_one_of_the_changes_ends() {
        let mut head_version = 7;
        assert!(count(&mut head_version, 8).is_ok());
        assert!(count(&mut head_version, 9).is_ok());
        for next in [11, 9, 1] {
            assert!(matches!(count(&mut 9, next), Err(FollowError::LeftOut)), "{next}");
        }
    }
}
