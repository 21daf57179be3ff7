//! What a token consists of. Each type is validated when it is made, and trusted from then on.

mod description;
mod id;
mod name;
mod permission;
mod permissions;
mod principal;
mod record;
mod secret;
mod text;
mod time;

pub use description::{InvalidTokenDescription, TokenDescription};
pub use id::{InvalidTokenId, TokenId};
pub use name::{InvalidTokenName, TokenName};
pub use permission::{Action, InvalidPermission, Names, Permission, Resource};
pub use permissions::Permissions;
pub use principal::Principal;
pub use record::{ExpiryTooLate, NewToken, SecretOrigin, TokenRecord};
pub use secret::{Digest, InvalidSecret, NoEntropy, Secret};
pub use time::Timestamp;
