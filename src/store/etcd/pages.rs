//! Reading a range of keys, a page at a time.

use etcd_client::{GetOptions, KeyValue};
use tokio::time::Instant;

use super::copy::Revision;
use super::members::{Members, RequestError};

/// A range of keys as of one revision, or of the present one if that is 0.
///
/// etcd visits every key of what is left of the range for each page. [`Walk`](super::walk::Walk) goes through a range that
/// grows with the number of tokens and is read often.
pub(super) struct Pages {
    /// `None` at the end.
    from: Option<Vec<u8>>,
    options: GetOptions,
}

impl Pages {
    /// From a key up to another one, which is not read.
    pub(super) fn new((from, end): (String, String), revision: Revision) -> Self {
        /// How many keys are read at a time.
        const PAGE: i64 = 1000;
        let options = GetOptions::new().with_range(end).with_limit(PAGE).with_revision(revision);
        Self { from: Some(from.into_bytes()), options }
    }

    pub(super) fn without_values(self) -> Self {
        Self { options: self.options.with_keys_only(), ..self }
    }

    /// The next page. `None` after the last one.
    pub(super) async fn next(
        &mut self,
        members: &Members,
        deadline: Instant,
    ) -> Result<Option<Vec<KeyValue>>, RequestError> {
        let Some(from) = self.from.take() else { return Ok(None) };
        let mut page = members.get(deadline, from, self.options.clone()).await?;
        let pairs = page.take_kvs();
        self.from = pairs.last().filter(|_| page.more()).map(|last| [last.key(), &[0]].concat());
        Ok(Some(pairs))
    }

    /// Everything that is left. `deadline` is that of each page.
    pub(super) async fn all(
        mut self,
        members: &Members,
        deadline: impl Fn() -> Instant,
    ) -> Result<Vec<KeyValue>, RequestError> {
        let mut all = Vec::new();
        while let Some(mut page) = self.next(members, deadline()).await? {
            all.append(&mut page);
        }
        Ok(all)
    }
}
