//! The server in the test's own process, and the command as people and scripts run it, a module for each theme.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod cli;
mod connections;
mod crash;
mod help;
mod process;
mod secrets;
mod serving;

// Shared with the tests of the library, which use all of it.
#[allow(dead_code)]
#[path = "../../../tests/it/client.rs"]
mod client;
#[path = "../../../tests/it/creation.rs"]
mod creation;
#[path = "../../../tests/it/redaction.rs"]
mod redaction;
#[path = "../../../tests/it/refused.rs"]
mod refused;
#[allow(dead_code)]
#[path = "../../../tests/it/running.rs"]
mod running;
