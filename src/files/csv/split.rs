//! Splitting a framed row into cells, without a copy: a cell is a stretch of its row; only one with a quote written twice is
//! unescaped, beside the row. Where a row ends, and whether its quotes are sound, is decided in `frame`.

use super::guard::unguard;
use super::options::CsvOptions;
use crate::files::format::COLUMNS_MAX;
use crate::record::{RowRef, Span};
use memchr::memchr;

/// Splits rows; its buffers are used again for each.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    cells: Vec<Span>,
    beside: String,
}

impl Splitter {
    /// Splits a row whose quotes are sound. Of more than [`COLUMNS_MAX`] cells some are left out.
    pub fn split(&mut self, text: &str, quoted: bool, options: CsvOptions) {
        self.cells.clear();
        self.beside.clear();
        match quoted {
            true => self.split_quoted(text, options),
            false => self.split_plain(text, options),
        }
    }

    /// The row that was split last, which is `text`.
    pub fn row<'s>(&'s self, text: &'s str) -> RowRef<'s> {
        RowRef::new(text, &self.beside, &self.cells)
    }

    /// Makes the row `count` cells long: blank cells are added at its end, or the last cells are cut off.
    pub fn resize(&mut self, count: usize) {
        self.cells.resize(count, Span::default());
    }

    fn split_plain(&mut self, text: &str, options: CsvOptions) {
        let mut from = 0;
        let stops = memchr::memchr_iter(options.delimiter, text.as_bytes()).chain(std::iter::once(text.len()));
        for to in stops.take(COLUMNS_MAX + 1) {
            self.add(text, from, to, options);
            from = to + 1;
        }
    }

    fn split_quoted(&mut self, text: &str, options: CsvOptions) {
        let bytes = text.as_bytes();
        let mut from = 0;
        loop {
            let end = match bytes.get(from) {
                Some(b'"') => self.add_quoted(text, from, options),
                _ => {
                    let rest = bytes.get(from..).unwrap_or_default();
                    let end = memchr(options.delimiter, rest).map_or(bytes.len(), |step| from + step);
                    self.add(text, from, end, options);
                    end
                }
            };
            if end >= bytes.len() {
                return;
            }
            if self.cells.len() > COLUMNS_MAX {
                // The row is rejected as ragged, whatever is in it.
                return self.cells.clear();
            }
            from = end + 1;
        }
    }

    /// Adds the cell that opens with the quote at `from`; where it ends.
    fn add_quoted(&mut self, text: &str, from: usize, options: CsvOptions) -> usize {
        let bytes = text.as_bytes();
        let (mut at, mut is_doubled) = (from + 1, false);
        let close = loop {
            let Some(step) = memchr(b'"', bytes.get(at..).unwrap_or_default()) else { break bytes.len() };
            let quote = at + step;
            if bytes.get(quote + 1) != Some(&b'"') {
                break quote;
            }
            is_doubled = true;
            at = quote + 2;
        };
        match text.get(from + 1..close) {
            Some(inner) if is_doubled => self.add_beside(inner, options),
            _ => self.add(text, from + 1, close, options),
        }
        close + 1
    }

    fn add_beside(&mut self, inner: &str, options: CsvOptions) {
        let begin = self.beside.len();
        for (number, piece) in inner.split("\"\"").enumerate() {
            if number > 0 {
                self.beside.push('"');
            }
            self.beside.push_str(piece);
        }
        let cell = self.beside.get(begin..).unwrap_or_default();
        let guard_len = if options.raw_cells { 0 } else { cell.len() - unguard(cell).len() };
        self.cells.push(Span::beside(begin + guard_len, self.beside.len()));
    }

    /// Adds a stretch of the row as a cell, without its formula guard.
    #[inline]
    fn add(&mut self, text: &str, from: usize, to: usize, options: CsvOptions) {
        let is_guarded = !options.raw_cells && text.as_bytes().get(from) == Some(&b'\'');
        let guard_len = if is_guarded { guard_len(text.get(from..to)) } else { 0 };
        self.cells.push(Span::of_text(from + guard_len, to));
    }
}

fn guard_len(cell: Option<&str>) -> usize {
    cell.map_or(0, |cell| cell.len() - unguard(cell).len())
}
