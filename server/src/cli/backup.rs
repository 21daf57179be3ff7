//! `backup`: copies the tokens of one moment to a file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use influxdb3_tokens::{BackupError, BackupSummary, NewBackup, Timestamp};
use openapi_stub_runtime::Printable;

use super::store::{self, NotHere};
use super::{DataDir, Failure, access};

/// Back up the tokens to a file, while the server runs or not
///
/// The file has every change that was acknowledged before the command started. It is verified before the command succeeds.
/// It has no secrets, but the digests of all of them.
///
/// Exit codes: 0, the backup is complete; 1, there is none; 2, wrong usage.
#[derive(Args)]
pub(super) struct Options {
    /// The file to write, which only its owner can read. Until it is complete, its name ends with `.partial`
    file: PathBuf,

    /// Replace the file if it exists
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    directory: DataDir,

    #[command(flatten)]
    etcd: NotHere,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Failure> {
    let Options { file, force, directory, etcd } = &options;
    etcd.refuse()?;
    require_elsewhere(file, directory)?;
    let summary = match access::running(directory).await? {
        Some(mut server) => {
            let mut backup = NewBackup::create(file, *force).map_err(advise)?;
            let held = server.hold_file().await?;
            backup.copy_held(directory.database(), &held)?;
            server.release_file().await?;
            backup.finish().map_err(advise)?
        }
        None => {
            access::require_database(directory)?;
            let sqlite = store::open_database(directory.database()).await?.sqlite;
            sqlite.expect("it is a database").backup(file, *force).await.map_err(advise)?
        }
    };
    let line = format!("backed up {} to {}\n", describe(&summary), Printable(&file.display().to_string()));
    std::io::stdout().write_all(line.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Says how to replace a file that exists.
fn advise(error: BackupError) -> Failure {
    match error {
        BackupError::Exists { .. } => format!("{error}; --force replaces it").into(),
        _ => error.into(),
    }
}

/// Refuses a name that a file of the database has or can get.
pub(super) fn require_elsewhere(file: &Path, directory: &DataDir) -> Result<(), Failure> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_inside = std::fs::canonicalize(folder).ok() == std::fs::canonicalize(&directory.data_dir).ok();
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    if is_inside && (name.starts_with("tokens.db") || name == "control.sock") {
        return Err(format!("{} is the name of a file of the database; use another one", file.display()).into());
    }
    Ok(())
}

/// What a backup has, and of when it is.
pub(super) fn describe(summary: &BackupSummary) -> String {
    let time = |time: Timestamp| DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Millis, true);
    let BackupSummary { tokens, deletions, taken_at, .. } = summary;
    format!("{}, {} of {}", counted(*tokens, "token"), counted(*deletions, "deletion"), time(*taken_at))
}

/// A number with a noun.
pub(super) fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
