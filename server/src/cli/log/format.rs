//! The formats of the log that `tracing-subscriber` does not have without colours.
//!
//! No span of this project has fields, so an event is all that a line shows.

use std::fmt::{self, Debug, Write};

use openapi_stub_runtime::Printable;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Key-value pairs, as Loki and others read them.
pub(super) struct Logfmt;

/// The message, and below it a line for each field.
pub(super) struct Pretty;

impl<S, N> FormatEvent<S, N> for Logfmt
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        writer.write_str("ts=")?;
        SystemTime.format_time(&mut writer)?;
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        write!(writer, " level={level} target={}", event.metadata().target())?;
        let Fields { message, others } = Fields::of(event);
        write_pair(&mut writer, "message", &message)?;
        for (name, value) in &others {
            write_pair(&mut writer, name, value)?;
        }
        writeln!(writer)
    }
}

impl<S, N> FormatEvent<S, N> for Pretty
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        SystemTime.format_time(&mut writer)?;
        let Fields { message, others } = Fields::of(event);
        let metadata = event.metadata();
        write!(writer, " {:>5} {}\n    {}\n", metadata.level(), metadata.target(), Printable(&message))?;
        for (name, value) in &others {
            writeln!(writer, "    {name}: {}", Printable(value))?;
        }
        Ok(())
    }
}

/// Writes a space and a pair. A value with other characters than letters, digits and a few marks is quoted.
pub(super) fn write_pair(out: &mut impl Write, name: &str, value: &str) -> fmt::Result {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:/+@[]".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        return write!(out, " {name}={value}");
    }
    write!(out, " {name}=\"")?;
    for c in value.chars() {
        match c {
            '"' | '\\' => write!(out, "\\{c}")?,
            _ => write!(out, "{}", Printable(c.encode_utf8(&mut [0; 4])))?,
        }
    }
    out.write_char('"')
}

/// The fields of an event.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Fields {
    fn of(event: &Event<'_>) -> Self {
        let mut fields = Self::default();
        event.record(&mut fields);
        fields
    }

    fn add(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            name => self.others.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, influxdb3_token_api::with_sources(value).to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_other_characters_is_quoted_on_one_line() {
        for (value, expected) in [
            ("127.0.0.1:8181", " a=127.0.0.1:8181"),
            ("", r#" a="""#),
            ("two words", r#" a="two words""#),
            ("a=b", r#" a="a=b""#),
            ("a\"b\\c\n\u{1b}", r#" a="a\"b\\c\n\u{1b}""#),
        ] {
            let mut pair = String::new();
            write_pair(&mut pair, "a", value).unwrap();
            assert_eq!(pair, expected);
        }
    }
}
