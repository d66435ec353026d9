//! The rejects file: the records that were not written, unchanged, with the problems of each.
//!
//! A table's are a table in the layout of its source, the columns byte for byte and `ferry_*` behind them; JSON's (and a
//! platform's) are JSON Lines, or a table when the name says so; cards are cards with `X-FERRY-…` lines. Each can be fixed and imported as it is. Lines of a
//! platform say that they are contacts, so that the mapping for the platform also works for them.

use super::csv::CsvEncoder;
use super::csv::frame::raw_cells;
use super::encoding::{bom, encode};
use super::format::{COLUMNS_MAX, Format};
use super::layout::{Layout, TableLayout};
use super::ledger::{About, Ledger};
use super::output::{Output, cannot_write};
use super::reject_columns::{ALWAYS, OF, OF_CONTACT, RowsOf, SURPLUS};
use super::spool::Spool;
use super::temporary::folder_of;
use super::vcard::card_with;
use crate::outcome::{Failure, Problem, Reject};
use crate::record::Header;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Between several problems of one record.
const PROBLEMS_JOIN: &str = " | ";

/// Writes a rejects file. There is none until [`RejectsWriter::finish`], and none at all without a reject.
pub struct RejectsWriter {
    path: PathBuf,
    layout: Layout,
    form: RejectsForm,
    /// Whether the records are contacts of a platform.
    are_contacts: bool,
    spool: Option<Spool>,
    /// The keys of the records, as long as there are few enough.
    keys: Option<Vec<RecordKey>>,
    /// Where it is noted that Ferry wrote it.
    noted: Option<(Ledger, About)>,
}

/// By which a record is known again in a later reading: a hash of its bytes.
pub type RecordKey = [u8; 16];

/// More keys than this are not kept: 4 MiB.
const KEYS_MAX: usize = 1 << 18;

/// The key of a record with these bytes.
pub fn record_key(raw: &[u8]) -> RecordKey {
    let mut key = RecordKey::default();
    blake3::Hasher::new().update(raw).finalize_xof().fill(&mut key);
    key
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RejectsForm {
    /// A table, from a table.
    Table,
    /// JSON Lines.
    Lines,
    /// Cards, each with lines of our own.
    Cards,
    /// A table, from JSON: its columns are the names that occur, and one that says of what the rows are made.
    Flattened,
}

/// A failure of ours, or the disk's.
enum Fault {
    Failure(Failure),
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Io(error)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Fault {
        Fault::Failure(failure)
    }
}

impl RejectsWriter {
    /// Rejects of a source with this layout and header, for the file `path`; nothing is written yet.
    pub fn create(path: &Path, layout: &Layout, header: &Header) -> RejectsWriter {
        let table_by_name = Format::of_path(path).is_some_and(Format::is_table);
        let form = match header {
            Header::Columns(_) => RejectsForm::Table,
            Header::Open if layout.format == Format::Vcf => RejectsForm::Cards,
            Header::Open | Header::Contact if table_by_name => RejectsForm::Flattened,
            Header::Open | Header::Contact => RejectsForm::Lines,
        };
        let are_contacts = *header == Header::Contact;
        let (path, layout, keys) = (path.to_owned(), layout.clone(), Some(Vec::new()));
        RejectsWriter { path, layout, form, are_contacts, spool: None, keys, noted: None }
    }

    /// Notes in a ledger that Ferry wrote it.
    pub fn noted(self, ledger: Ledger, about: About) -> RejectsWriter {
        RejectsWriter { noted: Some((ledger, about)), ..self }
    }

    /// Adds one reject. A platform's record has no bytes of its own: its `raw` is the contact as JSON, written by the
    /// caller, or it is missing in the rejects.
    ///
    /// # Errors
    /// Exit 1 when the disk refuses it.
    pub fn write(&mut self, reject: &Reject) -> Result<(), Failure> {
        self.keys = self.keys.take().filter(|keys| keys.len() < KEYS_MAX);
        self.keys.iter_mut().for_each(|keys| keys.push(record_key(&reject.raw)));
        let written = match &mut self.spool {
            Some(spool) => spool.push(reject),
            none => Spool::new_in(folder_of(&self.path)).and_then(|spool| none.insert(spool).push(reject)),
        };
        written.map_err(|error| self.cannot_write(&error))
    }

    /// Puts the file in place and gives the number of its rejects, and the keys of their records unless there are too many.
    /// Without any, an older file at its place is removed.
    ///
    /// # Errors
    /// Exit 1 when the disk refuses it; then an older file stays.
    pub fn finish(mut self) -> Result<(u64, Option<Vec<RecordKey>>), Failure> {
        let Some(mut spool) = self.spool.take() else {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.cannot_write(&error)),
                _ => Ok((0, None)),
            };
        };
        let mut out = Output::create(&self.path)?;
        if let Some((ledger, about)) = self.noted.take() {
            out = out.noted(ledger, about);
        }
        let written = match self.form {
            RejectsForm::Table => self.table(&mut spool, &mut out),
            RejectsForm::Lines => lines(&mut spool, self.are_contacts, &mut out),
            RejectsForm::Cards => cards(&mut spool, &self.layout, &mut out),
            RejectsForm::Flattened => self.flattened(&mut spool, &mut out),
        };
        written.map_err(|fault| match fault {
            Fault::Failure(failure) => failure,
            Fault::Io(error) => self.cannot_write(&error),
        })?;
        out.commit()?;
        Ok((spool.count(), self.keys))
    }

    fn cannot_write(&self, error: &io::Error) -> Failure {
        cannot_write(&self.path.display().to_string(), error)
    }

    fn table(&self, spool: &mut Spool, out: &mut Output) -> Result<(), Fault> {
        let own = TableLayout::default();
        let columns = self.layout.table.as_ref().unwrap_or(&own);
        let mut surplus = false;
        spool.each::<Fault>(|reject| {
            surplus |= raw_cells(&reject.raw, columns.delimiter).count() > columns.columns.len();
            Ok(())
        })?;
        let layout = &self.layout;
        let mut table = Table { layout, columns, surplus, row: Vec::new(), encoded: Vec::new(), out };
        table.begin()?;
        spool.each(|reject| table.reject(&reject))
    }

    /// Rejects of JSON as a table: objects spread out to dotted names, what is no text as JSON.
    fn flattened(&self, spool: &mut Spool, out: &mut Output) -> Result<(), Fault> {
        let mut names: Vec<String> = Vec::new();
        let mut known = HashSet::new();
        spool.each::<Fault>(|reject| {
            for (name, _) in flat(&reject.raw) {
                if names.len() < COLUMNS_MAX && known.insert(name.clone()) {
                    names.push(name);
                }
            }
            Ok(())
        })?;
        let by_name = Format::of_path(&self.path).and_then(|format| format.row_layout().ok()?.table());
        let encoder = by_name.unwrap_or(CsvEncoder::new(b','));
        let rows_of = if self.are_contacts { RowsOf::Contacts } else { RowsOf::Objects };
        let mut row = Vec::new();
        encoder.row(names.iter().map(String::as_str).chain(ALWAYS).chain([rows_of.column()]), &mut row);
        out.write_all(&row)?;
        spool.each(|reject| {
            let cells: Map<String, Value> = flat(&reject.raw).into_iter().collect();
            let texts: Vec<String> =
                names.iter().map(|name| cells.get(name).map_or_else(String::new, text_of)).collect();
            let ferry = ferry_cells(&reject);
            row.clear();
            encoder.row(texts.iter().chain(&ferry).map(String::as_str).chain([""]), &mut row);
            Ok(out.write_all(&row)?)
        })
    }
}

/// A rejects table in its source's layout.
struct Table<'a> {
    layout: &'a Layout,
    columns: &'a TableLayout,
    surplus: bool,
    row: Vec<u8>,
    encoded: Vec<u8>,
    out: &'a mut Output,
}

impl Table<'_> {
    fn begin(&mut self) -> Result<(), Fault> {
        if self.layout.bom {
            self.out.write_all(bom(self.layout.encoding))?;
        }
        if self.columns.sep_line {
            self.row.extend_from_slice(&[b"sep=", &[self.columns.delimiter][..]].concat());
            self.end_row()?;
        }
        self.row.extend_from_slice(&self.columns.header_raw);
        self.cells(ALWAYS.into_iter().chain(self.surplus.then_some(SURPLUS)));
        self.end_row()
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Fault> {
        let delimiter = self.columns.delimiter;
        let mut cells = raw_cells(&reject.raw, delimiter);
        for index in 0..self.columns.columns.len() {
            if index > 0 {
                self.row.push(delimiter);
            }
            if let Some(cell) = cells.next() {
                push_raw(&mut self.row, cell.bytes, cell.broken);
            }
        }
        let surplus: Vec<&[u8]> = cells.map(|cell| cell.bytes).collect();
        self.cells(ferry_cells(reject).iter().map(String::as_str));
        if self.surplus {
            self.row.push(delimiter);
            push_raw(&mut self.row, &surplus.join(&delimiter), !surplus.is_empty());
        }
        self.end_row()
    }

    /// Adds cells of ours, each behind a delimiter.
    fn cells<'c>(&mut self, cells: impl Iterator<Item = &'c str>) {
        let encoder = CsvEncoder::new(self.columns.delimiter);
        // An empty cell first: the delimiter after it is the one that is needed.
        encoder.row(std::iter::once("").chain(cells), &mut self.row);
        self.row.pop();
    }

    fn end_row(&mut self) -> Result<(), Fault> {
        self.row.extend_from_slice(self.layout.line_end.bytes());
        self.encoded.clear();
        encode(&self.row, self.layout.encoding, &mut self.encoded);
        self.row.clear();
        Ok(self.out.write_all(&self.encoded)?)
    }
}

/// Adds a cell as it stood; one that would not be read as a cell is put between quotes.
fn push_raw(row: &mut Vec<u8>, cell: &[u8], quote: bool) {
    if !quote {
        row.extend_from_slice(cell);
        return;
    }
    row.push(b'"');
    for &byte in cell {
        if byte == b'"' {
            row.push(b'"');
        }
        row.push(byte);
    }
    row.push(b'"');
}

/// The problems of a reject, in the order of [`ALWAYS`].
fn ferry_cells(reject: &Reject) -> [String; 5] {
    [
        reject.origin.line.to_string(),
        joined(&reject.problems, |problem| problem.column.as_deref()),
        joined(&reject.problems, |problem| Some(&problem.code)),
        joined(&reject.problems, |problem| Some(&problem.message)),
        joined(&reject.problems, |problem| problem.hint.as_deref()),
    ]
}

/// A part of each problem, all in the same order: a problem without it leaves its place blank, so that the parts of all
/// columns line up. Blank where no problem has it.
fn joined<'p>(problems: &'p [Problem], part: impl Fn(&'p Problem) -> Option<&'p str>) -> String {
    let parts: Vec<&str> = problems.iter().map(|problem| part(problem).unwrap_or_default()).collect();
    if parts.iter().all(|part| part.is_empty()) { String::new() } else { parts.join(PROBLEMS_JOIN) }
}

fn lines(spool: &mut Spool, are_contacts: bool, out: &mut Output) -> Result<(), Fault> {
    spool.each(|reject| Ok(out.write_all(&line(&reject, are_contacts))?))
}

/// Cards as they were, in the encoding of their source, with the problems of each.
fn cards(spool: &mut Spool, layout: &Layout, out: &mut Output) -> Result<(), Fault> {
    if layout.bom {
        out.write_all(bom(layout.encoding))?;
    }
    let line_end = String::from_utf8_lossy(layout.line_end.bytes());
    let mut encoded = Vec::new();
    spool.each(|reject| {
        let [line, column, code, message, hint] = ferry_cells(&reject);
        let said = [("LINE", line), ("COLUMN", column), ("CODE", code), ("MESSAGE", message), ("HINT", hint)];
        let said = said.each_ref().map(|(name, text)| (*name, text.as_str()));
        encoded.clear();
        encode(&card_with(&reject.raw, &said, &line_end), layout.encoding, &mut encoded);
        Ok(out.write_all(&encoded)?)
    })
}

/// One reject as a line of JSON: the record as it stood, or its text where it is no JSON.
fn line(reject: &Reject, is_contact: bool) -> Vec<u8> {
    let [_, column, code, message, hint] = ferry_cells(reject);
    let or_null = |text: String| if text.is_empty() { Value::Null } else { Value::String(text) };
    let mut ferry = json!({
        "line": reject.origin.line, "column": or_null(column), "code": code, "message": message, "hint": or_null(hint),
    });
    if let (true, Value::Object(ferry)) = (is_contact, &mut ferry) {
        ferry.insert(OF.to_owned(), Value::from(OF_CONTACT));
    }
    let mut out = Vec::with_capacity(reject.raw.len() + 256);
    if serde_json::from_slice::<Value>(&reject.raw).is_ok() {
        out.extend_from_slice(b"{\"record\":");
        // In JSON a line end can only be a blank between two values.
        out.extend(reject.raw.iter().map(|&byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
    } else {
        out.extend_from_slice(b"{\"raw\":");
        out.extend_from_slice(Value::from(String::from_utf8_lossy(&reject.raw)).to_string().as_bytes());
    }
    out.extend_from_slice(b",\"ferry\":");
    out.extend_from_slice(ferry.to_string().as_bytes());
    out.extend_from_slice(b"}\n");
    out
}

/// The values of a JSON record by dotted name; a record that is no object is one value, `raw`.
fn flat(raw: &[u8]) -> Vec<(String, Value)> {
    let mut values = Vec::new();
    match serde_json::from_slice::<Value>(raw) {
        Ok(Value::Object(fields)) => spread(fields, "", &mut values),
        _ => values.push(("raw".to_owned(), Value::from(String::from_utf8_lossy(raw)))),
    }
    values
}

fn spread(fields: Map<String, Value>, before: &str, values: &mut Vec<(String, Value)>) {
    for (name, value) in fields {
        let name = format!("{before}{name}");
        match value {
            Value::Object(inner) if !inner.is_empty() => spread(inner, &format!("{name}."), values),
            value => values.push((name, value)),
        }
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
