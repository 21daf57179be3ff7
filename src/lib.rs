//! Tokens that are stored durably, authenticated, and deleted so that a deleted token is refused.

mod api;
mod catalog;
mod clock;
mod embed;
mod live;
mod store;
mod token;

#[cfg(feature = "server")]
pub mod server;

pub use api::CatalogApi;
pub use catalog::{Catalog, CreateError, DeleteError, Import, TokenImport, TokenRequest};
pub use clock::{Clock, SystemClock};
pub use embed::TokenApi;
pub use live::LiveTokens;
pub use store::{Cause, Creation, Deletion, DeletionOutcome, MemoryStore, StoreError, TokenStore};
#[cfg(feature = "sqlite")]
pub use store::{OpenError, SqliteOptions, SqliteStore};
pub use token::{
    Action, Digest, InvalidPermission, InvalidSecret, InvalidTokenId, InvalidTokenName, Names, NewToken, NoEntropy,
    Permission, Permissions, Principal, Resource, Secret, Timestamp, TokenId, TokenName, TokenRecord,
};
