//! Commands whose output nobody reads.

use std::fs::File;
use std::io::{BufRead, BufReader, pipe};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{create, secret, succeed};
use crate::blocking::{block, end, kill};
use crate::process::{DataDir, command, delete, finish};

/// A pipe whose reader is gone.
fn closed_pipe() -> Stdio {
    pipe().unwrap().1.into()
}

/// The exit code and the standard error of a command whose standard output goes to `stdout`.
fn finish_into(stdout: Stdio, mut command: Command) -> (i32, String) {
    command.stdout(stdout).stderr(Stdio::piped());
    let output = end(command);
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn create_into(stdout: Stdio, directory: &DataDir, name: &str, format: &str) -> (i32, String) {
    finish_into(stdout, command(&["create", "--admin", "--name", name, "--format", format, &directory.argument()]))
}

#[test]
fn a_secret_that_cannot_be_printed_is_an_error_that_names_the_token() {
    let directory = DataDir::new();
    let mut names = (1..).map(|number| format!("token {number}"));
    let mut lose = || {
        for format in ["text", "json"] {
            let name = names.next().unwrap();
            let (code, error) = create_into(closed_pipe(), &directory, &name, format);
            let id = name.strip_prefix("token ").unwrap();
            let expected = format!("error: token {id} was created, but its secret is lost; delete the token: ");
            assert!(code == 1 && error.starts_with(&expected), "{code} {error}");
            assert!(succeed(&["show", "--format=csv", &directory.argument()]).contains(&format!("\n{id},{name},")));
        }
    };
    lose();
    let _server = directory.start(&[]);
    lose();
    let (code, error) = create_into(closed_pipe(), &directory, "_admin", "text");
    let expected = "error: the operator token was created, but its secret is lost; use --regenerate: ";
    assert!(code == 1 && error.starts_with(expected), "{code} {error}");
    let regenerate = command(&["create", "--admin", "--regenerate", &directory.argument()]);
    let (code, error) = finish_into(closed_pipe(), regenerate);
    let expected = "error: the operator token was regenerated, but its secret is lost; use --regenerate: ";
    assert!(code == 1 && error.starts_with(expected), "{code} {error}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_secret_written_to_a_full_disk_is_reported_as_lost() {
    let directory = DataDir::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (code, error) = create_into(full.into(), &directory, "ci", "json");
    assert!(code == 1 && error.contains("its secret is lost"), "{code} {error}");
}

#[test]
fn no_token_is_created_if_its_secret_cannot_be_printed_anywhere() {
    let directory = DataDir::new();
    let argument = directory.argument();
    let program = env!("CARGO_BIN_EXE_influxdb3-tokens");
    let closed = |arguments: &[&str]| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec \"$@\" >&-", "sh", program]).args(arguments).arg(&argument);
        shell.stdin(Stdio::null());
        finish(shell)
    };
    let (code, _, error) = closed(&["create", "--admin"]);
    assert!(code == 1 && error.contains("standard output is closed") && !directory.path().exists(), "{error}");
    let operator = create(&argument, &["--admin"]);
    assert_eq!(closed(&["create", "--admin", "--regenerate"]).0, 1);
    assert!(succeed(&["show", "--format=csv", &argument]).contains(operator.hash.as_ref().unwrap()));
    // `/dev/null` is a choice of the user, so the command succeeds.
    assert_eq!(finish_into(Stdio::null(), command(&["create", "--admin", "--name=a", &argument])).0, 0);
}

#[test]
fn an_offline_token_is_kept_even_if_nobody_reads_the_message() {
    let directory = DataDir::new();
    let file = directory.beside("admin.json");
    let offline = command(&["create", "--admin", "--offline", "--output-file", file.to_str().unwrap()]);
    assert_eq!(finish_into(closed_pipe(), offline), (0, String::new()));
    assert!(std::fs::read_to_string(&file).unwrap().contains("apiv3_"));
}

#[test]
fn a_report_that_nobody_reads_ends_without_an_error() {
    let directory = DataDir::new();
    let operator = create(&directory.argument(), &["--admin"]);
    let server = directory.start(&[]);
    for format in ["pretty", "json", "jsonl", "csv"] {
        let show = command(&["show", "--format", format, &directory.argument()]);
        assert_eq!(finish_into(closed_pipe(), show), (0, String::new()), "{format}");
    }
    let mut contract = command(&["contract", "--allow-incomplete", "--host", &server.url()]);
    contract.env("INFLUXDB3_AUTH_TOKEN", secret(&operator));
    assert_eq!(finish_into(closed_pipe(), contract), (0, String::new()));
}

#[test]
fn a_backup_and_its_restoration_succeed_even_if_nobody_reads_the_message() {
    let directory = DataDir::new();
    let argument = directory.argument();
    create(&argument, &["--admin"]);
    let file = directory.beside("backup");
    let file = file.to_str().unwrap();
    for arguments in
        [&["backup", file][..], &["check", file], &["check"], &["restore", file, "--force", "--keep-deletions"]]
    {
        let command = command(&[arguments, &[&argument]].concat());
        assert_eq!(finish_into(closed_pipe(), command), (0, String::new()), "{arguments:?}");
    }
    assert!(succeed(&["show", &argument]).contains("_admin"));
}

#[test]
fn an_export_and_its_import_succeed_even_if_nobody_reads_the_message() {
    let (from, to) = (DataDir::new(), DataDir::new());
    create(&from.argument(), &["--admin"]);
    let file = from.beside("export");
    for (command_name, directory) in [("export", &from), ("import", &to)] {
        let command = command(&[command_name, file.to_str().unwrap(), &directory.argument()]);
        assert_eq!(finish_into(closed_pipe(), command), (0, String::new()), "{command_name}");
    }
    assert!(succeed(&["show", &to.argument()]).contains("_admin"));
}

#[test]
fn a_command_fails_even_if_nobody_reads_its_error() {
    let directory = DataDir::new();
    let operator = create(&directory.argument(), &["--admin"]);
    let server = directory.start(&[]);
    let mut delete = delete(&server.url(), 7);
    delete.env("INFLUXDB3_AUTH_TOKEN", secret(&operator));
    for (mut command, code) in [(delete, 4), (command(&["create", "--admin", &directory.argument()]), 1)] {
        command.stdout(Stdio::null()).stderr(closed_pipe());
        assert_eq!(end(command).status.code(), Some(code));
    }
}

#[test]
fn a_server_serves_even_if_nobody_reads_its_output() {
    let directory = DataDir::new();
    let mut serve = directory.serve(&[]);
    let mut server = serve.stdout(closed_pipe()).stderr(Stdio::piped()).spawn().unwrap();
    let id = Pid::from_child(&server);
    let log = BufReader::new(server.stderr.take().unwrap());
    // The search drops the log's reader, so the server's standard error has no reader from then on.
    let is_logged =
        || log.lines().map(Result::unwrap).any(|line| line.contains("cannot write the addresses to standard output"));
    assert!(block("the log", is_logged, || kill(id)));

    assert_eq!(create(&directory.argument(), &["--admin"]).id, Some(0));
    kill_process(id, Signal::TERM).unwrap();
    let status = block("the server to end", move || server.wait().unwrap(), || kill(id));
    assert_eq!(status.code(), Some(0));
}
