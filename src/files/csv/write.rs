//! Writing rows.

use super::guard::needs_guard;
use memchr::{memchr, memchr3};

/// Writes rows: quoted where needed, `\n` at their ends, a `'` before what a spreadsheet would run.
///
/// It holds nothing between two rows, so rows can be encoded on several threads and put together in order.
///
/// ```
/// let mut out = Vec::new();
/// ferry::files::csv::CsvEncoder::new(b',').row(["Ana", "=1+1", "+593987654321", "a,b"], &mut out);
/// assert_eq!(out, b"Ana,'=1+1,+593987654321,\"a,b\"\n");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CsvEncoder {
    /// The character between two cells.
    pub delimiter: u8,
    /// Whether cells are written without a formula guard.
    pub raw_cells: bool,
}

impl CsvEncoder {
    /// An encoder with the formula guard on.
    pub const fn new(delimiter: u8) -> CsvEncoder {
        CsvEncoder { delimiter, raw_cells: false }
    }

    /// Writes one row at the end of `out`.
    pub fn row<'a>(&self, cells: impl IntoIterator<Item = &'a str>, out: &mut Vec<u8>) {
        let mut row = self.begin(out);
        cells.into_iter().for_each(|cell| row.cell(cell));
        row.end();
    }

    /// Begins a row at the end of `out`.
    pub fn begin<'o>(&self, out: &'o mut Vec<u8>) -> CsvRow<'o> {
        CsvRow { csv: *self, from: out.len(), out, has_cells: false }
    }
}

/// A row that is being written.
pub struct CsvRow<'o> {
    csv: CsvEncoder,
    out: &'o mut Vec<u8>,
    from: usize,
    has_cells: bool,
}

impl CsvRow<'_> {
    /// Writes the next cell.
    pub fn cell(&mut self, text: &str) {
        if self.has_cells {
            self.out.push(self.csv.delimiter);
        }
        self.has_cells = true;
        let guard: &[u8] = if !self.csv.raw_cells && needs_guard(text) { b"'" } else { b"" };
        let bytes = text.as_bytes();
        if memchr3(self.csv.delimiter, b'"', b'\n', bytes).is_none() && memchr(b'\r', bytes).is_none() {
            self.out.extend_from_slice(guard);
            self.out.extend_from_slice(bytes);
            return;
        }
        self.out.push(b'"');
        self.out.extend_from_slice(guard);
        self.quoted(bytes);
        self.out.push(b'"');
    }

    /// Ends the row. A single cell without text is written so that the row is not a blank line.
    pub fn end(self) {
        if self.out.len() == self.from {
            self.out.extend_from_slice(b"\"\"");
        }
        self.out.push(b'\n');
    }

    /// Writes text with each of its quotes twice.
    fn quoted(&mut self, text: &[u8]) {
        let from = self.out.len();
        self.out.resize(from + text.len() * 2, 0);
        let (_, _, written) = csv_core::quote(text, self.out.get_mut(from..).unwrap_or_default(), b'"', b'"', true);
        self.out.truncate(from + written);
    }
}
