//! What a framed row of a table is: a record, a blank row, the header again, or a reject with its reason.

use super::frame::{holds_zero, raw_cells};
use super::look::{Looked, cells, look};
use super::read::{CsvSource, keep_cells};
use super::split::Splitter;
use super::{second, total};
use crate::files::known::fold;
use crate::files::reader::ReadFault;
use crate::files::reject_columns::SURPLUS;
use crate::outcome::{Problem, Reject};
use crate::record::{Fields, Record, RowRef};

/// How far ahead is searched for whether a row is the last; blank rows after it do not count.
const AHEAD_LEN_MAX: usize = 1 << 20;

/// How far ahead is searched for the beginning of a second table.
const SECOND_LEN: usize = 16 << 10;

/// A code of which a rejects file says that its row is none of the table's, and what to do when it is one after all.
const NO_RECORDS: [(&str, &str); 2] = [
    ("row.total", "if it is a contact after all, give it a phone or an e-mail address, or clear its `ferry_code`"),
    ("row.table", "move it to a file of its own; if it is a contact of this table, clear its `ferry_code`"),
];

type Item = Option<Result<Record, ReadFault>>;
/// A row without the `ferry_*` cells of a rejects file, or what is rejected of it and why.
type Cut = Result<Box<[u8]>, (Box<[u8]>, Problem)>;

impl CsvSource {
    /// Splits a row that was just read; a row that repeats the header gives nothing.
    pub(super) fn take(&mut self, raw: Box<[u8]>, quoted: bool, line: u64) -> Item {
        let mut splitter = std::mem::take(&mut self.splitter);
        let item = self.take_with(&mut splitter, raw, quoted, line);
        self.splitter = splitter;
        item
    }

    fn take_with(&mut self, splitter: &mut Splitter, raw: Box<[u8]>, quoted: bool, line: u64) -> Item {
        let after_blank = std::mem::take(&mut self.after_blank);
        let code = self.columns.code.and_then(|code| raw_cells(&raw, self.options.delimiter).nth(code));
        let no_record = code.and_then(|code| no_record_of(code.bytes));
        let raw = match self.without_own_cells(raw) {
            Ok(raw) => raw,
            Err((raw, problem)) => return self.reject(raw, line, problem),
        };
        let Ok(text) = std::str::from_utf8(&raw) else {
            let problem = self.columns.text_problem(&raw);
            return self.reject(raw, line, problem);
        };
        splitter.split(text, quoted, self.options);
        let row = splitter.row(text);
        if row.is_blank() && !row.is_empty() {
            self.after_blank = true;
            return Some(Err(ReadFault::Blank(self.origin(line))));
        }
        if holds_zero(&raw) {
            let problem = self.columns.text_problem(&raw);
            return self.reject(raw, line, problem);
        }
        if self.is_header(row) {
            self.in_second = false;
            self.found.header_again(line);
            return None;
        }
        let split = SplitRow { row, raw: &raw, told: no_record, line, after_blank };
        if let Some(problem) = self.no_record(&split) {
            return self.reject(raw, line, problem);
        }
        if !self.columns.is_complete(row) {
            let problem = self.columns.ragged_problem(&raw);
            return self.reject(raw, line, problem);
        }
        splitter.resize(self.columns.names.len());
        let fields = Fields::Row(splitter.row(text).to_row());
        Some(Ok(Record { origin: self.origin(line), fields, raw }))
    }

    fn reject(&mut self, raw: Box<[u8]>, line: u64, problem: Problem) -> Item {
        let origin = self.origin(line);
        Some(Err(ReadFault::Reject(Reject { origin, raw, problems: vec![problem] })))
    }

    /// The row without the `ferry_*` cells of a rejects file; the problem where cells do not fit the header.
    fn without_own_cells(&self, raw: Box<[u8]>) -> Cut {
        let Some(kept) = &self.columns.kept else { return Ok(raw) };
        let delimiter = self.options.delimiter;
        let is_filled = |bytes: &[u8]| bytes.iter().any(|byte| !byte.is_ascii_whitespace() && *byte != b'"');
        let beyond = raw_cells(&raw, delimiter).skip(kept.len()).any(|cell| is_filled(cell.bytes));
        if beyond {
            let problem = self.columns.ragged_problem(&raw);
            return Err((raw, problem));
        }
        let surplus = self.columns.surplus.and_then(|surplus| raw_cells(&raw, delimiter).nth(surplus));
        let mut own = keep_cells(&raw, delimiter, kept);
        match surplus.filter(|cell| is_filled(cell.bytes)) {
            None => Ok(own.into()),
            Some(cell) => {
                // As the row was before: the surplus cells follow those of the columns.
                own.push(delimiter);
                own.extend(unquoted(cell.bytes));
                let message = format!("`{SURPLUS}` still holds cells that belong to no column");
                let hint = format!("move them to the columns where they belong, and clear `{SURPLUS}`");
                Err((own.into(), Problem::new("row.ragged", message).at(SURPLUS).hint(hint)))
            }
        }
    }

    /// Why a row that can be read is none of the table's: a total, or a row of another table.
    fn no_record(&mut self, split: &SplitRow<'_>) -> Option<Problem> {
        let SplitRow { row, raw, told, line, after_blank } = *split;
        let is_rejects = self.columns.code.is_some();
        if !is_rejects && (self.in_second || after_blank && self.begins_second(raw, line)) {
            self.in_second = true;
            self.found.second_table(line);
            let message = "the row belongs to a second table in the file";
            return Some(Problem::new("row.table", message).hint("move the second table to a file of its own"));
        }
        let first = row.iter().find(|cell| !cell.trim().is_empty()).unwrap_or_default();
        let is_total = total::may_be_total(first) && total::is_total(row.iter());
        if self.columns.sums_line == Some(line) || is_total && (told.is_some() || self.is_last()) {
            return Some(total_problem(first));
        }
        match told {
            Some(("row.total", hint)) if !row.iter().any(total::is_of_contact) => Some(total_problem(first).hint(hint)),
            Some((code @ "row.table", hint)) => {
                Some(Problem::new(code, "the row belongs to a second table, says its `ferry_code`").hint(hint))
            }
            _ => None,
        }
    }

    /// Whether a row repeats the header.
    fn is_header(&self, row: RowRef<'_>) -> bool {
        let folded = &self.columns.folded;
        let is_same = |(cell, name): (Option<&str>, &String)| cell.is_some_and(|cell| fold(cell) == *name);
        // Most rows differ from the header in the length of their first cell already.
        let first = folded.iter().zip(row.iter()).take(1).all(|(name, cell)| cell.trim().len() == name.len());
        let cells = (0..folded.len()).map(|column| row.get(column).or_else(|| (column > 0).then_some("")));
        first && cells.zip(folded).all(is_same)
    }

    /// Whether a second table begins with this row, which follows a blank one.
    fn begins_second(&mut self, raw: &[u8], line: u64) -> bool {
        while self.window.data().len() < SECOND_LEN && self.window.more() {}
        let (delimiter, whole) = (self.options.delimiter, self.window.whole());
        let data = self.window.data();
        let data = data.get(..SECOND_LEN).unwrap_or(data);
        let mut rows = vec![Looked { at: 0, line, cells: cells(raw, delimiter) }];
        rows.extend(look(data, self.options, whole, line + 1, second::ROWS_LOOKED_AT - 1));
        second::begins(&rows, &self.columns.names, &self.columns.known)
    }

    /// Whether only blank rows follow.
    fn is_last(&mut self) -> bool {
        let delimiter = self.options.delimiter;
        let mut looked_at = 0;
        loop {
            let data = self.window.data();
            let ahead = data.get(looked_at..).unwrap_or_default();
            if !ahead.iter().all(|byte| *byte == delimiter || byte.is_ascii_whitespace()) {
                return false;
            }
            looked_at = data.len();
            if self.window.whole() {
                return true;
            }
            if looked_at > AHEAD_LEN_MAX || !self.window.more() {
                return self.window.whole();
            }
        }
    }
}

/// A row that can be read.
struct SplitRow<'r> {
    row: RowRef<'r>,
    raw: &'r [u8],
    /// What its `ferry_code` says, where that is that the row is no record.
    told: Option<(&'static str, &'static str)>,
    line: u64,
    after_blank: bool,
}

/// The text within the quotes of a cell.
fn unquoted(cell: &[u8]) -> Vec<u8> {
    let Some(inner) = cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")) else { return cell.to_vec() };
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        out.push(byte);
        if byte == b'"' {
            bytes.next_if_eq(&b'"');
        }
    }
    out
}

fn total_problem(first: &str) -> Problem {
    let shown = crate::files::shown::excerpt(first.trim().as_bytes());
    let message = format!("the last row looks like a total: `{shown}`");
    Problem::new("row.total", message).hint("delete the row; if it is a contact, give it a phone or an e-mail address")
}

/// What the `ferry_code` of a row says, where it says that the row is no record.
fn no_record_of(code: &[u8]) -> Option<(&'static str, &'static str)> {
    let is_code = |code: &[u8], known: &str| memchr::memmem::find(code, known.as_bytes()).is_some();
    NO_RECORDS.into_iter().find(|(known, _)| is_code(code, known))
}
