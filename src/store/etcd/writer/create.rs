//! Creations.

use etcd_client::KeyValue;
use tokio::time::Instant;

use super::super::copy::Event;
use super::super::read::get_all;
use super::super::record::{RegisterEntry, damaged, id_from_value, token_from_value};
use super::super::transaction::{Before, Mark, may_act};
use super::{Writer, contradiction, pairs, revision, values};
use crate::store::{Creation, CreationOutcome, StoreError};
use crate::token::{TokenId, TokenRecord};

/// What stands in the way of a creation.
enum Obstacle {
    /// Nothing any more. The key of its name is like this.
    Gone(Before),
    Outcome(CreationOutcome),
}

impl Writer {
    /// Creates a token.
    pub(super) async fn create(
        &mut self,
        creation: Creation,
        deadline: Instant,
    ) -> Result<CreationOutcome, StoreError> {
        let mark = Mark::random();
        let mut name = Before::Absent;
        loop {
            let begin = Instant::now();
            let tried = (self.next_id, self.epoch, name);
            let id = if creation.token().name.is_operator() { TokenId::OPERATOR } else { self.next()? };
            let record = creation.clone().into_record(id);
            let transaction = self.change(&mark).creation(&record, name, creation.by(), creation.origin());
            let answer = self.commit(deadline, transaction).await?;
            if answer.succeeded() {
                self.counters.committed(1, begin.elapsed());
                self.next_id = self.next_id.max(id.as_u64() + 1);
                self.made(revision(&answer), Event::Put(record.clone()));
                return Ok(CreationOutcome::Created(record));
            }
            match self.obstacle(&creation, &mark, pairs(answer.op_responses()), deadline).await? {
                Obstacle::Outcome(outcome) => return Ok(outcome),
                Obstacle::Gone(found) => name = found,
            }
            if tried == (self.next_id, self.epoch, name) {
                return Err(contradiction());
            }
        }
    }

    fn next(&self) -> Result<TokenId, StoreError> {
        // The catalog uses the last ID for something else, and no ID follows it.
        if self.next_id == u64::MAX { Err(damaged(&self.keys.next_id())) } else { Ok(TokenId::from_u64(self.next_id)) }
    }

    /// Finds out why a creation did not succeed, which has read these pairs.
    async fn obstacle(
        &mut self,
        creation: &Creation,
        mark: &Mark,
        pairs: Vec<Option<KeyValue>>,
        deadline: Instant,
    ) -> Result<Obstacle, StoreError> {
        let token = creation.token();
        // In the order of the reads in `Change::creation`, after that of the store.
        let [_, epoch, next_id, name, digest, acting @ ..] = &pairs[..] else {
            return Err(StoreError::unavailable("etcd returned fewer values than were asked for"));
        };
        self.note_epoch(epoch.as_ref());
        // The last ID is not kept, so that it is read again once it was repaired.
        let next_id = next_id.as_ref().and_then(|pair| id_from_value(pair.value())).map(TokenId::as_u64);
        let next_id = next_id.filter(|id| *id != u64::MAX);
        self.next_id = next_id.ok_or_else(|| damaged(&self.keys.next_id()))?;
        let [name, digest] = [name, digest].map(|pair| pair.as_ref().and_then(last_token));
        let named = self.token_of(name, deadline).await?;
        let with_digest = self.token_of(digest, deadline).await?.filter(|(record, _)| record.digest == token.digest);
        if let Some((record, revision)) = with_digest.as_ref().filter(|(_, entry)| entry.mark == mark.as_str()).map(
            // The same request, sent before.
            |(record, entry)| (record, entry.revision),
        ) {
            self.copy.apply_own(revision, Event::Put(record.clone()));
            return Ok(Obstacle::Outcome(CreationOutcome::Created(record.clone())));
        }
        let outcome = if !may_act(creation.by(), &values(acting)) {
            CreationOutcome::Unauthorized
        } else if named.is_some_and(|(record, _)| record.name == token.name) {
            CreationOutcome::NameTaken
        } else if with_digest.is_some() {
            CreationOutcome::DigestTaken
        } else if digest.is_some() {
            // Also if the secret is fresh: the same request, sent before, created a token that was deleted since.
            CreationOutcome::DigestDeleted
        } else {
            return Ok(Obstacle::Gone(name.map_or(Before::Absent, |(id, at)| Before::Dead(id, at))));
        };
        Ok(Obstacle::Outcome(outcome))
    }

    /// The live token that a name or a digest leads to, and what is registered of it.
    async fn token_of(
        &self,
        last: Option<(TokenId, i64)>,
        deadline: Instant,
    ) -> Result<Option<(TokenRecord, Registered)>, StoreError> {
        let Some((id, _)) = last else { return Ok(None) };
        let keys = vec![self.keys.token(id), self.keys.register(id)];
        let pairs = get_all(&self.members, deadline, keys).await?;
        let [Some(token), register] = &pairs[..] else { return Ok(None) };
        let record = token_from_value(id, token.value())?;
        let entry = register.as_ref().and_then(|pair| {
            let entry = RegisterEntry::from_value(pair.value())?;
            Some(Registered { mark: entry.mark, revision: pair.create_revision() })
        });
        Ok(Some((record, entry.unwrap_or_default())))
    }
}

/// What is registered of a token.
#[derive(Default)]
struct Registered {
    mark: String,
    revision: i64,
}

/// The last token that had a name or a digest, and the revision in which that was put.
fn last_token(pair: &KeyValue) -> Option<(TokenId, i64)> {
    Some((id_from_value(pair.value())?, pair.mod_revision()))
}
