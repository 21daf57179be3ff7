//! Waits that block, with a limit.

use std::fmt::Display;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::limits::LIMIT;

/// Runs a function that blocks in its own thread, and calls `give_up` if it takes too long.
pub(crate) fn block<T: Send + 'static>(
    what: impl Display,
    wait: impl FnOnce() -> T + Send + 'static,
    give_up: impl FnOnce(),
) -> T {
    let (done, is_done) = channel();
    thread::spawn(move || {
        // The receiver is gone if this took too long.
        let _ = done.send(wait());
    });
    match is_done.recv_timeout(LIMIT) {
        Ok(output) => output,
        Err(RecvTimeoutError::Timeout) => {
            give_up();
            panic!("waited {LIMIT:?} for {what}")
        }
        Err(RecvTimeoutError::Disconnected) => panic!("could not wait for {what}"),
    }
}

/// Runs a command to its end, and returns what it prints. Kills it if it takes too long.
pub(crate) fn output(mut command: Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    end(command)
}

/// Runs a command to its end, and returns what it prints to pipes. Kills it if it takes too long.
pub(crate) fn end(mut command: Command) -> Output {
    let child = command.spawn().unwrap();
    let process = Pid::from_child(&child);
    let wait = move || child.wait_with_output().unwrap();
    // The other arguments and the variables may be secrets.
    let what = [Some(command.get_program()), command.get_args().next()].map(Option::unwrap_or_default);
    block(format_args!("the end of {what:?}"), wait, || kill(process))
}

/// Kills a process, which may have ended.
pub(crate) fn kill(process: Pid) {
    let _ = kill_process(process, Signal::KILL);
}
