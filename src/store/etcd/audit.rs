//! Reading the audit trail, one of its parts at a time.

use std::collections::{BTreeSet, HashMap};

use etcd_client::KeyValue;
use tokio::time::Instant;

use super::copy::Revision;
use super::keys::Keys;
use super::members::{Members, RequestError};
use super::pages::Pages;
use super::read::get_all;
use super::record::{RegisterEntry, change_from_value};
use crate::store::{AuditPage, AuditPosition, AuditRecord, StoreError};
use crate::token::{Timestamp, TokenId, TokenName};

/// How many changes are added to a part of the trail before the next part begins. Each node counts its own. Whoever reads the
/// trail reads a whole part at a time.
pub(super) const CHANGES_IN_PART: u64 = 1024;

/// The next part of the audit trail; see [`TokenStore::audit`](crate::TokenStore::audit). A position is the number of a part of
/// the trail, and the number of records in it that were passed. Every change requires that the part to which it adds is the
/// present one, so a part that another follows is complete.
pub(super) async fn page(
    members: &Members,
    keys: &Keys,
    AuditPosition([epoch, passed, ..]): AuditPosition,
    since: Option<Timestamp>,
    limit: usize,
) -> Result<AuditPage, StoreError> {
    let deadline = || Instant::now() + 4 * members.request_timeout();
    // Before the part itself, which may be followed by another one meanwhile.
    let present = get_all(members, deadline(), vec![keys.epoch()]).await?;
    let present = present.first().and_then(Option::as_ref).and_then(|pair| pair.value_str().ok()?.parse().ok());
    let present: u64 = present.ok_or_else(|| StoreError::unavailable("etcd has no token store under this prefix"))?;
    let part = part(members, keys, epoch, 0, deadline).await?;
    let first = usize::try_from(passed).unwrap_or(usize::MAX).min(part.len());
    let rest = &part[first..];
    let taken = &rest[..rest.len().min(limit)];
    let next = if taken.len() < rest.len() {
        Some([epoch, (first + taken.len()) as u64, 0, 0])
    } else {
        (epoch < present).then(|| [epoch + 1, 0, 0, 0])
    };
    let mut records = Vec::with_capacity(taken.len());
    for pair in taken {
        let record = change_from_value(pair.value())?;
        if since.is_none_or(|since| record.at >= since) {
            records.push((pair.create_revision(), record));
        }
    }
    let ids = records.iter().flat_map(|(_, record)| [Some(record.token), record.by]).flatten();
    let ids: Vec<TokenId> = ids.collect::<BTreeSet<_>>().into_iter().collect();
    let names = names(members, keys, &ids, deadline).await?;
    let records = records.into_iter().map(|(at, record)| named(&names, at, record)).collect();
    Ok(AuditPage { records, next: next.map(AuditPosition) })
}

/// All records of a part of the trail, in their order, as of a revision, or of the present one if that is 0. `deadline` is
/// that of each request.
pub(super) async fn part(
    members: &Members,
    keys: &Keys,
    epoch: u64,
    at: Revision,
    deadline: impl Fn() -> Instant,
) -> Result<Vec<KeyValue>, RequestError> {
    let mut part = Pages::new((keys.audit(epoch), keys.audit_end(epoch)), at).all(members, deadline).await?;
    // Records of one transaction are in the order of their keys, in which they were read.
    part.sort_by_key(KeyValue::create_revision);
    Ok(part)
}

/// The names of tokens that are or were live, each with the revision in which its token was created. They never change.
/// `deadline` is that of each request.
pub(super) async fn names(
    members: &Members,
    keys: &Keys,
    ids: &[TokenId],
    deadline: impl Fn() -> Instant,
) -> Result<HashMap<TokenId, (Revision, TokenName)>, RequestError> {
    /// As many operations as etcd takes.
    const CHUNK: usize = 128;
    let mut names = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(CHUNK) {
        let pairs = get_all(members, deadline(), ids.iter().map(|id| keys.register(*id)).collect()).await?;
        for (id, pair) in ids.iter().zip(pairs) {
            let Some(pair) = pair else { continue };
            let name = RegisterEntry::from_value(pair.value()).and_then(|it| TokenName::existing(&it.name).ok());
            names.extend(name.map(|name| (*id, (pair.create_revision(), name))));
        }
    }
    Ok(names)
}

/// A record of the revision `at` with the names of its tokens. An identity that is not a token may have the ID that a token
/// got later.
fn named(names: &HashMap<TokenId, (Revision, TokenName)>, at: Revision, record: AuditRecord) -> AuditRecord {
    let name = |id: TokenId| names.get(&id).filter(|(created, _)| *created <= at).map(|(_, name)| name.clone());
    AuditRecord { name: name(record.token), by_name: record.by.and_then(name), ..record }
}
