//! The time, as an argument.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::token::Timestamp;

/// Where the [`Catalog`](crate::Catalog) reads the time. Tests bring their own.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    /// The present moment; one outside the range of [`Timestamp`] counts as the nearer end of it.
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::EPOCH.checked_add(since_epoch).unwrap_or(Timestamp::MAX)
    }
}
