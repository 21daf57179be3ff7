//! What the connections of a server have done, for metrics.

use std::sync::Arc;

use super::connections::Connections;

/// A handle that reads the [`Statistics`] of a server, also while it serves. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Observer(pub(super) Arc<Connections>);

/// What the connections of a server have done since it was made, and how many there are now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Open connections.
    pub open: u64,
    /// How many connections may be open.
    pub capacity: u64,
    /// Connections that were accepted.
    pub accepted: u64,
    /// Connections that were closed at once, because the server was full and worked for all of them.
    pub refused: u64,
    /// Connections that a limit closed, by the name of the limit.
    pub closed: [(&'static str, u64); 5],
    /// Responses 401 that were held back, because the address had got many.
    pub delayed: u64,
    /// How often all connections were checked for limits.
    pub sweeps: u64,
}

impl Observer {
    /// Reads them now.
    pub fn statistics(&self) -> Statistics {
        self.0.statistics()
    }
}
