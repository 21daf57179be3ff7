//! The server behind the command `influxdb3-tokens`: it listens, serves a [`TokenApi`](influxdb3_tokens::TokenApi)
//! over HTTP/1.1 and HTTP/2, and drains its connections when it is told to stop.
//!
//! [`Limits`] bound what clients may take of it.
//!
//! This library is for programs that want the same server in their own process. A larger server with a stack of its own
//! needs only `influxdb3-tokens`. Everything else that the command does is private to it: `influxdb3-tokens help` lists
//! the subcommands.
//!
//! | feature | what it adds |
//! |---|---|
//! | `etcd` (default) | the command's option `--store etcd://…`; nothing in this library |
//!
//! ```
//! use std::sync::Arc;
//!
//! use influxdb3_tokens::{MemoryStore, TokenApi};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let api = TokenApi::builder(Arc::new(MemoryStore::new())).build().await?;
//! let listener = influxdb3_tokens_server::listen("127.0.0.1:0".parse()?)?;
//! println!("listening on http://{}", listener.local_addr()?);
//!
//! let shutdown = async { /* such as a signal */ };
//! influxdb3_tokens_server::serve(listener, api, shutdown).await;
//! # Ok(())
//! # }
//! ```

mod logged;
mod serve;

pub use rustls;
#[cfg(unix)]
pub use serve::raise_descriptor_limit;
pub use serve::{
    Limits, Observer, Server, Service, Statistics, Tls, TlsError, TlsFiles, TlsVersion, descriptors_for_connections,
    listen, serve, serve_within,
};

// The command's modules belong to `main.rs`, where `fuzz/` cannot reach them.
#[cfg(fuzzing)]
#[allow(dead_code)]
mod cli;
#[cfg(fuzzing)]
#[allow(dead_code)]
mod control;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(fuzzing)]
#[allow(dead_code)]
mod ops;
#[cfg(fuzzing)]
extern crate self as influxdb3_tokens_server;
