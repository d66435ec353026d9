//! Writing rows.

use super::guard::{guard, needs_guard};
use csv_core::{Terminator, WriteResult, WriterBuilder};

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

/// The most bytes that a cell's first piece, a delimiter or a line end may take beside the text itself.
const ROOM: usize = 8;

impl CsvEncoder {
    /// An encoder with the formula guard on.
    pub const fn new(delimiter: u8) -> CsvEncoder {
        CsvEncoder { delimiter, raw_cells: false }
    }

    /// Writes one row at the end of `out`.
    pub fn row<'a>(&self, cells: impl IntoIterator<Item = &'a str>, out: &mut Vec<u8>) {
        let mut writer = WriterBuilder::new().delimiter(self.delimiter).terminator(Terminator::Any(b'\n')).build();
        let mut first = true;
        for cell in cells {
            if !first {
                grown(out, 0, |room| with_no_input(writer.delimiter(room)));
            }
            first = false;
            self.cell(cell, &mut writer, out);
        }
        grown(out, 0, |room| with_no_input(writer.terminator(room)));
    }

    fn cell(&self, cell: &str, writer: &mut csv_core::Writer, out: &mut Vec<u8>) {
        let guarded = !self.raw_cells && needs_guard(cell);
        let owned;
        let mut text = cell.as_bytes();
        if guarded {
            owned = guard(cell).into_owned();
            text = owned.as_bytes();
        }
        loop {
            let done = grown(out, text.len() * 2, |room| writer.field(text, room));
            text = text.get(done.1..).unwrap_or_default();
            if done.0 == WriteResult::InputEmpty {
                return;
            }
        }
    }
}

fn with_no_input((result, written): (WriteResult, usize)) -> (WriteResult, usize, usize) {
    (result, 0, written)
}

/// Lets `write` fill room for `len` bytes and a few more at the end of `out`, and keeps what it wrote.
fn grown(
    out: &mut Vec<u8>,
    len: usize,
    write: impl FnOnce(&mut [u8]) -> (WriteResult, usize, usize),
) -> (WriteResult, usize) {
    let from = out.len();
    out.resize(from + len + ROOM, 0);
    let (result, read, written) = write(out.get_mut(from..).unwrap_or_default());
    out.truncate(from + written);
    (result, read)
}
