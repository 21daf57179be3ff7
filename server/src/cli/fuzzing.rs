//! What `fuzz/` calls of the command line.

use std::ffi::OsString;
use std::path::Path;

use influxdb3_tokens::{NewToken, Secret};

use super::arguments::{Unusable, try_parse};
use super::environment::Environment;
use super::token_file;

/// Parses the arguments after the name of the command. Returns what would be printed if they are wrong, or ask for help.
pub fn parse_arguments(arguments: Vec<OsString>) -> Result<(), String> {
    let arguments: Vec<_> = [OsString::from("influxdb3-tokens")].into_iter().chain(arguments).collect();
    try_parse(&arguments, &Environment::default()).map(|_| ()).map_err(|unusable| match unusable {
        Unusable::Arguments(error) => error.to_string(),
        Unusable::File(error) => error.to_string(),
    })
}

/// The tokens of a file as `serve` reads it for `--admin-token-file` and for `--permission-tokens-file`, each with the
/// text of an error if it is refused.
pub fn read_token_files(file: &Path) -> [Result<Vec<NewToken>, String>; 2] {
    [token_file::given_tokens(Some(file), None), token_file::given_tokens(None, Some(file))]
        .map(|given| given.map(|given| given.tokens).map_err(|error| error.to_string()))
}

/// Writes a token and its secret, as `create --offline` does.
pub fn write_token_file(file: &Path, token: &NewToken, secret: &Secret) -> Result<(), String> {
    token_file::write(file, token, secret).map_err(|error| error.to_string())
}
