//! What users and other programs rely on, word for word: a change to it shows in a diff of `snapshots/`.
//!
//! `INSTA_UPDATE=always cargo test` accepts what is there now; so does `cargo insta review`, one by one.

use influxdb3_token_api::{OPERATIONS, SECURITY_SCHEMES};
use insta::{assert_debug_snapshot, assert_snapshot};

use crate::process::{command, finish};

#[test]
fn the_table_of_operations() {
    assert_debug_snapshot!("operations", OPERATIONS);
}

#[test]
fn the_table_of_security_schemes() {
    assert_debug_snapshot!("security-schemes", SECURITY_SCHEMES);
}

#[test]
fn the_help_of_the_command_and_of_each_subcommand() {
    for arguments in
        [&["--help"][..], &["serve", "--help"], &["create", "--help"], &["show", "--help"], &["delete", "--help"]]
    {
        let (code, out, error) = finish(command(arguments));
        assert_eq!((code, &*error), (0, ""));
        assert_snapshot!(arguments.concat().replace("--", "-").trim_start_matches('-'), out);
    }
}

#[test]
fn the_help_shows_no_token_that_is_in_the_environment() {
    for help in ["--help", "-h"] {
        let mut delete = command(&["delete", help]);
        delete.env("INFLUXDB3_AUTH_TOKEN", "apiv3_secret");
        let (code, out, _) = finish(delete);
        assert!(code == 0 && out.contains("INFLUXDB3_AUTH_TOKEN") && !out.contains("apiv3_secret"), "{out}");
    }
}
