//! Regenerations.

use tokio::time::Instant;

use super::super::copy::Event;
use super::super::read::get_all;
use super::super::record::token_from_value;
use super::super::transaction::{Mark, may_act};
use super::{Writer, contradiction, revision, values};
use crate::store::{Regeneration, RegenerationOutcome, StoreError};
use crate::token::TokenId;

impl Writer {
    /// Gives the operator token another secret.
    pub(super) async fn regenerate(
        &mut self,
        regeneration: Regeneration,
        deadline: Instant,
    ) -> Result<RegenerationOutcome, StoreError> {
        let mark = Mark::random();
        let mut tried = None;
        loop {
            let begin = Instant::now();
            let keys = [self.keys.token(TokenId::OPERATOR), self.keys.digest(regeneration.digest())];
            let keys = keys.into_iter().chain([self.keys.epoch(), self.keys.operator()]).collect();
            let pairs = get_all(&self.members, deadline, keys).await?;
            let [operator, digest, epoch, secret] = &pairs[..] else {
                return Err(StoreError::unavailable("etcd returned fewer values than were asked for"));
            };
            self.note_epoch(epoch.as_ref());
            let Some(operator) = operator else {
                let is_certain = regeneration.by().is_none();
                return Ok(if is_certain { RegenerationOutcome::NotFound } else { RegenerationOutcome::Unauthorized });
            };
            let record = token_from_value(TokenId::OPERATOR, operator.value())?;
            if tried.is_some() && record.digest == *regeneration.digest() {
                // The same request, sent before: nobody else knows this digest.
                self.copy.apply_own(operator.mod_revision(), Event::Put(record.clone()));
                return Ok(RegenerationOutcome::Regenerated(record));
            }
            if !may_act(regeneration.by(), &values(std::slice::from_ref(secret))) {
                return Ok(RegenerationOutcome::Unauthorized);
            }
            if digest.is_some() {
                return Ok(RegenerationOutcome::DigestTaken);
            }
            let old = record.digest;
            if tried == Some((old, self.epoch)) {
                return Err(contradiction());
            }
            let record = regeneration.clone().into_record(record);
            let transaction = self.change(&mark).regeneration(&old, &record, &regeneration);
            let answer = self.commit(deadline, transaction).await?;
            if answer.succeeded() {
                self.counters.committed(1, begin.elapsed());
                self.made(revision(&answer), Event::Put(record.clone()));
                return Ok(RegenerationOutcome::Regenerated(record));
            }
            tried = Some((old, self.epoch));
        }
    }
}
