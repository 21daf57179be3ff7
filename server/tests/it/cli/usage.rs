//! What the command says of wrong or unusual arguments, variables and surroundings.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::process::Command;

use influxdb3_tokens::TokenId;
use rustix::process::{Signal, geteuid};

use super::{create, fail, secret, set_mode, succeed};
use crate::document::Token;
use crate::process::{self, DataDir, Running, command, delete_here, finish, install};

#[test]
fn an_empty_variable_counts_as_one_that_is_not_set() {
    let directory = DataDir::new();
    let operator = create(&directory.argument(), &["--admin"]);
    let variables = [
        "INFLUXDB3_ADMIN_TOKEN_FILE",
        "INFLUXDB3_DB_DIR",
        "INFLUXDB3_HOST_URL",
        "INFLUXDB3_HTTP_BIND_ADDR",
        "INFLUXDB3_LOG_FILTER",
        "INFLUXDB3_LOG_FORMAT",
        "INFLUXDB3_PERMISSION_TOKENS_FILE",
        "INFLUXDB3_TOKENS_ADMIN",
        "INFLUXDB3_TOKENS_CONFIG",
        "INFLUXDB3_TOKENS_CREATE_FORMAT",
        "INFLUXDB3_TOKENS_EXPIRY",
        "INFLUXDB3_TOKENS_ID",
        "INFLUXDB3_TOKENS_NAME",
        "INFLUXDB3_TOKENS_OFFLINE",
        "INFLUXDB3_TOKENS_OUTPUT_FILE",
        "INFLUXDB3_TOKENS_PERMISSION",
        "INFLUXDB3_TOKENS_REGENERATE",
        "INFLUXDB3_TOKENS_SHOW_FORMAT",
        "INFLUXDB3_TOKENS_TOKEN_NAME",
        "LOG_FILTER",
        "LOG_FORMAT",
    ];
    let with_empty = |mut command: Command| {
        command.envs(variables.map(|variable| (variable, "")));
        command
    };
    let server = Running::start(with_empty(directory.serve(&[])));
    let url = server.url();
    let run = |usual: Command| {
        let mut command = with_empty(usual);
        command.env("INFLUXDB3_AUTH_TOKEN", secret(&operator));
        finish(command)
    };
    let argument = directory.argument();
    let token = Token::new(TokenId::from_u64(1), "a");
    let created = run(command(&["create", "--permission=db:a:read", "--name=a", &argument]));
    assert_eq!((created.0, &*created.2), (0, ""));
    assert_eq!(run(process::delete(&url, token)).0, 0);
    assert_eq!(run(delete_here(&argument, token)).0, 4);
    assert_eq!(run(command(&["show", &argument])).0, 0);
    // A variable that is required is missed, and the help names it.
    let mut delete = command(&["delete", "--id=1"]);
    delete.env("INFLUXDB3_AUTH_TOKEN", "");
    let (code, _, error) = finish(delete);
    assert!(code == 2 && error.contains("--token <TOKEN>"), "{error}");
    let (code, out, _) = run(command(&["show", "--help"]));
    assert!(code == 0 && out.contains("INFLUXDB3_DB_DIR"), "{out}");
    assert!(server.end(Signal::TERM).0.success());
}

#[test]
fn an_error_says_what_to_do() {
    let directory = DataDir::new().argument();
    for (arguments, advice) in [
        (&["create", "--permission=*:*:*", "--name=a"][..], "use --admin"),
        (&["create", "--admin", "--name=a", "--expiry=0s"], "write a duration such as `30d`"),
        (&["create", "--admin", "--name=a", "--expiry=nonsense"], "write a duration such as `30d`"),
        (&["contract", "--token=a", "--timeout=0s"], "write a duration such as `30d`"),
        (&["serve", "--http-bind=localhost"], "such as `localhost:8181`"),
    ] {
        let error = match arguments[0] {
            "contract" => fail(2, arguments),
            _ => fail(2, &[arguments, &[&directory]].concat()),
        };
        assert!(error.contains(advice), "{error}");
    }
}

#[test]
fn an_argument_is_repeated_without_an_effect_on_the_terminal() {
    let directory = DataDir::new();
    for arguments in [
        &["create", "--admin", "--name=a\u{1b}[2J\u{9b}\u{202e}b"][..],
        &["create", "--admin", "--expiry=\u{1b}[2J"],
        &["create", "--\u{1b}[2J"],
        &["show", "--data-dir=\u{1b}[2J\r\n"],
        &["serve", "--admin-token-file=\u{1b}[2J\r\n", "--log-filter=off", &directory.argument()],
    ] {
        let (code, _, error) = finish(command(arguments));
        assert_ne!(code, 0);
        let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(error.starts_with("error: ") && !error.contains(acts), "{error:?}");
    }
}

#[test]
fn a_long_argument_is_repeated_in_part_and_the_reason_is_shown() {
    let error = fail(2, &["create", "--admin", &format!("--expiry={}", "x".repeat(100_000))]);
    assert!(error.len() < 3_000 && error.contains("write a duration such as `30d`"), "{error}");
}

#[test]
fn a_host_name_can_be_listened_on() {
    let directory = DataDir::new();
    let mut serve = command(&["serve", &directory.argument()]);
    serve.arg("--http-bind=localhost:0");
    let server = Running::start(serve);
    assert!(server.address.ip().is_loopback() && server.address.port() != 0);
    assert!(server.end(Signal::TERM).0.success());
    let unknown = fail(1, &["serve", &directory.argument(), "--http-bind=nowhere.invalid:1", "--log-filter=off"]);
    assert!(unknown.contains("nowhere.invalid:1: "), "{unknown}");
}

#[test]
fn a_directory_of_another_user_is_named_as_such() {
    let directory = DataDir::new();
    create(&directory.argument(), &["--admin"]);
    let (program, owner) =
        (directory.beside("influxdb3-tokens"), if geteuid().is_root() { 65533 } else { geteuid().as_raw() });
    install(env!("CARGO_BIN_EXE_influxdb3-tokens"), &program);
    set_mode(program.parent().unwrap(), 0o755);
    if geteuid().is_root() {
        chown(directory.path(), Some(owner), Some(owner)).unwrap();
    } else {
        // Nobody but the superuser can open it then, its owner neither.
        set_mode(&directory.path(), 0o000);
    }
    let argument = directory.argument();
    let mut delete = delete_here(&argument, Token::new(TokenId::from_u64(1), "a"));
    delete.arg("--token=a");
    for usual in [command(&["show", &argument]), command(&["create", "--admin", "--name=a", &argument]), delete] {
        let mut command = Command::new(&program);
        command.args(usual.get_args()).env_clear();
        if geteuid().is_root() {
            command.uid(65534).gid(65534);
        }
        let (code, out, error) = finish(command);
        assert_eq!((code, &*out), (1, ""));
        let expected = format!("its directory belongs to the user with the ID {owner}; run the command as that user");
        assert!(error.contains(&expected), "{error}");
    }
    set_mode(&directory.path(), 0o700);
}

#[test]
fn a_cell_of_csv_is_not_a_formula_and_can_be_read_back() {
    let directory = DataDir::new();
    let names = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "'quoted", "plain"];
    for name in names {
        create(&directory.argument(), &["--admin", &format!("--name={name}")]);
    }
    let csv = succeed(&["show", "--format=csv", &directory.argument()]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    for (row, name) in reader.records().map(Result::unwrap).zip(names) {
        assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{row:?}");
        assert_eq!(row[1].strip_prefix('\'').unwrap_or(&row[1]), name);
    }
}
