//! The variables: those of the process, those of a file `.env` in its directory, and those that have an older name.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use clap::Arg;
use rustix::process::geteuid;
use zeroize::Zeroizing;

use super::{Failure, text_file};

/// The file of variables, in the current directory, as InfluxDB 3 reads it.
const FILE: &str = ".env";

/// Variables, each with an older name that InfluxDB 3 still reads.
const OLDER_NAMES: [(&str, &str); 2] = [("INFLUXDB3_LOG_FILTER", "LOG_FILTER"), ("INFLUXDB3_LOG_FORMAT", "LOG_FORMAT")];

/// Where the value of an option comes from, if the parser did not take it from an argument or a variable of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A variable of the process, under its older name.
    Variable(&'static str),
    /// A variable of the file `.env`.
    File(String),
    /// A line of the configuration file.
    Configuration { file: String, line: usize },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::File(name) => write!(f, "{name} in {FILE}"),
            Self::Configuration { file, line } => write!(f, "line {line} of {file}"),
        }
    }
}

/// The variables of `.env`. The environment of the process is not changed: that would need `unsafe`, and would pass them to
/// other programs.
#[derive(Default)]
pub(super) struct Environment {
    file: HashMap<String, Zeroizing<String>>,
    /// Why the file is ignored.
    pub(super) warning: Option<String>,
}

impl Environment {
    /// Reads the file `.env`, if it exists.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or has a line that is not `NAME=VALUE`. The error does not show the line.
    pub(super) fn read() -> Result<Self, Failure> {
        Self::of(Path::new(FILE))
    }

    fn of(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        let metadata = match fs::metadata(path) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Self::default());
            }
            Ok(metadata) if !metadata.is_file() => return Ok(Self::default()),
            metadata => metadata.map_err(failed)?,
        };
        // It can name another server, to which the token would be sent.
        let owner = metadata.uid();
        if (owner != geteuid().as_raw() && owner != 0) || metadata.mode() & 0o022 != 0 {
            let path = path.display();
            let warning =
                format!("{path} is ignored, because another user can change it; run `chmod go-w {path}` as its owner");
            return Ok(Self { warning: Some(warning), ..Self::default() });
        }
        let text = text_file::read(path).map_err(failed)?;
        Ok(Self { file: variables(&text).map_err(|line| invalid(path, line))?, warning: None })
    }

    /// The value of an option's variable, and where it comes from. An empty one counts as one that is not set. `None` if
    /// it is a variable of the process under this name, which the parser reads.
    pub(super) fn value(&self, option: &Arg) -> Option<(OsString, Origin)> {
        self.variable(option.get_env()?.to_str()?)
    }

    fn variable(&self, name: &str) -> Option<(OsString, Origin)> {
        let of_process = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        if of_process(name).is_some() {
            return None;
        }
        let older = OLDER_NAMES.iter().find(|(newer, _)| *newer == name).map(|(_, older)| *older);
        if let Some((older, value)) = older.and_then(|older| Some((older, of_process(older)?))) {
            return Some((value, Origin::Variable(older)));
        }
        [Some(name), older].into_iter().flatten().find_map(|name| {
            let value = self.file.get(name).filter(|value| !value.is_empty())?;
            Some((OsString::from(value.as_str()), Origin::File(name.to_owned())))
        })
    }

    /// The value of a variable that is no option's.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let of_process = std::env::var(name).ok().filter(|value| !value.is_empty());
        of_process.or_else(|| self.file.get(name).map(|value| value.to_string()))
    }
}

/// The variables of a text. If a line is wrong, returns its number.
fn variables(text: &str) -> Result<HashMap<String, Zeroizing<String>>, usize> {
    let mut variables = HashMap::new();
    for variable in dotenvy::from_read_iter(text.as_bytes()) {
        let (name, value) = variable.map_err(|error| match error {
            dotenvy::Error::LineParse(line, _) => {
                let before = text.find(&*Zeroizing::new(line)).map_or("", |start| &text[..start]);
                before.matches('\n').count() + 1
            }
            _ => 1,
        })?;
        // The first of several counts, as for InfluxDB 3.
        variables.entry(name).or_insert(Zeroizing::new(value));
    }
    Ok(variables)
}

fn invalid(path: &Path, line: usize) -> Failure {
    format!("{}: line {line} is not `NAME=VALUE`; quote a value that has spaces", path.display()).into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_wrong_line_is_named_by_its_number_and_not_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "A=1\n\nINFLUXDB3_AUTH_TOKEN apiv3_hunter2 x\n").unwrap();
        let error = Environment::of(file.path()).err().unwrap().to_string();
        assert!(error.contains("line 3 is not `NAME=VALUE`") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_file_that_others_can_change_is_ignored_with_a_warning() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "SOME_NAME=1\n").unwrap();
        let read = || Environment::of(file.path()).unwrap();
        assert_eq!(read().text("SOME_NAME").as_deref(), Some("1"));
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o666)).unwrap();
        assert!(read().text("SOME_NAME").is_none() && read().warning.unwrap().contains("is ignored"));
    }

    #[test]
    fn the_first_of_several_values_counts_and_an_empty_one_does_not() {
        let environment = Environment {
            file: variables("A_NAME=first\nA_NAME=second\nB_NAME=\n# C_NAME=1\n").unwrap(),
            warning: None,
        };
        let (value, origin) = environment.variable("A_NAME").unwrap();
        assert_eq!((value, origin.to_string()), ("first".into(), "A_NAME in .env".to_owned()));
        assert!(environment.variable("B_NAME").is_none() && environment.variable("C_NAME").is_none());
    }
}
