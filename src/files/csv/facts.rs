//! The facts of CSV and TSV, and how such a file is opened. Tables of any delimiter are one format: which of the two a
//! file has follows from its delimiter.

use super::begin::{Begin, begin};
use super::delimiter::delimiter_of;
use super::header::empty_file;
use super::options::CsvOptions;
use super::read::Headed;
use super::write::CsvEncoder;
use crate::files::encoding::is_utf16;
use crate::files::facts::{FormatFacts, Match, Opened, Reads, TextInput};
use crate::files::format::Format;
use crate::files::found::Found;
use crate::files::layout::{Layout, TableLayout};
use crate::files::options::ReadOptions;
use crate::files::reject_columns::RowsOf;
use crate::files::rows::{Framing, RowEncoder, RowFormat};
use crate::files::unflat::Unflat;
use crate::files::window::Window;
use crate::outcome::Failure;
use crate::record::Header;
use std::sync::Arc;

/// Comma-separated values.
pub(crate) const CSV: FormatFacts = FormatFacts {
    format: Format::Csv,
    name: "csv",
    about: "Columns separated by commas or the like",
    endings: &["csv", "txt"],
    reads: Reads::Text { detect: |_| Match::Possible, open },
    rejects_as: Format::Csv,
    rejects_file: "rejects.csv",
    write: Some(rows(b',')),
};

/// Tab-separated values.
pub(crate) const TSV: FormatFacts = FormatFacts {
    format: Format::Tsv,
    name: "tsv",
    about: "Columns separated by tabs",
    endings: &["tsv", "tab"],
    reads: Reads::Text { detect: |_| Match::No, open },
    rejects_as: Format::Tsv,
    rejects_file: "rejects.tsv",
    write: Some(rows(b'\t')),
};

/// Between the cells of a sheet, when it is the text of a table.
pub(crate) const SHEET_DELIMITER: u8 = b',';

/// How rows of a table are written; an encoded row has its line end.
const fn rows(delimiter: u8) -> RowFormat {
    let framing = Framing { begin: "", between: "", behind: "", end: ["", ""] };
    RowFormat { framing, encoder: RowEncoder::Cells(CsvEncoder::new(delimiter)) }
}

fn open(input: TextInput, options: &ReadOptions) -> Result<Opened, Failure> {
    let TextInput { mut window, mut layout, shown, named, .. } = input;
    if window.data().trim_ascii_start().is_empty() && window.whole() {
        return Err(empty_file(&shown));
    }
    let (delimiter, sep_len) = delimiter_of(window.data(), options, named);
    window.consume(sep_len);
    let line = if sep_len > 0 { 2 } else { 1 };
    let csv = CsvOptions { delimiter, raw_cells: options.raw_cells, is_sheet: false };
    let headed = begin(window, &Begin { line, csv, shown: &shown, encoding: layout.encoding.name(), options })
        .map_err(|failure| about_encoding(failure, options))?;
    refuse_guess_without_rows(&layout, headed.has_rows, options, &shown)?;
    layout.format = if delimiter == b'\t' { Format::Tsv } else { Format::Csv };
    Ok(opened(headed, layout, (delimiter, sep_len > 0)))
}

/// Opens the sheet of a workbook, whose text is in the window: a line for each of its rows. What is found in it while it
/// is read goes into `found`.
pub(crate) fn open_sheet(
    window: Window,
    shown: &str,
    options: &ReadOptions,
    found: Arc<Found>,
) -> Result<Opened, Failure> {
    let csv = CsvOptions { delimiter: SHEET_DELIMITER, raw_cells: true, is_sheet: true };
    let layout = Layout::plain(Format::Xlsx);
    let mut headed = begin(window, &Begin { line: 1, csv, shown, encoding: layout.encoding.name(), options })?;
    headed.source.found = found;
    Ok(opened(headed, layout, (SHEET_DELIMITER, false)))
}

/// A table whose header has been read, as the delimiter and a `sep=` line say.
fn opened(headed: Headed, mut layout: Layout, (delimiter, sep_line): (u8, bool)) -> Opened {
    let (columns, header_raw) = (headed.cells, headed.raw);
    layout.table = Some(TableLayout { delimiter, sep_line, columns, header_raw });
    let (found, header_line) = (Arc::clone(&headed.source.found), headed.line);
    let opened = match headed.rows_of {
        None => Opened {
            are_rejects: headed.are_rejects,
            ..Opened::new(Header::Columns(headed.names), layout, Box::new(headed.source))
        },
        Some(rows_of) => {
            let source = Unflat { names: headed.names, rows_of, rows: headed.source };
            let header = if rows_of == RowsOf::Contacts { Header::Contact } else { Header::Open };
            Opened { are_rejects: true, ..Opened::new(header, layout, Box::new(source)) }
        }
    };
    Opened { found, header_line, notes: headed.notes, ..opened }
}

/// A guess that finds a header and no rows is most likely a wrong one: zeros in text look like UTF-16.
fn refuse_guess_without_rows(
    layout: &Layout,
    has_rows: bool,
    options: &ReadOptions,
    shown: &str,
) -> Result<(), Failure> {
    let is_guessed = is_utf16(layout.encoding) && !layout.bom && options.encoding.is_none();
    if has_rows || !is_guessed {
        return Ok(());
    }
    let name = layout.encoding.name();
    let message = format!("`{shown}` looks like `{name}`, and has no records when read that way");
    Err(Failure::usage(message).hint(format!("name its encoding: `--encoding utf-8` or `--encoding {name}`")))
}

/// A header that cannot be read in the encoding that was asked for is most likely in another.
fn about_encoding(failure: Failure, options: &ReadOptions) -> Failure {
    match &options.encoding {
        Some(label) if !failure.causes.is_empty() => {
            failure.hint(format!("it is read as `{label}`, as was asked for; without that, its bytes say what it is"))
        }
        _ => failure,
    }
}
