//! Fails the build if `generated/` was not generated from the current contents of `api/`.
//!
//! A published crate has neither folder. Then the build script does nothing.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sha2::{Digest, Sha256};

const API: &str = "api";
const RECORD: &str = "generated/inputs.sha256";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed={API}");
    println!("cargo::rerun-if-changed={RECORD}");
    if !Path::new(API).is_dir() || !Path::new(RECORD).is_file() {
        return ExitCode::SUCCESS;
    }
    let recorded = fs::read_to_string(RECORD).expect("generated/inputs.sha256 is readable");
    let current = digests(&inputs(Path::new(API)));
    if recorded == current {
        return ExitCode::SUCCESS;
    }
    let changed: Vec<&str> = differing(&recorded, &current);
    println!(
        "cargo::error=generated/ does not match the current contents of api/. Run `make generate`, and commit generated/."
    );
    println!("cargo::error=Changed files: {}", changed.join(", "));
    ExitCode::FAILURE
}

/// Every file below a folder, except hidden files and Python's caches. `tools/stamps.py` lists the same files.
fn inputs(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder in api/ is readable") {
        let path = entry.expect("a folder in api/ is readable").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name == "__pycache__" {
            continue;
        } else if path.is_dir() {
            files.extend(inputs(&path));
        } else {
            files.push(path);
        }
    }
    files.sort_by_key(|path| slashed(path));
    files
}

/// A line for each file in the format of `sha256sum`.
fn digests(files: &[PathBuf]) -> String {
    files.iter().fold(String::new(), |mut lines, path| {
        let contents = fs::read(path).expect("a file in api/ is readable");
        for byte in Sha256::digest(contents) {
            write!(lines, "{byte:02x}").expect("writing to a string does not fail");
        }
        writeln!(lines, "  {}", slashed(path)).expect("writing to a string does not fail");
        lines
    })
}

fn slashed(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// The files whose lines are in only one of two records.
fn differing<'r>(recorded: &'r str, current: &'r str) -> Vec<&'r str> {
    let only_in =
        |lines: &'r str, others: &'r str| lines.lines().filter(move |line| !others.lines().any(|other| other == *line));
    let lines = only_in(current, recorded).chain(only_in(recorded, current));
    let mut files: Vec<&str> = lines.filter_map(|line| line.split_once("  ").map(|(_, file)| file)).collect();
    files.sort_unstable();
    files.dedup();
    files
}
