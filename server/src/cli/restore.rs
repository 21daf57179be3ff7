//! `restore`: restores the database from a backup.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use influxdb3_tokens::{
    LaterChanges, OpenError, RestoreError, RestoreOptions, Restored, SqliteStore, TokenId, TokenName,
};
use openapi_stub_runtime::Printable;

use super::backup::{counted, describe};
use super::output::tell_done;
use super::store::NotHere;
use super::{DataDir, Failure, tell, warn};

const EXAMPLES: &str = "Examples:
  # On a machine without a database
  influxdb3-tokens restore tokens.backup
  # Instead of the database, without the tokens that were deleted since
  influxdb3-tokens restore --force --keep-deletions tokens.backup";

/// Restore the token database from a backup. The server must be stopped
///
/// A token that was deleted after the backup is valid in it. If the present database can be read, the command finds such
/// tokens, and restores only with --keep-deletions or --revive-deleted. Tokens that were created after the backup are lost.
///
/// Exit codes: 0, the backup was restored; 1, it was not, and the database is as it was; 2, wrong usage.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// A file that `backup` has written
    file: PathBuf,

    /// Replace the database if there is one. Its files are kept in another directory, which the command names
    #[arg(long)]
    force: bool,

    /// Delete the tokens that were deleted after the backup in the restored database too, as far as the present database
    /// can be read. The operator token keeps its present secret
    #[arg(long, conflicts_with = "revive_deleted")]
    keep_deletions: bool,

    /// Make the tokens that were deleted after the backup valid again, and the secret that the operator token had then
    #[arg(long)]
    revive_deleted: bool,

    #[command(flatten)]
    directory: DataDir,

    #[command(flatten)]
    etcd: NotHere,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Failure> {
    options.etcd.refuse()?;
    let database = options.directory.database();
    let restored = SqliteStore::restore(&options.file, &database, options.how()).await;
    match restored {
        Ok(restored) => {
            options.report(&restored);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            tell(&error);
            options.advise(&error);
            Ok(ExitCode::FAILURE)
        }
    }
}

impl Options {
    fn how(&self) -> RestoreOptions {
        let later = match (self.keep_deletions, self.revive_deleted) {
            (true, _) => Some(LaterChanges::Keep),
            (false, true) => Some(LaterChanges::Discard),
            (false, false) => None,
        };
        RestoreOptions { replace: self.force, later }
    }

    fn report(&self, restored: &Restored) {
        let mut text =
            format!("restored {}; {} valid now\n", describe(&restored.backup), tokens(restored.tokens, ["is", "are"]));
        if let Some(previous) = &restored.previous {
            let previous = previous.display().to_string();
            text += &format!("the previous database is in {}\n", Printable(&previous));
        }
        let names = listed(&restored.deleted_since);
        if !restored.deleted_since.is_empty() {
            if self.keep_deletions {
                text += &format!("deleted since the backup, and deleted in it now: {names}\n");
            } else {
                warn(&format!("these tokens were deleted after the backup, and are valid again: {names}"));
            }
        }
        match (restored.regenerated_since, self.keep_deletions) {
            (true, true) => text += "the operator token keeps the secret that it had before this command\n",
            (true, false) => warn("the operator token has the secret again that it had at the time of the backup"),
            (false, _) => {}
        }
        match &restored.unknown {
            Some(reason) => warn(&format!(
                "tokens that were deleted after the backup may be valid again: the previous database does not say, or not \
                 completely, which ones ({reason}). The log of the server names them (\"deleted a token\"); delete them \
                 before clients can reach the server"
            )),
            None if restored.previous.is_none() => warn(
                "tokens that were deleted after the backup are valid again. If the log of the server names any (\"deleted \
                 a token\"), delete them before clients can reach the server",
            ),
            None => {}
        }
        if restored.created_since > 0 {
            let lost = tokens(restored.created_since, ["was", "were"]);
            warn(&format!("{lost} created after the backup, and not restored. New tokens will get the same IDs"));
        }
        tell_done(&text);
    }

    /// Says what to do next.
    fn advise(&self, error: &RestoreError) {
        match error {
            RestoreError::Exists { .. } => {
                warn("nothing was changed; --force replaces the database, and keeps it under another name");
            }
            RestoreError::WouldRevive { deleted, .. } => {
                if !deleted.is_empty() {
                    warn(&format!("deleted after the backup: {}", listed(deleted)));
                }
                warn(
                    "nothing was changed; use --keep-deletions to keep them refused, or --revive-deleted to make them valid again",
                );
            }
            RestoreError::Incomplete { .. } => {}
            RestoreError::Open(OpenError::Locked { .. }) => warn("nothing was changed; stop the server first"),
            _ => warn("nothing was changed"),
        }
    }
}

/// A number of tokens, and the verb for one or several.
fn tokens(number: u64, [one, several]: [&str; 2]) -> String {
    format!("{} {}", counted(number, "token"), if number == 1 { one } else { several })
}

/// The IDs and names of the first tokens, and the number of the others.
fn listed(tokens: &[(TokenId, TokenName)]) -> String {
    const MOST: usize = 20;
    let mut names: Vec<_> =
        tokens.iter().take(MOST).map(|(id, name)| format!("{id} ({})", Printable(name.as_str()))).collect();
    if let Some(more) = tokens.len().checked_sub(MOST).filter(|more| *more > 0) {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}
