//! The public API of the project's crates as text, recorded, and compared with what is recorded and what was released.
//!
//! `public-api-record record|check JSON...`, in the root of the checkout, with the JSON that rustdoc makes of each crate.

mod record;
mod release;
mod versions;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use record::Record;
use release::Release;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((command, crates)) if command == "record" => record(Path::new("."), crates),
        Some((command, crates)) if command == "check" => check(Path::new("."), crates),
        _ => Err("say `record` or `check`, and the JSON that rustdoc makes of each crate".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("public API: {error}");
            ExitCode::FAILURE
        }
    }
}

fn record(root: &Path, crates: &[String]) -> Result<()> {
    for json in crates {
        let current = Record::of_rustdoc(json.as_ref())?;
        fs::write(root.join(file_of(current.package())), current.to_string())?;
    }
    Ok(())
}

fn check(root: &Path, crates: &[String]) -> Result<()> {
    let release = Release::newest(root)?;
    let mut wrong = Vec::new();
    for json in crates {
        let current = Record::of_rustdoc(json.as_ref())?;
        let compared = against_recorded(root, &current).and_then(|()| against_released(release.as_ref(), &current));
        match compared {
            Ok(said) => println!("{}: {said}", current.package()),
            Err(error) => wrong.push(format!("{}: {error}", current.package())),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n\n").into()) }
}

fn against_recorded(root: &Path, current: &Record) -> Result<()> {
    let file = file_of(current.package());
    let recorded = Record::parse(&fs::read_to_string(root.join(&file)).unwrap_or_default()).ok();
    match recorded {
        Some(recorded) if recorded == *current => Ok(()),
        Some(recorded) => Err(format!(
            "{} differs from what is recorded. Record it by `make public-api`, and commit {}.\n{}",
            current.package(),
            file.display(),
            current.difference(&recorded)
        )
        .into()),
        None => Err(format!("{} is absent or damaged: `make public-api` writes it", file.display()).into()),
    }
}

/// What there is to say where the version fits what has changed since a release.
fn against_released(release: Option<&Release>, current: &Record) -> Result<String> {
    let Some(release) = release else {
        return Ok("as recorded; no release is tagged here, so there is none to compare with".to_owned());
    };
    let Some(text) = release.text_of(&file_of(current.package()))? else {
        return Ok(format!("as recorded; {} has no record to compare with", release.tag()));
    };
    versions::check(&Record::parse(&text)?, current).map_err(|error| format!("since {}: {error}", release.tag()))?;
    Ok(format!("as recorded; the version fits what has changed since {}", release.tag()))
}

/// Where the record of a package is, from the root of the checkout.
fn file_of(package: &str) -> PathBuf {
    Path::new("docs/public-api").join(package).with_extension("txt")
}
