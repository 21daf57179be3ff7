//! The lines of an export, each of which is a JSON object.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Moved, MovedChange};
use crate::store::{AuditRecord, AuditedChange};
use crate::token::{Digest, Permissions, Timestamp, TokenId, TokenName, TokenRecord};

/// The version of the file.
pub(super) const FORMAT: u32 = 1;

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    #[serde(rename = "influxdb3-tokens export")]
    pub(super) format: u32,
    cluster_uuid: Uuid,
    /// Milliseconds since the Unix epoch.
    pub(super) exported_at: u64,
    next_id: u64,
    changes: u64,
    tokens: u64,
}

/// The last line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trailer {
    /// Of all lines before, with their ends.
    pub(super) sha256: String,
}

/// A line between them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    change: Kind,
    id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live: Option<Live>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Created,
    Regenerated,
    Deleted,
}

/// What a live token has besides its creation.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Live {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    permissions: String,
}

impl Header {
    pub(super) fn new(moved: &Moved, exported_at: Timestamp) -> Self {
        let Moved { cluster_uuid, next_id, changes, tokens } = *moved;
        let (next_id, exported_at) = (next_id.as_u64(), exported_at.as_millis());
        Self { format: FORMAT, cluster_uuid, exported_at, next_id, changes, tokens }
    }

    pub(super) fn moved(&self) -> Moved {
        let Self { cluster_uuid, next_id, changes, tokens, .. } = *self;
        Moved { cluster_uuid, next_id: TokenId::from_u64(next_id), changes, tokens }
    }
}

/// An object as a line, with its end.
pub(super) fn to_line(object: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(object).expect("texts and numbers have a JSON form");
    line.push(b'\n');
    line
}

/// The line of a change, with its end.
pub(super) fn of_change(change: &MovedChange) -> Vec<u8> {
    let MovedChange { record, token, digest } = change;
    to_line(&Change {
        change: match record.change {
            AuditedChange::Created => Kind::Created,
            AuditedChange::Regenerated => Kind::Regenerated,
            AuditedChange::Deleted => Kind::Deleted,
        },
        id: record.token.as_u64(),
        name: record.name.as_ref().map(ToString::to_string),
        at: record.at.as_millis(),
        by: record.by.map(TokenId::as_u64),
        origin: record.origin.map(|origin| origin.to_string()),
        digest: token.as_ref().map(|token| token.digest).or(*digest).map(|digest| digest.to_string()),
        live: token.as_ref().map(|token| Live {
            description: token.description.as_ref().map(ToString::to_string),
            expires_at: token.expires_at.map(Timestamp::as_millis),
            permissions: token.permissions.to_string(),
        }),
    })
}

/// Reads the line of a change. The error is the name of what is wrong.
pub(super) fn to_change(line: &[u8]) -> Result<MovedChange, &'static str> {
    let Change { change, id, name, at, by, origin, digest, live } = serde_json::from_slice(line).map_err(|_| "form")?;
    let change = match change {
        Kind::Created => AuditedChange::Created,
        Kind::Regenerated => AuditedChange::Regenerated,
        Kind::Deleted => AuditedChange::Deleted,
    };
    let name = name.map(|name| TokenName::existing(&name)).transpose().map_err(|_| "name")?;
    if name.is_some() != (change == AuditedChange::Created) {
        return Err("name");
    }
    let record = AuditRecord {
        change,
        token: TokenId::from_u64(id),
        name,
        at: Timestamp::from_millis(at).ok_or("time")?,
        by: by.map(TokenId::from_u64),
        by_name: None,
        origin: origin.map(|origin| origin.parse()).transpose().map_err(|_| "origin")?,
    };
    let digest = digest.map(|digest| Digest::from_text(&digest).ok_or("digest")).transpose()?;
    match (change, live) {
        (AuditedChange::Created, Some(live)) => {
            let expiry = live.expires_at.map(|millis| Timestamp::from_millis(millis).ok_or("expiry"));
            let token = TokenRecord {
                id: record.token,
                name: record.name.clone().ok_or("name")?,
                description: live.description.map(|text| text.parse()).transpose().map_err(|_| "description")?,
                digest: digest.ok_or("digest")?,
                created_at: record.at,
                created_by: record.by,
                expires_at: expiry.transpose()?,
                permissions: Permissions::existing(&live.permissions).map_err(|_| "permissions")?,
            };
            Ok(MovedChange { record, token: Some(token), digest: None })
        }
        (AuditedChange::Created, None) if digest.is_some() => Err("digest"),
        (AuditedChange::Created, None) => Ok(MovedChange { record, token: None, digest }),
        (_, Some(_)) => Err("token"),
        (_, None) => Ok(MovedChange { record, token: None, digest }),
    }
}
