//! `healthcheck`: asks the server of a data directory whether it can serve.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::{DataDir, Failure};
use crate::control::Client;

const EXAMPLES: &str = "Examples:
  influxdb3-tokens healthcheck
  # In a Dockerfile
  HEALTHCHECK CMD [\"influxdb3-tokens\", \"healthcheck\"]";

/// Check that the server of --data-dir runs and can read its tokens
///
/// It asks through the control socket, so it needs neither a port nor a token; run it as the server's user. Exit codes: 0,
/// the server is healthy; 1, it is not, or it did not answer within 5 seconds; 2, wrong usage.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    #[command(flatten)]
    directory: DataDir,
}

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(options: Options) -> Result<ExitCode, Failure> {
    let socket = options.directory.control_socket();
    let asked = async {
        let client = Client::connect(&socket).await.map_err(|error| {
            let (directory, socket) = (options.directory.data_dir.display(), socket.display());
            format!("no server can be reached on {directory}: {socket}: {error}")
        })?;
        client.health().await.map_err(Failure::from)
    };
    let answered = tokio::time::timeout(PATIENCE, asked).await;
    answered.unwrap_or_else(|_| {
        Err(format!("the server did not answer within {PATIENCE:?}; if its tokens are in etcd, etcd may not answer")
            .into())
    })?;
    Ok(ExitCode::SUCCESS)
}
