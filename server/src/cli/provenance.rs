//! Where the values of the options of `serve` come from, and what is to be said of them.

use std::io::{self, Write};
use std::path::Path;

use super::configuration;
use super::output::printable;

/// What the arguments, the variables and the files say to `serve`, beside its options.
#[derive(Debug, Default)]
pub(super) struct Provenance {
    pub(super) settings: Vec<Setting>,
    /// What to say of the arguments. It does not show their values.
    pub(super) warnings: Vec<String>,
}

/// An option with a value.
#[derive(Debug)]
pub(super) struct Setting {
    /// The long name of the option.
    pub(super) name: String,
    pub(super) value: String,
    /// Where the value comes from.
    pub(super) origin: String,
}

impl Provenance {
    /// Prints the values as a configuration file would have them, and the name of the one that was read.
    ///
    /// # Errors
    ///
    /// If standard output cannot be written.
    pub(super) fn print(&self, file: Option<&Path>) -> io::Result<()> {
        if let Some(file) = file {
            print_line(&format!("# {}", file.display()))?;
        }
        for Setting { name, value, origin } in &self.settings {
            print_line(&format!("{name} = {} # {origin}", configuration::printed(value)))?;
        }
        Ok(())
    }
}

/// Prints a line without an effect on a terminal.
fn print_line(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{}", printable(line))
}
