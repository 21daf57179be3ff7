//! The library as its users see it, a module for each theme.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod client;
mod credentials;
mod deletion;
mod failures;
mod models;
mod parameters;
mod routing;
mod running;
mod snapshots;
#[cfg(feature = "sqlite")]
mod sqlite_store;
mod store_laws;
