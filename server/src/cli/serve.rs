//! `serve`: runs the server.

use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clap::builder::FalseyValueParser;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use influxdb3_tokens::{Catalog, CreateError, NewToken, Origin, SqliteStore, TokenApi};
use influxdb3_tokens_server::{listen, raise_descriptor_limit, serve_within};
use openapi_stub_runtime::Printable;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

use super::arguments::host_and_port;
use super::limits::LimitOptions;
use super::log::{Log, LogFormat};
use super::output::error_line;
use super::sandbox::{Confinement, Sandbox};
use super::token_file::TokenFile;
use super::{DataDir, Failure, access, protection};
use crate::control;

/// Run the server, until SIGTERM or SIGINT
///
/// Exit codes: 0, it was told to stop; 1, it could not start, or failed; 2, wrong usage.
#[derive(Args)]
pub(super) struct Options {
    /// Address or host, and port, for HTTP/1.1 and HTTP/2; port 0 is any free port
    #[arg(long, env = "INFLUXDB3_HTTP_BIND_ADDR", value_name = "ADDRESS", default_value = "127.0.0.1:8181", value_parser = host_and_port)]
    http_bind: (String, u16),

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

    /// Do without the sandbox, which lets the server open only its own files and execute no program
    #[arg(long, env = "INFLUXDB3_TOKENS_NO_SANDBOX", value_parser = FalseyValueParser::new())]
    no_sandbox: bool,

    #[command(flatten)]
    limits: LimitOptions,
}

/// How many tokens of a file wait for the store at a time; fewer than its queue takes.
const CREATIONS: usize = 1024;

/// Prepares the process, and serves in a runtime of its own: no thread may run before the sandbox is entered.
pub(super) fn run(options: Options) -> Result<ExitCode, Failure> {
    let forgotten = protection::forget_unused_secret();
    // The sandbox hides the files that say where a host is.
    let addresses = addresses(&options.http_bind)?;
    SqliteStore::prepare(options.directory.database())?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if std::env::var_os("TOKIO_WORKER_THREADS").is_none() {
        // The limit of a container is in files that the sandbox hides.
        runtime.worker_threads(std::thread::available_parallelism().map_or(1, usize::from));
    }
    let confinement = match options.no_sandbox {
        true => Confinement::Without("it is switched off".to_owned()),
        false => options.sandbox().enter(),
    };

    let runtime = runtime.enable_all().build()?;
    {
        // Before the log is written, which may be a file that cannot grow.
        let _entered = runtime.enter();
        protection::survive_file_size_limit()?;
    }
    let log = Log::start(options.log_filter.clone(), options.log_format)?;
    protection::redact_panics(protection::log_panic);
    confinement.log();
    if let Err(error) = forgotten {
        tracing::warn!(%error, "cannot remove INFLUXDB3_AUTH_TOKEN, which `serve` does not use, from the environment");
    }
    if let Err(error) = raise_descriptor_limit() {
        tracing::warn!(%error, "cannot raise the limit of file descriptors");
    }
    let served = runtime.block_on(serve_until_stopped(options, addresses));
    if let Err(error) = &served {
        log.print(error_line(error.as_ref()));
    }
    // What ends with it may log.
    drop(runtime);
    log.end();
    Ok(if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Options {
    fn sandbox(&self) -> Sandbox<'_> {
        let files = [&self.admin_token_file, &self.permission_tokens_file];
        Sandbox { directory: &self.directory.data_dir, files: files.into_iter().flatten().map(AsRef::as_ref).collect() }
    }
}

async fn serve_until_stopped(options: Options, addresses: Vec<SocketAddr>) -> Result<(), Failure> {
    let access::Opened { store, catalog } = access::open(&options.directory).await?;
    let tokens = given_tokens(options.admin_token_file, options.permission_tokens_file)?;
    // Many at a time, in their order, so that they share commits.
    let of_files = catalog.requested_from(Origin::TokenFile);
    let creations = stream::iter(tokens).map(|token| create(&of_files, token)).buffered(CREATIONS);
    creations.try_collect::<()>().await?;
    let (stop, stop_at_once) = signals()?;

    let listener = listen_on(&addresses).map_err(|error| cannot_listen(&options.http_bind, &error))?;
    let socket = options.directory.control_socket();
    let control_listener = control::bind(&socket).map_err(|error| format!("{}: {error}", socket.display()))?;
    let address = listener.local_addr()?;

    tracing::info!(%address, tokens = catalog.live().len(), cluster = %catalog.cluster_uuid(), "serving");
    announce(address);
    let api = TokenApi::new(catalog.clone());
    let served = control::Served { catalog, store: Some(store) };
    tokio::select! {
        () = serve_within(options.limits.limits(), listener, api, stop) => {}
        () = stop_at_once => tracing::warn!("stopping at once, after a second signal"),
        () = control::serve(control_listener, &socket, served) => {}
    }
    if let Err(error) = std::fs::remove_file(&socket) {
        tracing::warn!(%error, "cannot remove the control socket");
    }
    tracing::info!("stopped");
    Ok(())
}

/// Writes the address to standard output, in a thread of its own, because it may be a pipe that is full.
fn announce(address: SocketAddr) {
    let announced = std::thread::Builder::new().name("announcement".to_owned()).spawn(move || {
        let line = format!("listening on http://{address}\n");
        if let Err(error) = std::io::stdout().write_all(line.as_bytes()) {
            tracing::warn!(%error, "cannot write the address to standard output");
        }
    });
    if let Err(error) = announced {
        tracing::warn!(%error, "cannot write the address to standard output");
    }
}

/// The tokens of the files that the options name.
pub(super) fn given_tokens(admin: Option<PathBuf>, permission: Option<PathBuf>) -> Result<Vec<NewToken>, Failure> {
    let mut tokens = Vec::new();
    if let Some(file) = admin {
        tokens.push(read(&file)?.admin_token()?);
    }
    if let Some(file) = permission {
        tokens.extend(read(&file)?.permission_tokens()?);
    }
    Ok(tokens)
}

/// Reads a token file, and logs a warning if other users can read it too.
fn read(file: &Path) -> Result<TokenFile, Failure> {
    let file = TokenFile::open(file)?;
    if let Some(warning) = file.warning() {
        tracing::warn!("{}", Printable(&warning));
    }
    Ok(file)
}

/// The addresses of a host.
fn addresses(http_bind: &(String, u16)) -> Result<Vec<SocketAddr>, Failure> {
    let found = http_bind.to_socket_addrs();
    found.map(Iterator::collect).map_err(|error| cannot_listen(http_bind, &error))
}

fn cannot_listen((host, port): &(String, u16), error: &io::Error) -> Failure {
    format!("{host}:{port}: {error}").into()
}

/// Listens on the first of these addresses that can be bound.
fn listen_on(addresses: &[SocketAddr]) -> io::Result<TcpListener> {
    let mut result = Err(io::Error::other("the host has no address"));
    for address in addresses {
        result = listen(*address);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// Creates the token of a file, unless it has expired, or it or another with its name or secret exists.
async fn create(catalog: &Catalog, token: NewToken) -> Result<(), Failure> {
    let name = token.name.clone();
    if token.expires_at.is_some_and(|at| at <= catalog.now()) {
        tracing::warn!(%name, "the token of a file has expired, and is not created; remove it from the file");
        return Ok(());
    }
    match catalog.create(token).await {
        Ok(record) => {
            let (id, origin) = (record.id, Origin::TokenFile);
            tracing::info!(target: control::AUDIT, %name, %id, %origin, change = "created", "created the token of a file");
        }
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
