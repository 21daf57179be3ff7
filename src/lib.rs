//! Tokens that are stored durably, authenticated, and deleted so that a deleted token is refused.

mod catalog;
mod clock;
mod live;
mod store;
mod token;

pub use catalog::{Catalog, CreateError, DeleteError, Import, TokenImport, TokenRequest};
pub use clock::{Clock, SystemClock};
pub use live::LiveTokens;
pub use store::{Cause, Creation, Deletion, DeletionOutcome, MemoryStore, StoreError, TokenStore};
#[cfg(feature = "sqlite")]
pub use store::{OpenError, SqliteOptions, SqliteStore};
pub use token::{
    Action, Digest, InvalidPermission, InvalidSecret, InvalidTokenId, InvalidTokenName, Names, NewToken, NoEntropy,
    Permission, Permissions, Principal, Resource, Secret, Timestamp, TokenId, TokenName, TokenRecord,
};
