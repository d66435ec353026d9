//! Rows and what stands between them: a header, brackets and commas, an encoding.
//!
//! Rows come encoded (as UTF-8, by [`super::csv::CsvEncoder`] or [`json_row`]), so that many threads can make them and
//! one can put them in order.

use super::encoding::{bom, encode};
use super::output::cannot_write;
use super::{Format, Output};
use crate::outcome::Failure;
use encoding_rs::{Encoding, UTF_8};
use serde::Serialize;
use std::io::Write;

/// What a file that is written looks like around its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowShape {
    /// Its format.
    pub format: Format,
    /// The encoding of its text.
    pub encoding: &'static Encoding,
    /// Whether it begins with a byte-order mark.
    pub bom: bool,
    /// The encoded row of column names, line end included; empty for JSON.
    pub header: Vec<u8>,
}

impl RowShape {
    /// A file in UTF-8 without a byte-order mark.
    pub fn utf8(format: Format, header: Vec<u8>) -> RowShape {
        RowShape { format, encoding: UTF_8, bom: false, header }
    }
}

/// Puts rows into a file, in order.
pub struct RowWriter<W: Write = Output> {
    out: W,
    shape: RowShape,
    shown: String,
    count: u64,
    encoded: Vec<u8>,
}

impl RowWriter<Output> {
    /// Begins a file: byte-order mark, and header or opening bracket.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written; as all methods.
    pub fn begin(out: Output, shape: RowShape) -> Result<RowWriter<Output>, Failure> {
        let shown = out.shown().to_owned();
        RowWriter::begin_in(out, shape, &shown)
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
    pub fn begin_in(out: W, shape: RowShape, shown: &str) -> Result<RowWriter<W>, Failure> {
        let mut writer = RowWriter { out, shape, shown: shown.to_owned(), count: 0, encoded: Vec::new() };
        if writer.shape.bom {
            let mark = bom(writer.shape.encoding);
            writer.out.write_all(mark).map_err(|error| cannot_write(shown, &error))?;
        }
        let begin = match writer.shape.format {
            Format::Json => b"[\n".to_vec(),
            _ => std::mem::take(&mut writer.shape.header),
        };
        writer.put(&begin)?;
        Ok(writer)
    }

    /// Writes one encoded row: for a table with its line end, for JSON without.
    pub fn row(&mut self, row: &[u8]) -> Result<(), Failure> {
        match self.shape.format {
            Format::Csv | Format::Tsv => self.put(row)?,
            Format::Json => {
                if self.count > 0 {
                    self.put(b",\n")?;
                }
                self.put(row)?;
            }
            Format::Jsonl => {
                self.put(row)?;
                self.put(b"\n")?;
            }
        }
        self.count += 1;
        Ok(())
    }

    /// Writes the closing bracket, where there is one; gives what was written to, and the number of rows.
    pub fn end(mut self) -> Result<(W, u64), Failure> {
        if self.shape.format == Format::Json {
            self.put(if self.count > 0 { b"\n]\n" } else { b"]\n" })?;
        }
        self.out.flush().map_err(|error| cannot_write(&self.shown, &error))?;
        Ok((self.out, self.count))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut encoded = bytes;
        if self.shape.encoding != UTF_8 {
            self.encoded.clear();
            if encode(bytes, self.shape.encoding, &mut self.encoded) > 0 {
                return Err(self.no_character(bytes));
            }
            encoded = &self.encoded;
        }
        self.out.write_all(encoded).map_err(|error| cannot_write(&self.shown, &error))
    }

    fn no_character(&self, row: &[u8]) -> Failure {
        let encoding = self.shape.encoding.name();
        let text = String::from_utf8_lossy(row);
        let lost = text.chars().find(|c| encode(c.to_string().as_bytes(), self.shape.encoding, &mut Vec::new()) > 0);
        let lost = lost.map_or_else(String::new, |c| format!(" `{c}` (in row {})", self.count + 1));
        Failure::failed(format!("`{}` is written in `{encoding}`, which has no{lost}", self.shown))
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
