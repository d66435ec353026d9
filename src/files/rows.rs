//! Rows of a file that is written, and what surrounds them: a header, brackets and commas, an encoding.
//!
//! Rows come encoded (as UTF-8, by a [`RowEncoder`]), so that many threads can encode them and one can write them in
//! order. It does not know where the values of a row come from.

use super::csv::CsvEncoder;
use super::encoding::{bom, encode};
use super::output::{Output, cannot_write};
use crate::outcome::Failure;
use encoding_rs::{Encoding, UTF_8};
use serde::Serialize;
use std::io::Write;

/// How a format is written.
#[derive(Clone, Copy, Debug)]
pub struct RowFormat {
    /// What surrounds rows.
    pub framing: Framing,
    /// How a row is encoded.
    pub encoder: RowEncoder,
}

/// What surrounds the rows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// Before the first row (and before the header of a table).
    pub begin: &'static str,
    /// Between two rows.
    pub between: &'static str,
    /// Behind each row.
    pub behind: &'static str,
    /// Behind the last row, and in a file without rows.
    pub end: [&'static str; 2],
}

/// How a row is encoded.
#[derive(Clone, Copy, Debug)]
pub enum RowEncoder {
    /// As the cells of a table.
    Cells(CsvEncoder),
    /// As a JSON object.
    Objects,
}

impl RowEncoder {
    /// Whether rows are cells of a table.
    pub fn is_table(&self) -> bool {
        self.table().is_some()
    }

    /// The encoder of a table's cells.
    pub fn table(&self) -> Option<CsvEncoder> {
        match self {
            RowEncoder::Cells(csv) => Some(*csv),
            RowEncoder::Objects => None,
        }
    }
}

/// How a file is written, but for its columns.
#[derive(Clone, Copy, Debug)]
pub struct RowLayout {
    /// What surrounds rows, and how each is encoded.
    pub rows: RowFormat,
    /// The encoding of its text.
    pub encoding: &'static Encoding,
    /// Whether it begins with a byte-order mark.
    pub bom: bool,
}

impl RowLayout {
    /// A file in UTF-8 without a byte-order mark.
    pub fn utf8(rows: RowFormat) -> RowLayout {
        RowLayout { rows, encoding: UTF_8, bom: false }
    }

    /// For tables: the encoder of cells.
    pub fn table(&self) -> Option<CsvEncoder> {
        self.rows.encoder.table()
    }
}

/// Puts rows into a file, in order.
pub struct RowWriter<W: Write = Output> {
    out: W,
    layout: RowLayout,
    shown: String,
    count: u64,
    encoded: Vec<u8>,
}

impl RowWriter<Output> {
    /// Begins a file: byte-order mark, and the header of a table with these columns, or the opening bracket.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written; as all methods.
    pub fn begin<'a>(
        out: Output,
        layout: RowLayout,
        columns: impl IntoIterator<Item = &'a str>,
    ) -> Result<RowWriter<Output>, Failure> {
        let shown = out.shown().to_owned();
        RowWriter::begin_in(out, layout, columns, &shown)
    }

    /// Ends the file and puts it in place; gives the number of rows.
    pub fn commit(self) -> Result<u64, Failure> {
        let (out, count) = self.end()?;
        out.commit()?;
        Ok(count)
    }
}

impl<W: Write> RowWriter<W> {
    /// Begins in anything that can be written to, called `shown` in messages.
    pub fn begin_in<'a>(
        out: W,
        layout: RowLayout,
        columns: impl IntoIterator<Item = &'a str>,
        shown: &str,
    ) -> Result<RowWriter<W>, Failure> {
        let mut writer = RowWriter { out, layout, shown: shown.to_owned(), count: 0, encoded: Vec::new() };
        if layout.bom {
            writer.out.write_all(bom(layout.encoding)).map_err(|error| cannot_write(shown, &error))?;
        }
        writer.put(layout.rows.framing.begin.as_bytes())?;
        if let Some(csv) = layout.table() {
            let mut header = Vec::new();
            csv.row(columns, &mut header);
            writer.put(&header)?;
        }
        Ok(writer)
    }

    /// How the file is written.
    pub fn layout(&self) -> RowLayout {
        self.layout
    }

    /// Writes one encoded row.
    pub fn row(&mut self, row: &[u8]) -> Result<(), Failure> {
        let Framing { between, behind, .. } = self.layout.rows.framing;
        if self.count > 0 {
            self.put(between.as_bytes())?;
        }
        self.put(row)?;
        self.put(behind.as_bytes())?;
        self.count += 1;
        Ok(())
    }

    /// Writes what closes the file; gives what was written to, and the number of rows.
    pub fn end(mut self) -> Result<(W, u64), Failure> {
        let [end, end_without_rows] = self.layout.rows.framing.end;
        self.put(if self.count > 0 { end } else { end_without_rows }.as_bytes())?;
        self.out.flush().map_err(|error| cannot_write(&self.shown, &error))?;
        Ok((self.out, self.count))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut encoded = bytes;
        if self.layout.encoding != UTF_8 {
            self.encoded.clear();
            if encode(bytes, self.layout.encoding, &mut self.encoded) > 0 {
                return Err(self.no_character(bytes));
            }
            encoded = &self.encoded;
        }
        self.out.write_all(encoded).map_err(|error| cannot_write(&self.shown, &error))
    }

    fn no_character(&self, row: &[u8]) -> Failure {
        let encoding = self.layout.encoding;
        let text = String::from_utf8_lossy(row);
        let lost = text.chars().find(|c| encode(c.to_string().as_bytes(), encoding, &mut Vec::new()) > 0);
        let lost = lost.map_or_else(String::new, |c| format!(" `{c}` (in row {})", self.count + 1));
        Failure::failed(format!("`{}` is written in `{}`, which has no{lost}", self.shown, encoding.name()))
            .hint("write it in `utf-8`; `bom: true` lets spreadsheets see that it is")
    }
}

/// Writes `value` as one line of JSON, without a line end, at the end of `out`.
///
/// # Errors
/// Exit 1 when `value` has no JSON form, such as a map whose keys are no text.
pub fn json_row(value: &impl Serialize, out: &mut Vec<u8>) -> Result<(), Failure> {
    serde_json::to_writer(out, value).map_err(|error| Failure::failed("a record has no JSON form").cause(error))
}
