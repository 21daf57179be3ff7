//! Reading the audit trail, one of its parts at a time.

use std::collections::{BTreeSet, HashMap};

use etcd_client::{GetOptions, KeyValue};
use tokio::time::Instant;

use super::keys::Keys;
use super::members::Members;
use super::read::get_all;
use super::record::{RegisterEntry, change_from_value};
use crate::store::{AuditPage, AuditPosition, AuditRecord, StoreError};
use crate::token::{Timestamp, TokenId, TokenName};

/// How many keys are read at a time.
const PAGE: i64 = 1000;

/// How many names are read at a time: as many operations as etcd takes.
const NAMES: usize = 128;

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
    // Before the part itself, which may be followed by another one meanwhile.
    let present = get_all(members, deadline(members), vec![keys.epoch()]).await?;
    let present = present.first().and_then(Option::as_ref).and_then(|pair| pair.value_str().ok()?.parse().ok());
    let present: u64 = present.ok_or_else(|| StoreError::unavailable("etcd has no token store under this prefix"))?;
    let mut part = part(members, keys, epoch).await?;
    // Records of one transaction are in the order of their keys, in which they were read.
    part.sort_by_key(KeyValue::create_revision);
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
    let records = named(members, keys, records).await?;
    Ok(AuditPage { records, next: next.map(AuditPosition) })
}

/// All records of a part of the trail.
async fn part(members: &Members, keys: &Keys, epoch: u64) -> Result<Vec<KeyValue>, StoreError> {
    let (mut from, end) = (keys.audit(epoch).into_bytes(), keys.audit_end(epoch));
    let mut part = Vec::new();
    loop {
        let options = GetOptions::new().with_range(end.clone()).with_limit(PAGE);
        let page = members.ask(deadline(members), |client| {
            let (from, options) = (from.clone(), options.clone());
            async move { client.kv_client().get(from, Some(options)).await }
        });
        let mut page = page.await?;
        part.append(&mut page.take_kvs());
        let Some(last) = part.last().filter(|_| page.more()) else { return Ok(part) };
        from = [last.key(), &[0]].concat();
    }
}

/// The records with the names of their tokens. Each comes with its revision: an identity that is not a token may have the ID
/// that a token got later.
async fn named(
    members: &Members,
    keys: &Keys,
    records: Vec<(i64, AuditRecord)>,
) -> Result<Vec<AuditRecord>, StoreError> {
    let ids = records.iter().flat_map(|(_, record)| [Some(record.token), record.by]).flatten();
    let ids: Vec<TokenId> = ids.collect::<BTreeSet<_>>().into_iter().collect();
    let mut names: HashMap<TokenId, (i64, TokenName)> = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(NAMES) {
        let pairs = get_all(members, deadline(members), ids.iter().map(|id| keys.register(*id)).collect()).await?;
        for (id, pair) in ids.iter().zip(pairs) {
            let Some(pair) = pair else { continue };
            let name = RegisterEntry::from_value(pair.value()).and_then(|it| TokenName::existing(&it.name).ok());
            names.extend(name.map(|name| (*id, (pair.create_revision(), name))));
        }
    }
    let name =
        |id: TokenId, at: i64| names.get(&id).filter(|(created, _)| *created <= at).map(|(_, name)| name.clone());
    Ok(records
        .into_iter()
        .map(|(at, record)| AuditRecord {
            name: name(record.token, at),
            by_name: record.by.and_then(|by| name(by, at)),
            ..record
        })
        .collect())
}

fn deadline(members: &Members) -> Instant {
    Instant::now() + 4 * members.request_timeout()
}
