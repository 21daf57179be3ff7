//! The options of TLS: of the commands that call a server, and of `serve`.

mod client;

pub(super) use client::TlsClientOptions;
