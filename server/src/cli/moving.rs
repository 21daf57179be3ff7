//! What `export` and `import` have in common.

use indicatif::{ProgressBar, ProgressStyle};
use influxdb3_tokens::Moved;

use super::Failure;
use super::backup::counted;

/// A bar on standard error, if that is a terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(message: &'static str) -> Result<Self, Failure> {
        let bar = ProgressBar::new(0);
        bar.set_style(ProgressStyle::with_template("{msg} {bar:40} {percent} %, {eta} left")?);
        Ok(Self(bar.with_message(message)))
    }

    /// Shows how much is done of how much.
    pub(super) fn show(&self, done: u64, all: u64) {
        self.0.set_length(all);
        self.0.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// How much is moved.
pub(super) fn describe(moved: &Moved) -> String {
    format!("{} and {}", counted(moved.tokens, "token"), counted(moved.changes, "change"))
}
