//! Questions on a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rustix::process::Pid;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::{create, secret, selected, succeed};
use crate::blocking::{block, kill};
use crate::process::{DataDir, command, delete_here};

/// Runs a command whose standard input is a terminal on which `answer` is typed. Returns its exit code and what it printed.
pub(super) fn answer(answer: &str, mut command: Command) -> (i32, String) {
    let (terminal, end) = terminal();
    let (mut reader, writer) = std::io::pipe().unwrap();
    command.stdin(Stdio::from(end)).stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut process = command.spawn().unwrap();
    drop(command);
    let mut terminal = File::from(terminal);
    terminal.write_all(answer.as_bytes()).unwrap();
    let id = Pid::from_child(&process);
    let read = move || {
        let mut printed = String::new();
        reader.read_to_string(&mut printed).unwrap();
        drop(terminal);
        (process.wait().unwrap().code().unwrap(), printed)
    };
    block("the end of the command", read, || kill(id))
}

/// What a command prints on a terminal of this width.
pub(super) fn on_terminal(columns: u16, mut command: Command) -> String {
    let (terminal, end) = terminal();
    let size = rustix::termios::Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&end, size).unwrap();
    command.stdout(end);
    let mut process = command.spawn().unwrap();
    drop(command);
    let id = Pid::from_child(&process);
    let read = move || {
        let mut printed = Vec::new();
        // Once the command has closed its end, reading fails.
        let _ = File::from(terminal).read_to_end(&mut printed);
        assert!(process.wait().unwrap().success());
        String::from_utf8(printed).unwrap()
    };
    block("the end of the command", read, || kill(id))
}

/// A terminal, and the end of it that a command uses.
fn terminal() -> (OwnedFd, File) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    (terminal, File::options().read(true).write(true).open(name).unwrap())
}

#[test]
fn a_deletion_and_a_regeneration_ask_on_a_terminal() {
    let directory = DataDir::new();
    let argument = directory.argument();
    let operator = create(&argument, &["--admin"]);
    let token = selected(&create(&argument, &["--admin", "--name=a"]));
    let delete = || {
        let mut delete = delete_here(&argument, token);
        delete.env("INFLUXDB3_AUTH_TOKEN", secret(&operator));
        delete
    };
    for no in ["no\n", "\n", "\u{4}", "yesterday\n"] {
        let (code, printed) = answer(no, delete());
        assert_eq!(code, 1, "{printed}");
        assert!(printed.contains("Delete the token ") && printed.contains("was not deleted"), "{printed}");
    }
    assert!(succeed(&["show", &argument]).contains("| a "));
    let regenerate =
        |more: &[&str]| command(&[&["create", "token", "--admin", "--regenerate", &argument], more].concat());
    let (code, printed) = answer("n\n", regenerate(&[]));
    assert!(code == 1 && !printed.contains("apiv3_") && printed.contains("was not changed"), "{printed}");

    let (code, printed) = answer("Yes\n", delete());
    assert!(code == 0 && printed.contains("Deleted token "), "{printed}");
    for (typed, more) in [("y\n", &[][..]), ("", &["--yes"])] {
        let (code, printed) = answer(typed, regenerate(more));
        assert!(code == 0 && printed.contains("Token: apiv3_"), "{printed}");
    }
}
