//! The command `influxdb3-tokens`.

use std::process::ExitCode;

mod cli;
mod control;
mod ops;

fn main() -> ExitCode {
    cli::run()
}
