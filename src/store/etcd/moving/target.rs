use std::collections::{BTreeMap, HashSet};
use std::fmt;

use async_trait::async_trait;
use etcd_client::{Compare, Txn, TxnOp};

use super::super::EtcdOptions;
use super::super::audit::CHANGES_IN_PART;
use super::super::keys::{Keys, fixed};
use super::super::members::Members;
use super::super::open;
use super::super::read::first;
use super::super::record::{
    FORMAT, IMPORTING, RegisterEntry, StoredCluster, change_to_value, id_from_value, token_to_value,
};
use super::super::transaction::{gets, has_value, put_head};
use super::{EtcdSource, deadline};
use crate::store::{AuditedChange, Begun, ImportId, MoveError, MoveSource, MoveTarget, Moved, MovedChange};
use crate::token::TokenId;

/// Makes a store in etcd of what is moved to it. No node opens it before it is finished.
pub struct EtcdTarget {
    options: EtcdOptions,
    members: Members,
    keys: Keys,
    /// The value of the key `cluster` while the import goes on, and the number of changes that etcd has.
    import: Option<(StoredCluster, u64)>,
}

impl EtcdTarget {
    /// A target under the prefix.
    pub fn new(options: EtcdOptions) -> Self {
        let keys = Keys::new(&options.prefix);
        Self { members: Members::new(options.clone()), options, keys, import: None }
    }

    fn place(&self) -> String {
        place(&self.options.prefix)
    }

    /// The preconditions that this import is under way, and that etcd has so many of its changes.
    fn is_at(&self, changes: u64) -> Result<[Compare; 2], MoveError> {
        let (cluster, _) = self.import.as_ref().ok_or_else(|| MoveError::damaged("no import was begun"))?;
        let cluster = Compare::value(self.keys.cluster(), etcd_client::CompareOp::Equal, cluster.to_value());
        Ok([cluster, has_value(self.keys.import(), changes.to_string())])
    }

    /// Puts what a batch of changes is in etcd. The batch may have been put before.
    async fn put(&mut self, batch: Batch) -> Result<(), MoveError> {
        /// How many operations are nested together. etcd takes 128 operations, and counts those of the transaction itself
        /// with those of each that is nested in it.
        const NESTED: usize = 60;
        let (_, done) = self.import.as_ref().ok_or_else(|| MoveError::damaged("no import was begun"))?;
        let next = done + batch.changes;
        let puts: Vec<_> = batch.puts.into_iter().map(|(key, value)| TxnOp::put(key, value, None)).collect();
        let nested = puts.chunks(NESTED).map(|puts| TxnOp::txn(Txn::new().and_then(puts.to_vec())));
        let progress = TxnOp::put(self.keys.import(), next.to_string(), None);
        let transaction = Txn::new()
            .when(self.is_at(*done)?)
            .and_then(nested.chain([progress]).collect::<Vec<_>>())
            .or_else(gets(vec![self.keys.import()]));
        let answer = self.members.commit(deadline(), transaction).await?;
        // A repetition finds that the first attempt was committed.
        let is_put = answer.succeeded() || {
            let present = answer.op_responses().into_iter().next().and_then(first);
            present.and_then(|pair| id_from_value(pair.value())).map(TokenId::as_u64) == Some(next)
        };
        if !is_put {
            return Err(MoveError::Interfered { place: self.place() });
        }
        self.import.as_mut().into_iter().for_each(|(_, done)| *done = next);
        Ok(())
    }
}

fn place(prefix: &str) -> String {
    format!("the prefix {prefix} of etcd")
}

/// Changes that are put in one transaction.
#[derive(Default)]
struct Batch {
    changes: u64,
    /// The last value of each key: a transaction may put a key once.
    puts: BTreeMap<String, Vec<u8>>,
    bytes: usize,
    /// Who has requested the changes.
    actors: HashSet<TokenId>,
    has_regeneration: bool,
}

impl Batch {
    /// Whether the change must be put by another transaction, which gets a later revision. A name of an actor counts from
    /// the revision of its creation, and replaced secrets are sorted by revisions.
    fn ends_before(&self, change: &MovedChange) -> bool {
        /// etcd takes requests of 1.5 MiB, and others wait while it works on one.
        const BYTES: usize = 512 << 10;
        const PUTS: usize = 3000;
        let AuditedChange::Created = change.record.change else {
            let is_second = self.has_regeneration && change.record.change == AuditedChange::Regenerated;
            return self.is_full(BYTES, PUTS) || is_second;
        };
        self.is_full(BYTES, PUTS) || self.actors.contains(&change.record.token)
    }

    fn is_full(&self, bytes: usize, puts: usize) -> bool {
        self.bytes >= bytes || self.puts.len() >= puts
    }

    /// Adds the change that has this place among all changes.
    fn add(&mut self, keys: &Keys, place: u64, MovedChange { record, token, digest }: MovedChange) {
        let id = record.token;
        self.changes += 1;
        self.has_regeneration |= record.change == AuditedChange::Regenerated;
        // An import has no request that could be repeated.
        let mark = "import".to_owned();
        if let Some(name) = &record.name {
            self.put(keys.name(name), id.to_string());
            self.put(keys.register(id), RegisterEntry { name: name.to_string(), mark }.to_value());
        }
        if let Some(token) = token {
            self.put(keys.token(id), token_to_value(&token));
            self.put(keys.digest(&token.digest), id.to_string());
            if id == TokenId::OPERATOR {
                self.put(keys.operator(), token.digest.to_string());
            }
        }
        if let Some(digest) = digest {
            self.put(keys.digest(&digest), id.to_string());
        }
        let audit = format!("{}{}", keys.audit(place / CHANGES_IN_PART), fixed(place));
        self.put(audit, change_to_value(&record));
        self.actors.extend(record.by);
    }

    fn put(&mut self, key: String, value: impl Into<Vec<u8>>) {
        let value = value.into();
        self.bytes += key.len() + value.len();
        self.puts.insert(key, value);
    }
}

#[async_trait]
impl MoveTarget for EtcdTarget {
    async fn begin(&mut self, ImportId(id): ImportId, moved: &Moved) -> Result<Begun, MoveError> {
        let keys = &self.keys;
        let cluster = StoredCluster { format: IMPORTING, uuid: moved.cluster_uuid, import: Some(id) };
        let finished = StoredCluster { format: FORMAT, ..cluster.clone() };
        let epoch = moved.changes / CHANGES_IN_PART;
        let operations = [
            TxnOp::put(keys.cluster(), cluster.to_value(), None),
            TxnOp::put(keys.next_id(), moved.next_id.to_string(), None),
            TxnOp::put(keys.epoch(), epoch.to_string(), None),
            TxnOp::put(keys.import(), "0", None),
        ];
        if let Some(around) = open::store_around(&self.members, keys).await? {
            return Err(MoveError::NotEmpty { place: place(around.prefix()) });
        }
        let reads = gets(vec![keys.cluster(), keys.import()]);
        let transaction = Txn::new().when(open::is_free(keys)).and_then(operations).or_else(reads);
        let answer = self.members.commit(deadline(), transaction).await?;
        let place = self.place();
        if answer.succeeded() {
            self.import = Some((cluster, 0));
            return Ok(Begun::After(0));
        }
        let pairs: Vec<_> = answer.op_responses().into_iter().map(first).collect();
        let [stored, changes] = &pairs[..] else { return Err(MoveError::NotEmpty { place }) };
        let changes = changes.as_ref().and_then(|pair| id_from_value(pair.value())).map(TokenId::as_u64);
        match stored.as_ref().and_then(|pair| StoredCluster::from_value(pair.value())) {
            Some(stored) if stored == cluster => {
                let changes = changes.ok_or_else(|| MoveError::damaged("the progress of the import is damaged"))?;
                self.import = Some((cluster, changes));
                Ok(Begun::After(changes))
            }
            Some(stored) if stored == finished => Ok(Begun::Finished),
            Some(stored) if stored.format == IMPORTING => Err(MoveError::OtherImport { place }),
            _ => Err(MoveError::NotEmpty { place }),
        }
    }

    async fn add(&mut self, changes: Vec<MovedChange>) -> Result<(), MoveError> {
        let (_, done) = self.import.as_ref().ok_or_else(|| MoveError::damaged("no import was begun"))?;
        let mut batch = Batch::default();
        for (place, change) in (*done..).zip(changes) {
            if batch.ends_before(&change) {
                self.put(std::mem::take(&mut batch)).await?;
            }
            batch.add(&self.keys, place, change);
        }
        self.put(batch).await
    }

    async fn written(&mut self) -> Result<Box<dyn MoveSource>, MoveError> {
        Ok(Box::new(EtcdSource::importing(self.options.clone()).await?))
    }

    async fn finish(&mut self) -> Result<(), MoveError> {
        let (cluster, done) = self.import.clone().ok_or_else(|| MoveError::damaged("no import was begun"))?;
        let finished = StoredCluster { format: FORMAT, ..cluster };
        let operations = [
            TxnOp::put(self.keys.cluster(), finished.to_value(), None),
            TxnOp::delete(self.keys.import(), None),
            put_head(&self.keys),
        ];
        let reads = gets(vec![self.keys.cluster()]);
        let transaction = Txn::new().when(self.is_at(done)?).and_then(operations).or_else(reads);
        let answer = self.members.commit(deadline(), transaction).await?;
        if answer.succeeded() {
            return Ok(());
        }
        // A repetition finds that the first attempt was committed.
        let stored = answer.op_responses().into_iter().next().and_then(first);
        match stored.and_then(|pair| StoredCluster::from_value(pair.value())) {
            Some(stored) if stored == finished => Ok(()),
            _ => Err(MoveError::Interfered { place: self.place() }),
        }
    }
}

impl fmt::Debug for EtcdTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdTarget").field("options", &self.options).finish_non_exhaustive()
    }
}
