//! The transactions that change tokens: their preconditions, their operations, and the reads that tell why a
//! precondition failed.

use etcd_client::{Compare, CompareOp, Txn, TxnOp};

use super::copy::Revision;
use super::keys::Keys;
use super::members::Members;
use super::record::{RegisterEntry, change_to_value, token_to_value};
use crate::store::{Actor, AuditRecord, AuditedChange, Deletion, Origin, Regeneration};
use crate::token::{Digest, Timestamp, TokenId, TokenName, TokenRecord};

/// Tells one request for a change from every other. A repetition has the same mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark(String);

impl Mark {
    /// The mark of a request that nobody repeats but this node.
    pub(super) fn random() -> Self {
        Self(format!("request {}", uuid::Uuid::new_v4()))
    }

    /// The mark of a deletion: by its idempotency key, if the client has sent one, which counts for its token alone.
    pub(super) fn of(deletion: &Deletion) -> Self {
        match deletion.idempotency_key().as_str() {
            Some(key) => Self(format!("key of {} {key}", deletion.by().id())),
            None => Self::random(),
        }
    }

    /// Whether this value in etcd is the mark.
    pub(super) fn is(&self, value: &[u8]) -> bool {
        self.0.as_bytes() == value
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What every change has in common.
pub(super) struct Change<'a> {
    pub(super) members: &'a Members,
    pub(super) keys: &'a Keys,
    /// The part of the audit trail to add to.
    pub(super) epoch: u64,
    pub(super) mark: &'a Mark,
}

/// The key of a name, as it was read before a creation. The creation requires that it has not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// It does not exist.
    Absent,
    /// It leads to a token that is not live, and was put in this revision.
    Dead(TokenId, Revision),
}

impl Change<'_> {
    /// The deletion of the token with this ID, which has this name if it was selected by its name. It `is_alone` if it is not
    /// to be made [`together`](Self::together) with others.
    pub(super) fn deletion(&self, id: TokenId, name: Option<&TokenName>, deletion: &Deletion, is_alone: bool) -> Txn {
        let Self { keys, mark, .. } = self;
        let mut compares = vec![exists(keys.token(id)), self.is_epoch()];
        compares.extend(acts(keys, Some(deletion.by())));
        if let Some(name) = name {
            compares.push(has_value(keys.name(name), id.to_string()));
        }
        let (at, by) = (deletion.at(), Some(deletion.by().id()));
        let mut operations = vec![
            TxnOp::delete(keys.token(id), None),
            TxnOp::put(keys.deleted(id), mark.as_str(), None),
            self.note(AuditedChange::Deleted, id, at, by, deletion.origin()),
        ];
        operations.extend(is_alone.then(|| self.put_head()));
        let mut reads = vec![keys.token(id), keys.deleted(id), keys.epoch()];
        reads.extend(name.map(|name| keys.name(name)));
        reads.extend(acting(keys, Some(deletion.by())));
        if is_alone {
            return self.members.transaction(compares, operations, gets(reads));
        }
        // It reads the same, so that the answer has one form.
        let reads = [gets(vec![keys.cluster()]), gets(reads)].concat();
        Txn::new().when(compares).and_then(operations).or_else(reads)
    }

    /// The creation of a token with a secret that no token ever had. `name` says what the key of the name is before. If a
    /// precondition fails, it reads the keys of all of them in the same moment: another read would lose the race for the next
    /// ID again and again against nodes that create without a pause.
    pub(super) fn creation(
        &self,
        record: &TokenRecord,
        name: Before,
        by: Option<&Actor>,
        origin: Option<Origin>,
    ) -> Txn {
        let Self { keys, mark, .. } = self;
        let id = record.id;
        let mut compares = vec![self.is_epoch(), is_missing(keys.token(id)), is_missing(keys.digest(&record.digest))];
        compares.extend(acts(keys, by));
        compares.extend(is_still(keys, keys.name(&record.name), name));
        let entry = RegisterEntry { name: record.name.to_string(), mark: mark.as_str().to_owned() };
        let mut operations = vec![
            TxnOp::put(keys.token(id), token_to_value(record), None),
            TxnOp::put(keys.name(&record.name), id.to_string(), None),
            TxnOp::put(keys.digest(&record.digest), id.to_string(), None),
            TxnOp::put(keys.register(id), entry.to_value(), None),
            self.note(AuditedChange::Created, id, record.created_at, record.created_by, origin),
            self.put_head(),
        ];
        if id == TokenId::OPERATOR {
            operations.push(TxnOp::put(keys.operator(), record.digest.to_string(), None));
        } else {
            compares.push(has_value(keys.next_id(), id.to_string()));
            operations.push(TxnOp::put(keys.next_id(), (id.as_u64() + 1).to_string(), None));
        }
        let mut reads = vec![keys.epoch(), keys.next_id(), keys.name(&record.name), keys.digest(&record.digest)];
        reads.extend(acting(keys, by));
        self.members.transaction(compares, operations, gets(reads))
    }

    /// The regeneration of the operator token: from a secret with the digest `old` to the record `new`.
    pub(super) fn regeneration(&self, old: &Digest, new: &TokenRecord, regeneration: &Regeneration) -> Txn {
        let Self { keys, .. } = self;
        let compares = vec![
            self.is_epoch(),
            exists(keys.token(new.id)),
            has_value(keys.operator(), old.to_string()),
            is_missing(keys.digest(&new.digest)),
        ];
        let (at, by) = (regeneration.at(), regeneration.by().map(Actor::id));
        let operations = vec![
            TxnOp::put(keys.operator(), new.digest.to_string(), None),
            TxnOp::put(keys.token(new.id), token_to_value(new), None),
            TxnOp::put(keys.digest(&new.digest), new.id.to_string(), None),
            self.note(AuditedChange::Regenerated, new.id, at, by, regeneration.origin()),
            self.put_head(),
        ];
        self.members.transaction(compares, operations, Vec::new())
    }

    /// Deletions that are made together. Each has its own preconditions and takes effect without the others.
    pub(super) fn together(&self, deletions: impl IntoIterator<Item = Txn>) -> Txn {
        let operations = [self.put_head()].into_iter().chain(deletions.into_iter().map(TxnOp::txn)).collect();
        self.members.transaction(Vec::new(), operations, Vec::new())
    }

    /// Every transaction that changes tokens puts it, so that its revision is that of the last change.
    fn put_head(&self) -> TxnOp {
        put_head(self.keys)
    }

    fn is_epoch(&self) -> Compare {
        has_value(self.keys.epoch(), self.epoch.to_string())
    }

    fn note(
        &self,
        change: AuditedChange,
        token: TokenId,
        at: Timestamp,
        by: Option<TokenId>,
        origin: Option<Origin>,
    ) -> TxnOp {
        let record = AuditRecord { change, token, name: None, at, by, by_name: None, origin };
        let key = format!("{}{}", self.keys.audit(self.epoch), uuid::Uuid::new_v4().simple());
        TxnOp::put(key, change_to_value(&record), None)
    }
}

/// Puts a fresh value of `head`.
pub(super) fn put_head(keys: &Keys) -> TxnOp {
    TxnOp::put(keys.head(), uuid::Uuid::new_v4().simple().to_string(), None)
}

/// The keys that tell whether an actor may act: see [`acts`].
pub(super) fn acting(keys: &Keys, by: Option<&Actor>) -> Vec<String> {
    match by {
        Some(Actor::Token { id: TokenId::OPERATOR, .. }) => vec![keys.operator()],
        Some(Actor::Token { id, digest }) => vec![keys.token(*id), keys.digest(digest)],
        Some(Actor::Other(_)) | None => Vec::new(),
    }
}

/// Whether the values of [`acting`] let the actor act.
pub(super) fn may_act(by: Option<&Actor>, values: &[Option<&[u8]>]) -> bool {
    match (by, values) {
        (Some(Actor::Token { id: TokenId::OPERATOR, digest }), [operator]) => {
            *operator == Some(digest.to_string().as_bytes())
        }
        (Some(Actor::Token { id, .. }), [token, digest]) => {
            token.is_some() && *digest == Some(id.to_string().as_bytes())
        }
        (Some(Actor::Token { .. }), _) => false,
        (Some(Actor::Other(_)) | None, _) => true,
    }
}

/// The preconditions that the actor is live and has the secret that it presented. The digest of a token does not change,
/// unless it is the operator token.
fn acts(keys: &Keys, by: Option<&Actor>) -> Vec<Compare> {
    match by {
        Some(Actor::Token { id: TokenId::OPERATOR, digest }) => vec![has_value(keys.operator(), digest.to_string())],
        Some(Actor::Token { id, digest }) => {
            vec![exists(keys.token(*id)), has_value(keys.digest(digest), id.to_string())]
        }
        Some(Actor::Other(_)) | None => Vec::new(),
    }
}

fn is_still(keys: &Keys, key: String, before: Before) -> Vec<Compare> {
    match before {
        Before::Absent => vec![is_missing(key)],
        Before::Dead(id, revision) => {
            vec![Compare::mod_revision(key, CompareOp::Equal, revision), is_missing(keys.token(id))]
        }
    }
}

pub(super) fn exists(key: String) -> Compare {
    Compare::create_revision(key, CompareOp::Greater, 0)
}

pub(super) fn is_missing(key: String) -> Compare {
    Compare::create_revision(key, CompareOp::Equal, 0)
}

pub(super) fn has_value(key: String, value: String) -> Compare {
    Compare::value(key, CompareOp::Equal, value)
}

pub(super) fn gets(keys: Vec<String>) -> Vec<TxnOp> {
    keys.into_iter().map(|key| TxnOp::get(key, None)).collect()
}
