//! The right server passes the kit. Each wrong server fails it for the expected reason.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod api;
mod combined_security;
#[path = "../../../tests/it/creation.rs"]
mod creation;
#[allow(dead_code)]
#[path = "../../../tests/it/document.rs"]
mod document;
mod documentation;
mod foreign;
mod next_api;
mod other_api;
mod recipe;
mod right;
mod server;
mod sources;
mod wrong;
