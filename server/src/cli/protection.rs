//! What the process does for its secrets and its life before it does anything else.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::panic::{PanicHookInfo, set_hook};
use std::process::Command;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

/// The variable of an admin token, for the commands that present one.
const SECRET: &str = "INFLUXDB3_AUTH_TOKEN";

/// Keeps the memory of this process out of core dumps. On Linux, it also keeps `/proc/PID/environ` and `/proc/PID/mem`,
/// and debuggers, from other processes of the same user.
pub(super) fn hide_memory() {
    // Neither fails for a process that changes only itself and only downwards.
    let Rlimit { maximum, .. } = getrlimit(Resource::Core);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Makes a panic report where it happened, without its message, which may contain a secret.
pub(super) fn redact_panics(report: fn(&str)) {
    set_hook(Box::new(move |panic| report(&place(panic))));
}

fn place(panic: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let text = format!("the thread '{}' panicked at {place}", thread.name().unwrap_or("<unnamed>"));
    // A text in the program, which has no values.
    match panic.payload().downcast_ref::<&'static str>() {
        Some(message) => format!("{text}: {message}"),
        None => text,
    }
}

/// Reports a panic on standard error, which may be closed.
pub(super) fn print_panic(panic: &str) {
    let _ = writeln!(io::stderr(), "error: {panic}; this is a bug");
}

/// Reports a panic in the log.
pub(super) fn log_panic(panic: &str) {
    tracing::error!(target: "panic", "{panic}; this is a bug");
}

/// Makes a write beyond the limit of a file's size (`ulimit -f`) an error of that write. By default, the signal ends the
/// process.
///
/// Must be called in a tokio runtime.
pub(super) fn survive_file_size_limit() -> io::Result<()> {
    // Tokio's handler stays in place when this value is dropped.
    signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).map(drop)
}

/// Starts this program again, with the same arguments and the same process ID, if its environment has a secret that it
/// does not use. A process cannot remove it from `/proc/PID/environ` in another way.
pub(super) fn forget_unused_secret() -> io::Result<()> {
    if std::env::var_os(SECRET).is_none() {
        return Ok(());
    }
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    Err(Command::new(std::env::current_exe()?).arg0(name).args(arguments).env_remove(SECRET).exec())
}

#[cfg(test)]
mod tests {
    use std::panic::take_hook;
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_panic_is_reported_with_its_place_and_without_its_values() {
        let (report, reports) = channel();
        let report = Mutex::new(report);
        let usual = take_hook();
        set_hook(Box::new(move |panic| report.lock().unwrap().send(place(panic)).unwrap()));
        let secret = "hunter2".to_owned();
        let thread = std::thread::Builder::new().name("careless".to_owned());
        let panicked = thread.spawn(move || panic!("the secret is {secret}")).unwrap().join();
        let thread = std::thread::Builder::new().name("careful".to_owned());
        let panicked_too = thread.spawn(|| panic!("a constant")).unwrap().join();
        set_hook(usual);
        assert!(panicked.is_err() && panicked_too.is_err());
        let reports: Vec<_> = reports.try_iter().collect();
        let [careless, careful] = &reports[..] else { panic!("{reports:?}") };
        assert!(careless.starts_with("the thread 'careless' panicked at server/src/cli/protection.rs:"), "{careless}");
        assert!(!careless.contains("hunter2"), "{careless}");
        assert!(careful.ends_with(": a constant"), "{careful}");
    }
}
