//! `check`: verifies a database or a backup.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use influxdb3_tokens::{Checked, SqliteStore};

use super::backup::{counted, describe};
use super::store::NotHere;
use super::{DataDir, Failure, access};

/// Verify the token database, or a backup, and change nothing
///
/// While a server runs, its database is verified without its write-ahead log, which the server verified when it started.
///
/// Exit codes: 0, everything is in order; 1, something is not, or could not be read; 2, wrong usage.
#[derive(Args)]
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
    let report = match file {
        Some(file) => {
            let (summary, checked) = SqliteStore::check_backup(&file)?;
            let whole = format!("its checksum is right, and it has {}", describe(&summary));
            [vec![("backup", whole)], contents(&checked)].concat()
        }
        None => match access::running(&directory).await? {
            Some(mut server) => {
                let held = server.hold_file().await?;
                let checked = SqliteStore::check_held(directory.database(), &held);
                server.release_file().await?;
                let server = "runs, and held the database still meanwhile".to_owned();
                [vec![("server", server)], contents(&checked?)].concat()
            }
            None => {
                access::require_database(&directory)?;
                let checked = SqliteStore::check(directory.database())?;
                [files(&checked), contents(&checked)].concat()
            }
        },
    };
    let mut out = std::io::stdout().lock();
    for (part, finding) in report {
        writeln!(out, "{part:<14} {finding}")?;
    }
    writeln!(out, "everything is in order")?;
    Ok(ExitCode::SUCCESS)
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
    let Checked { format, pages, tokens, deletions, uncompacted, regenerations, cluster_uuid, .. } = checked;
    let (deletions, regenerations) = (counted(*deletions, "deletion"), counted(*regenerations, "regeneration"));
    vec![
        ("database", format!("format {format}, {}, cluster {cluster_uuid}", counted(*pages, "page"))),
        ("tokens", format!("{} live, with right checksums", counted(*tokens, "token"))),
        ("deletions", format!("{deletions} in an unbroken chain, of which {uncompacted} are not compacted")),
        ("regenerations", format!("{regenerations} in an unbroken chain")),
    ]
}
