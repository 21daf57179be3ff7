//! `serve`: runs the server.

use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use futures::FutureExt;
use influxdb3_tokens::TokenApi;
use influxdb3_tokens_server::{Server, descriptors_for_connections, listen, raise_descriptor_limit};
use openapi_stub_runtime::Printable;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

use super::arguments::host_and_port;
use super::limits::LimitOptions;
use super::log::{DroppedLines, Log, LogFormat};
use super::manager::ServiceManager;
use super::ops::OpsOptions;
use super::output::error_line;
use super::provenance::Provenance;
use super::sandbox::{Confinement, Sandbox};
use super::signals::{self, Hangup};
use super::store::{Opened, PreparedStore, Renewal, StoreArguments};
use super::tls::TlsServerOptions;
use super::{Failure, freshness, protection, token_file};
use crate::control;
use crate::ops::{self, Counted, Ops, Process, Requests, Sources};

mod check_config;

/// How long threads may take to end after everything else has.
const END_TIMEOUT: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "Examples:
  influxdb3-tokens serve --data-dir data
  # With the operator token of a file, on all addresses, for a log collector
  influxdb3-tokens serve --http-bind 0.0.0.0:8181 --log-format json \\
    --admin-token-file admin-token.json
  # As a node of a cluster, whose tokens are in etcd
  influxdb3-tokens serve --store etcd://etcd1,etcd2,etcd3/influxdb3-tokens --data-dir node
  # With a configuration file, whose keys are the names of these options
  influxdb3-tokens serve --config influxdb3-tokens.toml --check-config && \\
    influxdb3-tokens serve --config influxdb3-tokens.toml";

/// Run the server, until SIGTERM or SIGINT
///
/// An option takes its value from the first of these that has one: the command line, a variable, the file `.env` in the
/// current directory, the file of --config, its default. Options of InfluxDB 3 that mean nothing to this server are
/// accepted, and named in a warning.
///
/// Exit codes: 0, it was told to stop; 1, it could not start, or failed; 2, wrong usage.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Configuration file (TOML). Its keys are the long names of the other options
    #[arg(long, env = "INFLUXDB3_TOKENS_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Check the options and the files that they name, print the values with their origins, and end without a change
    #[arg(long)]
    check_config: bool,

    /// Address or host, and port, for HTTP/1.1 and HTTP/2; port 0 is any free port
    #[arg(long, env = "INFLUXDB3_HTTP_BIND_ADDR", value_name = "ADDRESS", default_value = "127.0.0.1:8181", value_parser = host_and_port)]
    http_bind: (String, u16),

    #[command(flatten)]
    store: StoreArguments,

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
    #[arg(long, env = "INFLUXDB3_LOG_FORMAT", value_enum, default_value_t = LogFormat::Full)]
    log_format: LogFormat,

    /// Do without the sandbox, which lets the server open only its own files and execute no program
    #[arg(long, env = "INFLUXDB3_TOKENS_NO_SANDBOX", value_parser = BoolishValueParser::new())]
    no_sandbox: bool,

    #[command(flatten)]
    tls: TlsServerOptions,

    #[command(flatten)]
    ops: OpsOptions,

    #[command(flatten)]
    limits: LimitOptions,
}

/// Prepares the process, and serves in a runtime of its own: no thread may run before the sandbox is entered.
pub(super) fn run(mut options: Options, provenance: Provenance) -> Result<ExitCode, Failure> {
    options.tls.prepare(&options.store.directory.data_dir, &options.http_bind.0);
    if options.check_config {
        return check_config::check(&options, &provenance);
    }
    signals::survive_hangup()?;
    let forgotten = protection::forget_unused_secret();
    // The sandbox hides the files that say where a host is.
    let (api, ops) = (addresses(&options.http_bind)?, options.ops.ops_bind.as_ref().map(addresses).transpose()?);
    let addresses = Addresses { api, ops };
    let store = options.store.prepare()?;
    let renewed = [options.tls.readable(), store.readable()].concat();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if std::env::var_os("TOKIO_WORKER_THREADS").is_none() {
        // The limit of a container is in files that the sandbox hides.
        runtime.worker_threads(std::thread::available_parallelism().map_or(1, usize::from));
    }
    let process = Process::open();
    let manager = ServiceManager::connect();
    let confinement = match options.no_sandbox {
        true => Confinement::Without("it is switched off".to_owned()),
        false => options.sandbox(&renewed, store.ports()).enter(),
    };

    let runtime = runtime.enable_all().build()?;
    let hangup = {
        // Before the log is written, which may be a file that cannot grow.
        let _entered = runtime.enter();
        protection::survive_file_size_limit()?;
        Hangup::catch()?
    };
    let log = Log::start(options.log_filter.clone(), options.log_format)?;
    protection::redact_panics(protection::log_panic);
    for warning in &provenance.warnings {
        tracing::warn!("{}", Printable(warning));
    }
    confinement.log();
    if let Err(error) = forgotten {
        tracing::warn!(%error, "cannot remove INFLUXDB3_AUTH_TOKEN, which `serve` does not use, from the environment");
    }
    if let Err(error) = raise_descriptor_limit() {
        tracing::warn!(%error, "cannot raise the limit of file descriptors");
    }
    let prepared = Prepared { store, addresses, dropped_lines: log.dropped_lines(), process, manager, hangup };
    // What ends with the runtime may log.
    let served = run_in(runtime, END_TIMEOUT, async {
        let served = serve_until_stopped(options, prepared).await;
        if let Err(error) = &served {
            log.print(error_line(error.as_ref()));
        }
        served
    });
    log.end();
    Ok(if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a future, and then ends the runtime within a limit: one of its threads may be stuck, such as with a file of TLS
/// on a network.
fn run_in<F: Future>(runtime: Runtime, limit: Duration, future: F) -> F::Output {
    let output = runtime.block_on(future);
    runtime.shutdown_timeout(limit);
    output
}

impl Options {
    fn sandbox<'a>(&'a self, renewed: &'a [PathBuf], ports: Vec<u16>) -> Sandbox<'a> {
        let files = [&self.admin_token_file, &self.permission_tokens_file];
        let files = files.into_iter().flatten().chain(renewed).map(AsRef::as_ref).collect();
        Sandbox { directory: &self.store.directory.data_dir, files, ports }
    }
}

/// The addresses that may be listened on, of which the first that can be bound is used.
struct Addresses {
    api: Vec<SocketAddr>,
    /// `None` for no operations listener.
    ops: Option<Vec<SocketAddr>>,
}

/// What was prepared before the sandbox was entered, or needs the log.
struct Prepared {
    store: PreparedStore,
    addresses: Addresses,
    dropped_lines: DroppedLines,
    process: Process,
    manager: ServiceManager,
    hangup: Hangup,
}

async fn serve_until_stopped(options: Options, prepared: Prepared) -> Result<(), Failure> {
    let Prepared { store, addresses, dropped_lines, process, manager, hangup } = prepared;
    let (mut stop, stop_at_once) = signals::stop()?;
    let opened = tokio::select! {
        opened = store.open() => opened?,
        // It may wait for etcd.
        () = &mut stop => {
            tracing::info!("stopped before it served");
            return Ok(());
        }
    };
    let Opened { catalog, sqlite, renewal, .. } = &opened;
    let given =
        token_file::given_tokens(options.admin_token_file.as_deref(), options.permission_tokens_file.as_deref())?;
    given.warnings.iter().for_each(|warning| tracing::warn!("{}", Printable(warning)));
    token_file::create(catalog, given.tokens).await?;
    let tls = options.tls.load()?;
    let (reload_tls, reload_etcd) = (options.tls.reload(tls.clone()), renewal.clone());
    hangup.then(move || {
        reload_tls();
        reload_etcd.iter().for_each(Renewal::reload);
    });
    renewal.iter().cloned().for_each(|renewal| drop(tokio::spawn(renewal.follow())));

    let listener = listen_on(&addresses.api).map_err(|error| cannot_listen(&options.http_bind, &error))?;
    let ops_listener = options.ops.listen(addresses.ops.as_deref())?;
    let socket = options.store.directory.control_socket();
    let control_listener = control::bind(&socket).map_err(|error| format!("{}: {error}", socket.display()))?;
    let address = listener.local_addr()?;
    let ops_address = ops_listener.as_ref().map(TcpListener::local_addr).transpose()?;

    tracing::info!(%address, tokens = catalog.live().len(), cluster = %catalog.cluster_uuid(), "serving");
    if tls.is_none() && !address.ip().is_loopback() {
        tracing::warn!(%address, "without TLS, anyone on the way to the server can read the tokens; see --tls-cert");
    }
    announce(options.tls.scheme(), address, ops_address);
    manager.ready();
    let (api, requests) = (TokenApi::new(catalog.clone()), Requests::new());
    let mut limits = options.limits.limits();
    if ops_listener.is_some() {
        limits.max_connections =
            limits.max_connections.min(descriptors_for_connections().saturating_sub(ops::max_connections()));
    }
    let server = Server::new(limits, Counted::new(api.clone(), Arc::clone(&requests)));
    let server = match &tls {
        Some(tls) => server.tls(tls.clone()),
        None => server,
    };
    let ops = Ops::new(Sources { api, requests, connections: server.observer(), dropped_lines, process, tls });
    // The operations listener outlives the API, so that it can say that the API is draining.
    let (drained, has_drained) = oneshot::channel::<()>();
    let serving = async {
        server.serve(listener, stop.inspect(|()| ops.set_draining())).await;
        drop(drained);
    };
    let operating = async {
        if let Some(listener) = ops_listener {
            ops.server(options.ops.hosts()).serve(listener, has_drained.map(drop)).await;
        }
    };
    let working = async {
        futures::future::join(serving, operating).await;
        catalog.save_uses().await;
    };
    let served = control::Served { catalog: catalog.clone(), store: sqlite.clone(), address };
    tokio::select! {
        () = working => {}
        () = stop_at_once => tracing::warn!("stopping at once, after a second signal"),
        () = control::serve(control_listener, &socket, served) => {}
        () = freshness::log(catalog) => {}
    }
    if let Err(error) = std::fs::remove_file(&socket) {
        tracing::warn!(%error, "cannot remove the control socket");
    }
    tracing::info!("stopped");
    Ok(())
}

/// Writes the addresses to standard output, in a thread of its own, because it may be a pipe that is full.
fn announce(scheme: &'static str, address: SocketAddr, ops: Option<SocketAddr>) {
    let announced = std::thread::Builder::new().name("announcement".to_owned()).spawn(move || {
        let mut lines = format!("listening on {scheme}://{address}\n");
        if let Some(ops) = ops {
            lines += &format!("operations on http://{ops}\n");
        }
        if let Err(error) = std::io::stdout().write_all(lines.as_bytes()) {
            tracing::warn!(%error, "cannot write the addresses to standard output");
        }
    });
    if let Err(error) = announced {
        tracing::warn!(%error, "cannot write the addresses to standard output");
    }
}

/// The addresses of a host.
fn addresses(http_bind: &(String, u16)) -> Result<Vec<SocketAddr>, Failure> {
    let found = http_bind.to_socket_addrs();
    found.map(Iterator::collect).map_err(|error| cannot_listen(http_bind, &error))
}

pub(super) fn cannot_listen((host, port): &(String, u16), error: &io::Error) -> Failure {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => "; stop the program that listens there, or choose another address",
        _ => "",
    };
    format!("{host}:{port}: {error}{advice}").into()
}

/// Listens on the first of these addresses that can be bound.
pub(super) fn listen_on(addresses: &[SocketAddr]) -> io::Result<TcpListener> {
    let mut result = Err(io::Error::other("the host has no address"));
    for address in addresses {
        result = listen(*address);
        if result.is_ok() {
            break;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn a_thread_that_is_stuck_does_not_keep_the_process_from_ending() {
        let (held, stuck) = mpsc::channel::<()>();
        let (ended, has_ended) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            run_in(runtime, Duration::from_millis(1), async {
                let (begun, has_begun) = oneshot::channel();
                tokio::task::spawn_blocking(move || {
                    begun.send(()).unwrap();
                    stuck.recv()
                });
                has_begun.await.unwrap();
            });
            ended.send(())
        });
        has_ended.recv_timeout(Duration::from_secs(30)).unwrap();
        drop(held);
    }
}
