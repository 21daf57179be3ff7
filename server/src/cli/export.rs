//! `export`: writes everything that a store has to a file, from which another store is made.

use std::process::ExitCode;

use clap::Args;
use influxdb3_tokens::{MoveError, MoveSource, SqliteSource, export};
use openapi_stub_runtime::Printable;
use tokio::task::spawn_blocking;

use super::backup::{self, NewFile};
use super::moving::{Progress, describe};
use super::output::tell_done;
use super::store::StoreArguments;
use super::{Failure, access};
use crate::control::HeldSource;

const EXAMPLES: &str = "Examples:
  # The database of a server, which then moves to etcd
  influxdb3-tokens export tokens.jsonl --data-dir /var/lib/influxdb3-tokens
  influxdb3-tokens import tokens.jsonl --store etcd://etcd1,etcd2,etcd3/influxdb3-tokens";

/// Write everything that the store has to a file, to import it into another store
///
/// The file has the tokens of one moment and the audit trail. Servers may keep running, but the file lacks what changes
/// later. It has no secrets, but the digests of all of them.
///
/// Exit codes: 0, the export is complete; 1, it is not; 2, wrong usage.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    #[command(flatten)]
    new: NewFile,

    #[command(flatten)]
    store: StoreArguments,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Failure> {
    let NewFile { file, force } = &options.new;
    let mut source = source(&options).await?;
    let progress = Progress::new("exporting")?;
    let exported = export(&mut *source, file, *force, |done, all| progress.show(done, all)).await;
    drop(progress);
    let moved = exported.map_err(|error| match error {
        MoveError::Exists { .. } => format!("{error}; --force replaces it").into(),
        error => Failure::from(error),
    })?;
    tell_done(&format!("exported {} to {}\n", describe(&moved), Printable(&file.display().to_string())));
    Ok(ExitCode::SUCCESS)
}

async fn source(Options { new: NewFile { file, .. }, store }: &Options) -> Result<Box<dyn MoveSource>, Failure> {
    if let Some(etcd) = store.etcd.read()? {
        return etcd.source().await;
    }
    let directory = &store.directory;
    backup::require_elsewhere(file, directory)?;
    match access::running(directory).await? {
        Some(mut server) => {
            let held = server.hold_file().await?;
            let database = directory.database();
            // It reads nothing but the database, which the server needs as well; so it always makes progress.
            let opening = spawn_blocking(move || SqliteSource::open_held(database, &held));
            let source = server.while_held(|| true, opening).await??;
            Ok(Box::new(HeldSource::new(source, server)))
        }
        None => {
            access::require_database(directory)?;
            Ok(Box::new(SqliteSource::open(directory.database())?))
        }
    }
}
