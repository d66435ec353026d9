//! Splitting a framed row into cells. Cells are not copied: each is a stretch of the row, but for those with quotes in them,
//! which are unescaped beside the row. Where a row ends, and whether its quotes are sound, is decided in `frame`.

use super::guard::unguard;
use super::options::CsvOptions;
use crate::files::format::COLUMNS_MAX;
use crate::octets::for_each_place;
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
        let bytes = text.as_bytes();
        let begin = |from| match bytes.get(from) {
            Some(&QUOTE) if quoted => Begun::quoted(bytes, from),
            Some(&GUARD) if !options.raw_cells => Begun { is_plain: false, ..Begun::plain(from) },
            _ => Begun::plain(from),
        };
        let mut cell = begin(0);
        for_each_place(bytes, options.delimiter, |to| {
            if to >= cell.end_min {
                match cell.is_plain {
                    true => self.cells.push(Span::of_text(cell.from, to)),
                    false => self.add(text, &cell, to, options),
                }
                cell = begin(to + 1);
            }
            self.cells.len() <= COLUMNS_MAX
        });
        self.add(text, &cell, bytes.len(), options);
    }

    /// The row that was split last, which is `text`.
    pub fn row<'s>(&'s self, text: &'s str) -> RowRef<'s> {
        RowRef::new(text, &self.beside, &self.cells)
    }

    /// Makes the row `count` cells long: blank cells are added at its end, or the last cells are cut off.
    pub fn resize(&mut self, count: usize) {
        self.cells.resize(count, Span::default());
    }

    /// Adds the cell that ends before `to`, without its quotes and its formula guard.
    fn add(&mut self, text: &str, cell: &Begun, to: usize, options: CsvOptions) {
        let (from, to) = match cell.end_min {
            0 => (cell.from, to),
            _ if cell.has_quotes => return self.add_unescaped(text.get(cell.from + 1..to - 1), options),
            _ => (cell.from + 1, to - 1),
        };
        let is_guarded = !options.raw_cells && text.as_bytes().get(from) == Some(&GUARD);
        let guard_len = if is_guarded { guard_len(text.get(from..to)) } else { 0 };
        self.cells.push(Span::of_text(from + guard_len, to));
    }

    /// Adds a cell in which each quote stands twice.
    fn add_unescaped(&mut self, cell: Option<&str>, options: CsvOptions) {
        let (mut rest, begin) = (cell.unwrap_or_default(), self.beside.len());
        while let Some(at) = memchr(QUOTE, rest.as_bytes()) {
            self.beside.push_str(rest.get(..=at).unwrap_or_default());
            rest = rest.get(at + 2..).unwrap_or_default();
        }
        self.beside.push_str(rest);
        let guard_len = if options.raw_cells { 0 } else { guard_len(self.beside.get(begin..)) };
        self.cells.push(Span::beside(begin + guard_len, self.beside.len()));
    }
}

const QUOTE: u8 = b'"';

/// What a formula guard begins with.
const GUARD: u8 = b'\'';

/// A cell whose end is looked for.
struct Begun {
    from: usize,
    /// Behind its closing quote; 0: it is not quoted.
    end_min: usize,
    /// Whether there are quotes between those around it.
    has_quotes: bool,
    /// Whether it is the stretch up to the next delimiter, as it stands.
    is_plain: bool,
}

impl Begun {
    #[inline]
    fn plain(from: usize) -> Begun {
        Begun { from, end_min: 0, has_quotes: false, is_plain: true }
    }

    /// A quote opens a cell at its beginning, and closes it unless another one follows.
    fn quoted(bytes: &[u8], from: usize) -> Begun {
        let mut cell = Begun { is_plain: false, ..Begun::plain(from) };
        let mut at = from + 1;
        while let Some(step) = memchr(QUOTE, bytes.get(at..).unwrap_or_default()) {
            at += step + 1;
            if bytes.get(at) != Some(&QUOTE) {
                return Begun { end_min: at, ..cell };
            }
            (at, cell.has_quotes) = (at + 1, true);
        }
        // `frame` lets no such row through.
        Begun { end_min: bytes.len().max(from + 2), ..cell }
    }
}

fn guard_len(cell: Option<&str>) -> usize {
    cell.map_or(0, |cell| cell.len() - unguard(cell).len())
}
