//! Splitting a framed row into cells. A row without quotes is not copied: its cells are stretches of it. The others are unescaped by
//! `csv-core`, beside the row. Where a row ends, and whether its quotes are sound, is decided in `frame`.

use super::guard::unguard;
use super::options::CsvOptions;
use crate::files::format::COLUMNS_MAX;
use crate::record::{RowRef, Span};
use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};

/// Splits rows; its buffers are used again for each.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    cells: Vec<Span>,
    beside: String,
    unescaper: Option<Unescaper>,
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

    /// Only the unescaped cells are checked as text: all that is taken away is quotes at the borders of cells.
    fn split_quoted(&mut self, text: &str, options: CsvOptions) {
        let unescaper = match &mut self.unescaper {
            Some(unescaper) if unescaper.delimiter == options.delimiter => unescaper,
            other => other.insert(Unescaper::new(options.delimiter)),
        };
        let Some((cells, ends)) = unescaper.read(text.as_bytes()) else {
            // The row is rejected as ragged, whatever is in it.
            self.unescaper = None;
            return;
        };
        self.beside.push_str(cells);
        let mut from = 0;
        for &to in ends {
            let guard_len = if options.raw_cells { 0 } else { guard_len(cells.get(from..to)) };
            self.cells.push(Span::beside(from + guard_len, to));
            from = to;
        }
    }

    /// Adds a stretch of the row as a cell, without its formula guard.
    #[inline]
    fn add(&mut self, text: &str, from: usize, to: usize, options: CsvOptions) {
        let is_guarded = !options.raw_cells && text.as_bytes().get(from) == Some(&b'\'');
        let guard_len = if is_guarded { guard_len(text.get(from..to)) } else { 0 };
        self.cells.push(Span::of_text(from + guard_len, to));
    }
}

/// `csv-core`, and its buffers.
#[derive(Debug)]
struct Unescaper {
    delimiter: u8,
    reader: csv_core::Reader,
    cells: Vec<u8>,
    ends: Vec<usize>,
}

impl Unescaper {
    fn new(delimiter: u8) -> Unescaper {
        let mut reader = ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(b'\n')).build();
        // The reader drops a byte-order mark from its first bytes; that of the file is gone already, and a cell may have one.
        reader.read_record(b"\n", &mut [], &mut []);
        Unescaper { delimiter, reader, cells: Vec::new(), ends: vec![0; COLUMNS_MAX + 1] }
    }

    /// The cells of a row, one after the other, and where each ends; `None` of more than [`COLUMNS_MAX`].
    fn read(&mut self, row: &[u8]) -> Option<(&str, &[usize])> {
        self.cells.resize(self.cells.len().max(row.len()), 0);
        let (result, _, out, count) = self.reader.read_record(row, &mut self.cells, &mut self.ends);
        let (end, _, rest, last) = match result {
            ReadRecordResult::InputEmpty => {
                self.reader.read_record(b"\n", self.cells.get_mut(out..)?, self.ends.get_mut(count..)?)
            }
            other => (other, 0, 0, 0),
        };
        if end != ReadRecordResult::Record {
            return None;
        }
        Some((std::str::from_utf8(self.cells.get(..out + rest)?).ok()?, self.ends.get(..count + last)?))
    }
}

fn guard_len(cell: Option<&str>) -> usize {
    cell.map_or(0, |cell| cell.len() - unguard(cell).len())
}
