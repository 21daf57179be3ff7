//! The command line, with one file for each subcommand.

use std::error::Error;
use std::os::unix::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

mod access;
mod advice;
mod arguments;
mod audit;
mod backup;
mod check;
mod completions;
mod configuration;
mod confirmation;
mod contract;
mod create;
mod delete;
mod environment;
mod export;
mod freshness;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod healthcheck;
mod import;
mod limits;
mod listing;
mod log;
mod manager;
mod moving;
mod named_server;
mod no_response;
mod ops;
mod output;
mod protection;
mod provenance;
mod restore;
mod sandbox;
mod serve;
mod show;
mod signals;
mod store;
mod text_file;
mod tls;
mod token_file;
mod vendor;

use arguments::{Parsed, wrong_usage};
pub(crate) use log::DroppedLines;
use output::{is_broken_pipe, tell, tell_reason, warn};

const EXAMPLES: &str = "Examples:
  # The operator token, and a server
  influxdb3-tokens create token --admin
  influxdb3-tokens serve
  # Another token, and its deletion; INFLUXDB3_AUTH_TOKEN has the operator token
  influxdb3-tokens create token --permission db:sensors:read,write --name sensors
  influxdb3-tokens show tokens
  influxdb3-tokens delete token --token-name sensors";

/// Serves InfluxDB 3's token API, with tokens that are stored durably and rejected once they are deleted.
#[derive(Parser)]
#[command(name = "influxdb3-tokens", version, propagate_version = true, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<serve::Options>),
    /// Create a token
    #[command(subcommand)]
    Create(Create),
    /// Show the tokens
    #[command(subcommand)]
    Show(Show),
    /// Delete a token
    #[command(subcommand)]
    Delete(Delete),
    Audit(audit::Options),
    Backup(backup::Options),
    Restore(restore::Options),
    Check(check::Options),
    Export(export::Options),
    Import(import::Options),
    Contract(contract::Options),
    Healthcheck(healthcheck::Options),
    Completions(completions::Options),
    #[command(hide = true)]
    Man(completions::ManOptions),
}

/// What can be created.
#[derive(Subcommand)]
enum Create {
    Token(create::Options),
}

/// What can be shown.
#[derive(Subcommand)]
enum Show {
    Tokens(show::Options),
}

/// What can be deleted.
#[derive(Subcommand)]
enum Delete {
    Token(delete::Options),
}

/// The directory of a server's files.
#[derive(Args)]
struct DataDir {
    /// Directory of the token database and the control socket
    #[arg(
        long,
        env = "INFLUXDB3_DB_DIR",
        value_name = "DIR",
        default_value = "data",
        value_parser = PathBufValueParser::new().try_map(short_enough)
    )]
    data_dir: PathBuf,
}

/// Refuses a directory whose path leaves no room for that of the control socket, before anything is created in it.
fn short_enough(data_dir: PathBuf) -> Result<PathBuf, String> {
    let directory = DataDir { data_dir };
    match SocketAddr::from_pathname(directory.control_socket()) {
        Ok(_) => Ok(directory.data_dir),
        Err(error) => Err(format!("no Unix socket can have a path in this directory ({error}); use a shorter path")),
    }
}

impl DataDir {
    fn database(&self) -> PathBuf {
        self.data_dir.join("tokens.db")
    }

    fn control_socket(&self) -> PathBuf {
        self.data_dir.join("control.sock")
    }
}

/// The error of a command, printed with its causes.
type Failure = Box<dyn Error + Send + Sync>;

/// The error of a command whose options do not go together, where the parser cannot know that.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct WrongUsage(String);

/// Reads the arguments, runs the subcommand, and returns its exit code.
pub(crate) fn run() -> ExitCode {
    protection::hide_memory();
    protection::redact_panics(protection::print_panic);
    arguments::parse().and_then(run_subcommand).unwrap_or_else(|error| fail(error.as_ref()))
}

fn run_subcommand(Parsed { cli, provenance }: Parsed) -> Result<ExitCode, Failure> {
    if !matches!(cli.command, Command::Serve(_)) {
        provenance.warnings.iter().for_each(|warning| warn(warning));
    }
    match cli.command {
        Command::Serve(options) => serve::run(*options, provenance),
        Command::Create(Create::Token(options)) => in_runtime(create::run(options)),
        Command::Show(Show::Tokens(options)) => in_runtime(show::run(options)),
        Command::Delete(Delete::Token(options)) => {
            in_runtime(async { delete::run(options).await.or_else(delete::exit_code) })
        }
        Command::Audit(options) => in_runtime(audit::run(options)),
        Command::Backup(options) => in_runtime(backup::run(options)),
        Command::Restore(options) => in_runtime(restore::run(options)),
        Command::Check(options) => in_runtime(check::run(options)),
        Command::Export(options) => in_runtime(export::run(options)),
        Command::Import(options) => in_runtime(import::run(options)),
        Command::Contract(options) => in_runtime(contract::run(options)),
        Command::Healthcheck(options) => in_runtime(healthcheck::run(options)),
        Command::Completions(options) => completions::run(&options),
        Command::Man(options) => completions::write_manual(&options),
    }
}

fn in_runtime(command: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        protection::survive_file_size_limit()?;
        command.await
    })
}

fn fail(error: &(dyn Error + 'static)) -> ExitCode {
    tell(error);
    // The code of the parser.
    if error.is::<WrongUsage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}
