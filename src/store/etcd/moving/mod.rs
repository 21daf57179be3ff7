//! Moving the tokens of a cluster.

mod source;
mod target;

use std::time::Duration;

use etcd_client::{GetOptions, KeyValue};
use tokio::time::Instant;

use super::members::{Members, RequestError};
use crate::store::{MoveError, StoreError};

pub use source::EtcdSource;
pub use target::EtcdTarget;

/// When a request that begins now is given up.
fn deadline() -> Instant {
    const PATIENCE: Duration = Duration::from_secs(30);
    Instant::now() + PATIENCE
}

impl From<RequestError> for MoveError {
    fn from(error: RequestError) -> Self {
        Self::Store(StoreError::from(error))
    }
}

/// A range of keys as of one revision, which is read in pages.
struct Pages {
    /// `None` at the end.
    from: Option<Vec<u8>>,
    options: GetOptions,
}

impl Pages {
    /// From a key up to another one, which is not read.
    fn new((from, end): (String, String), revision: i64) -> Self {
        /// How many keys are read at a time.
        const PAGE: i64 = 1000;
        let options = GetOptions::new().with_range(end).with_limit(PAGE).with_revision(revision);
        Self { from: Some(from.into_bytes()), options }
    }

    fn without_values(self) -> Self {
        Self { options: self.options.with_keys_only(), ..self }
    }

    /// The next page. `None` after the last one.
    async fn next(&mut self, members: &Members) -> Result<Option<Vec<KeyValue>>, RequestError> {
        let Some(from) = self.from.take() else { return Ok(None) };
        let page = members.ask(deadline(), |client| {
            let (from, options) = (from.clone(), self.options.clone());
            async move { client.kv_client().get(from, Some(options)).await }
        });
        let mut page = page.await?;
        let pairs = page.take_kvs();
        self.from = pairs.last().filter(|_| page.more()).map(|last| [last.key(), &[0]].concat());
        Ok(Some(pairs))
    }

    /// Everything that is left.
    async fn all(mut self, members: &Members) -> Result<Vec<KeyValue>, RequestError> {
        let mut all = Vec::new();
        while let Some(mut page) = self.next(members).await? {
            all.append(&mut page);
        }
        Ok(all)
    }
}
