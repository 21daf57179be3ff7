//! Stores that others change, too.

use async_trait::async_trait;

use super::StoreError;
use crate::token::{Digest, Principal};
#[cfg(doc)]
use crate::{catalog::Catalog, live::LiveTokensWriter, store::TokenStore};

/// What a [`TokenStore`] does besides, if others change its tokens too: other nodes of a cluster.
///
/// The live tokens of such a store are a copy. The store keeps it up to date, and says until when it can be relied upon
/// ([`LiveTokensWriter::set_fresh_until`]). A [`Catalog`] accepts a token that it finds in a copy that can be relied upon; it
/// asks the store before it refuses one, because a token that another node has just created may not be in the copy yet.
#[async_trait]
pub trait SharedStore: Send + Sync {
    /// Returns the token with this digest, if it was live at some moment after this call began.
    ///
    /// May be called for many digests at the same time, also for such that no token ever had.
    ///
    /// # Errors
    ///
    /// If that cannot be found out now, or not within the time for which the store allows a copy to be relied upon.
    async fn find(&self, digest: &Digest) -> Result<Option<Principal>, StoreError>;

    /// Finds out whether the store answers, so that it could decide about a token now. Changes nothing.
    ///
    /// # Errors
    ///
    /// If it does not answer.
    async fn reach(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
