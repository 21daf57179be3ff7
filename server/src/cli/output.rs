//! What the command prints. Every text that came from outside, such as a server's message, a name or a path, is printed
//! without an effect on the terminal.

use std::borrow::Cow;
use std::error::Error;
use std::io::{self, Write};

use influxdb3_token_api::with_sources;
use openapi_stub_runtime::{Printable, without_userinfo};

use super::log::{Values, redact};

/// The longest error or warning, in characters.
const LONGEST: usize = 2_000;

/// Prints an error with its causes.
pub(super) fn tell(error: &(dyn Error + 'static)) {
    print(&error_line(error));
}

/// The line that says what failed, with its causes.
pub(super) fn error_line(error: &(dyn Error + 'static)) -> String {
    line("error", &with_sources(error))
}

/// Prints why a command failed. Its exit code says that it did, even if nobody reads this.
pub(super) fn tell_reason(reason: &str) {
    print(&line("error", reason));
}

/// Prints what a command has done. It is done, even if this cannot be printed.
pub(super) fn tell_done(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

/// Prints a warning.
pub(super) fn warn(warning: &str) {
    print(&line("warning", warning));
}

fn line(what: &str, text: &str) -> String {
    format!("{what}: {}", shortened(&printable(text)))
}

/// The beginning and the end of a text that is too long: the reason may follow an argument.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    let at = |count: usize| text.char_indices().nth(count).map(|(at, _)| at);
    match at(LONGEST) {
        None => text.into(),
        Some(_) => {
            let length = text.chars().count();
            let (beginning, end) = (at(LONGEST / 2).unwrap_or(0), at(length - LONGEST / 2).unwrap_or(text.len()));
            format!("{}\u{2026}{}", &text[..beginning], &text[end..]).into()
        }
    }
}

/// A line without an effect on the terminal, and without what may be a secret: an error may repeat an argument.
pub(super) fn printable(line: &str) -> String {
    let shown = Printable(&without_userinfo(line)).to_string();
    String::from_utf8_lossy(&redact(shown.as_bytes(), Values::Raw)).into_owned()
}

/// Whether the process was started without a standard output. The runtime of Rust opens `/dev/null` instead then, for reading
/// and writing.
pub(super) fn is_stdout_closed() -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fstat, stat};
    let is_both = fcntl_getfl(io::stdout()).is_ok_and(|flags| flags & OFlags::ACCMODE == OFlags::RDWR);
    let device = |found: rustix::io::Result<rustix::fs::Stat>| found.map(|found| found.st_rdev).ok();
    is_both && device(fstat(io::stdout())) == device(stat("/dev/null"))
}

/// Prints a line in one piece, so that the lines of several processes do not mix.
fn print(line: &str) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// JSON in which each character that is not printable is escaped. Only the strings in it have such characters.
pub(super) fn printable_json(json: &str) -> String {
    let mut printable = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || matches!(c, '"' | '\'' | '\\') || c.escape_debug().count() == 1 {
            printable.push(c);
        } else {
            printable.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    printable
}

/// A text as a cell of a CSV file. A spreadsheet takes a cell that begins with one of these characters for a formula, which
/// can run commands; one that begins with `'` is a text to it. A text that begins with `'` gets another, so that whoever
/// reads the file gets each text back by removing one `'` at the beginning.
pub(super) fn csv_cell(text: &str) -> String {
    let shown = Printable(text).to_string();
    // The last four are the wide forms of the first.
    if shown.starts_with(['=', '+', '-', '@', '\'', '＝', '＋', '－', '＠']) { format!("'{shown}") } else { shown }
}

/// Whether the reader of the output has read enough, as `head` does.
pub(super) fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let csv = error.downcast_ref().map(csv::Error::kind);
    let io = match csv {
        Some(csv::ErrorKind::Io(error)) => Some(error),
        _ => error.downcast_ref(),
    };
    io.is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_shown_with_its_beginning_and_its_end() {
        assert_eq!(shortened(&"ü".repeat(2_000)), "ü".repeat(2_000));
        let long = format!("a{}z", "ü".repeat(2_000));
        assert_eq!(shortened(&long), format!("a{}…{}z", "ü".repeat(999), "ü".repeat(999)));
    }

    #[test]
    fn printable_json_has_the_same_value() {
        let value = serde_json::json!({"a\u{7f}": "\u{9b}31m \u{202e} \u{e0041} \u{1b} é 🦀 \" \\"});
        for json in [value.to_string(), serde_json::to_string_pretty(&value).unwrap_or_default()] {
            let printable = printable_json(&json);
            assert_eq!(serde_json::from_str::<serde_json::Value>(&printable).ok(), Some(value.clone()));
            assert!(printable.lines().all(|line| Printable(line).to_string() == line), "{printable}");
        }
    }

    #[test]
    fn no_cell_is_a_formula_and_each_can_be_read_back() {
        for text in ["=1+1", "+1", "-1", "@a", "'a", "''", "＝1", "a=1", "", "1", "*:*:*"] {
            let cell = csv_cell(text);
            assert!(!cell.starts_with(['=', '+', '-', '@', '＝']), "{cell}");
            assert_eq!(cell.strip_prefix('\'').unwrap_or(&cell), text);
        }
        assert_eq!(csv_cell("\t=1"), "\\t=1");
        assert_eq!(csv_cell("\r=1"), "\\r=1");
    }
}
