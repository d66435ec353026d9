//! The facts of XLSX, and how a workbook is opened.

use super::book::{Book, Sheet, is_workbook};
use super::choose::{Beginning, ROWS_LOOKED_AT, meant, named, note};
use super::package::Package;
use super::sheet::{Rows, Shared, SheetRow};
use super::strings::Strings;
use super::styles::Styles;
use super::text::SheetText;
use super::xml::Xml;
use crate::files::csv::{CsvEncoder, SHEET_DELIMITER, open_sheet};
use crate::files::facts::{FormatFacts, Opened, Reads, SeekInput};
use crate::files::format::{Format, SHEET_ENDING};
use crate::files::found::Found;
use crate::files::options::ReadOptions;
use crate::files::packed::{is_too_dense, read_failure};
use crate::files::rows::{Framing, RowEncoder, RowFormat};
use crate::files::window::Window;
use crate::outcome::Failure;
use std::io;
use std::sync::Arc;

/// Workbooks of Excel and of programs that write its format.
pub(crate) const XLSX: FormatFacts = FormatFacts {
    format: Format::Xlsx,
    name: SHEET_ENDING,
    about: "A sheet of an Excel workbook",
    endings: &[SHEET_ENDING],
    reads: Reads::Seek { detect: |head| head.starts_with(b"PK\x03\x04"), open },
    rejects_as: Format::Xlsx,
    rejects_file: "rejects.xlsx",
    // The rows are CSV, which the file packs into the workbook.
    write: Some(RowFormat {
        framing: Framing { begin: "", between: "", behind: "", end: ["", ""] },
        encoder: RowEncoder::Cells(CsvEncoder { delimiter: SHEET_DELIMITER, raw_cells: true }),
    }),
};

/// What other archives hold, and what to do: the name of a part of theirs, what they are, and the hint.
const OTHERS: [(&str, &str, &str); 5] = [
    ("xl/workbook.bin", "a binary Excel workbook (`.xlsb`)", SAVE_AS_XLSX),
    ("content.xml", "an OpenDocument file (`.ods`)", SAVE_AS_XLSX),
    ("index/document.iwa", "a Numbers document", "export it from Numbers as an Excel workbook"),
    ("word/document.xml", "a Word document", "copy its table into a spreadsheet, and save that as `.xlsx`"),
    ("ppt/presentation.xml", "a presentation", "copy its table into a spreadsheet, and save that as `.xlsx`"),
];

const SAVE_AS_XLSX: &str = "open it in the spreadsheet program, and save it as an Excel workbook (`.xlsx`)";

/// How much of a table is examined before it is read.
const HEAD_LEN: usize = 1 << 20;

fn open(input: SeekInput, options: &ReadOptions) -> Result<Opened, Failure> {
    let SeekInput { file, shown } = input;
    let mut package = Package::open(file).map_err(|error| damaged(&shown, &error))?;
    if !is_workbook(&mut package) {
        return Err(no_workbook(&package, &shown));
    }
    let book = Book::read(&mut package).map_err(|error| damaged(&shown, &error))?;
    let shared = shared(&mut package, &book).map_err(|error| damaged(&shown, &error))?;
    let mut opening = Opening { package, book, shown: &shown, options };
    let (sheet, shared) = opening.sheet(shared)?;
    let part = opening.package.part(&sheet.part).map_err(|error| damaged(&shown, &error))?;
    let found = Arc::new(Found::default());
    let rows = Rows::new(Xml::new(part.reader), shared, Arc::clone(&found));
    let mut window = Window::new(Box::new(SheetText::new(rows)));
    while window.data().len() < HEAD_LEN && window.more() {}
    if let (true, Some(error)) = (window.data().is_empty(), window.fault()) {
        return Err(damaged(&shown, error));
    }
    let mut opened = open_sheet(window, &shown, options, found)?;
    opened.notes.splice(..0, note(&opening.book.sheets, &sheet, &shown));
    opened.sheet = (opening.book.sheets.len() > 1).then(|| sheet.name.clone());
    Ok(Opened { bytes_read: part.stored_read, bytes_total: part.stored_len, ..opened })
}

/// What all sheets share.
fn shared(package: &mut Package, book: &Book) -> io::Result<Shared> {
    let styles = match &book.styles {
        Some(part) => Styles::read(Xml::new(package.part(part)?.reader))?,
        None => Styles::default(),
    };
    let strings = match &book.strings {
        Some(part) => Strings::read(Xml::new(package.part(part)?.reader))?,
        None => Strings::default(),
    };
    Ok(Shared { strings, styles, is_1904: book.is_1904 })
}

/// A workbook of which a sheet is chosen.
struct Opening<'a> {
    package: Package,
    book: Book,
    shown: &'a str,
    options: &'a ReadOptions,
}

impl Opening<'_> {
    /// The sheet to read.
    fn sheet(&mut self, mut shared: Shared) -> Result<(Sheet, Shared), Failure> {
        let sheets = self.book.sheets.clone();
        if let Some(asked) = &self.options.sheet {
            let found = named(&sheets, asked, self.shown);
            // A file of rejects has one sheet, whatever those of its source are called.
            return match (found, sheets.as_slice()) {
                (Err(failure), [only]) => {
                    let (beginning, shared) = self.beginning(only, shared)?;
                    if beginning.are_rejects { Ok((only.clone(), shared)) } else { Err(failure) }
                }
                (found, _) => Ok((found?.clone(), shared)),
            };
        }
        let visible: Vec<&Sheet> = sheets.iter().filter(|sheet| !sheet.is_hidden).collect();
        if let [only] = visible.as_slice() {
            return Ok(((*only).clone(), shared));
        }
        let mut beginnings = Vec::with_capacity(visible.len());
        for sheet in visible {
            let beginning;
            (beginning, shared) = self.beginning(sheet, shared)?;
            beginnings.push((sheet, beginning));
        }
        Ok((meant(&beginnings, self.shown)?.clone(), shared))
    }

    fn beginning(&mut self, sheet: &Sheet, shared: Shared) -> Result<(Beginning, Shared), Failure> {
        self.look(sheet, shared).map_err(|error| damaged(self.shown, &error))
    }

    /// What a sheet begins with.
    fn look(&mut self, sheet: &Sheet, shared: Shared) -> io::Result<(Beginning, Shared)> {
        let part = self.package.part(&sheet.part)?;
        let mut rows = Rows::new(Xml::new(part.reader), shared, Arc::default());
        let (mut row, mut beginning, mut looked_at) = (SheetRow::default(), Beginning::default(), 0);
        while looked_at < ROWS_LOOKED_AT && rows.next(&mut row)? {
            looked_at += usize::from(!row.is_blank());
            beginning.add(&row, &self.options.names);
        }
        Ok((beginning, rows.into_shared()))
    }
}

fn no_workbook(package: &Package, shown: &str) -> Failure {
    let other = OTHERS.into_iter().find(|(part, ..)| package.has(part));
    let (what, hint) = other.map_or(
        ("a zip archive without an Excel workbook in it", "unpack it first, and name the list in it"),
        |(_, what, hint)| (what, hint),
    );
    Failure::usage(format!("`{shown}` is {what}, which cannot be read")).hint(hint)
}

/// A workbook that cannot be read from its beginning.
fn damaged(shown: &str, error: &io::Error) -> Failure {
    if is_too_dense(error) {
        return read_failure(shown, error, 1);
    }
    Failure::failed(format!("the workbook `{shown}` cannot be read"))
        .cause(error)
        .hint("copy or download the file again, or open it in the spreadsheet program and save it once more")
}
