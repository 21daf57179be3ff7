//! The clock that measures how old a copy of the tokens is.

use std::process::{Command, Stdio};
use std::time::Duration;

use influxdb3_tokens::BootTime;

/// What says to this program, run again, that it is in another namespace.
const MOVED: &str = "INFLUXDB3_TOKENS_TEST_MOVED";

/// A namespace of time moves the clock that counts suspended time, as a suspended machine does, and leaves the one alone that
/// stands still meanwhile. Making one needs root, or a system that lets users make namespaces.
#[test]
fn the_clock_of_a_copy_counts_the_time_while_the_machine_is_suspended() {
    const SUSPENDED: Duration = Duration::from_secs(1_000_000);
    if let Ok(before) = std::env::var(MOVED) {
        let before = Duration::from_secs(before.parse().unwrap());
        assert!(BootTime::now().since_boot() >= before + SUSPENDED, "it is another clock than CLOCK_BOOTTIME");
        return;
    }
    let unshare = |program: &std::path::Path| {
        let seconds = SUSPENDED.as_secs().to_string();
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--time", "--boottime", &seconds, "--fork"]).arg(program);
        command
    };
    let may = unshare("true".as_ref()).stderr(Stdio::null()).status();
    if !may.is_ok_and(|status| status.success()) {
        skip();
        return;
    }
    let moved = unshare(&std::env::current_exe().unwrap())
        .args(["--exact", concat!("boot_time", "::the_clock_of_a_copy_counts_the_time_while_the_machine_is_suspended")])
        .env(MOVED, BootTime::now().since_boot().as_secs().to_string())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&moved.stdout);
    assert!(moved.status.success() && printed.contains("1 passed"), "{printed}");
}

#[expect(clippy::print_stderr, reason = "says why the test is skipped")]
fn skip() {
    eprintln!("skipped: this user may not make a namespace of time");
}
