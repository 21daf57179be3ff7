//! No test waits without a limit: a wait that takes too long fails and says what it waited for.

use std::fmt::Display;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::{Builder, Runtime};

/// Far longer than any wait takes, also on a slow machine that runs other tests at the same time.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Awaits a future.
pub(crate) async fn within<F: Future>(what: impl Display, future: F) -> F::Output {
    // A timer of the test's own runtime would fire at once where a test has paused its clock.
    static CLOCK: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap());
    let limit = {
        let _entered = CLOCK.enter();
        tokio::time::sleep(LIMIT)
    };
    tokio::select! {
        biased;
        output = future => output,
        () = limit => panic!("waited {LIMIT:?} for {what}"),
    }
}

/// Runs something that blocks in a thread of its own, and calls `give_up` if it takes too long.
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

/// Runs a command to its end, or kills it.
pub(crate) fn output(mut command: Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let process = Pid::from_child(&child);
    let wait = move || child.wait_with_output().unwrap();
    // Without further arguments and variables, which may be secrets.
    let what = [Some(command.get_program()), command.get_args().next()];
    block(format_args!("the end of {:?}", what.map(Option::unwrap_or_default)), wait, || kill(process))
}

/// Kills a process, which may have ended.
pub(crate) fn kill(process: Pid) {
    let _ = kill_process(process, Signal::KILL);
}
