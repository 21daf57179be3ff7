//! `import`: makes a store of what `export` has written.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use influxdb3_tokens::{Begun, Imported, MoveError, MoveTarget, SqliteTarget, import};
use openapi_stub_runtime::Printable;

use super::moving::{Progress, describe};
use super::output::tell_done;
use super::store::StoreArguments;
use super::{Failure, access};

const EXAMPLES: &str = "Examples:
  # Make the database of a server that does not run yet
  influxdb3-tokens import tokens.jsonl --data-dir /var/lib/influxdb3-tokens
  # Make the store of a cluster
  influxdb3-tokens import tokens.jsonl --store etcd://etcd1,etcd2,etcd3/influxdb3-tokens";

/// Make a new store from a file that `export` has written
///
/// The command never changes an existing store. It reads back what it has written and compares it with the file. Servers
/// can open the new store only after that. If the command is interrupted, run it again, and it continues.
///
/// Exit codes: 0, the store is complete; 1, it is not; 2, wrong usage.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// A file that `export` has written
    file: PathBuf,

    #[command(flatten)]
    store: StoreArguments,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Failure> {
    let mut target = options.target().await?;
    let progress = Progress::new("importing")?;
    let imported = import(&options.file, &mut *target, |done, all| progress.show(done, all)).await;
    drop(progress);
    let Imported { moved, begun } = imported.map_err(|error| options.advise(error))?;
    let what = match begun {
        Begun::Finished => "was imported before",
        Begun::After(_) => "is imported",
    };
    let file = options.file.display().to_string();
    tell_done(&format!("{} {what}: {}\n", Printable(&file), describe(&moved)));
    Ok(ExitCode::SUCCESS)
}

impl Options {
    async fn target(&self) -> Result<Box<dyn MoveTarget>, Failure> {
        if let Some(etcd) = self.store.etcd.read()? {
            return Ok(etcd.target());
        }
        let directory = &self.store.directory;
        if access::running(directory).await?.is_some() {
            let directory = directory.data_dir.display();
            return Err(format!("a server uses {directory}: stop it, or name another directory with --data-dir").into());
        }
        Ok(Box::new(SqliteTarget::new(directory.database())?))
    }

    /// Says what to do about an error.
    fn advise(&self, error: MoveError) -> Failure {
        const CONTINUES: &str = "no server can open the store yet; run the command again, and it continues";
        let advice = match (&error, self.store.is_etcd()) {
            (MoveError::NotEmpty { .. }, true) => "end the URL of --store with another prefix",
            (MoveError::NotEmpty { .. }, false) => "name another directory with --data-dir",
            (MoveError::OtherImport { .. }, true) => {
                "`etcdctl del --prefix PREFIX/` removes what was written; or end the URL of --store with another prefix"
            }
            (MoveError::OtherImport { .. }, false) => "it is a directory beside the database",
            (MoveError::Store(failed), true) => {
                let explained = self.store.etcd.read().map(|etcd| etcd.map(|etcd| etcd.explained(failed.clone())));
                return match explained {
                    Ok(Some(explained)) => format!("{explained}; {CONTINUES}").into(),
                    _ => error.into(),
                };
            }
            (MoveError::Store(_), false) => CONTINUES,
            _ => return error.into(),
        };
        let error = influxdb3_token_api::with_sources(&error);
        format!("{error}; {advice}").into()
    }
}
