//! The configuration file of `serve`: TOML, whose keys are the names of the options.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use clap::{Arg, Command};
use toml::de::{DeTable, DeValue};

use super::{Failure, text_file};

/// Options that make no sense in a file.
const NOT_IN_A_FILE: [&str; 5] = ["config", "check-config", "help", "help-all", "version"];

/// A value of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The long name of the option.
    pub(super) option: String,
    /// The value as it would be written as an argument.
    pub(super) value: String,
    pub(super) line: usize,
}

/// Reads a file with values of the options of `serve`.
///
/// # Errors
///
/// Names the line and the key that is wrong, and a key that may be meant.
pub(super) fn read(path: &Path, serve: &Command) -> Result<Vec<Entry>, Failure> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    let metadata = fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(format!("{}: it is not a regular file", path.display()).into());
    }
    if metadata.mode() & 0o022 != 0 {
        let path = path.display();
        return Err(format!("{path}: other users can write to it; run `chmod go-w {path}`").into());
    }
    let text = text_file::read(path).map_err(failed)?;
    entries(&text, serve).map_err(|(line, reason)| format!("{}: line {line}: {reason}", path.display()).into())
}

/// The entries of a text. If one is wrong, returns its line and the reason.
fn entries(text: &str, serve: &Command) -> Result<Vec<Entry>, (usize, String)> {
    let line = |start: usize| text.get(..start).unwrap_or(text).matches('\n').count() + 1;
    let table = DeTable::parse(text)
        .map_err(|error| (line(error.span().map_or(0, |span| span.start)), error.message().to_owned()))?;
    let mut entries = Vec::new();
    for (key, value) in table.get_ref() {
        let line = line(key.span().start);
        let (arg, option) = option(serve, key.get_ref()).map_err(|reason| match value.get_ref() {
            DeValue::Table(_) => (line, format!("`{}` is a section; the file has no sections", key.get_ref())),
            _ => (line, reason),
        })?;
        let value = argument(value.get_ref(), arg.get_value_delimiter()).ok_or_else(|| {
            let kinds = "a text, a number, `true` or `false`";
            let list = if arg.get_value_delimiter().is_some() { ", or a list of them" } else { "" };
            (line, format!("`{option}` is {kinds}{list}"))
        })?;
        entries.push(Entry { option: option.to_owned(), value, line });
    }
    Ok(entries)
}

/// The long names of the options that a file can have.
pub(super) fn keys(serve: &Command) -> impl Iterator<Item = (&Arg, &str)> {
    let named = serve.get_arguments().filter_map(|arg| Some((arg, arg.get_long()?)));
    named.filter(|(_, name)| !NOT_IN_A_FILE.contains(name))
}

fn option<'a>(serve: &'a Command, key: &str) -> Result<(&'a Arg, &'a str), String> {
    if let Some(option) = keys(serve).find(|(_, name)| *name == key) {
        return Ok(option);
    }
    if NOT_IN_A_FILE.contains(&key) {
        return Err(format!("`{key}` is an option of the command line only"));
    }
    let similarity = |name: &str| strsim::jaro_winkler(name, &key.replace('_', "-"));
    let visible = keys(serve).filter(|(arg, _)| !arg.is_hide_set()).map(|(_, name)| name);
    let nearest = visible.max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    Err(match nearest.filter(|name| similarity(name) > 0.8) {
        Some(nearest) => format!("`{key}` is not an option of `serve`; did you mean `{nearest}`?"),
        None => format!("`{key}` is not an option of `serve`; see `influxdb3-tokens serve --help`"),
    })
}

/// The value as an argument. A list is one if the option has a delimiter.
fn argument(value: &DeValue<'_>, delimiter: Option<char>) -> Option<String> {
    match value {
        DeValue::Array(values) => {
            let delimiter = delimiter?.to_string();
            let values: Option<Vec<_>> = values.iter().map(|value| argument(value.get_ref(), None)).collect();
            Some(values?.join(&delimiter))
        }
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(value) => Some(value.to_string()),
        DeValue::Integer(number) => Some(i128::from_str_radix(number.as_str(), number.radix()).ok()?.to_string()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

/// A value as the file would have it.
pub(super) fn printed(value: &str) -> String {
    let is_plain =
        value.parse::<i64>().is_ok_and(|number| number.to_string() == value) || value.parse::<bool>().is_ok();
    // A text of JSON is one of TOML.
    if is_plain { value.to_owned() } else { serde_json::Value::from(value).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve() -> Command {
        let options = ["http-bind", "max-connections", "no-sandbox", "config"];
        Command::new("serve").args(options.map(|name| Arg::new(name).long(name)))
    }

    #[test]
    fn the_keys_are_the_names_of_the_options() {
        let text = "# comment\nhttp-bind = \"[::1]:1\"\n\nmax-connections = 1_0\nno-sandbox = true\n";
        let read = entries(text, &serve()).unwrap();
        let read: Vec<_> = read.iter().map(|entry| (&*entry.option, &*entry.value, entry.line)).collect();
        assert_eq!(read, [("http-bind", "[::1]:1", 2), ("max-connections", "10", 4), ("no-sandbox", "true", 5)]);
    }

    #[test]
    fn a_wrong_entry_is_named_with_its_line_and_what_may_be_meant() {
        for (text, line, reason) in [
            ("\nhttp_bind = \"a\"", 2, "did you mean `http-bind`?"),
            ("http-bnd = \"a\"", 1, "did you mean `http-bind`?"),
            ("colour = 1", 1, "see `influxdb3-tokens serve --help`"),
            ("\n[serve]\nhttp-bind = \"a\"", 2, "`serve` is a section"),
            ("config = \"a\"", 1, "command line only"),
            ("http-bind = [1]", 1, "`http-bind` is a text"),
            ("max-connections = 1\n[http-bind]\n", 2, "`http-bind` is a text"),
            ("max-connections = 1\nhttp-bind = \n", 2, ""),
            ("http-bind = \"a\"\nhttp-bind = \"b\"\n", 2, ""),
        ] {
            let (found, error) = entries(text, &serve()).unwrap_err();
            assert!(found == line && error.contains(reason), "{text:?}: {found}: {error}");
        }
    }

    #[test]
    fn what_is_printed_can_be_read_back() {
        for value in ["a", "", "7", "07", "true", "1s", "a\"b\\c\n", "-1", "1.5"] {
            let text = format!("http-bind = {}", printed(value));
            assert_eq!(entries(&text, &serve()).unwrap()[0].value, value, "{text}");
        }
    }
}
