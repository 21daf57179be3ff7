//! The command line, with one file for each subcommand.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use influxdb3_token_api::with_sources;

mod access;
mod contract;
mod create;
mod delete;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod serve;
mod show;
mod token_file;

/// Serves InfluxDB 3's token API, with tokens that are stored durably and rejected once they are deleted.
#[derive(Parser)]
#[command(name = "influxdb3-tokens", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<serve::Options>),
    Create(create::Options),
    Show(show::Options),
    Delete(delete::Options),
    Contract(contract::Options),
}

/// The directory of a server's files.
#[derive(Args)]
struct DataDir {
    /// Directory of the token database and the control socket
    #[arg(long, env = "INFLUXDB3_DB_DIR", value_name = "DIR", default_value = "data")]
    data_dir: PathBuf,
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

/// Parses the arguments, runs the subcommand, and returns its exit code.
pub(crate) fn run() -> ExitCode {
    let Cli { command } = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    let done = runtime.block_on(async {
        match command {
            Command::Serve(options) => serve::run(*options).await,
            Command::Create(options) => create::run(options).await,
            Command::Show(options) => show::run(options).await,
            Command::Delete(options) => delete::run(options).await,
            Command::Contract(options) => contract::run(options).await,
        }
    });
    match done {
        Ok(code) => code,
        Err(error) => fail(error.as_ref()),
    }
}

/// Ends the program as the parser does for invalid arguments of a subcommand.
fn wrong_usage(subcommand: &str, reason: &str) -> ! {
    let mut command = Cli::command();
    command.build();
    let subcommand = command.find_subcommand_mut(subcommand).expect("a subcommand names itself");
    subcommand.error(clap::error::ErrorKind::ArgumentConflict, reason).exit()
}

/// Whether the reader of the output has read enough, as `head` does.
fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let csv = error.downcast_ref().map(csv::Error::kind);
    let io = match csv {
        Some(csv::ErrorKind::Io(error)) => Some(error),
        _ => error.downcast_ref(),
    };
    io.is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn fail(error: &(dyn Error + 'static)) -> ExitCode {
    tell(error);
    ExitCode::FAILURE
}

/// Prints an error with its causes.
fn tell(error: &(dyn Error + 'static)) {
    tell_reason(&with_sources(error));
}

/// Prints why a command failed. Its exit code says that it did, even if nobody reads this.
fn tell_reason(reason: &str) {
    let _ = writeln!(io::stderr(), "error: {reason}");
}
