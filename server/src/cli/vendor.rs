//! Options of InfluxDB 3 that mean nothing to this server. It accepts them, so that the same service definition starts
//! it, and names them in one warning.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

mod ignored;

use ignored::{Form, IGNORED};

/// The option that must not be ignored: it asks for a server that is open to everybody.
const WITHOUT_AUTH: &str = "without-auth";

/// Why [`WITHOUT_AUTH`] is refused.
pub(super) const ALWAYS_WITH_AUTH: &str = "this server exists to check tokens, and has no mode without them; \
     leave out --without-auth (INFLUXDB3_START_WITHOUT_AUTH), and create a token with `influxdb3-tokens create token --admin`";

/// The variable of [`WITHOUT_AUTH`].
pub(super) const WITHOUT_AUTH_VARIABLE: &str = "INFLUXDB3_START_WITHOUT_AUTH";

/// `serve` with the options that it ignores. Each is hidden. One that `serve` has is left as it is.
pub(super) fn accept(serve: Command) -> Command {
    let options = IGNORED.iter().flat_map(|(form, names)| names.iter().map(|name| (*form, *name)));
    let serve = options.fold(serve, |serve, (form, name)| {
        let exists = serve.get_arguments().any(|arg| arg.get_long() == Some(name));
        if exists { serve } else { serve.arg(option(form, name)) }
    });
    let verbose = Arg::new("verbose").long("verbose").short('v').action(ArgAction::Count).hide(true);
    if serve.get_arguments().any(|arg| arg.get_short() == Some('v')) { serve } else { serve.arg(verbose) }
}

/// The command with the options that InfluxDB 3 takes before `serve`, and its name of `--help` for every subcommand.
pub(super) fn accept_everywhere(command: Command) -> Command {
    let help = Arg::new("help-all").long("help-all").action(ArgAction::HelpLong).hide(true).global(true);
    command.arg(option(Form::Value, "num-io-threads")).arg(help)
}

fn option(form: Form, name: &'static str) -> Arg {
    let arg = Arg::new(name).long(name).hide(true).action(ArgAction::Append);
    match form {
        Form::Value => arg.num_args(1).allow_hyphen_values(true).value_delimiter(','),
        Form::OptionalValue => arg.num_args(0..=1).default_missing_value("true"),
        Form::Flag => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
    }
}

/// The ignored options that are given, as arguments or in the configuration file, as `--node-id`.
pub(super) fn given(matches: &ArgMatches) -> Vec<String> {
    let names = IGNORED.iter().flat_map(|(_, names)| names.iter().copied()).filter(|name| *name != WITHOUT_AUTH);
    let given = |name: &str| {
        let is_option = matches.try_get_raw(name).is_ok_and(|values| values.is_some());
        is_option.then(|| format!("--{name}"))
    };
    let is_verbose = matches.try_get_one::<u8>("verbose").is_ok()
        && matches.value_source("verbose").is_some_and(|source| source != ValueSource::DefaultValue);
    names.filter_map(given).chain(is_verbose.then(|| "--verbose".to_owned())).collect()
}

/// Whether a server without tokens is asked for.
pub(super) fn is_without_auth(matches: &ArgMatches) -> bool {
    let values = matches.try_get_raw(WITHOUT_AUTH).ok().flatten().into_iter().flatten();
    values.into_iter().any(|value| is_true(value.to_string_lossy().as_ref()))
}

/// Whether a flag of ours with this value is on, as the parser reads its variable; `None` if the value says neither.
pub(super) fn boolean(value: &str) -> Option<bool> {
    match &*value.to_ascii_lowercase() {
        "1" | "on" | "t" | "true" | "y" | "yes" => Some(true),
        "0" | "off" | "f" | "false" | "n" | "no" => Some(false),
        _ => None,
    }
}

/// Whether a flag of InfluxDB 3 with this value is on.
pub(super) fn is_true(value: &str) -> bool {
    !["", "0", "f", "false", "n", "no", "off"].contains(&value.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_option_is_listed_twice() {
        let mut names: Vec<_> = IGNORED.iter().flat_map(|(_, names)| names.iter()).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    fn parse(arguments: &[&str]) -> Result<ArgMatches, clap::Error> {
        let serve = accept(Command::new("serve").arg(Arg::new("data_dir").long("data-dir")));
        serve.try_get_matches_from([&["serve"], arguments].concat())
    }

    #[test]
    fn the_options_of_influxdb_are_accepted_in_each_of_their_forms() {
        let arguments = "--node-id node0 --object-store=file --wal-flush-interval 100ms --aws-allow-http \
            --disable-authz health,ping --admin-token-recovery-http-bind --data-dir /d -vv --datafusion-config -1";
        let matches = parse(&arguments.split_whitespace().collect::<Vec<_>>()).unwrap();
        let given = given(&matches);
        for name in ["--node-id", "--object-store", "--wal-flush-interval", "--aws-allow-http", "--verbose"] {
            assert!(given.contains(&name.to_owned()), "{name} in {given:?}");
        }
        assert_eq!(given.len(), 8, "{given:?}");
        assert_eq!(matches.get_one::<String>("data_dir").unwrap(), "/d");
        assert!(super::given(&parse(&[]).unwrap()).is_empty());
    }

    #[test]
    fn an_option_without_its_value_and_a_misspelt_one_are_errors() {
        for argument in ["--node-id", "--nodeid=a", "--data_dir=a"] {
            assert!(parse(&[argument]).is_err(), "{argument}");
        }
    }

    #[test]
    fn a_server_without_tokens_is_asked_for_unless_the_value_says_no() {
        for (argument, expected) in [("--without-auth", true), ("--without-auth=false", false), ("-v", false)] {
            assert_eq!(is_without_auth(&parse(&[argument]).unwrap()), expected, "{argument}");
        }
    }
}
