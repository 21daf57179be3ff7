//! `check`: verifies a database or a backup.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use influxdb3_tokens::{Checked, SqliteStore};
use tokio::task::spawn_blocking;

use super::backup::{counted, describe};
use super::store::NotHere;
use super::{DataDir, Failure, access, is_broken_pipe};

const EXAMPLES: &str = "Examples:
  # The database of a server, which may run
  influxdb3-tokens check --data-dir /var/lib/influxdb3-tokens
  # A backup
  influxdb3-tokens check tokens.backup";

/// Verify the token database, or a backup, and change nothing
///
/// While a server runs, its database is verified without its write-ahead log, which the server verified when it started.
///
/// Exit codes: 0, everything is in order; 1, something is not, or could not be read; 2, wrong usage.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// A file that `backup` has written [default: the database of --data-dir]
    file: Option<PathBuf>,

    #[command(flatten)]
    directory: DataDir,

    #[command(flatten)]
    etcd: NotHere,
}

pub(super) async fn run(Options { file, directory, etcd }: Options) -> Result<ExitCode, Failure> {
    if file.is_none() {
        etcd.refuse()?;
    }
    let (first, checked) = match file {
        Some(file) => {
            let (summary, checked) = SqliteStore::check_backup(&file)?;
            let whole = format!("its checksum is right, and it has {}", describe(&summary));
            (vec![("backup", whole)], checked)
        }
        None => {
            match access::running(&directory).await? {
                Some(mut server) => {
                    let held = server.hold_file().await?;
                    // It reads nothing but the database, which the server needs as well; so it always makes progress.
                    let checking = move || SqliteStore::check_held(directory.database(), &held);
                    let checked = server.while_held(|| true, spawn_blocking(checking)).await?;
                    server.release_file().await?;
                    let server = "runs, and held the database still meanwhile".to_owned();
                    (vec![("server", server)], checked?)
                }
                None => {
                    access::require_database(&directory)?;
                    let checked = SqliteStore::check(directory.database())?;
                    (files(&checked), checked)
                }
            }
        }
    };
    let lines = first.into_iter().chain(contents(&checked));
    let mut text: String = lines.map(|(part, finding)| format!("{part:<14} {finding}\n")).collect();
    let damaged = &checked.damaged_uses;
    if damaged.is_empty() {
        text += "everything is in order\n";
    }
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if !is_broken_pipe(&error) => return Err(error.into()),
        _ => {}
    }
    if damaged.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(format!(
        "the last use of {} is damaged, the first of which is token {}. Nothing depends on it, and the next start of the \
         server forgets it; but the disk may be losing data",
        counted(damaged.len() as u64, "token"),
        damaged[0],
    )
    .into())
}

fn files(checked: &Checked) -> Vec<(&'static str, String)> {
    let mark = match checked.mark {
        true => "the database has every change that the mark says was acknowledged",
        false => "there is none, as after a power cut; the next start of the server writes it",
    };
    vec![
        ("files", format!("{}, which the server's user alone can access", counted(checked.files as u64, "file"))),
        ("log", format!("{}, without damage", counted(checked.log_commits as u64, "commit"))),
        ("mark", mark.to_owned()),
    ]
}

fn contents(checked: &Checked) -> Vec<(&'static str, String)> {
    let Checked { format, pages, tokens, deletions, uncompacted, regenerations, creations, uses, .. } = checked;
    let cluster_uuid = checked.cluster_uuid;
    let (deletions, regenerations) = (counted(*deletions, "deletion"), counted(*regenerations, "regeneration"));
    vec![
        ("database", format!("format {format}, {}, cluster {cluster_uuid}", counted(*pages, "page"))),
        ("tokens", format!("{} live, with right checksums", counted(*tokens, "token"))),
        ("creations", format!("{}, one of each token that ever was", counted(*creations, "creation"))),
        ("deletions", format!("{deletions} in an unbroken chain, of which {uncompacted} are not compacted")),
        ("regenerations", format!("{regenerations} in an unbroken chain")),
        ("uses", format!("{}, with right checksums", counted(*uses, "last use"))),
    ]
}
