//! The first rows of a table, before it is read. Pure; it sees only the bytes that are in the window.

use super::frame::{Framed, frame, line_end_from, raw_cells};
use super::options::CsvOptions;
use crate::files::format::COLUMNS_MAX;
use crate::files::window::count_line_ends;

/// The number of rows among which the header is looked for.
pub(super) const ROWS_LOOKED_AT: usize = 225;

/// How far the end of a quote is looked for here: line breaks that users wrote are within this.
const LINES_LEN_MAX: usize = 16 << 10;

/// The longest part of a cell that is considered: a name, an address, the beginning of a note.
const CELL_LEN_MAX: usize = 256;

/// A row that is not blank, with its cells as a reader sees them.
#[derive(Clone, Debug)]
pub(super) struct Looked {
    /// Its offset in what was looked at.
    pub at: usize,
    /// Its line.
    pub line: u64,
    /// Its cells, unquoted, trimmed, and of a long one the beginning.
    pub cells: Vec<String>,
}

impl Looked {
    /// How many cells have content.
    pub fn filled(&self) -> usize {
        self.cells.iter().filter(|cell| !cell.is_empty()).count()
    }

    /// A cell; blank where there is none.
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }
}

/// One row as it stands in the bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Framing<'a> {
    /// Its offset.
    pub at: usize,
    /// Its line.
    pub line: u64,
    /// Its bytes without the line end.
    pub raw: &'a [u8],
}

/// The rows of some bytes, those included that are blank; a row that is not whole in view ends them.
pub(super) struct Framings<'a> {
    data: &'a [u8],
    csv: CsvOptions,
    whole: bool,
    at: usize,
    line: u64,
}

/// The rows that `data` holds; `whole`: nothing comes after it. Its first line is `line`.
pub(super) fn framings(data: &[u8], csv: CsvOptions, whole: bool, line: u64) -> Framings<'_> {
    Framings { data, csv, whole, at: 0, line }
}

impl<'a> Iterator for Framings<'a> {
    type Item = Framing<'a>;

    fn next(&mut self) -> Option<Framing<'a>> {
        let rest = self.data.get(self.at..).filter(|rest| !rest.is_empty())?;
        let (len, next) = match frame(rest, self.csv.delimiter, self.whole, LINES_LEN_MAX) {
            Framed::Record { len, next, .. } => (len, next),
            Framed::More => return None,
            // The reader reports broken quotes; here the line is a row.
            Framed::Broken { .. } | Framed::Endless => line_end_from(rest, 0, self.whole)?,
        };
        let raw = rest.get(..len)?;
        let framing = Framing { at: self.at, line: self.line, raw };
        self.line += if self.csv.is_sheet { 1 } else { count_line_ends(rest.get(..next)?) };
        self.at += next;
        Some(framing)
    }
}

/// The first `most` rows of `data` that are not blank.
pub(super) fn look(data: &[u8], csv: CsvOptions, whole: bool, line: u64, most: usize) -> Vec<Looked> {
    let rows = framings(data, csv, whole, line).map(|row| Looked {
        at: row.at,
        line: row.line,
        cells: cells(row.raw, csv.delimiter),
    });
    rows.filter(|row| row.filled() > 0).take(most).collect()
}

/// The cells of a row.
pub(super) fn cells(raw: &[u8], delimiter: u8) -> Vec<String> {
    raw_cells(raw, delimiter).take(COLUMNS_MAX).map(|cell| cell_text(cell.bytes)).collect()
}

fn cell_text(bytes: &[u8]) -> String {
    let bytes = bytes.trim_ascii();
    let inner = bytes.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    let bytes = inner.unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes.get(..CELL_LEN_MAX).unwrap_or(bytes));
    let text = if inner.is_some() { text.replace("\"\"", "\"") } else { text.into_owned() };
    text.trim().to_owned()
}
