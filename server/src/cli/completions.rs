//! `completions` and `man`: what a shell and `man` know of the command.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Failure, is_broken_pipe};

const EXAMPLES: &str = "Examples:
  influxdb3-tokens completions bash > ~/.local/share/bash-completion/completions/influxdb3-tokens
  influxdb3-tokens completions zsh > ~/.zfunc/_influxdb3-tokens
  influxdb3-tokens completions fish > ~/.config/fish/completions/influxdb3-tokens.fish";

/// Print completions for a shell
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The shell
    shell: Shell,
}

const MAN_EXAMPLES: &str = "Examples:
  influxdb3-tokens man ~/.local/share/man/man1
  man influxdb3-tokens-create-token";

/// Write the manual pages into a directory
#[derive(Args)]
#[command(after_help = MAN_EXAMPLES)]
pub(super) struct ManOptions {
    /// The directory, which is created unless it exists
    directory: PathBuf,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "influxdb3-tokens", &mut script);
    if matches!(options.shell, Shell::Bash) {
        // clap_complete 4.6.11 takes the hyphen of the name for the beginning of a subcommand, but not everywhere, so that
        // the script would know no subcommand.
        let text = String::from_utf8_lossy(&script).replace("influxdb3__subcmd__tokens", "influxdb3__tokens");
        script = text.into_bytes();
    }
    match io::stdout().write_all(&script) {
        Err(error) if !is_broken_pipe(&error) => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

pub(super) fn write_manual(options: &ManOptions) -> Result<ExitCode, Failure> {
    let directory = &options.directory;
    let written = fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(Cli::command(), directory));
    written.map_err(|error| format!("{}: {error}", directory.display()))?;
    Ok(ExitCode::SUCCESS)
}
