//! Tests of the library's public API, with a module for each topic.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod allocations;
#[cfg(target_os = "linux")]
mod boot_time;
mod client;
mod client_broken_bodies;
mod creation;
mod credentials;
mod deleted_actor;
mod deletion;
mod document;
mod embedding;
#[cfg(feature = "etcd")]
mod etcd;
#[cfg(feature = "etcd")]
mod etcd_damaged;
#[cfg(feature = "etcd")]
mod etcd_large;
#[cfg(feature = "etcd")]
mod etcd_load;
#[cfg(feature = "etcd")]
mod etcd_login;
#[cfg(feature = "etcd")]
mod etcd_lost_responses;
#[cfg(feature = "etcd")]
mod etcd_lost_store;
#[cfg(feature = "etcd")]
mod etcd_nodes;
#[cfg(feature = "etcd")]
mod etcd_prefixes;
#[cfg(feature = "etcd")]
mod etcd_store;
#[cfg(feature = "etcd")]
mod etcd_together;
#[cfg(feature = "etcd")]
mod etcd_uses;
mod generated_client;
mod limits;
mod linearizability;
mod memory_store;
mod models;
mod moving;
mod parameters;
mod redaction;
mod rejected;
mod rejection_reasons;
mod released_formats;
mod require_token;
mod routing;
mod running;
mod secrets;
mod serving;
mod snapshots;
mod sqlite_backups;
mod sqlite_files;
mod sqlite_formats;
mod sqlite_store;
mod store_failures;
mod store_laws;
