//! A sheet as the text of a table: one line for each row of the sheet, also for blank ones, so that the line of a row
//! is its number.

use super::sheet::{Rows, SheetRow};
use crate::files::csv::{CsvEncoder, SHEET_DELIMITER};
use std::io::{self, Read};

/// Text that is made at once.
const CHUNK_LEN: usize = 64 << 10;

/// The text of a sheet.
pub(super) struct SheetText {
    rows: Rows,
    row: SheetRow,
    /// The number of the row whose line comes next.
    line: u32,
    text: Vec<u8>,
    from: usize,
    is_ended: bool,
    fault: Option<io::Error>,
}

impl SheetText {
    /// The text of these rows.
    pub fn new(rows: Rows) -> SheetText {
        SheetText { rows, row: SheetRow::default(), line: 1, text: Vec::new(), from: 0, is_ended: false, fault: None }
    }

    /// Makes more text; an error is kept until what was made before it has been read.
    fn fill(&mut self) {
        let encoder = CsvEncoder { delimiter: SHEET_DELIMITER, raw_cells: true };
        self.text.clear();
        self.from = 0;
        while self.text.len() < CHUNK_LEN && !self.is_ended {
            match self.rows.next(&mut self.row) {
                Ok(false) => self.is_ended = true,
                // Blank rows at the end are none: their lines are made only before a row that is not blank.
                Ok(true) if self.row.is_blank() => {}
                Ok(true) => {
                    let blank = self.row.number.saturating_sub(self.line) as usize;
                    self.text.resize(self.text.len() + blank, b'\n');
                    encoder.row(self.row.cells(), &mut self.text);
                    self.line = self.row.number.saturating_add(1);
                }
                Err(error) => {
                    self.fault = Some(error);
                    self.is_ended = true;
                }
            }
        }
    }
}

impl Read for SheetText {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.from >= self.text.len() && !self.is_ended {
            self.fill();
        }
        let text = self.text.get(self.from..).unwrap_or_default();
        if text.is_empty() {
            return self.fault.take().map_or(Ok(0), Err);
        }
        let n = text.len().min(buf.len());
        for (slot, byte) in buf.iter_mut().zip(text) {
            *slot = *byte;
        }
        self.from += n;
        Ok(n)
    }
}
