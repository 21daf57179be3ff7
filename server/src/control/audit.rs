//! The request for the audit trail.

use chrono::{DateTime, Utc};
use futures::{Stream, TryStreamExt, stream};
use influxdb3_tokens::{AuditPosition, AuditRecord, Catalog, Timestamp, TokenId};
use serde::{Deserialize, Serialize};

use super::{Error, PAGE, refused};

/// Which changes to list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Audit {
    /// Only those since this moment, in milliseconds since the Unix epoch.
    pub(crate) since: Option<u64>,
}

/// A change of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// When it was requested.
    pub(crate) time: DateTime<Utc>,
    /// What was done: `created`, `regenerated` or `deleted`.
    pub(crate) change: String,
    /// The ID of the token.
    pub(crate) id: u64,
    /// The name of the token, if it is known.
    pub(crate) name: Option<String>,
    /// The ID of the token that requested the change; `None` means a command on the machine or a token file.
    pub(crate) by: Option<u64>,
    /// The name of that token, if it is known.
    pub(crate) by_name: Option<String>,
    /// The address of the client, or what requested the change on the machine, if it is known.
    pub(crate) origin: Option<String>,
}

/// The changes, in their order.
pub(crate) fn changes(catalog: Catalog, audit: &Audit) -> impl Stream<Item = Result<Change, Error>> + use<> {
    // One after the year 9999 is after all of them.
    let since = audit.since.map(|millis| Timestamp::from_millis(millis).unwrap_or(Timestamp::MAX));
    let pages = stream::try_unfold(Some(AuditPosition::default()), move |next| {
        let catalog = catalog.clone();
        async move {
            let Some(from) = next else { return Ok::<_, Error>(None) };
            let page = catalog.audit(from, since, PAGE).await.map_err(refused)?;
            let records: Vec<_> = page.records.iter().map(Change::from).map(Ok).collect();
            Ok(Some((stream::iter(records), page.next)))
        }
    });
    pages.try_flatten()
}

impl From<&AuditRecord> for Change {
    fn from(record: &AuditRecord) -> Self {
        Self {
            time: record.at.into(),
            change: record.change.to_string(),
            id: record.token.as_u64(),
            name: record.name.as_ref().map(ToString::to_string),
            by: record.by.map(TokenId::as_u64),
            by_name: record.by_name.as_ref().map(ToString::to_string),
            origin: record.origin.map(|origin| origin.to_string()),
        }
    }
}
