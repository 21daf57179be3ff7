//! The command line, with one file for each subcommand.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

mod access;
mod arguments;
mod contract;
mod create;
mod delete;
mod output;
mod limits;
mod serve;
mod show;
mod token_file;

use arguments::wrong_usage;
use output::{is_broken_pipe, tell, tell_reason, warn};

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

/// Reads the arguments, runs the subcommand, and returns its exit code.
pub(crate) fn run() -> ExitCode {
    let Cli { command } = arguments::parse();
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

fn fail(error: &(dyn Error + 'static)) -> ExitCode {
    tell(error);
    ExitCode::FAILURE
}
