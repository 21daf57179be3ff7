//! The values in etcd, which are JSON.

use serde::{Deserialize, Serialize};

use super::keys::fixed;
use crate::store::{AuditRecord, AuditedChange, StoreError};
use crate::token::{Digest, Permissions, Timestamp, TokenId, TokenName, TokenRecord};

/// The version of the keys and values. A store of another version is refused.
pub(super) const FORMAT: u32 = 1;

/// Stands for the version until an import is finished, so that no store is opened before.
pub(super) const IMPORTING: u32 = 0;

/// The value of the key `cluster`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredCluster {
    pub(super) format: u32,
    pub(super) uuid: uuid::Uuid,
    /// By what the import is known again that made the store, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) import: Option<String>,
}

/// A live token. Its ID is in its key.
#[derive(Serialize, Deserialize)]
struct StoredToken {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    digest: String,
    created_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_by: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    permissions: String,
}

/// A record of the audit trail. Its place is the revision in which it was created.
#[derive(Serialize, Deserialize)]
struct StoredChange {
    change: String,
    token: u64,
    at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
}

/// The name that a token has or had, and the mark of the request that created it.
#[derive(Serialize, Deserialize)]
pub(super) struct RegisterEntry {
    pub(super) name: String,
    pub(super) mark: String,
}

impl RegisterEntry {
    pub(super) fn to_value(&self) -> Vec<u8> {
        to_json(self)
    }

    pub(super) fn from_value(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok()
    }
}

impl StoredCluster {
    pub(super) fn to_value(&self) -> Vec<u8> {
        to_json(self)
    }

    pub(super) fn from_value(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok()
    }
}

/// The value of a live token.
pub(super) fn token_to_value(record: &TokenRecord) -> Vec<u8> {
    let TokenRecord { id: _, name, description, digest, created_at, created_by, expires_at, permissions } = record;
    to_json(&StoredToken {
        name: name.to_string(),
        description: description.as_ref().map(ToString::to_string),
        digest: digest.to_string(),
        created_at: created_at.as_millis(),
        created_by: created_by.map(TokenId::as_u64),
        expires_at: expires_at.map(Timestamp::as_millis),
        permissions: permissions.to_string(),
    })
}

/// Reads the value of a live token.
pub(super) fn token_from_value(id: TokenId, value: &[u8]) -> Result<TokenRecord, StoreError> {
    let damaged = |field: &str| {
        let key = fixed(id.as_u64());
        let advice = format!("restore a snapshot of etcd, or remove the key that ends with live/{key}");
        StoreError::unavailable(Damage(format!("the record of token {id} in etcd has a wrong {field}: {advice}")))
    };
    let stored: StoredToken = serde_json::from_slice(value).map_err(|_| damaged("form"))?;
    let time = |millis: u64, field: &str| Timestamp::from_millis(millis).ok_or_else(|| damaged(field));
    Ok(TokenRecord {
        id,
        name: TokenName::existing(&stored.name).map_err(|_| damaged("name"))?,
        description: stored.description.map(|it| it.parse()).transpose().map_err(|_| damaged("description"))?,
        digest: Digest::from_text(&stored.digest).ok_or_else(|| damaged("digest"))?,
        created_at: time(stored.created_at, "creation time")?,
        created_by: stored.created_by.map(TokenId::from_u64),
        expires_at: stored.expires_at.map(|millis| time(millis, "expiry")).transpose()?,
        permissions: Permissions::existing(&stored.permissions).map_err(|_| damaged("permissions"))?,
    })
}

/// The value of a record of the audit trail, without the names.
pub(super) fn change_to_value(record: &AuditRecord) -> Vec<u8> {
    let AuditRecord { change, token, name: _, at, by, by_name: _, origin } = record;
    to_json(&StoredChange {
        change: change.to_string(),
        token: token.as_u64(),
        at: at.as_millis(),
        by: by.map(TokenId::as_u64),
        origin: origin.map(|origin| origin.to_string()),
    })
}

/// Reads a record of the audit trail, without the names.
pub(super) fn change_from_value(value: &[u8]) -> Result<AuditRecord, StoreError> {
    let damaged = || StoreError::unavailable("a record of the audit trail in etcd is damaged");
    let stored: StoredChange = serde_json::from_slice(value).map_err(|_| damaged())?;
    let change = [AuditedChange::Created, AuditedChange::Regenerated, AuditedChange::Deleted]
        .into_iter()
        .find(|change| change.to_string() == stored.change);
    Ok(AuditRecord {
        change: change.ok_or_else(damaged)?,
        token: TokenId::from_u64(stored.token),
        name: None,
        at: Timestamp::from_millis(stored.at).ok_or_else(damaged)?,
        by: stored.by.map(TokenId::from_u64),
        by_name: None,
        origin: stored.origin.map(|origin| origin.parse()).transpose().map_err(|_| damaged())?,
    })
}

/// A key of a store is missing, or has a value that no store has put there. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Damage(String);

impl Damage {
    /// This key is missing, or has a wrong value.
    pub(super) fn of(key: &str) -> Self {
        Self(format!("{key} is missing in etcd, or damaged: restore a snapshot of etcd"))
    }
}

/// The error for a key that a store needs, if it is missing or has a wrong value.
pub(super) fn damaged(key: &str) -> StoreError {
    StoreError::unavailable(Damage::of(key))
}

/// The ID in the value of a name or a digest.
pub(super) fn id_from_value(value: &[u8]) -> Option<TokenId> {
    std::str::from_utf8(value).ok()?.parse().ok().map(TokenId::from_u64)
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("texts and numbers have a JSON form")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::NewToken;

    #[test]
    fn a_token_is_read_back_from_its_value() {
        let (new, _) = NewToken::fresh("ci".parse().unwrap(), "db:a,b:read".parse().unwrap()).unwrap();
        let bare = TokenRecord {
            id: TokenId::from_u64(7),
            name: new.name,
            description: None,
            digest: new.digest,
            created_at: Timestamp::EPOCH,
            created_by: None,
            expires_at: None,
            permissions: new.permissions,
        };
        let full = TokenRecord {
            description: Some("for the pipeline".parse().unwrap()),
            created_by: Some(TokenId::OPERATOR),
            expires_at: Some(Timestamp::MAX),
            ..bare.clone()
        };
        for record in [bare, full] {
            assert_eq!(token_from_value(record.id, &token_to_value(&record)).unwrap(), record);
        }
        let error = token_from_value(TokenId::from_u64(7), b"{}").unwrap_err();
        assert!(!error.may_have_happened());
    }

    #[test]
    fn a_change_is_read_back_from_its_value() {
        for change in [AuditedChange::Created, AuditedChange::Regenerated, AuditedChange::Deleted] {
            let record = AuditRecord {
                change,
                token: TokenId::from_u64(7),
                name: None,
                at: Timestamp::MAX,
                by: Some(TokenId::OPERATOR),
                by_name: None,
                origin: Some(crate::Origin::TokenFile),
            };
            assert_eq!(change_from_value(&change_to_value(&record)).unwrap(), record);
        }
    }
}
