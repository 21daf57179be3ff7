//! `show`: lists the tokens without their secrets.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use futures::TryStreamExt;
use openapi_stub_runtime::Printable;

use super::named_server::{Refused, ServerOptions};
use super::output::{csv_cell, printable_json};
use super::{DataDir, Failure, is_broken_pipe};
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
    directory: DataDir,

    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A table
    Pretty,
    /// One JSON array
    Json,
    /// One JSON object for each line
    Jsonl,
    /// Comma-separated values, with a header. A text that begins with `=`, `+`, `-`, `@` or `'` has a `'` before it, so that
    /// a spreadsheet does not run it as a formula; remove one `'` at the beginning of a cell to get the text
    Csv,
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Failure> {
    match print(&options).await {
        Err(error) if is_broken_pipe(error.as_ref()) => Ok(ExitCode::SUCCESS),
        printed => printed.map(|()| ExitCode::SUCCESS),
    }
}

async fn print(options: &Options) -> Result<(), Failure> {
    let access = options.server.access(&options.directory, true).await.map_err(|refused| match refused {
        Refused::Other(reason) => super::wrong_usage("show", &reason),
        Refused::NotRunning(reason) => reason.into(),
        Refused::Failed(error) => error,
    })?;
    let mut tokens = access.tokens().await?;
    let mut output = Output::begin(options.format, options.wide)?;
    while let Some(token) = tokens.try_next().await? {
        output.row(&token)?;
    }
    output.end()
}

/// Prints tokens in a format. Only the table needs all rows before it prints the first.
enum Output {
    Pretty { table: comfy_table::Table, wide: bool },
    Json { empty: bool },
    Jsonl,
    Csv(csv::Writer<std::io::Stdout>),
}

/// The names of the columns, which are those of the JSON objects.
const COLUMNS: [&str; 9] = [
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

/// How many columns a table has without `--wide`.
const NARROW: usize = COLUMNS.len() - 1;

impl Output {
    fn begin(format: Format, wide: bool) -> Result<Self, Failure> {
        Ok(match format {
            Format::Pretty => {
                let mut table = comfy_table::Table::new();
                let columns = if wide { &COLUMNS[..] } else { &COLUMNS[..NARROW] };
                table.load_preset(comfy_table::presets::ASCII_MARKDOWN).set_header(columns);
                Self::Pretty { table, wide }
            }
            Format::Json => Self::Json { empty: true },
            Format::Jsonl => Self::Jsonl,
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(std::io::stdout());
                writer.write_record(COLUMNS)?;
                Self::Csv(writer)
            }
        })
    }

    fn row(&mut self, token: &Summary) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        match self {
            Self::Pretty { table, wide } => {
                // The beginning of the hash is enough for people to compare.
                let hash =
                    if *wide { token.hash.clone() } else { token.hash.chars().take(12).chain(['…']).collect() };
                let cells = cells(token, hash).map(|cell| Printable(&cell).to_string());
                table.add_row(if *wide { &cells[..] } else { &cells[..NARROW] });
            }
            Self::Json { empty } => {
                write!(
                    out,
                    "{}{}",
                    if *empty { "[\n  " } else { ",\n  " },
                    printable_json(&serde_json::to_string(token)?)
                )?;
                *empty = false;
            }
            Self::Jsonl => writeln!(out, "{}", printable_json(&serde_json::to_string(token)?))?,
            Self::Csv(writer) => writer.write_record(cells(token, token.hash.clone()).map(|cell| csv_cell(&cell)))?,
        }
        Ok(())
    }

    fn end(self) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        match self {
            Self::Pretty { table, .. } => writeln!(out, "{table}")?,
            Self::Json { empty: true } => writeln!(out, "[]")?,
            Self::Json { empty: false } => writeln!(out, "\n]")?,
            Self::Jsonl => {}
            Self::Csv(mut writer) => writer.flush()?,
        }
        Ok(())
    }
}

/// In the order of [`COLUMNS`].
fn cells(token: &Summary, hash: String) -> [String; COLUMNS.len()] {
    let time = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    [
        token.id.to_string(),
        token.name.clone(),
        hash,
        time(token.created_at),
        token.description.clone().unwrap_or_default(),
        token.created_by.map(|id| id.to_string()).unwrap_or_default(),
        token.expiry.map(time).unwrap_or_default(),
        token.permissions.clone(),
        token.last_used.map(time).unwrap_or_default(),
    ]
}
