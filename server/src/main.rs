//! The command `influxdb3-tokens`.

use std::process::ExitCode;

mod cli;
mod control;

fn main() -> ExitCode {
    cli::run()
}
