//! What the process does for its secrets: no core dump, nothing for other processes of its user, a sandbox.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Signal, geteuid};

use crate::blocking::output;
use crate::cli::set_mode;
use crate::process::{DataDir, Running};

const OWNER: u32 = 65533;

const VARIABLE: &str = "INFLUXDB3_AUTH_TOKEN";

/// A text of a process in `/proc`.
fn of(server: &Running, file: &str) -> String {
    fs::read_to_string(format!("/proc/{}/{file}", server.id().as_raw_nonzero())).unwrap()
}

#[test]
fn a_process_of_the_same_user_sees_neither_memory_nor_environment() {
    let directory = DataDir::new();
    let program = directory.beside("influxdb3-tokens");
    fs::copy(env!("CARGO_BIN_EXE_influxdb3-tokens"), &program).unwrap();
    fs::create_dir(directory.path()).unwrap();
    set_mode(program.parent().unwrap(), 0o755);
    set_mode(&directory.path(), 0o700);
    // The superuser sees everything.
    let user = geteuid().is_root().then_some(OWNER);
    chown(directory.path(), user, user).unwrap();
    let by_user = |mut command: Command| {
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        command
    };
    let mut serve = Command::new(&program);
    serve.args(directory.serve(&[]).get_args()).env_clear().env("SOME_VARIABLE", "some value");
    let server = Running::start(by_user(serve));
    for file in ["environ", "mem", "maps", "auxv"] {
        let mut read = Command::new("head");
        read.args(["-c", "1", &format!("/proc/{}/{file}", server.id().as_raw_nonzero())]);
        let read = output(by_user(read));
        let error = String::from_utf8(read.stderr).unwrap();
        assert!(!read.status.success() && error.contains("Permission denied"), "{file}: {error}");
    }
    assert!(server.end(Signal::TERM).0.success());
}

#[test]
fn the_server_leaves_no_core_dump() {
    let directory = DataDir::new();
    let server = directory.start(&[]);
    let limits = of(&server, "limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    let (status, _) = server.end(Signal::QUIT);
    assert!(!std::os::unix::process::ExitStatusExt::core_dumped(&status), "{status:?}");
}

#[test]
#[expect(clippy::print_stderr, reason = "says why the test is skipped")]
fn the_server_keeps_no_secret_in_its_environment() {
    if !geteuid().is_root() {
        eprintln!("skipped: only the superuser can read the environment of the server");
        return;
    }
    let directory = DataDir::new();
    let mut serve = directory.serve(&["--log-filter=debug"]);
    serve.env(VARIABLE, "apiv3_secret").env("SOME_VARIABLE", "some value");
    let server = Running::start(serve);
    let environment = of(&server, "environ");
    assert!(environment.contains("SOME_VARIABLE=some value"), "{environment}");
    assert!(!environment.contains(VARIABLE) && !environment.contains("apiv3_secret"), "{environment}");
    let (status, printed) = server.end(Signal::TERM);
    assert!(status.success() && !printed.contains(VARIABLE), "{printed}");
}

/// The kernel sets this flag for each thread that enters the sandbox, or is started by one in it.
fn threads_in_sandbox(server: &Running) -> (usize, usize) {
    let threads = fs::read_dir(format!("/proc/{}/task", server.id().as_raw_nonzero())).unwrap();
    let statuses = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("status")).unwrap());
    let (inside, outside): (Vec<_>, Vec<_>) = statuses.partition(|status| status.contains("\nNoNewPrivs:\t1\n"));
    (inside.len(), outside.len())
}

#[test]
fn every_thread_of_the_server_is_in_the_sandbox_unless_it_is_switched_off() {
    let directory = DataDir::new();
    let server = directory.start(&[]);
    let (inside, outside) = threads_in_sandbox(&server);
    let (status, log) = server.end(Signal::TERM);
    assert!(status.success());
    assert_eq!(log.matches("cli::sandbox: ").count(), 1, "{log}");
    if !log.contains("no sandbox is in force") {
        assert!(inside > 2 && outside == 0, "{inside} threads in the sandbox, {outside} not");
    }

    let by_variable = |value| {
        let mut serve = directory.serve(&[]);
        serve.env("INFLUXDB3_TOKENS_NO_SANDBOX", value);
        serve
    };
    for (serve, is_on) in [
        (directory.serve(&["--no-sandbox"]), false),
        (by_variable("1"), false),
        (by_variable("0"), true),
        (by_variable(""), true),
    ] {
        let server = Running::start(serve);
        let (inside, _) = threads_in_sandbox(&server);
        let (status, log) = server.end(Signal::TERM);
        assert!(status.success());
        assert_eq!(log.contains("no sandbox is in force reason=\"it is switched off\""), !is_on, "{log}");
        assert!(is_on || inside == 0, "{log}");
    }
}
