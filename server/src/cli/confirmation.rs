//! Asks before a change that cannot be undone.

use std::io::{self, BufRead, IsTerminal, Write};

use openapi_stub_runtime::Printable;

/// Asks whether to go on, if standard input is a terminal. A script has no terminal, and is not asked.
///
/// # Errors
///
/// If the answer cannot be read.
pub(super) fn is_confirmed(question: &str) -> io::Result<bool> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Ok(true);
    }
    let question = format!("{} Enter 'yes' or 'y' to confirm: ", Printable(question));
    io::stderr().write_all(question.as_bytes())?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    Ok(["yes", "y"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}
