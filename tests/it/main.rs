//! The library as its users see it, a module for each theme.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod allocations;
mod cli;
mod client;
mod contract;
mod control_socket;
mod crash;
mod credentials;
mod deletion;
mod embedding;
mod failures;
mod generated_client;
mod limits;
mod memory_store;
mod models;
mod parameters;
#[cfg(target_os = "linux")]
mod power_loss;
mod process;
#[cfg(target_os = "linux")]
mod recorded;
mod require_token;
mod routing;
mod running;
mod scarcity;
mod secrets;
#[cfg(target_os = "linux")]
mod shutdown;
mod snapshots;
#[cfg(feature = "sqlite")]
mod sqlite_store;
mod store_laws;
