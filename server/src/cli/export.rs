//! `export`: writes everything that a store has to a file, from which another store is made.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use async_trait::async_trait;
use clap::Args;
use influxdb3_tokens::{MoveError, MoveSource, Moved, MovedChange, SqliteSource, StoreError, export};
use openapi_stub_runtime::Printable;

use super::moving::{Progress, describe};
use super::store::StoreArguments;
use super::{Failure, access, backup};
use crate::control;

const EXAMPLES: &str = "Examples:
  influxdb3-tokens export tokens.jsonl
  influxdb3-tokens import tokens.jsonl --store etcd://etcd-1,etcd-2,etcd-3/influxdb3-tokens";

/// Write everything that the store has to a file, to import it into another store
///
/// The file has the tokens of one moment and the audit trail. Servers may go on. It has no secrets, but the digests of all of
/// them.
///
/// Exit codes: 0, the export is complete; 1, there is none; 2, wrong usage.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The file to write, which only its owner can read. Until it is complete, its name ends with `.partial`
    file: PathBuf,

    /// Replace the file if it exists
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    store: StoreArguments,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Failure> {
    let Options { file, force, .. } = &options;
    let mut source = source(&options).await?;
    let progress = Progress::new("exporting")?;
    let exported = export(&mut *source, file, *force, |done, all| progress.show(done, all)).await;
    drop(progress);
    let moved = exported.map_err(|error| match error {
        MoveError::Exists { .. } => format!("{error}; --force replaces it").into(),
        error => Failure::from(error),
    })?;
    let line = format!("exported {} to {}\n", describe(&moved), Printable(&file.display().to_string()));
    std::io::stdout().write_all(line.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

async fn source(Options { file, store, .. }: &Options) -> Result<Box<dyn MoveSource>, Failure> {
    if let Some(etcd) = store.etcd.read()? {
        return etcd.source().await;
    }
    let directory = &store.directory;
    backup::require_elsewhere(file, directory)?;
    match access::running(directory).await? {
        Some(mut server) => {
            let held = server.hold_file().await?;
            let source = SqliteSource::open_held(directory.database(), &held)?;
            Ok(Box::new(Held { source, server: Some(server) }))
        }
        None => {
            access::require_database(directory)?;
            Ok(Box::new(SqliteSource::open(directory.database())?))
        }
    }
}

/// The database of a running server, which holds the file still until everything is read.
struct Held {
    source: SqliteSource,
    server: Option<control::Client>,
}

#[async_trait]
impl MoveSource for Held {
    fn moved(&self) -> Moved {
        self.source.moved()
    }

    async fn next(&mut self) -> Result<Vec<MovedChange>, MoveError> {
        let changes = self.source.next().await?;
        if changes.is_empty()
            && let Some(server) = self.server.take()
        {
            // Fails if it was not held all the time.
            server.release_file().await.map_err(|error| MoveError::Store(StoreError::unavailable(error)))?;
        }
        Ok(changes)
    }
}
