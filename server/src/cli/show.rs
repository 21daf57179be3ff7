//! `show`: lists the tokens without their secrets.

use std::process::ExitCode;

use clap::Args;

use super::listing::{self, Entry, Format};
use super::named_server::ServerOptions;
use super::store::StoreArguments;
use super::{Failure, is_broken_pipe};
use crate::control::Summary;

const EXAMPLES: &str = "Examples:
  influxdb3-tokens show tokens
  influxdb3-tokens show tokens --wide
  influxdb3-tokens show tokens --format jsonl | jq -r .name";

/// Show the tokens, without their secrets
///
/// Exit codes: 0, all tokens were shown; 1, they were not; 2, wrong usage.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Output format
    #[arg(long, env = "INFLUXDB3_TOKENS_SHOW_FORMAT", value_enum, default_value_t = Format::Pretty)]
    format: Format,

    /// Show the whole hash, and when the token was used last. The other formats always do
    #[arg(long)]
    wide: bool,

    #[command(flatten)]
    store: StoreArguments,

    #[command(flatten)]
    server: ServerOptions,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Failure> {
    match print(&options).await {
        Err(error) if is_broken_pipe(error.as_ref()) => Ok(ExitCode::SUCCESS),
        printed => printed.map(|()| ExitCode::SUCCESS),
    }
}

async fn print(options: &Options) -> Result<(), Failure> {
    let access = options.server.access("show", &options.store, true).await?;
    listing::print(options.format, (!options.wide).then_some(NARROW), access.tokens().await?).await
}

/// How many columns a table has without `--wide`.
const NARROW: usize = Summary::COLUMNS.len() - 1;

impl Entry for Summary {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "hash",
        "created_at",
        "description",
        "created_by_token_id",
        "expiry",
        "permissions",
        // Only with `--wide`, or in another format.
        "last_used",
    ];

    fn cells(&self) -> Vec<String> {
        let time = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        vec![
            self.id.to_string(),
            self.name.clone(),
            self.hash.clone(),
            time(self.created_at),
            self.description.clone().unwrap_or_default(),
            self.created_by.map(|id| id.to_string()).unwrap_or_default(),
            self.expiry.map(time).unwrap_or_default(),
            self.permissions.clone(),
            self.last_used.map(time).unwrap_or_default(),
        ]
    }

    /// With the beginning of the hash, which is enough for people to compare.
    fn short_cells(&self) -> Vec<String> {
        let hash = self.hash.chars().take(12).chain(['…']).collect();
        Self { hash, ..self.clone() }.cells()
    }
}
