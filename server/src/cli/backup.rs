//! `backup`: copies the tokens of one moment to a file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use influxdb3_tokens::{BackupError, BackupSummary, NewBackup, Timestamp};
use openapi_stub_runtime::Printable;
use tokio::task::spawn_blocking;

use super::output::tell_done;
use super::store::{self, NotHere};
use super::{DataDir, Failure, access};
use crate::control;

const EXAMPLES: &str = "Examples:
  influxdb3-tokens backup tokens.backup
  # Another file each day, on the machine of a server with another directory
  influxdb3-tokens backup --data-dir /var/lib/influxdb3-tokens \"tokens-$(date +%F).backup\"
  # The same file each time
  influxdb3-tokens backup --force tokens.backup";

/// Back up the tokens to a file, while the server runs or not
///
/// The file has every change that was acknowledged before the command started. It is verified before the command succeeds.
/// It has no secrets, but the digests of all of them.
///
/// Exit codes: 0, the backup is complete; 1, it is not; 2, wrong usage.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    #[command(flatten)]
    new: NewFile,

    #[command(flatten)]
    directory: DataDir,

    #[command(flatten)]
    etcd: NotHere,
}

/// A file that a command writes.
#[derive(Args)]
pub(super) struct NewFile {
    /// The file to write, which only its owner can read. Until it is complete, its name ends with `.partial`
    pub(super) file: PathBuf,

    /// Replace the file if it exists
    #[arg(long)]
    pub(super) force: bool,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Failure> {
    let Options { new: NewFile { file, force }, directory, etcd } = &options;
    etcd.refuse()?;
    require_elsewhere(file, directory)?;
    let summary = match access::running(directory).await? {
        Some(server) => copy(server, file, *force, directory.database()).await?,
        None => {
            access::require_database(directory)?;
            let sqlite = store::open_database(directory.database()).await?.sqlite;
            sqlite.expect("it is a database").backup(file, *force).await.map_err(advise)?
        }
    };
    tell_done(&format!("backed up {} to {}\n", describe(&summary), Printable(&file.display().to_string())));
    Ok(ExitCode::SUCCESS)
}

/// Copies the database of a running server. The server holds the file before the backup is begun, so a command that has to
/// wait for another one leaves nothing.
async fn copy(
    mut server: control::Client,
    file: &Path,
    force: bool,
    database: PathBuf,
) -> Result<BackupSummary, Failure> {
    let held = server.hold_file().await?;
    let mut backup = NewBackup::create(file, force).map_err(advise)?;
    let copied = Arc::new(AtomicU64::new(0));
    let (counter, mut before) = (Arc::clone(&copied), 0);
    let has_progress = move || {
        let now = copied.load(Ordering::Relaxed);
        std::mem::replace(&mut before, now) != now
    };
    let copying = move || {
        let done = backup.copy_held(database, &held, |bytes| counter.store(bytes, Ordering::Relaxed));
        done.map(|()| backup)
    };
    let backup = server.while_held(has_progress, spawn_blocking(copying)).await??;
    server.release_file().await?;
    backup.finish().map_err(advise)
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
    format!("{} and {}, as of {}", counted(*tokens, "token"), counted(*deletions, "deletion"), time(*taken_at))
}

/// A number with a noun.
pub(super) fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
