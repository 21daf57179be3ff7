//! The command `influxdb3-tokens`.

use std::process::ExitCode;

mod causes;
mod cli;
mod control;

fn main() -> ExitCode {
    cli::run()
}
