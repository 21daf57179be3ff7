//! How arguments, variables and files are read, and how wrong ones are answered.
//!
//! An option takes its value from the first of these that has one: an argument, a variable of the process, the file
//! `.env`, the configuration file of `serve`, its default. The parser knows arguments, variables and defaults. A value of a
//! file becomes an argument, unless the option has a value that comes first, so the parser checks it like any other.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};

use super::environment::{Environment, Origin};
use super::output::{printable, shortened};
use super::provenance::{Provenance, Setting};
use super::{Cli, Failure, configuration, vendor};

/// The subcommands with one subcommand of their own, which may be left out: `create --admin` is `create token --admin`.
const SHORT_FORMS: [(&str, &str); 3] = [("create", "token"), ("show", "tokens"), ("delete", "token")];

/// What the arguments, the variables and the files say.
pub(super) struct Parsed {
    pub(super) cli: Cli,
    pub(super) provenance: Provenance,
}

/// Why the arguments cannot be used.
pub(super) enum Unusable {
    /// What the parser says. It is not the arguments' fault if the value comes from a file.
    Arguments(clap::Error),
    /// A file cannot be used.
    File(Failure),
}

/// Reads the arguments, the variables and the files. Ends the program if they are wrong, or ask for help.
pub(super) fn parse() -> Result<Parsed, Failure> {
    let arguments = in_full(std::env::args_os().collect());
    let environment = Environment::read()?;
    match try_parse(&arguments, &environment) {
        Ok(parsed) => Ok(parsed),
        Err(Unusable::File(error)) => Err(error),
        // It also names the variables that are empty, and shows no value of a file.
        Err(Unusable::Arguments(error)) if error.kind() == ErrorKind::DisplayHelp => {
            end(&command().try_get_matches_from(&arguments).err().unwrap_or(error))
        }
        Err(Unusable::Arguments(error)) => end(&error),
    }
}

/// The command line, with what it accepts and ignores.
pub(super) fn command() -> Command {
    vendor::accept_everywhere(Cli::command()).mut_subcommand("serve", vendor::accept)
}

/// The arguments without short forms.
fn in_full(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_option = |argument: &OsStr| argument.as_encoded_bytes().starts_with(b"-");
    let Some(at) = arguments.iter().skip(1).position(|argument| !is_option(argument)).map(|at| at + 1) else {
        return arguments;
    };
    let short = SHORT_FORMS.iter().find(|(subcommand, _)| arguments[at] == *subcommand);
    if let Some((_, left_out)) = short
        && arguments.get(at + 1).is_none_or(|argument| is_option(argument))
    {
        arguments.insert(at + 1, (*left_out).into());
    }
    arguments
}

/// Reads arguments, which begin with the name of the program.
pub(super) fn try_parse(arguments: &[OsString], environment: &Environment) -> Result<Parsed, Unusable> {
    let whole = command();
    let mut command = without_empty_variables(whole.clone());
    // First to learn which subcommand it is, and what the arguments give.
    let guess = command.clone().ignore_errors(true).try_get_matches_from(arguments).unwrap_or_default();
    let (path, guess) = subcommand(&guess);
    let given = match find(&whole, &path) {
        Some(command) if !path.is_empty() => of_files(command, guess, environment).map_err(Unusable::File)?,
        _ => Vec::new(),
    };
    let arguments = with_values(arguments, &path, &given);
    let unusable = |error: clap::Error, command: &mut Command| {
        let error = error.format(command);
        command.build();
        let error = with_variables(error, find(command, &path).zip(find(&whole, &path)));
        Unusable::Arguments(with_origin(error, command, &path, &given))
    };
    let mut matches = command.try_get_matches_from_mut(&arguments).map_err(|error| unusable(error, &mut command))?;
    let provenance = match matches.subcommand() {
        Some(("serve", serve)) => {
            let command = command.find_subcommand("serve").unwrap_or(&command);
            provenance(command, serve, &given, environment).map_err(Unusable::Arguments)?
        }
        _ => Provenance { warnings: environment.warning.iter().cloned().collect(), ..Provenance::default() },
    };
    let cli = Cli::from_arg_matches_mut(&mut matches).map_err(|error| unusable(error, &mut command))?;
    Ok(Parsed { cli, provenance })
}

/// The names of the subcommand of these matches, of its subcommand, and so on, and the matches of the last.
fn subcommand(matches: &ArgMatches) -> (Vec<String>, &ArgMatches) {
    let (mut path, mut matches) = (Vec::new(), matches);
    while let Some((name, of_subcommand)) = matches.subcommand() {
        path.push(name.to_owned());
        matches = of_subcommand;
    }
    (path, matches)
}

/// The subcommand with these names.
fn find<'c>(command: &'c Command, path: &[String]) -> Option<&'c Command> {
    path.iter().try_fold(command, |command, name| command.find_subcommand(name))
}

/// A variable that is empty counts as one that is not set.
fn without_empty_variables(command: Command) -> Command {
    let is_empty = |arg: &Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    let without = |arg: Arg| if is_empty(&arg) { arg.env(None::<&'static str>) } else { arg };
    command.mut_args(without).mut_subcommands(without_empty_variables)
}

/// A value that becomes an argument.
struct Given {
    /// The name of the option, as in [`Arg::get_id`].
    id: String,
    value: OsString,
    origin: Origin,
    /// The argument, if it is needed: a flag that is off is left out.
    argument: Option<OsString>,
}

impl Given {
    /// An option without a long name cannot be given.
    fn new(arg: &Arg, value: OsString, origin: Origin) -> Result<Option<Self>, Failure> {
        let Some(name) = arg.get_long().map(|name| format!("--{name}")) else { return Ok(None) };
        let is_on = match (arg.get_action(), value.to_str().unwrap_or_default()) {
            (ArgAction::SetTrue, value) => match vendor::boolean(value) {
                None => return Err(format!("{origin}: {name} is `true` or `false`").into()),
                is_on => is_on,
            },
            (ArgAction::Count, value) => Some(vendor::is_true(value)),
            _ => None,
        };
        let argument = match is_on {
            Some(is_on) => is_on.then(|| name.into()),
            None => Some([OsStr::new(&name), OsStr::new("="), &value].into_iter().collect()),
        };
        Ok(Some(Self { id: arg.get_id().to_string(), value, origin, argument }))
    }
}

/// The values of variables that the parser does not read, and of the configuration file that `--config` names, of options
/// of a subcommand. `guess` has what the arguments and the variables of the process give.
fn of_files(command: &Command, guess: &ArgMatches, environment: &Environment) -> Result<Vec<Given>, Failure> {
    let source = |arg: &Arg| match guess.try_contains_id(arg.get_id().as_str()) {
        Ok(true) => guess.value_source(arg.get_id().as_str()),
        _ => None,
    };
    let is_given = |arg: &Arg| matches!(source(arg), Some(ValueSource::CommandLine | ValueSource::EnvVariable));
    let missing = || command.get_arguments().filter(|arg| !is_given(arg));
    let mut given: Vec<_> = missing()
        .filter_map(|arg| {
            let (value, origin) = environment.value(arg)?;
            Given::new(arg, value, origin).transpose()
        })
        .collect::<Result<_, _>>()?;
    let config = guess.try_get_raw("config").ok().flatten().and_then(Iterator::last).map(OsStr::to_owned);
    let config = config.or_else(|| given.iter().find(|given| given.id == "config").map(|given| given.value.clone()));
    let Some(file) = config.map(PathBuf::from) else { return Ok(given) };
    let shown = file.display().to_string();
    for entry in configuration::read(&file, command)? {
        let arg = missing().find(|arg| arg.get_long() == Some(entry.option.as_str()));
        let Some(arg) = arg.filter(|arg| given.iter().all(|given| *arg.get_id() != given.id)) else { continue };
        let origin = Origin::Configuration { file: shown.clone(), line: entry.line };
        given.extend(Given::new(arg, entry.value.into(), origin)?);
    }
    Ok(given)
}

/// The arguments, with those of `given` behind the name of the subcommand.
fn with_values(arguments: &[OsString], path: &[String], given: &[Given]) -> Vec<OsString> {
    let first = path.first().and_then(|name| arguments.iter().skip(1).position(|argument| argument == name.as_str()));
    let (before, after) = arguments.split_at(first.map_or(arguments.len(), |at| at + 1 + path.len()));
    let given = given.iter().filter_map(|given| given.argument.as_ref());
    before.iter().chain(given).chain(after).cloned().collect()
}

/// Where the values of `serve` come from. Refuses a server without tokens.
fn provenance(
    serve: &Command,
    matches: &ArgMatches,
    given: &[Given],
    environment: &Environment,
) -> Result<Provenance, clap::Error> {
    let by_variable = environment.text(vendor::WITHOUT_AUTH_VARIABLE).is_some_and(|value| vendor::is_true(&value));
    if by_variable || vendor::is_without_auth(matches) {
        return Err(serve.clone().error(ErrorKind::ArgumentConflict, vendor::ALWAYS_WITH_AUTH));
    }
    let ignored = vendor::given(matches);
    let mut warnings: Vec<_> = environment.warning.iter().cloned().collect();
    if !ignored.is_empty() {
        let these = ignored.join(", ");
        warnings.push(format!("these options of InfluxDB 3 have no effect on this server: {these}"));
    }
    let mut settings = Vec::new();
    for (arg, name) in configuration::keys(serve).filter(|(arg, _)| !arg.is_hide_set()) {
        let id = arg.get_id().as_str();
        let Some(values) = matches.try_get_raw(id).ok().flatten() else { continue };
        let values: Vec<_> = values.map(OsStr::to_string_lossy).collect();
        let value = match arg.get_action() {
            // A variable may say it in other words.
            ArgAction::SetTrue => matches.get_flag(id).to_string(),
            _ => values.join(","),
        };
        let origin = match matches.value_source(id) {
            Some(ValueSource::EnvVariable) => {
                format!("the variable {}", arg.get_env().unwrap_or_default().to_string_lossy())
            }
            source => match given.iter().find(|given| given.id == id) {
                Some(given) => given.origin.to_string(),
                None if source == Some(ValueSource::CommandLine) => "an argument".to_owned(),
                None => "default".to_owned(),
            },
        };
        let value = if arg.is_hide_env_values_set() { "[hidden]".to_owned() } else { value };
        settings.push(Setting { name: name.to_owned(), value, origin });
    }
    Ok(Provenance { settings, warnings })
}

/// Adds to an error about missing options which variables can give them. `commands` is the subcommand as it was used, and
/// with the variables that are empty.
fn with_variables(mut error: clap::Error, commands: Option<(&Command, &Command)>) -> clap::Error {
    let missing = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing)) if error.kind() == ErrorKind::MissingRequiredArgument => missing,
        _ => return error,
    };
    let Some((command, whole)) = commands else { return error };
    let missing = command.get_arguments().filter(|arg| missing.contains(&arg.to_string()));
    let advice = missing.filter_map(|arg| {
        let arg = whole.get_arguments().find(|other| other.get_id() == arg.get_id())?;
        let (option, variable) = (arg.get_long()?, arg.get_env()?.to_string_lossy());
        let is_empty = std::env::var_os(&*variable).is_some_and(|value| value.is_empty());
        let state = if is_empty { ", which is empty" } else { "" };
        Some(format!("give --{option}, or set the variable {variable}{state}").into())
    });
    let advice: Vec<_> = advice.collect();
    if advice.is_empty() {
        return error;
    }
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(advice));
    error
}

/// Adds to an error about a value where the value comes from, if the arguments do not show it.
fn with_origin(error: clap::Error, command: &Command, path: &[String], given: &[Given]) -> clap::Error {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (Some(option), Some(value)) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue)) else {
        return error;
    };
    let arg = find(command, path).and_then(|command| command.get_arguments().find(|arg| arg.to_string() == option));
    let is_it = |given: &&Given| arg.is_some_and(|arg| *arg.get_id() == given.id) && given.value == value;
    let Some(origin) = given.iter().find(is_it).map(|given| &given.origin) else { return error };
    let shown = error.render().to_string();
    let reason = shown.strip_prefix("error: ").unwrap_or(&shown).split("\n\n").next().unwrap_or_default();
    clap::Error::raw(error.kind(), format!("{}\n  [from: {origin}]\n", reason.trim_end()))
}

/// Ends the program as the parser does for invalid arguments of a subcommand.
pub(super) fn wrong_usage(subcommand: &str, reason: &str) -> ! {
    let mut command = Cli::command();
    command.build();
    let mut subcommand = command.find_subcommand_mut(subcommand).expect("a subcommand names itself");
    if let Some((_, of_it)) = SHORT_FORMS.iter().find(|(name, _)| *name == subcommand.get_name()) {
        subcommand = subcommand.find_subcommand_mut(of_it).expect("it has this subcommand");
    }
    end(&subcommand.error(ErrorKind::ArgumentConflict, reason))
}

/// Prints what the parser says, and ends the program. An error may repeat an argument, which may come from elsewhere or be
/// a secret, so it has no colours: they could not be told apart from terminal escapes in the argument.
fn end(error: &clap::Error) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    let text = error.render().to_string();
    let lines = text.split('\n').map(|line| shortened(&printable(line)).into_owned());
    let printable = lines.collect::<Vec<_>>().join("\n");
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

/// Reads the address of a server. It leaves out a user name and a password, which no request carries, so that nothing prints
/// them.
pub(super) fn server_address(text: &str) -> Result<String, Infallible> {
    let (scheme, rest) = text.split_at(text.find("://").map_or(0, |at| at + 3));
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let authority = authority.rsplit('@').next().unwrap_or_default();
    Ok([scheme, authority, path].concat())
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
    fn a_short_form_is_completed_and_nothing_else_is_changed() {
        for (short, full) in [
            ("create --admin", "create token --admin"),
            ("show", "show tokens"),
            ("delete --id 7", "delete token --id 7"),
            ("--num-io-threads=2 show --wide", "--num-io-threads=2 show tokens --wide"),
            ("create token --name create", "create token --name create"),
            ("create tokn", "create tokn"),
            ("serve --data-dir show", "serve --data-dir show"),
            ("help create", "help create"),
            ("", ""),
        ] {
            let arguments = ["influxdb3-tokens"].into_iter().chain(short.split_whitespace());
            let expected: Vec<_> = ["influxdb3-tokens"].into_iter().chain(full.split_whitespace()).collect();
            assert_eq!(in_full(arguments.map(OsString::from).collect()), expected);
        }
    }

    #[test]
    fn the_command_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn the_address_of_a_server_is_kept_without_a_password() {
        for (text, kept) in [
            ("http://user:password@host:8181/base", "http://host:8181/base"),
            ("user:password@host:8181", "host:8181"),
            ("http://user@host/@base", "http://host/@base"),
            ("host:8181", "host:8181"),
        ] {
            assert_eq!(server_address(text).as_deref(), Ok(kept));
        }
    }

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
