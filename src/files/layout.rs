//! How one file is written: what its rejects need to be written the same way.

use super::format::Format;
use encoding_rs::Encoding;

/// How lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// `\n`
    Lf,
    /// `\r\n`
    CrLf,
    /// `\r`
    Cr,
}

impl LineEnd {
    /// Its bytes.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            LineEnd::Lf => b"\n",
            LineEnd::CrLf => b"\r\n",
            LineEnd::Cr => b"\r",
        }
    }

    /// The first line end in `text`; `\n` when there is none.
    pub fn first_in(text: &[u8]) -> LineEnd {
        let Some(at) = memchr::memchr2(b'\n', b'\r', text) else { return LineEnd::Lf };
        match (text.get(at), text.get(at + 1)) {
            (Some(b'\r'), Some(b'\n')) => LineEnd::CrLf,
            (Some(b'\r'), _) => LineEnd::Cr,
            _ => LineEnd::Lf,
        }
    }
}

/// How a file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Its format.
    pub format: Format,
    /// The encoding of its text.
    pub encoding: &'static Encoding,
    /// Whether it begins with a byte-order mark.
    pub bom: bool,
    /// How its lines end.
    pub line_end: LineEnd,
    /// What only a table has.
    pub table: Option<TableLayout>,
}

/// How a table is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableLayout {
    /// The character between two cells.
    pub delimiter: u8,
    /// Whether its first line is a spreadsheet's `sep=;`.
    pub sep_line: bool,
    /// The cells of its header as they stand in the file (no names made up), without the columns of a rejects file.
    pub columns: Vec<String>,
    /// The header's bytes, decoded to UTF-8, without the line end and the columns of a rejects file.
    pub header_raw: Vec<u8>,
}

impl Layout {
    /// The layout of records that have no file, such as those of a platform: UTF-8, `\n`, no table.
    pub fn plain(format: Format) -> Layout {
        Layout { format, encoding: encoding_rs::UTF_8, bom: false, line_end: LineEnd::Lf, table: None }
    }
}

impl Default for TableLayout {
    fn default() -> TableLayout {
        TableLayout { delimiter: b',', sep_line: false, columns: Vec::new(), header_raw: Vec::new() }
    }
}
