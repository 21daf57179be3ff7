//! `serve`: runs the server.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use influxdb3_tokens::{Catalog, CreateError, NewToken, Permissions, TokenApi};
use influxdb3_tokens_server::{listen, serve};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

use super::token_file::{self, AdminToken, PermissionTokens};
use super::{DataDir, Failure, access};
use crate::control;

/// Run the server, until SIGTERM or SIGINT
#[derive(Args)]
pub(super) struct Options {
    /// Address and port for HTTP/1.1 and HTTP/2; port 0 is any free port
    #[arg(long, env = "INFLUXDB3_HTTP_BIND_ADDR", value_name = "ADDRESS", default_value = "127.0.0.1:8181")]
    http_bind: SocketAddr,

    #[command(flatten)]
    directory: DataDir,

    /// File with an admin token. The token is created unless its name or secret is already in use
    #[arg(long, env = "INFLUXDB3_ADMIN_TOKEN_FILE", value_name = "FILE")]
    admin_token_file: Option<PathBuf>,

    /// File with permission tokens. Each is created unless its name or secret is already in use
    #[arg(long, env = "INFLUXDB3_PERMISSION_TOKENS_FILE", value_name = "FILE")]
    permission_tokens_file: Option<PathBuf>,

    /// Filter of the log on standard error, such as `info` or `warn,influxdb3_tokens=debug`
    #[arg(
        long,
        env = "INFLUXDB3_LOG_FILTER",
        value_name = "FILTER",
        default_value = "info",
        value_parser = |filter: &str| EnvFilter::try_new(filter)
    )]
    log_filter: EnvFilter,

    /// Format of the log
    #[arg(long, env = "INFLUXDB3_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    /// A line for people
    Text,
    /// One JSON object for each line
    Json,
}

/// How many tokens of a file wait for the store at a time; fewer than its queue takes.
const CREATIONS: usize = 1024;

pub(super) async fn run(options: Options) -> Result<ExitCode, Failure> {
    // If the log cannot be written, reporting that on standard error would panic, and nobody would read it.
    let logs = tracing_subscriber::fmt().log_internal_errors(false);
    let logs = logs.with_env_filter(options.log_filter).with_writer(std::io::stderr);
    match options.log_format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }

    let catalog = access::open(&options.directory).await?;
    let tokens = given_tokens(options.admin_token_file, options.permission_tokens_file)?;
    // Many at a time, in their order, so that they share commits.
    let creations = stream::iter(tokens).map(|token| create(&catalog, token)).buffered(CREATIONS);
    creations.try_collect::<()>().await?;
    let (stop, stop_at_once) = signals()?;

    let listener = listen(options.http_bind).map_err(|error| format!("{}: {error}", options.http_bind))?;
    let socket = options.directory.control_socket();
    let control_listener = control::bind(&socket).map_err(|error| format!("{}: {error}", socket.display()))?;
    let address = listener.local_addr()?;

    tracing::info!(%address, tokens = catalog.live().len(), cluster = %catalog.cluster_uuid(), "serving");
    if let Err(error) = writeln!(std::io::stdout(), "listening on http://{address}") {
        tracing::warn!(%error, "cannot write the address to standard output");
    }
    let api = TokenApi::new(catalog.clone());
    tokio::select! {
        () = serve(listener, api, stop) => {}
        () = stop_at_once => tracing::warn!("stopping at once, after a second signal"),
        () = control::serve(control_listener, &socket, catalog) => {}
    }
    if let Err(error) = std::fs::remove_file(&socket) {
        tracing::warn!(%error, "cannot remove the control socket");
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// The tokens of the files that the options name.
pub(super) fn given_tokens(admin: Option<PathBuf>, permission: Option<PathBuf>) -> Result<Vec<NewToken>, Failure> {
    let mut tokens = Vec::new();
    if let Some(file) = admin {
        let token: AdminToken = token_file::read(&file)?;
        tokens.push(token_file::new_token(token.token, &token.name, token.expiry_millis, Permissions::ADMIN, &file)?);
    }
    if let Some(file) = permission {
        let PermissionTokens { tokens: listed, .. } = token_file::read(&file)?;
        for token in listed {
            let permissions = token.permissions.join(" ").parse().map_err(|error| token_file::wrong(&file, &error))?;
            tokens.push(token_file::new_token(token.token, &token.name, token.expiry_millis, permissions, &file)?);
        }
    }
    Ok(tokens)
}

/// Creates the token of a file, unless it or another with its name or secret exists.
async fn create(catalog: &Catalog, token: NewToken) -> Result<(), Failure> {
    let name = token.name.clone();
    match catalog.create(token).await {
        Ok(record) => tracing::info!(%name, id = %record.id, "created the token of a file"),
        Err(CreateError::AlreadyExists) => tracing::debug!(%name, "the token of a file exists"),
        Err(CreateError::NameTaken) => {
            tracing::warn!(%name, "another token has the name of a file's token, which is not created")
        }
        Err(CreateError::SecretTaken) => tracing::warn!(%name, "the token of a file exists under another name"),
        Err(CreateError::SecretDeleted) => tracing::warn!(%name, "the token of a file was deleted, and stays so"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Two futures, which become ready when the process is told to stop for the first and the second time. The signals are
/// caught as soon as this is called.
fn signals() -> Result<(impl Future<Output = ()>, impl Future<Output = ()>), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (first, is_first) = oneshot::channel();
    let (second, is_second) = oneshot::channel();
    tokio::spawn(async move {
        for told in [first, second] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            // The receiver may be gone; ignore the error.
            let _ = told.send(());
        }
    });
    Ok((is_first.map(drop), is_second.map(drop)))
}
