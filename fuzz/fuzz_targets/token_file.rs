//! Token files: read as both kinds, and then given another token, which must keep those that the file has.
#![no_main]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::LazyLock;

use influxdb3_tokens::{NewToken, Permissions};
use influxdb3_tokens_fuzz::{OPERATOR, contains, folder, secret, token};
use influxdb3_tokens_server::fuzzing::{read_token_files, write_token_file};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(folder);

libfuzzer_sys::fuzz_target!(|contents: &[u8]| {
    let file = FOLDER.path().join("tokens.json");
    fs::write(&file, contents).expect("the folder takes files");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("it is this user's");

    let [admin, permission] = read_token_files(&file);
    for result in [&admin, &permission] {
        match result {
            Ok(tokens) => tokens.iter().for_each(check),
            // The secret in a file of the wrong form is not told.
            Err(error) => assert!(!error.contains(OPERATOR) || names_a_token(contents), "{error}"),
        }
    }
    append(&file, contents, permission.ok());
});

fn check(token: &NewToken) {
    assert!(token.name.as_str().len() <= 255);
    assert!(token.permissions.to_string().parse::<Permissions>().is_ok());
}

/// Whether the secret may stand in the file as something else, such as a name, which is told.
fn names_a_token(contents: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(contents) else { return false };
    text.matches(OPERATOR).count() > 1 || !text.contains(&format!("\"token\": \"{OPERATOR}\""))
}

/// Appends a permission token.
fn append(file: &Path, contents: &[u8], before: Option<Vec<NewToken>>) {
    let new = token("appended", "db:metrics:read".parse().expect("it is a permission"), 200);
    let written = write_token_file(file, &new, &secret(200));
    match (written, before) {
        (Ok(()), Some(mut tokens)) => {
            let is_twice = tokens.iter().any(|token| token.digest == new.digest);
            tokens.push(new);
            let [_, after] = read_token_files(file);
            assert!(after.is_err() == is_twice && (is_twice || after == Ok(tokens)));
        }
        (Ok(()), None) => {}
        (Err(error), before) => {
            assert_eq!(fs::read(file).expect("it is there"), contents, "a refusal leaves the file as it was");
            // A token of that name is the only reason to refuse a file that `serve` accepts.
            let is_known = before.is_none_or(|tokens| tokens.iter().any(|token| token.name.as_str() == "appended"));
            assert!(is_known && !contains(error.as_bytes(), secret(200).expose()), "{error}");
        }
    }
}
