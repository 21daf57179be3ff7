//! The text of `--help`. A change shows in the diff of `snapshots/`.
//!
//! `INSTA_UPDATE=always cargo test -p influxdb3-tokens-server help` accepts the current text.

use insta::assert_snapshot;

use crate::process::{command, finish};

#[test]
fn every_help_text_matches_its_snapshot() {
    let subcommands =
        ["serve", "create", "show", "delete", "audit", "backup", "restore", "check", "export", "import", "contract"];
    for subcommand in ["", "healthcheck", "completions", "man"].into_iter().chain(subcommands) {
        let arguments = [subcommand, "--help"];
        let (code, out, error) = finish(command(if subcommand.is_empty() { &arguments[1..] } else { &arguments }));
        assert_eq!((code, &*error), (0, ""));
        assert!(out.contains("\n\nExamples:\n"), "{out}");
        assert_snapshot!(format!("{subcommand}-help").trim_start_matches('-'), out);
    }
}

#[test]
fn the_help_has_the_vendors_name_too() {
    let help = |name: &str| finish(command(&["create", "token", name]));
    assert_eq!(help("--help-all"), help("--help"));
}

#[test]
fn the_help_does_not_show_the_token_in_the_environment() {
    for arguments in [["delete", "--help"], ["delete", "-h"], ["contract", "--help"], ["contract", "-h"]] {
        let mut help = command(&arguments);
        help.env("INFLUXDB3_AUTH_TOKEN", "apiv3_secret");
        let (code, out, _) = finish(help);
        assert!(code == 0 && out.contains("INFLUXDB3_AUTH_TOKEN") && !out.contains("apiv3_secret"), "{out}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let expected = format!("influxdb3-tokens {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(finish(command(&["--version"])), (0, expected, String::new()));
}
