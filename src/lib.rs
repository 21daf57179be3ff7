//! Durable tokens for InfluxDB 3: stored, authenticated, and invalid from the moment they are deleted.
//!
//! The crate implements InfluxDB 3's API for `/api/v3/configure/token`, as a service to embed.
//!
//! # Map
//!
//! A request passes through these modules from top to bottom, and none calls back up:
//!
//! | module | contents |
//! |---|---|
//! | `embed` | [`TokenApi`], the service to embed, and [`RequireToken`], a layer for other routes |
//! | `api` | [`CatalogApi`], which implements the traits of [`influxdb3_token_api`], the crate generated from the document |
//! | `catalog` | [`Catalog`], the rules: authenticate, create, delete, regenerate |
//! | `store` | [`TokenStore`] and its implementations [`MemoryStore`], `SqliteStore` (feature `sqlite`) and `EtcdStore` (feature `etcd`) |
//! | `live` | every live token in memory: [`LiveTokens`] reads, [`LiveTokensWriter`] writes and belongs to the store |
//! | `token` | the types of a token, which are validated when they are made |
//! | `clock` | [`Clock`], which tells the time |
//! | `histogram` | [`Histogram`], which counts how large values are |
//!
//! The library sets up no runtime and no logger.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `sqlite` (default) | `SqliteStore`, a store in one SQLite file |
//! | `etcd` | `EtcdStore`, a store in etcd for many nodes: a deleted token is refused by all within a bound. Its build needs `protoc` |
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use http::{Request, StatusCode};
//! use http_body_util::Empty;
//! use influxdb3_tokens::{Catalog, MemoryStore, NewToken, Permissions, SystemClock, TokenApi};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let catalog = Catalog::open(Arc::new(MemoryStore::new()), Arc::new(SystemClock)).await?;
//! let (operator, operator_secret) = NewToken::fresh("_admin".parse()?, Permissions::ADMIN)?;
//! catalog.create(operator).await?;
//! let (token, secret) = NewToken::fresh("ci".parse()?, Permissions::ADMIN)?;
//! let token = catalog.create(token).await?;
//! assert!(catalog.authenticate(secret.expose()).is_some());
//!
//! let request = Request::delete(format!("/api/v3/configure/token?id={}", token.id))
//!     .header("authorization", format!("Bearer {}", operator_secret.expose()))
//!     .body(Empty::<&[u8]>::new())?;
//! let response = TokenApi::new(catalog.clone()).handle(request).await;
//!
//! assert_eq!(response.status(), StatusCode::NO_CONTENT);
//! assert!(catalog.authenticate(secret.expose()).is_none());
//! # Ok(())
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
mod catalog;
mod clock;
mod embed;
mod histogram;
mod live;
mod store;
mod sync;
mod token;

pub use api::{CatalogApi, admin_token_object};
pub use catalog::{Catalog, ChangeKind, ChangeOutcome, CreateError, DeleteError, RegenerateError};
pub use clock::{BootTime, Clock, SystemClock};
pub use embed::{Guarded, OverCatalog, OverStore, RequireToken, TokenApi, TokenApiBuilder};
pub use histogram::{Distribution, Histogram};
/// The crate generated from the document. Its types are part of the interface of this crate.
pub use influxdb3_token_api;
pub use live::{LiveTokens, LiveTokensWriter, UntilDeleted};
pub use store::{
    Actor, AuditPage, AuditPosition, AuditRecord, AuditedChange, Begun, Cause, CopyStatistics, Creation,
    CreationOutcome, Deletion, DeletionOutcome, ImportId, Imported, InvalidOrigin, MemorySource, MemoryStore,
    MemoryTarget, MoveError, MoveSource, MoveTarget, Moved, MovedChange, Origin, Regeneration, RegenerationOutcome,
    SharedStore, StoreError, StoreStatistics, TokenSelector, TokenStore, export, import,
};
#[cfg(feature = "sqlite")]
pub use store::{
    BackupError, BackupSummary, Checked, Damage, LaterChanges, NewBackup, OpenError, RestoreError, RestoreOptions,
    Restored, Snapshot, SqliteOptions, SqliteSource, SqliteStore, SqliteTarget,
};
#[cfg(feature = "etcd")]
pub use store::{EtcdOpenError, EtcdOptions, EtcdOptionsError, EtcdSource, EtcdStore, EtcdTarget, EtcdTls};
pub use token::{
    Action, Digest, ExpiryTooLate, InvalidPermission, InvalidSecret, InvalidTokenDescription, InvalidTokenId,
    InvalidTokenName, Names, NewToken, NoEntropy, Permission, Permissions, Principal, Resource, Secret, SecretOrigin,
    Timestamp, TokenDescription, TokenId, TokenName, TokenRecord,
};

/// The README's code, compiled.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
