//! Deciding about a token by etcd, where the copy cannot.

use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::confirm::Confirmation;
use super::members::RequestError;
use super::read::Lookup;
use super::{EtcdStore, Shared};
use crate::clock::BootTime;
use crate::store::{SharedStore, StoreError};
use crate::token::{Digest, Principal};

#[async_trait]
impl SharedStore for EtcdStore {
    async fn find(&self, digest: &Digest) -> Result<Option<Principal>, StoreError> {
        let (begin, longest) = (BootTime::now(), self.shared.options.max_staleness);
        match timeout(longest, self.find_now(digest)).await {
            // A timer stands still while the machine is suspended.
            Ok(found) if begin.elapsed() < longest => found,
            _ => Err(RequestError::Timeout.into()),
        }
    }

    async fn reach(&self) -> Result<(), StoreError> {
        match self.shared.confirmations.next().await {
            Some(Confirmation::Confirmed | Confirmation::Behind) => Ok(()),
            Some(Confirmation::Failed(error)) => Err(error.into()),
            None => Err(StoreError::Busy),
        }
    }
}

impl EtcdStore {
    /// The token with this digest, if it was live at some moment after this call began.
    async fn find_now(&self, digest: &Digest) -> Result<Option<Principal>, StoreError> {
        let Shared { confirmations, copy, counts, .. } = &*self.shared;
        let live = copy.get().ok_or_else(|| StoreError::unavailable("the store is not loaded"))?.live();
        match confirmations.next().await {
            Some(Confirmation::Confirmed) => {
                if let Some(found) = live.while_fresh(|live| live.find(digest)) {
                    return Ok(found);
                }
            }
            Some(Confirmation::Behind) => {}
            Some(Confirmation::Failed(error)) => return Err(error.into()),
            None => return Err(StoreError::Busy),
        }
        counts.fallback_reads.add();
        let (answer, answered) = oneshot::channel();
        self.lookups.try_send(Lookup { digest: *digest, answer }).map_err(|_| StoreError::Busy)?;
        answered.await.map_err(|_| StoreError::unavailable("the store was closed"))?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use uuid::Uuid;

    use super::super::EtcdOptions;
    use super::super::copy::TokenCopy;
    use super::super::keys::Keys;
    use super::super::members::Members;
    use super::*;
    use crate::live::LiveTokensWriter;

    /// A store that was not loaded, so that no task of it runs, with a copy.
    fn store(max_staleness: Duration) -> EtcdStore {
        let mut options = EtcdOptions::from_url("etcd://127.0.0.1:1").unwrap();
        options.max_staleness = max_staleness;
        let (members, keys) = (Arc::new(Members::new(options.clone())), Keys::new(&options.prefix));
        let store = EtcdStore::new(members, keys, options, Uuid::nil(), false);
        let copy = Arc::new(TokenCopy::new(LiveTokensWriter::new(), max_staleness));
        assert!(store.shared.copy.set(copy).is_ok());
        store
    }

    #[tokio::test(start_paused = true)]
    async fn an_authentication_that_nothing_decides_is_given_up() {
        let store = store(Duration::from_secs(5));
        let digest = Digest::from_bytes([0; 64]);
        let hour = Duration::from_secs(3600);
        let found = timeout(hour, store.find(&digest)).await.expect("it is given up by then");
        assert!(matches!(found, Err(StoreError::Unavailable { .. })), "{found:?}");
    }

    /// As after a machine was suspended: the timer of tokio, which is paused here, has not moved.
    #[tokio::test(start_paused = true)]
    async fn an_answer_that_came_after_the_bound_decides_nothing() {
        let bound = Duration::from_millis(20);
        let store = store(bound);
        let mut unstarted = store.unstarted.lock().unwrap().take().unwrap();
        let answer = async {
            store.shared.confirmations.end(1, Confirmation::Behind);
            let lookup = unstarted.lookups.recv().await.unwrap();
            let begin = BootTime::now();
            while begin.elapsed() < bound {}
            lookup.answer.send(Ok(None)).unwrap();
        };
        let digest = Digest::from_bytes([0; 64]);
        let (found, ()) = tokio::join!(store.find(&digest), answer);
        assert!(matches!(found, Err(StoreError::Unavailable { .. })), "{found:?}");
    }
}
