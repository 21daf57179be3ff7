//! The command line, as people and scripts use it.

mod contract;
mod create;
mod delete;
mod lost_output;
mod serve;
mod show;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use influxdb3_token_api::models::AdminTokenObject;

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

/// A new token of a data directory, with its secret.
fn create(directory: &str, arguments: &[&str]) -> AdminTokenObject {
    let json = succeed(&[&["create", "--format=json", directory], arguments].concat());
    serde_json::from_str(&json).unwrap()
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
