//! The command line as people and scripts use it.

mod audit;
mod configuration;
mod confirmation;
mod contract;
mod create;
mod delete;
mod given_tokens;
mod healthcheck;
mod hosts;
mod lost_output;
#[cfg(target_os = "linux")]
mod manager;
#[cfg(target_os = "linux")]
mod mounted_secrets;
mod precedence;
mod printing;
mod serve;
mod show;
#[cfg(target_os = "linux")]
mod token_file_syncs;
pub(crate) mod token_files;
mod usage;
mod vendor;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use influxdb3_token_api::models::AdminTokenObject;
use influxdb3_tokens::TokenId;

use crate::document::Token;
use crate::process::{command, finish};

/// Runs a command that must succeed, and returns its output.
fn succeed(arguments: &[&str]) -> String {
    let (code, out, error) = finish(command(arguments));
    assert_eq!((code, &*error), (0, ""), "{arguments:?}: {out}");
    out
}

/// Runs a command that must fail with this exit code, and returns its error.
fn fail(code: i32, arguments: &[&str]) -> String {
    let (actual, out, error) = finish(command(arguments));
    assert_eq!((actual, &*out), (code, ""), "{arguments:?}: {error}");
    assert!(error.starts_with("error: "), "{error}");
    error
}

/// Creates a token in a data directory, and returns it with its secret.
fn create(directory: &str, arguments: &[&str]) -> AdminTokenObject {
    let json = succeed(&[&["create", "--format=json", directory], arguments].concat());
    serde_json::from_str(&json).unwrap()
}

fn selected(token: &AdminTokenObject) -> Token {
    Token::new(TokenId::from_u64(token.id.unwrap().try_into().unwrap()), token.name.as_ref().unwrap())
}

fn secret(token: &AdminTokenObject) -> &str {
    &token.token.as_ref().unwrap().0
}

fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).unwrap().permissions().mode() & 0o777
}

pub(crate) fn set_mode(file: &Path, mode: u32) {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}
