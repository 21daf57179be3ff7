//! The options of TLS: of the commands that call a server, and of `serve`.

mod client;
mod self_signed;
mod server;

pub(super) use client::TlsClientOptions;
pub(super) use server::{TlsServerOptions, places};
