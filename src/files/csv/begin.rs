//! How a table begins: rows above its header are skipped, the header is found or given, and the rows below it are surveyed
//! for whether short rows are complete. It looks only at the bytes that are in the window.

use super::frame::raw_cells;
use super::header::{empty_file, kept_columns};
use super::heading::{Heading, find, row_with_mapped_names};
use super::look::{Framing, Looked, ROWS_LOOKED_AT, cells, framings, look};
use super::options::CsvOptions;
use super::read::{CsvSource, Headed};
use super::second;
use super::short::Widths;
use super::total::line_of_sums;
use super::write::CsvEncoder;
use crate::files::options::ReadOptions;
use crate::files::shown::excerpt;
use crate::files::window::Window;
use crate::outcome::Failure;
use std::sync::Arc;

/// A table of which nothing is read yet.
pub(crate) struct Begin<'a> {
    /// The line at which it stands, behind a byte-order mark and a `sep=` line.
    pub line: u64,
    /// How its cells are read.
    pub csv: CsvOptions,
    /// The file's name in messages.
    pub shown: &'a str,
    /// The name of its encoding.
    pub encoding: &'static str,
    /// What was said about it.
    pub options: &'a ReadOptions,
}

/// Finds the header and reads it.
pub(crate) fn begin(window: Window, begin: &Begin<'_>) -> Result<Headed, Failure> {
    let rows = look(window.data(), begin.csv, window.whole(), begin.line, ROWS_LOOKED_AT);
    if rows.is_empty() && window.whole() {
        return Err(empty_file(begin.shown));
    }
    let is_rejects = rows.first().is_some_and(|row| kept_columns(&row.cells).contains(&false));
    let options = begin.options;
    let mut headed = match (&options.columns, options.header_row) {
        _ if is_rejects => begin.source(window, None).read_header()?,
        (Some(columns), _) => begin.without_header(window, columns, &rows)?,
        (None, Some(line)) => begin.at_line(window, line, &rows)?,
        (None, None) => begin.found(window, &rows)?,
    };
    Arc::make_mut(&mut headed.source.columns).known = options.names.clone();
    survey(&mut headed);
    Ok(headed)
}

impl Begin<'_> {
    /// The table from a row on, or from its beginning.
    fn source(&self, mut window: Window, from: Option<(usize, u64)>) -> CsvSource {
        let (at, line) = from.unwrap_or((0, self.line));
        window.consume(at);
        CsvSource::new(window, line, self.csv, self.shown, self.encoding)
    }

    /// A table whose columns the mapping names.
    fn without_header(&self, window: Window, columns: &[String], rows: &[Looked]) -> Result<Headed, Failure> {
        if let Some(row) = rows.first()
            && let Some(last) = row.cells.iter().rposition(|cell| !cell.is_empty())
            && last >= columns.len()
        {
            let message = format!(
                "`read.columns` names {} columns, and line {} of `{}` has {} cells",
                columns.len(),
                row.line,
                self.shown,
                last + 1
            );
            return Err(Failure::usage(message).hint("name every column in `read.columns`, in the order of the file"));
        }
        let mut raw = Vec::new();
        CsvEncoder { delimiter: self.csv.delimiter, raw_cells: true }.row(columns.iter().map(String::as_str), &mut raw);
        raw.pop();
        self.source(window, None).headed(columns.to_vec(), raw)
    }

    /// A table whose header the mapping says to be in this line.
    fn at_line(&self, window: Window, line: u64, rows: &[Looked]) -> Result<Headed, Failure> {
        let framing = framings(window.data(), self.csv, window.whole(), self.line);
        let found = framing.take_while(|row| row.line <= line).last().filter(|row| row.line == line);
        let found = found.filter(|row| !is_blank(row, self.csv.delimiter)).map(|row| (row.at, row.line));
        let Some(place) = found else {
            let message = format!("`read.header_row` is {line}, and no row begins in line {line} of `{}`", self.shown);
            return Err(Failure::usage(message).hint("name the line in which the names of the columns stand, from 1"));
        };
        let names = &self.options.names;
        let is_named = |row: &Looked| row.line == line && row.cells.iter().any(|cell| names.is_mapped(cell));
        if !rows.iter().any(is_named)
            && let Some(other) = row_with_mapped_names(rows, names).and_then(|index| rows.get(index))
        {
            let message = format!(
                "none of the columns that the mapping names is in line {line} of `{}`; they are in line {}",
                self.shown, other.line
            );
            return Err(Failure::usage(message).hint(format!("write `header_row: {}`, or leave it out", other.line)));
        }
        self.source(window, Some(place)).read_header()
    }

    /// A table whose header is found by its looks.
    fn found(&self, window: Window, rows: &[Looked]) -> Result<Headed, Failure> {
        let line = |index: usize| rows.get(index).map_or(self.line, |row| row.line);
        match find(rows, &self.options.names) {
            Heading::At(index) => {
                let place = rows.get(index).map(|row| (row.at, row.line));
                let mut headed = self.source(window, place).read_header()?;
                if index > 0 {
                    headed.line = Some(line(index));
                    headed.notes.insert(0, self.skipped(rows.get(..index).unwrap_or_default(), line(index)));
                }
                Ok(headed)
            }
            Heading::Record { columns, .. } if self.options.names_by_values => {
                self.without_header(window, &columns, rows)
            }
            Heading::Record { row, columns } => {
                let (line, columns) = (line(row), columns.join(", "));
                let message =
                    format!("line {line} of `{}` is a record, not a header: `{}`", self.shown, shown(rows, row));
                Err(Failure::usage(message).hint(format!(
                    "name the columns in the mapping: `read: {{ columns: [{columns}] }}`; if it is the header after all, \
                     write `read: {{ header_row: {line} }}`"
                )))
            }
            Heading::Below { record, header } => {
                let (record_line, header_line) = (line(record), line(header));
                let message = format!(
                    "line {header_line} of `{}` looks like the header, and line {record_line} above it like a record: `{}`",
                    self.shown,
                    shown(rows, record)
                );
                Err(Failure::usage(message).hint(format!(
                    "write `read: {{ header_row: {header_line} }}` in the mapping to skip the lines above the header, or \
                     `header_row: {record_line}` if that is the header"
                )))
            }
        }
    }

    /// The note about the lines above a header.
    fn skipped(&self, rows: &[Looked], line: u64) -> String {
        let texts: Vec<String> = rows.iter().take(2).map(|row| format!("`{}`", row_text(row))).collect();
        let more = if rows.len() > 2 { ", …" } else { "" };
        format!("the header is in line {line} of `{}`; skipped above it: {}{more}", self.shown, texts.join(", "))
    }
}

/// A row in a message.
fn shown(rows: &[Looked], index: usize) -> String {
    rows.get(index).map_or_else(String::new, row_text)
}

fn row_text(row: &Looked) -> String {
    let cells: Vec<&str> = row.cells.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
    excerpt(cells.join(", ").as_bytes())
}

fn is_blank(row: &Framing<'_>, delimiter: u8) -> bool {
    row.raw.iter().all(|byte| *byte == delimiter || byte.is_ascii_whitespace())
}

/// Whether `data`, which follows a blank row, begins with another table.
fn begins_second(source: &CsvSource, data: &[u8]) -> bool {
    let rows = look(data, source.options, source.window.whole(), 1, second::ROWS_LOOKED_AT);
    second::begins(&rows, &source.columns.names, &source.columns.known)
}

/// Looks at the rows in view for how they end: whether those that are too short are complete, and whether the last one
/// holds sums.
fn survey(headed: &mut Headed) {
    let source = &mut headed.source;
    let (delimiter, whole, line) = (source.options.delimiter, source.window.whole(), source.line);
    let data = source.window.data();
    let (mut whole_rows, mut short_rows, mut after_blank) = (Vec::new(), Vec::new(), false);
    for row in framings(data, source.options, whole, line) {
        if is_blank(&row, delimiter) {
            after_blank = true;
            continue;
        }
        if std::mem::take(&mut after_blank) && begins_second(source, data.get(row.at..).unwrap_or_default()) {
            break;
        }
        let is_short = raw_cells(row.raw, delimiter).count() < source.columns.named;
        if is_short { &mut short_rows } else { &mut whole_rows }.push(row.raw);
    }
    let mut widths = Widths::default();
    whole_rows.iter().for_each(|raw| widths.whole(|| cells(raw, delimiter)));
    short_rows.iter().for_each(|raw| widths.short(&cells(raw, delimiter)));
    let rows = widths.rows;
    headed.has_rows = rows > 0 || !whole;
    let is_rejects = source.columns.kept.is_some();
    if source.options.is_sheet {
        Arc::make_mut(&mut source.columns).may_be_short = true;
    } else if !is_rejects && widths.may_be_short() {
        let which = if whole { format!("{rows} rows") } else { format!("the first {rows} rows") };
        let message =
            format!("{} of {which} end before the last column; what they lack is taken as blank", widths.short);
        headed.notes.push(message);
        let columns = Arc::make_mut(&mut source.columns);
        (columns.may_be_short, columns.marks) = (true, widths.marks);
    }
    if whole && !is_rejects {
        let sums_line = line_of_sums(data, source.options, line, source.columns.names.len());
        Arc::make_mut(&mut source.columns).sums_line = sums_line;
    }
}
