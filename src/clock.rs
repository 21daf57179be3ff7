//! The clock, which is an argument so that tests can set the time.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::token::Timestamp;

/// Tells a [`Catalog`](crate::Catalog) the time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    /// The present moment, clamped to the range of [`Timestamp`].
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::EPOCH.checked_add(since_epoch).unwrap_or(Timestamp::MAX)
    }
}
