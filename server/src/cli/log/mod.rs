//! The log of `serve` on standard error.
//!
//! A request never waits for the log and never fails because of it. It adds its lines to a bounded queue, and a thread
//! writes them. If that thread cannot keep up, lines are dropped and counted, and a line says how many.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use tracing::Metadata;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

mod format;
mod queue;
mod redact;

use format::{Logfmt, Pretty, write_pair};
use queue::{Queue, Report};
pub(super) use redact::{Values, redact};

/// How long the end of the server waits for the last lines to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// The crates whose lines are logged. Those of `hyper`, `h2` and others may show what a client sent, such as its token.
const CRATES: [&str; 6] = [
    "influxdb3_token_api",
    "influxdb3_token_contract",
    "influxdb3_tokens",
    "influxdb3_tokens_server",
    "openapi_stub_runtime",
    "panic",
];

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum LogFormat {
    /// A line for people
    #[value(alias = "text")]
    Full,
    /// Several lines for people
    Pretty,
    /// One JSON object for each line
    Json,
    /// A line of `key=value`
    Logfmt,
}

/// The log of the process.
#[derive(Debug)]
pub(super) struct Log {
    queue: Arc<Queue>,
}

impl Log {
    /// Starts the log. It contains the lines of this project's own crates that `filter` lets through.
    pub(super) fn start(filter: EnvFilter, format: LogFormat) -> io::Result<Self> {
        // Not `io::stderr`, which other threads lock: they would wait for a write of this one.
        let write = |bytes: &[u8]| {
            let written = rustix::io::retry_on_intr(|| rustix::io::write(rustix::stdio::stderr(), bytes));
            written.map_err(io::Error::from)
        };
        let queue = Queue::start(write, format)?;
        // Adding to the queue cannot fail. If a line cannot be formatted, reporting that on standard error could block.
        let log = tracing_subscriber::fmt().log_internal_errors(false).with_env_filter(filter);
        let log = log.with_writer(Lines { queue: Arc::clone(&queue), values: format.values() });
        match format {
            LogFormat::Full => log.finish().with(filter_fn(is_own)).init(),
            LogFormat::Pretty => log.event_format(Pretty).finish().with(filter_fn(is_own)).init(),
            LogFormat::Logfmt => log.event_format(Logfmt).finish().with(filter_fn(is_own)).init(),
            LogFormat::Json => log.json().flatten_event(true).finish().with(filter_fn(is_own)).init(),
        }
        Ok(Self { queue })
    }

    /// Adds a line that is not a log entry, after all others.
    pub(super) fn print(&self, line: impl fmt::Display) {
        self.queue.add(&redact(format!("{line}\n").as_bytes(), Values::Raw));
    }

    /// A handle that says how many lines were dropped.
    pub(super) fn dropped_lines(&self) -> DroppedLines {
        DroppedLines(Arc::clone(&self.queue))
    }

    /// Writes what is left, unless that takes longer than a second.
    pub(super) fn end(self) {
        self.queue.end(PATIENCE);
    }
}

/// How many lines of the log were dropped.
#[derive(Clone, Debug)]
pub(crate) struct DroppedLines(Arc<Queue>);

impl DroppedLines {
    /// The number since the start.
    pub(crate) fn count(&self) -> u64 {
        self.0.dropped()
    }
}

fn is_own(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    CRATES.contains(&target.split_once("::").map_or(target, |(name, _)| name))
}

/// Makes writers that add each line to the queue.
struct Lines {
    queue: Arc<Queue>,
    values: Values,
}

struct Line<'a>(&'a Lines);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.queue.add(&redact(line, self.0.values));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Report for LogFormat {
    fn dropped(&self, count: u64, in_all: u64) -> Vec<u8> {
        self.line(
            "log lines were dropped, because they could not be written in time",
            &[("lines", count), ("in_all", in_all)],
        )
    }

    fn last(&self, in_all: u64) -> Vec<u8> {
        self.line("the log is incomplete", &[("dropped_in_all", in_all)])
    }
}

impl LogFormat {
    fn values(self) -> Values {
        match self {
            Self::Full | Self::Pretty => Values::Raw,
            Self::Json | Self::Logfmt => Values::Quoted,
        }
    }

    /// A line as the others are. It bypasses the filter, so that it appears wherever lines are missing.
    fn line(self, message: &str, fields: &[(&str, u64)]) -> Vec<u8> {
        let mut time = String::new();
        // A clock that cannot be shown leaves the time empty.
        let _ = SystemTime.format_time(&mut Writer::new(&mut time));
        let target = module_path!();
        let mut line = match self {
            Self::Full => format!("{time}  WARN {target}: {message}"),
            Self::Pretty => format!("{time}  WARN {target}\n    {message}"),
            Self::Json => format!(r#"{{"timestamp":"{time}","level":"WARN","message":"{message}","target":"{target}""#),
            Self::Logfmt => {
                let mut line = format!("ts={time} level=warn target={target}");
                let _ = write_pair(&mut line, "message", message);
                line
            }
        };
        for (name, value) in fields {
            line += &match self {
                Self::Full | Self::Logfmt => format!(" {name}={value}"),
                Self::Pretty => format!("\n    {name}: {value}"),
                Self::Json => format!(r#","{name}":{value}"#),
            };
        }
        line += match self {
            Self::Full | Self::Pretty | Self::Logfmt => "\n",
            Self::Json => "}\n",
        };
        line.into()
    }
}
