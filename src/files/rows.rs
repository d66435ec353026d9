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
use std::convert::Infallible;
use std::io::Write;

/// How a format is written.
#[derive(Clone, Copy, Debug)]
pub struct RowFormat {
    /// What surrounds rows.
    pub framing: Framing,
    /// How a row is encoded.
    pub encoder: RowEncoder,
}

impl RowFormat {
    /// JSON objects with nothing around them, for those who take them one by one.
    pub const BARE_OBJECTS: RowFormat = RowFormat {
        framing: Framing { begin: "", between: "", behind: "", end: ["", ""] },
        encoder: RowEncoder::Objects,
    };
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
    /// As a vCard of this version: rows are contacts.
    Cards(CardVersion),
}

/// The version of vCards that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CardVersion {
    /// RFC 2426, which every phone reads.
    #[default]
    V3,
    /// RFC 6350.
    V4,
}

/// The versions by their names.
pub const CARD_VERSIONS: [(&str, CardVersion); 2] = [("3.0", CardVersion::V3), ("4.0", CardVersion::V4)];

impl RowEncoder {
    /// Whether rows are cells of a table.
    pub fn is_table(&self) -> bool {
        self.table().is_some()
    }

    /// The encoder of a table's cells.
    pub fn table(&self) -> Option<CsvEncoder> {
        match self {
            RowEncoder::Cells(csv) => Some(*csv),
            RowEncoder::Objects | RowEncoder::Cards(_) => None,
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

    /// Whether each row is a line in UTF-8, and nothing else is in the file.
    pub fn is_lines(&self) -> bool {
        let lines = Framing { begin: "", between: "", behind: "\n", end: ["", ""] };
        self.rows.framing == lines && self.encoding == UTF_8 && !self.bom
    }

    /// For tables: the encoder of cells.
    pub fn table(&self) -> Option<CsvEncoder> {
        self.rows.encoder.table()
    }
}

/// Encoded rows on their way into a file. Many threads fill buffers, and one writer puts them into the file in order.
#[derive(Debug)]
pub struct RowBuffer {
    layout: RowLayout,
    bytes: Vec<u8>,
    /// Where each row begins and ends, in bytes that are not in the file's encoding yet.
    rows: Vec<(usize, usize)>,
    /// The first row with a character that the encoding does not have, from 1, and the character.
    lost: Option<(u64, Option<char>)>,
}

impl RowBuffer {
    /// An empty buffer for a file with this layout, with room for so many bytes.
    pub fn new(layout: RowLayout, len: usize) -> RowBuffer {
        RowBuffer { layout, bytes: Vec::with_capacity(len), rows: Vec::new(), lost: None }
    }

    /// Adds the row that `encode` writes at the end of the bytes.
    ///
    /// # Errors
    /// That of `encode`; the buffer is then as it was.
    pub fn add<E>(&mut self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        let Framing { between, behind, .. } = self.layout.rows.framing;
        let before = self.bytes.len();
        if !self.rows.is_empty() {
            self.bytes.extend_from_slice(between.as_bytes());
        }
        let begin = self.bytes.len();
        let encoded = encode(&mut self.bytes);
        match encoded {
            Ok(()) => {
                self.rows.push((begin, self.bytes.len()));
                self.bytes.extend_from_slice(behind.as_bytes());
            }
            Err(_) => self.bytes.truncate(before),
        }
        encoded
    }

    /// Adds a row that cannot fail.
    pub fn put(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        let _added: Result<(), Infallible> = self.add(|out| {
            encode(out);
            Ok(())
        });
    }

    /// The number of rows.
    pub fn count(&self) -> u64 {
        self.rows.len() as u64
    }

    /// All that was encoded.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The rows one by one; of a buffer that is not finished.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.rows.iter().map(|(begin, end)| self.bytes.get(*begin..*end).unwrap_or_default())
    }

    /// Brings the rows into the encoding of the file.
    pub fn finish(&mut self) {
        let encoding = self.layout.encoding;
        if encoding == UTF_8 {
            return;
        }
        let mut encoded = Vec::with_capacity(self.bytes.len());
        if encode(&self.bytes, encoding, &mut encoded) > 0 {
            let is_lost = |row: &[u8]| encode(row, encoding, &mut Vec::new()) > 0;
            let row = self.rows().position(is_lost).unwrap_or_default();
            let lost = lost_in(self.rows().nth(row).unwrap_or_default(), encoding);
            self.lost = Some((row as u64 + 1, lost));
        }
        self.bytes = encoded;
    }
}

/// The first character of a row that an encoding does not have.
fn lost_in(row: &[u8], encoding: &'static Encoding) -> Option<char> {
    let text = String::from_utf8_lossy(row);
    text.chars().find(|c| encode(c.to_string().as_bytes(), encoding, &mut Vec::new()) > 0)
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
        let mut columns = columns.into_iter().peekable();
        // No row has a cell then.
        if let Some(csv) = layout.table().filter(|_| columns.peek().is_some()) {
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

    /// What is written to.
    pub fn out(&self) -> &W {
        &self.out
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

    /// Writes the rows of a finished buffer.
    pub fn rows(&mut self, buffer: &RowBuffer) -> Result<(), Failure> {
        if let Some((row, lost)) = buffer.lost {
            return Err(self.no_character(lost, self.count + row));
        }
        if self.count > 0 && buffer.count() > 0 {
            self.put(self.layout.rows.framing.between.as_bytes())?;
        }
        self.out.write_all(&buffer.bytes).map_err(|error| cannot_write(&self.shown, &error))?;
        self.count += buffer.count();
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
                return Err(self.no_character(lost_in(bytes, self.layout.encoding), self.count + 1));
            }
            encoded = &self.encoded;
        }
        self.out.write_all(encoded).map_err(|error| cannot_write(&self.shown, &error))
    }

    fn no_character(&self, lost: Option<char>, row: u64) -> Failure {
        let encoding = self.layout.encoding;
        let lost = lost.map_or_else(String::new, |c| format!(" `{c}` (in row {row})"));
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
