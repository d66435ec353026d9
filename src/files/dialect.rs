//! How one file is written: what the rejects need to be written the same way.

use super::Format;
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
    /// The bytes of it.
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

/// How one file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Its format.
    pub format: Format,
    /// What stands between two cells; `,` where there are no cells.
    pub delimiter: u8,
    /// The encoding of its text.
    pub encoding: &'static Encoding,
    /// Whether it begins with a byte-order mark.
    pub bom: bool,
    /// Whether its first line is a spreadsheet's `sep=;`.
    pub sep_line: bool,
    /// How its lines end.
    pub line_end: LineEnd,
    /// The cells of its header as they stand in the file (no names made up), without `ferry_*` columns; empty for JSON.
    pub columns: Vec<String>,
    /// The header's bytes, decoded to UTF-8, without the line end and `ferry_*` columns; empty for JSON.
    pub header_raw: Vec<u8>,
    /// Where in a JSON file its records are, as a dotted path; `None` for a bare array, JSON Lines and tables.
    pub root: Option<String>,
}

impl Dialect {
    /// The dialect of what has no file: a platform, or a file that is yet to be written. UTF-8, `\n`, commas.
    pub fn plain(format: Format) -> Dialect {
        Dialect {
            format,
            delimiter: if format == Format::Tsv { b'\t' } else { b',' },
            encoding: encoding_rs::UTF_8,
            bom: false,
            sep_line: false,
            line_end: LineEnd::Lf,
            columns: Vec::new(),
            header_raw: Vec::new(),
            root: None,
        }
    }
}
