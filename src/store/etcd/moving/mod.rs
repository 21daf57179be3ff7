//! Moving the tokens of a cluster.

mod source;
mod target;

use std::time::Duration;

use tokio::time::Instant;

use super::members::RequestError;
use crate::store::{MoveError, StoreError};

pub use source::EtcdSource;
pub use target::EtcdTarget;

/// When a request that begins now is given up.
fn deadline() -> Instant {
    const PATIENCE: Duration = Duration::from_secs(30);
    Instant::now() + PATIENCE
}

impl From<RequestError> for MoveError {
    fn from(error: RequestError) -> Self {
        Self::Store(StoreError::from(error))
    }
}
