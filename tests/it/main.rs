//! The library as its users see it, a module for each theme.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod allocations;
mod cli;
mod client;
mod crash;
mod creation;
mod credentials;
mod deletion;
mod embedding;
mod failures;
mod generated_client;
mod memory_store;
mod models;
mod parameters;
mod process;
mod require_token;
mod routing;
mod running;
mod secrets;
mod snapshots;
#[cfg(feature = "sqlite")]
mod sqlite_store;
mod store_laws;
