//! `show`: lists the tokens without their secrets.

use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;

use super::listing::{self, Entry, Format};
use super::named_server::ServerOptions;
use super::store::StoreArguments;
use super::{Failure, is_broken_pipe};
use crate::control::Summary;

const EXAMPLES: &str = "Examples:
  influxdb3-tokens show tokens
  influxdb3-tokens show tokens --wide
  influxdb3-tokens show tokens --format jsonl | jq -r .name
  # Those of a cluster, on any machine
  influxdb3-tokens show tokens --store etcd://etcd1,etcd2,etcd3/influxdb3-tokens";

/// Show the tokens, without their secrets
///
/// Exit codes: 0, all tokens were shown; 1, they were not; 2, wrong usage.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Output format
    #[arg(long, env = "INFLUXDB3_TOKENS_SHOW_FORMAT", value_enum, default_value_t = Format::Pretty)]
    format: Format,

    /// Show every column, with the whole hash, times to the millisecond, and when the token was used last, each token on
    /// one line. The other formats always have all of it
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
    listing::print(options.format, options.wide, access.tokens().await?).await
}

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
        "last_used",
    ];
    const TEXTS: &'static [&'static str] = &["name", "description", "permissions"];

    fn cells(&self) -> Vec<String> {
        self.cells_with(&self.hash, |time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }

    /// With the beginning of the hash, which is enough for people to compare, times to the minute in UTC, and no last use.
    fn short_cells(&self) -> Vec<String> {
        let hash: String = self.hash.chars().take(8).chain(['…']).collect();
        let mut cells = self.cells_with(&hash, |time| time.format("%Y-%m-%d %H:%M").to_string());
        cells.pop();
        cells
    }
}

impl Summary {
    fn cells_with(&self, hash: &str, time: impl Fn(DateTime<Utc>) -> String + Copy) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.name.clone(),
            hash.to_owned(),
            time(self.created_at),
            self.description.clone().unwrap_or_default(),
            self.created_by.map(|id| id.to_string()).unwrap_or_default(),
            self.expiry.map(time).unwrap_or_default(),
            self.permissions.clone(),
            self.last_used.map(time).unwrap_or_default(),
        ]
    }
}
