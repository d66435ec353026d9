//! Writing a workbook with one sheet: rows of text come in as CSV, and the bytes of the workbook go out.
//!
//! Every cell is text, so that a phone stays a phone, and `=1+1` is no formula. Nothing is held but the first rows, by
//! which the widths of the columns are set.

use super::unescape::escaped;
use csv_core::{ReadFieldResult, Reader, ReaderBuilder};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

/// The most rows and columns of a sheet, and the most characters of a cell, as spreadsheets count them (UTF-16).
const ROWS_MAX: u32 = 1 << 20;
const COLUMNS_MAX: usize = 1 << 14;
const CELL_LEN_MAX: usize = 32_767;

/// Rows that are held back until the widths of the columns are known.
const ROWS_HELD: u32 = 100;

/// The widths of columns, in characters.
const WIDTH_MIN: usize = 8;
const WIDTH_MAX: usize = 60;

const SHEET: &str = "xl/worksheets/sheet1.xml";

/// The parts that are the same in every workbook.
const PARTS: [(&str, &str); 5] = [
    (
        "[Content_Types].xml",
        r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>"#,
    ),
    (
        "_rels/.rels",
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
    ),
    (
        "xl/workbook.xml",
        r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><bookViews><workbookView xWindow="240" yWindow="15" windowWidth="16095" windowHeight="9660"/></bookViews><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
    ),
    (
        "xl/_rels/workbook.xml.rels",
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#,
    ),
    (
        "xl/styles.xml",
        r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font><font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"#,
    ),
];

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// Numbers in the styles: text, and text in bold.
const TEXT_STYLE: u8 = 1;
const HEADER_STYLE: u8 = 2;

/// What a sheet cannot hold: the file is not written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SheetLimit(String);

/// A workbook that is being written to `W`.
pub(crate) struct SheetWriter<W: Write> {
    /// Goes before the archive does, so that one that was not finished is not written to its end.
    closer: Closer,
    zip: ZipWriter<StreamWriter<Gate<W>>>,
    rows: Reader,
    /// The bytes of the cell that is being read, and how many there are.
    cell: Vec<u8>,
    len: usize,
    column: usize,
    row: u32,
    /// XML that is not written yet.
    xml: String,
    /// How wide the first rows are; of no use any more once they are written.
    widths: Vec<usize>,
    is_begun: bool,
}

/// Passes bytes on as long as the workbook is wanted.
struct Gate<W> {
    out: W,
    is_closed: Arc<AtomicBool>,
}

/// Closes the gate.
struct Closer(Arc<AtomicBool>);

impl Drop for Closer {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<W: Write> Write for Gate<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_closed.load(Ordering::Relaxed) { Ok(bytes.len()) } else { self.out.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_closed.load(Ordering::Relaxed) { Ok(()) } else { self.out.flush() }
    }
}

fn options() -> SimpleFileOptions {
    // The same contacts give the same bytes, whenever they are written.
    SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).last_modified_time(DateTime::default())
}

impl<W: Write> SheetWriter<W> {
    /// Begins a workbook.
    pub fn begin(out: W) -> io::Result<SheetWriter<W>> {
        let closer = Closer(Arc::default());
        let mut zip = ZipWriter::new_stream(Gate { out, is_closed: Arc::clone(&closer.0) });
        for (name, content) in PARTS {
            zip.start_file(name, options()).map_err(io::Error::other)?;
            zip.write_all(DECLARATION.as_bytes())?;
            zip.write_all(content.as_bytes())?;
        }
        zip.start_file(SHEET, options()).map_err(io::Error::other)?;
        let mut rows = ReaderBuilder::new().build();
        // The reader drops a byte-order mark from its first bytes, and a cell may have one.
        rows.read_field(b"\n", &mut [0]);
        Ok(SheetWriter {
            closer,
            zip,
            rows,
            cell: vec![0; 1 << 10],
            len: 0,
            column: 0,
            row: 1,
            xml: String::new(),
            widths: Vec::new(),
            is_begun: false,
        })
    }

    /// Ends the workbook; gives what it was written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.begin_rows()?;
        self.xml.push_str("</sheetData></worksheet>");
        self.zip.write_all(self.xml.as_bytes())?;
        let SheetWriter { closer, zip, .. } = self;
        let Gate { mut out, .. } = zip.finish().map_err(io::Error::from)?.into_inner();
        drop(closer);
        out.flush()?;
        Ok(out)
    }

    /// Takes the cell that was read to its end.
    fn end_cell(&mut self) -> io::Result<()> {
        let len = std::mem::take(&mut self.len);
        let text = std::str::from_utf8(self.cell.get(..len).unwrap_or_default()).map_err(io::Error::other)?;
        if self.row > ROWS_MAX {
            return Err(limit(format!("a sheet of a workbook has at most {ROWS_MAX} rows, and there are more")));
        }
        if self.column >= COLUMNS_MAX {
            return Err(limit(format!("a sheet of a workbook has at most {COLUMNS_MAX} columns, and there are more")));
        }
        if self.column == 0 {
            self.xml.push_str(&format!("<row r=\"{}\">", self.row));
        }
        if !text.is_empty() {
            let characters = text.encode_utf16().count();
            if characters > CELL_LEN_MAX {
                return Err(limit(format!(
                    "the cell {}{} would have {characters} characters; a cell of a workbook has at most {CELL_LEN_MAX}",
                    name_of(self.column),
                    self.row
                )));
            }
            if !self.is_begun {
                self.widths.resize(self.widths.len().max(self.column + 1), WIDTH_MIN);
                if let Some(width) = self.widths.get_mut(self.column) {
                    *width = (*width).max(characters + 2).min(WIDTH_MAX);
                }
            }
            put_cell(&mut self.xml, text, (self.column, self.row));
        }
        self.column += 1;
        Ok(())
    }

    fn end_row(&mut self) -> io::Result<()> {
        self.xml.push_str("</row>");
        self.column = 0;
        self.row += 1;
        if self.row > ROWS_HELD {
            self.begin_rows()?;
        }
        if self.is_begun {
            self.zip.write_all(self.xml.as_bytes())?;
            self.xml.clear();
        }
        Ok(())
    }

    /// Writes what stands before the rows.
    fn begin_rows(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.is_begun, true) {
            return Ok(());
        }
        let mut head = DECLARATION.to_owned();
        head.push_str(
            "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetViews><sheetView \
             workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/>\
             </sheetView></sheetViews><sheetFormatPr defaultRowHeight=\"15\"/>",
        );
        if !self.widths.is_empty() {
            head.push_str("<cols>");
            for (column, width) in (1..).zip(std::mem::take(&mut self.widths)) {
                let col = format!("<col min=\"{column}\" max=\"{column}\" width=\"{width}\" style=\"{TEXT_STYLE}\" ");
                head.push_str(&col);
                head.push_str("customWidth=\"1\"/>");
            }
            head.push_str("</cols>");
        }
        head.push_str("<sheetData>");
        self.zip.write_all(head.as_bytes())
    }
}

/// A cell in the form that needs no list of shared strings.
fn put_cell(xml: &mut String, text: &str, (column, row): (usize, u32)) {
    let style = if row == 1 { HEADER_STYLE } else { TEXT_STYLE };
    let is_padded = text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace);
    let space = if is_padded { " xml:space=\"preserve\"" } else { "" };
    xml.push_str(&format!("<c r=\"{}{row}\" s=\"{style}\" t=\"inlineStr\"><is><t{space}>", name_of(column)));
    escaped(text, xml);
    xml.push_str("</t></is></c>");
}

/// What a column is called: `A` to `XFD`.
fn name_of(mut column: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.extend(u8::try_from(column % 26).map(|letter| char::from(b'A' + letter)));
        match (column / 26).checked_sub(1) {
            Some(rest) => column = rest,
            None => return letters.into_iter().rev().collect(),
        }
    }
}

fn limit(message: String) -> io::Error {
    io::Error::other(SheetLimit(message))
}

impl<W: Write> Write for SheetWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = self.cell.get_mut(self.len..).unwrap_or_default();
            let (result, read, written) = self.rows.read_field(rest, room);
            rest = rest.get(read..).unwrap_or_default();
            self.len += written;
            match result {
                ReadFieldResult::InputEmpty | ReadFieldResult::End => {}
                ReadFieldResult::OutputFull => self.cell.resize(self.cell.len() * 2, 0),
                ReadFieldResult::Field { record_end } => {
                    self.end_cell()?;
                    if record_end {
                        self.end_row()?;
                    }
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_called_by_letters() {
        for (column, name) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")] {
            assert_eq!(name_of(column), name);
        }
    }

    #[test]
    fn limits_are_errors() {
        let long = "ñ".repeat(CELL_LEN_MAX) + "👍\n";
        let many = ",".repeat(COLUMNS_MAX) + "\n";
        for (rows, row, message) in [
            ("a\nb\nc\n", ROWS_MAX, "a sheet of a workbook has at most 1048576 rows, and there are more"),
            (long.as_str(), 7, "the cell A7 would have 32769 characters; a cell of a workbook has at most 32767"),
            (many.as_str(), 1, "a sheet of a workbook has at most 16384 columns, and there are more"),
        ] {
            let mut writer = SheetWriter::begin(Vec::new()).unwrap();
            writer.row = row;
            let error = writer.write_all(rows.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
