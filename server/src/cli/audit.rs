//! `audit`: lists who created, regenerated and deleted which tokens.

use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use influxdb3_tokens::{Clock, SystemClock};

use super::access::Access;
use super::listing::{self, Entry, Format};
use super::store::StoreArguments;
use super::{Failure, is_broken_pipe};
use crate::control::{Audit, Change};

const EXAMPLES: &str = "Examples:
  influxdb3-tokens audit
  # The changes of a week, for a program
  influxdb3-tokens audit --since 7d --format jsonl
  # The deletions since a moment
  influxdb3-tokens audit --since 2026-01-31T12:00:00Z --format csv | grep '^[^,]*,deleted,'";

/// Show the audit trail: each creation, regeneration and deletion of a token
///
/// Exit codes: 0, all changes were shown; 1, they were not; 2, wrong usage.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Show only changes since this time, such as `2026-01-31T12:00:00Z`, or so long ago, such as `30d` or `1h 30m`
    #[arg(long, env = "INFLUXDB3_TOKENS_SINCE", value_name = "TIME", value_parser = since)]
    since: Option<u64>,

    /// Output format
    #[arg(long, env = "INFLUXDB3_TOKENS_AUDIT_FORMAT", value_enum, default_value_t = Format::Pretty)]
    format: Format,

    #[command(flatten)]
    store: StoreArguments,
}

/// Reads a time, or a time before now, as milliseconds since the Unix epoch. One before 1970 is 1970.
fn since(text: &str) -> Result<u64, String> {
    let millis = match humantime::parse_duration(text) {
        Ok(duration) => {
            let now = SystemClock.now().as_millis();
            return Ok(now.saturating_sub(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)));
        }
        Err(_) => DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_millis()),
    };
    let form = "write a duration such as `30d` or `1h 30m`, or a time such as `2026-01-31T12:00:00Z`";
    millis.map(|millis| u64::try_from(millis).unwrap_or(0)).map_err(|_| form.to_owned())
}

pub(super) async fn run(options: Options) -> Result<ExitCode, Failure> {
    match print(&options).await {
        Err(error) if is_broken_pipe(error.as_ref()) => Ok(ExitCode::SUCCESS),
        printed => printed.map(|()| ExitCode::SUCCESS),
    }
}

async fn print(options: &Options) -> Result<(), Failure> {
    let audit = Audit { since: options.since };
    let changes = Access::to_existing(&options.store).await?.changes(audit).await?;
    listing::print(options.format, false, changes).await
}

impl Entry for Change {
    const COLUMNS: &'static [&'static str] = &["time", "change", "id", "name", "by", "by_name", "origin"];
    const TEXTS: &'static [&'static str] = &["name", "by_name", "origin"];

    fn cells(&self) -> Vec<String> {
        let Self { time, change, id, name, by, by_name, origin } = self.clone();
        vec![
            DateTime::<Utc>::to_rfc3339_opts(&time, SecondsFormat::Millis, true),
            change,
            id.to_string(),
            name.unwrap_or_default(),
            by.map(|by| by.to_string()).unwrap_or_default(),
            by_name.unwrap_or_default(),
            origin.unwrap_or_default(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_a_time_or_a_duration() {
        assert_eq!(since("1970-01-01T00:00:01Z"), Ok(1000));
        assert_eq!(since("1970-01-01T01:00:01.5+01:00"), Ok(1500));
        assert_eq!(since("1969-12-31T23:00:00Z"), Ok(0));
        assert_eq!(since("900y"), Ok(0));
        let now = SystemClock.now().as_millis();
        assert!((now - 3_600_000..=SystemClock.now().as_millis()).contains(&since("1h").unwrap()));
        for text in ["", "yesterday", "30", "-1d", "2026-01-31", "2026-01-31T12:00:00"] {
            assert!(since(text).unwrap_err().contains("2026-01-31T12:00:00Z"), "{text}");
        }
    }
}
