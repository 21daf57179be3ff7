//! How arguments and variables are read, and how wrong ones are answered.

use std::io::{self, Write};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Arg, Command, CommandFactory, FromArgMatches, Parser};
use openapi_stub_runtime::Printable;

use super::Cli;

/// Reads the arguments and the variables. Ends the program if they are wrong, or ask for help.
pub(super) fn parse() -> Cli {
    let mut command = without_empty_variables(Cli::command());
    let matches = command.try_get_matches_from_mut(std::env::args_os());
    let parsed = matches.and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches));
    parsed.unwrap_or_else(|error| match error.kind() {
        // It also names the variables that are empty.
        ErrorKind::DisplayHelp => Cli::parse(),
        _ => end(&error.format(&mut command)),
    })
}

/// A variable that is empty counts as one that is not set.
fn without_empty_variables(command: Command) -> Command {
    let is_empty = |arg: &Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    let without = move |arg: Arg| if is_empty(&arg) { arg.env(None::<&'static str>) } else { arg };
    command.mut_subcommands(|subcommand| subcommand.mut_args(without))
}

/// Ends the program as the parser does for invalid arguments of a subcommand.
pub(super) fn wrong_usage(subcommand: &str, reason: &str) -> ! {
    let mut command = Cli::command();
    command.build();
    let subcommand = command.find_subcommand_mut(subcommand).expect("a subcommand names itself");
    end(&subcommand.error(ErrorKind::ArgumentConflict, reason))
}

/// Prints what the parser says, and ends the program. An error may repeat an argument, which may come from elsewhere, so it
/// has no colours: they could not be told apart from terminal escapes in the argument.
fn end(error: &clap::Error) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    let text = error.render().to_string();
    let printable = text.split('\n').map(|line| Printable(line).to_string()).collect::<Vec<_>>().join("\n");
    // Nobody may read it; the exit code says the same.
    let _ = io::stderr().write_all(printable.as_bytes());
    std::process::exit(error.exit_code())
}

/// Reads a duration that is not zero.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a duration such as `30d` or `1h 30m`"))?;
    if duration < Duration::from_millis(1) {
        return Err("it must be at least a millisecond; write a duration such as `30d` or `1h 30m`".to_owned());
    }
    Ok(duration)
}

/// Reads the host and the port of an address to listen on. The host is looked up later.
pub(super) fn host_and_port(text: &str) -> Result<(String, u16), String> {
    let form = "write a host or an IP address and a port, such as `localhost:8181` or `[::1]:8181`";
    let (host, port) = text.rsplit_once(':').ok_or(form)?;
    let port = port.parse().map_err(|_| form)?;
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) if host.parse::<std::net::Ipv6Addr>().is_ok() => host,
        None if !host.is_empty() && !host.contains([':', '[', ']', '/', '@']) => host,
        _ => return Err(form.to_owned()),
    };
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_to_listen_on_is_a_host_and_a_port() {
        for (text, host, port) in
            [("127.0.0.1:0", "127.0.0.1", 0), ("[::1]:8181", "::1", 8181), ("localhost:65535", "localhost", 65535)]
        {
            assert_eq!(host_and_port(text), Ok((host.to_owned(), port)));
        }
        for text in ["", "localhost", ":1", "localhost:", "a:65536", "::1:80", "[::1]", "[a]:1", "http://a:1", "a:-1"] {
            assert!(host_and_port(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_duration_is_at_least_a_millisecond() {
        assert_eq!(duration("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        for text in ["0s", "999us", "", "1", "nonsense", "-1d"] {
            assert!(duration(text).unwrap_err().contains("write a duration such as `30d`"), "{text}");
        }
    }
}
