//! The live tokens and the memory of expired tokens, compiled with the types of `loom`.
//!
//! A test in `ordering.rs` runs them in every order of its threads, with every value that the memory model lets a
//! relaxed load read. The modules are the library's own: only [`sync`] differs.
// The unit tests of these modules are for the types of the standard library.
#![cfg(not(test))]
#![allow(dead_code, missing_docs, unreachable_pub, unused_imports, reason = "only a part of the library is compiled")]

#[path = "../../../src/clock.rs"]
mod clock;
#[path = "../../../src/catalog/expiry.rs"]
mod expiry;
#[path = "../../../src/live/mod.rs"]
mod live;
mod sync;
#[path = "../../../src/token/mod.rs"]
mod token;

use std::fmt;

pub use live::{LiveTokens, LiveTokensWriter, UntilDeleted};
pub use token::{Digest, Permissions, Principal, Timestamp, TokenId};

/// The writer of a catalog that has no tokens yet.
pub fn writer() -> LiveTokensWriter {
    LiveTokensWriter::new()
}

/// An admin token whose digest begins with these bytes.
pub fn token(id: u64, digest: u64) -> Principal {
    let mut bytes = [0; 64];
    bytes[..8].copy_from_slice(&digest.to_le_bytes());
    Principal::new(TokenId::from_u64(id), Digest::from_bytes(bytes), None, Permissions::ADMIN)
}

/// The tokens that have been seen expired.
pub struct SeenExpired(expiry::SeenExpired);

impl SeenExpired {
    pub fn new() -> Self {
        Self(expiry::SeenExpired::new())
    }

    /// Whether the token `id`, which expires at this time, has expired at the time `now` or been seen so.
    pub fn check(&self, id: u64, expires_at: u64, now: u64) -> bool {
        let at = |millis| Timestamp::from_millis(millis).expect("a test uses small times");
        self.0.check(TokenId::from_u64(id), at(expires_at), at(now), |_| true)
    }
}

impl Default for SeenExpired {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SeenExpired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeenExpired").finish_non_exhaustive()
    }
}
