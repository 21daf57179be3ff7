//! Tests of the server in the same process, and of the command in another process, with a module for each topic.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod blocking;
mod cli;
#[cfg(all(target_os = "linux", feature = "etcd"))]
mod cluster;
mod connection_limits;
mod connections;
mod control_socket;
#[cfg(target_os = "linux")]
mod corpus;
mod crash;
#[cfg(target_os = "linux")]
mod disk_faults;
mod help;
mod http2;
#[cfg(target_os = "linux")]
mod kills;
#[cfg(target_os = "linux")]
mod log_order;
#[cfg(target_os = "linux")]
mod logging;
#[cfg(target_os = "linux")]
mod nginx;
mod ops;
#[cfg(target_os = "linux")]
mod power_loss;
mod process;
#[cfg(target_os = "linux")]
mod protection;
#[cfg(target_os = "linux")]
mod recorded;
#[cfg(target_os = "linux")]
mod safety;
mod scarcity;
mod secrets;
mod serving;
#[cfg(target_os = "linux")]
mod shutdown;
mod signals;
mod tls;

// Shared with the tests of the library, which use all of it.
#[allow(dead_code)]
#[path = "../../../tests/it/client.rs"]
mod client;
#[path = "../../../tests/it/creation.rs"]
mod creation;
#[path = "../../../tests/it/document.rs"]
mod document;
#[cfg(all(target_os = "linux", feature = "etcd"))]
#[allow(dead_code)]
#[path = "../../../tests/it/etcd.rs"]
mod etcd;
#[path = "../../../tests/it/limits.rs"]
mod limits;
#[path = "../../../tests/it/redaction.rs"]
mod redaction;
#[path = "../../../tests/it/rejected.rs"]
mod rejected;
#[allow(dead_code)]
#[path = "../../../tests/it/running.rs"]
mod running;
