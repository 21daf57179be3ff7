//! Prints a list, in the formats that `show` and `audit` have in common.

use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width};
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

    /// The names of the columns whose cells may be broken into lines.
    const TEXTS: &'static [&'static str];

    /// In the order of the columns. Unknown values are empty.
    fn cells(&self) -> Vec<String>;

    /// Like [`Self::cells`], for a table that is not wide. A cell may be shorter, or left out at the end.
    fn short_cells(&self) -> Vec<String> {
        self.cells()
    }
}

/// Prints entries to standard output. A table that is not wide has short cells, no column without values, and breaks texts
/// into lines if the terminal is narrower. Only the table needs all entries before it prints the first.
pub(super) async fn print<E: Entry>(
    format: Format,
    is_wide: bool,
    mut entries: BoxStream<'_, Result<E, Failure>>,
) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match format {
        Format::Pretty => {
            let mut rows = Vec::new();
            while let Some(entry) = entries.try_next().await? {
                let cells = if is_wide { entry.cells() } else { entry.short_cells() };
                rows.push(cells.iter().map(|cell| Printable(cell).to_string()).collect());
            }
            writeln!(out, "{}", if is_wide { table(E::COLUMNS, rows) } else { narrow_table::<E>(rows) })?;
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

/// How many characters of a text stay on a line, however narrow the terminal is.
const NARROWEST_TEXT: u16 = 12;

fn table(names: &[&str], rows: Vec<Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_preset(comfy_table::presets::ASCII_MARKDOWN).set_header(names).add_rows(rows);
    table
}

fn narrow_table<E: Entry>(mut rows: Vec<Vec<String>>) -> Table {
    let has_value = |column: usize| rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.is_empty()));
    // One without rows has every column, because it would have none otherwise.
    let shown: Vec<_> = (0..E::COLUMNS.len()).map(|column| rows.is_empty() || has_value(column)).collect();
    for row in &mut rows {
        let mut shown = shown.iter();
        row.retain(|_| shown.next() == Some(&true));
    }
    let names: Vec<_> = E::COLUMNS.iter().zip(shown).filter_map(|(name, shown)| shown.then_some(*name)).collect();
    let mut table = table(&names, rows);
    if let Some(width) = terminal_width() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        let widths = table.column_max_content_widths();
        for ((column, name), width) in table.column_iter_mut().zip(&names).zip(widths) {
            // The padding counts too.
            let narrowest = Width::Fixed(width.min(NARROWEST_TEXT) + column.padding_width());
            column.set_constraint(match E::TEXTS.contains(name) {
                true => ColumnConstraint::LowerBoundary(narrowest),
                false => ColumnConstraint::ContentWidth,
            });
        }
    }
    table
}

/// The width of the terminal that standard output is, in characters.
fn terminal_width() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col)
}
