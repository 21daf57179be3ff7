//! What `fuzz/` calls of the server. It exists only under `--cfg fuzzing`, so no other crate can come to need it.

use hyper_util::server::graceful::GracefulShutdown;
use influxdb3_tokens::TokenApi;
use tokio::io::{AsyncRead, AsyncWrite};

pub use crate::cli::fuzzing::{parse_arguments, read_token_files, write_token_file};
pub use crate::control::fuzzing::{are_replies, ask, converse};

/// Serves the API on a connection, as the command does, in a task of its own. A drop of what is returned stops it.
pub fn connect<S>(stream: S, api: &TokenApi) -> GracefulShutdown
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connections = GracefulShutdown::new();
    crate::serve::connect(stream, api, &connections);
    connections
}
