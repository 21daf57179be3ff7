//! The command `influxdb3-tokens`.

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    cli::run()
}
