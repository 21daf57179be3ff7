//! Prints a list, in the formats that `show` and `audit` have in common.

use std::io::{self, Write};

use clap::ValueEnum;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use openapi_stub_runtime::Printable;
use serde::Serialize;

use super::Failure;
use super::output::{csv_cell, printable_json};

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Format {
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

/// An entry of a list.
pub(super) trait Entry: Serialize {
    /// The names of the columns, which are those of the JSON objects.
    const COLUMNS: &'static [&'static str];

    /// In the order of the columns. Unknown values are empty.
    fn cells(&self) -> Vec<String>;

    /// The cells of the first columns, for people.
    fn short_cells(&self) -> Vec<String> {
        self.cells()
    }
}

/// Prints entries to standard output. Of a table, it prints the first `columns`, with short cells, or all of them if that
/// is `None`. Only the table needs all entries before it prints the first.
pub(super) async fn print<E: Entry>(
    format: Format,
    columns: Option<usize>,
    mut entries: BoxStream<'_, Result<E, Failure>>,
) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match format {
        Format::Pretty => {
            let mut table = comfy_table::Table::new();
            let names = columns.map_or(E::COLUMNS, |count| &E::COLUMNS[..count]);
            table.load_preset(comfy_table::presets::ASCII_MARKDOWN).set_header(names);
            while let Some(entry) = entries.try_next().await? {
                let cells = if columns.is_some() { entry.short_cells() } else { entry.cells() };
                table.add_row(cells.iter().take(names.len()).map(|cell| Printable(cell).to_string()));
            }
            writeln!(out, "{table}")?;
        }
        Format::Json => {
            let mut separator = "[\n  ";
            while let Some(entry) = entries.try_next().await? {
                write!(out, "{separator}{}", printable_json(&serde_json::to_string(&entry)?))?;
                separator = ",\n  ";
            }
            writeln!(out, "{}", if separator.starts_with('[') { "[]" } else { "\n]" })?;
        }
        Format::Jsonl => {
            while let Some(entry) = entries.try_next().await? {
                writeln!(out, "{}", printable_json(&serde_json::to_string(&entry)?))?;
            }
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(&mut out);
            writer.write_record(E::COLUMNS)?;
            while let Some(entry) = entries.try_next().await? {
                writer.write_record(entry.cells().iter().map(|cell| csv_cell(cell)))?;
            }
            writer.flush()?;
        }
    }
    Ok(out.flush()?)
}
