//! The control socket serves only its owner and the superuser.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Signal, geteuid};

use crate::cli::set_mode;
use crate::process::{DataDir, Running, command, finish, install};

const OWNER: u32 = 65533;
const OTHER_USER: u32 = 65534;
const SUPERUSER: u32 = 0;

/// The modes of the socket and its directory also keep other users out, as the tests of `serve` check. Here both are
/// open to everybody.
#[test]
#[expect(clippy::print_stderr, reason = "says why the test is skipped")]
fn another_user_is_rejected_even_if_the_socket_is_open_to_everybody() {
    if !geteuid().is_root() {
        eprintln!("skipped: only the superuser can run a command as another user");
        return;
    }
    let directory = DataDir::new();
    let program = directory.beside("influxdb3-tokens");
    install(env!("CARGO_BIN_EXE_influxdb3-tokens"), &program);
    fs::create_dir(directory.path()).unwrap();
    set_mode(program.parent().unwrap(), 0o755);
    set_mode(&directory.path(), 0o700);
    chown(directory.path(), Some(OWNER), Some(OWNER)).unwrap();
    let by = |user: u32, usual: Command| {
        let mut command = Command::new(&program);
        command.args(usual.get_args()).env_clear().uid(user).gid(user);
        command
    };

    let server = Running::start(by(OWNER, directory.serve(&[])));
    set_mode(&directory.path(), 0o755);
    set_mode(&directory.path().join("control.sock"), 0o666);
    let create = |user, name| {
        let (code, out, error) = finish(by(user, command(&["create", "--admin", name, &directory.argument()])));
        assert_eq!(out.is_empty(), code != 0, "{out}");
        (code, error)
    };
    assert_eq!(create(OWNER, "--name=a"), (0, String::new()));
    assert_eq!(create(SUPERUSER, "--name=b"), (0, String::new()));
    assert_eq!(create(OTHER_USER, "--name=c"), (1, "error: the server belongs to another user\n".to_owned()));
    let (code, shown, _) = finish(by(OWNER, command(&["show", "--format=jsonl", &directory.argument()])));
    assert_eq!((code, shown.lines().count()), (0, 2));
    assert!(server.end(Signal::TERM).0.success());
}
