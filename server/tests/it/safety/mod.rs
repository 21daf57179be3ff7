//! `backup`, `restore` and `check` with the real command: under load, killed, and with disks that fail.

mod backup;
mod command;
mod migration;
mod restore;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::creation::create;
use crate::document::Token;
use crate::process::{DataDir, command, finish};

/// A token that cannot delete, with its secret.
#[derive(Clone)]
struct Reader {
    token: Token,
    secret: String,
}

/// A data directory with the operator token, whose secret is the second value, and readers.
async fn directory(readers: usize) -> (DataDir, String, Vec<Reader>) {
    let directory = DataDir::in_memory();
    let operator = directory.operator().await;
    let catalog = directory.catalog().await;
    let mut created = Vec::new();
    for number in 0..readers {
        let (token, secret) = create(&catalog, &format!("reader-{number}"), "db:a:read", None).await;
        created.push(Reader { token, secret });
    }
    (directory, operator, created)
}

/// Deletes a token of a directory for which no server runs.
async fn delete(directory: &DataDir, operator: &str, reader: &Reader) {
    let catalog = directory.catalog().await;
    let by = catalog.authenticate(operator).unwrap();
    catalog.delete(&by, &reader.token.id.to_string()).await.unwrap();
}

/// Which of the readers a directory accepts. No server may run for it.
async fn accepted(directory: &DataDir, readers: &[Reader]) -> BTreeSet<usize> {
    let catalog = directory.catalog().await;
    (0..readers.len()).filter(|number| catalog.authenticate(&readers[*number].secret).is_some()).collect()
}

fn backup(directory: &DataDir, file: &Path) -> Command {
    command(&["backup", file.to_str().unwrap(), "--force", &directory.argument()])
}

fn restore(directory: &DataDir, file: &Path, arguments: &[&str]) -> Command {
    command(&[&["restore", file.to_str().unwrap(), &directory.argument()], arguments].concat())
}

fn check(directory: &DataDir) -> Command {
    command(&["check", &directory.argument()])
}

/// Runs a command that must succeed, and returns what it prints to both outputs.
fn succeed(command: Command) -> String {
    let (code, out, error) = finish(command);
    assert_eq!(code, 0, "{out}{error}");
    out + &error
}

/// Runs a command that must fail, and returns its error.
fn fail(command: Command) -> String {
    let (code, out, error) = finish(command);
    assert_eq!((code, &*out), (1, ""), "{error}");
    error
}
