//! Reading a table record by record.
//!
//! A record that cannot be taken (ragged, a broken quote, bytes that are no text, too large) takes its place in the
//! stream as a reject, with its line, and reading continues with the next. Memory is bounded by one record.

use super::frame::{Framed, frame, line_end_from, raw_cells, text_of};
use super::header::{Columns, empty_file, name_columns, too_many_columns};
use super::heads::Heads;
use super::options::CsvOptions;
use super::split::Splitter;
use crate::files::batch::{Batch, Room};
use crate::files::format::{COLUMNS_MAX, RECORD_LEN_MAX};
use crate::files::found::Found;
use crate::files::known::fold;
use crate::files::packed::read_failure;
use crate::files::reader::{ReadFault, Source};
use crate::files::reject_columns::{CODE, RowsOf, SURPLUS};
use crate::files::shown::excerpt;
use crate::files::window::{Window, count_line_ends, kept_of_too_large};
use crate::outcome::{Failure, Problem, Reject};
use crate::record::{Origin, Record};
use std::sync::Arc;

/// The longest record of several lines in the stretch through which the end of a quote has just been looked for in
/// vain: line breaks that users wrote are within this. Every further quote without an end halves it, so that a file made of
/// such quotes does not have each of them looked for to its end.
const WARY_LINES_LEN_MAX: usize = 4 << 10;

/// What it is halved down to: a cell of two lines.
const WARY_LINES_LEN_MIN: usize = 64;

/// A table's records, read one after the other.
pub struct CsvSource {
    pub(super) window: Window,
    pub(super) options: CsvOptions,
    pub(super) shown: String,
    pub(super) columns: Arc<Heads>,
    pub(super) splitter: Splitter,
    pub(super) line: u64,
    pub(super) ordinal: u64,
    /// Blank lines that were passed and are not yet counted: the line of the next one, and how many.
    pub(super) blank_lines: (u64, u64),
    /// Whether the row before was blank, so that another table may begin.
    pub(super) after_blank: bool,
    /// Whether a second table has begun.
    pub(super) in_second: bool,
    pub(crate) found: Arc<Found>,
    /// How many bytes ahead a quote without an end has been looked for.
    pub(super) wary: usize,
    /// How long a record of several lines may be until then.
    wary_lines_len_max: usize,
    ended: bool,
}

/// What a table's first row says.
pub(crate) struct Headed {
    pub source: CsvSource,
    pub names: Vec<String>,
    /// Of what a table of rejects was made.
    pub rows_of: Option<RowsOf>,
    /// Whether it has the columns that a rejects file adds.
    pub are_rejects: bool,
    pub cells: Vec<String>,
    pub raw: Vec<u8>,
    pub notes: Vec<String>,
    /// Whether anything but blank rows follows.
    pub has_rows: bool,
    /// The line of the header, where others stand above it.
    pub line: Option<u64>,
}

/// One step through a table: a sound record, or why there is none.
enum Step {
    Sound {
        len: usize,
        next: usize,
        quoted: bool,
    },
    Bad {
        len: usize,
        next: usize,
        problem: Problem,
    },
    /// Blank lines were passed, and something follows them.
    BlankLines,
    End,
    Cut(Failure),
}

impl CsvSource {
    /// A table whose header is read next; `window` begins at line `line`.
    pub(super) fn new(
        window: Window,
        line: u64,
        options: CsvOptions,
        shown: &str,
        encoding: &'static str,
    ) -> CsvSource {
        CsvSource {
            window,
            options,
            shown: shown.to_owned(),
            columns: Arc::new(Heads::new(options, encoding)),
            splitter: Splitter::default(),
            line,
            ordinal: 0,
            blank_lines: (0, 0),
            after_blank: false,
            in_second: false,
            found: Arc::default(),
            wary: 0,
            wary_lines_len_max: WARY_LINES_LEN_MAX,
            ended: false,
        }
    }

    /// Reads the header, which comes next.
    pub(super) fn read_header(mut self) -> Result<Headed, Failure> {
        let (raw, quoted) = self.header_bytes()?;
        let count = raw_cells(&raw, self.options.delimiter).count();
        if count > COLUMNS_MAX {
            return Err(too_many_columns(count, &self.shown));
        }
        let Some(text) = text_of(&raw) else { return Err(self.bad_header(&self.columns.text_problem(&raw))) };
        self.splitter.split(text, quoted, self.options);
        let cells: Vec<String> = self.splitter.row(text).iter().map(str::to_owned).collect();
        self.headed(cells, raw)
    }

    /// The table below the header that `cells` are, in the file's own bytes `raw`.
    pub(super) fn headed(mut self, cells: Vec<String>, raw: Vec<u8>) -> Result<Headed, Failure> {
        let place = |name: &str| cells.iter().rposition(|cell| cell.trim().eq_ignore_ascii_case(name));
        let (code, surplus) = (place(CODE), place(SURPLUS));
        let Columns { names, rows_of, cells, kept, notes } = name_columns(cells, &self.shown)?;
        let (code, surplus) = (code.filter(|_| kept.is_some()), surplus.filter(|_| kept.is_some()));
        let raw = match &kept {
            Some(kept) => keep_cells(&raw, self.options.delimiter, kept),
            None => raw,
        };
        let named = cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1);
        let folded = cells.iter().map(|cell| fold(cell)).collect();
        let blank = Heads::new(self.options, self.columns.encoding);
        self.columns = Arc::new(Heads { names: names.clone(), folded, named, kept, code, surplus, ..blank });
        let are_rejects = self.columns.kept.is_some();
        Ok(Headed { source: self, names, rows_of, are_rejects, cells, raw, notes, has_rows: true, line: None })
    }

    fn header_bytes(&mut self) -> Result<(Vec<u8>, bool), Failure> {
        match self.step() {
            Step::Sound { len, next, quoted } => {
                let raw = self.window.data().get(..len).unwrap_or_default().to_vec();
                self.leave(next, quoted);
                Ok((raw, quoted))
            }
            Step::Bad { problem, .. } => Err(self.bad_header(&problem)),
            // Blank lines count once there is a header.
            Step::End | Step::BlankLines => Err(empty_file(&self.shown)),
            Step::Cut(failure) => Err(failure),
        }
    }

    fn bad_header(&self, problem: &Problem) -> Failure {
        let failure = Failure::usage(format!("the header of `{}` cannot be read", self.shown)).cause(&problem.message);
        match &problem.hint {
            Some(hint) => failure.hint(hint.clone()),
            None => failure,
        }
    }

    /// Finds the next record and leaves it at the beginning of the window.
    fn step(&mut self) -> Step {
        loop {
            let line = self.line;
            if !self.skip_blank_lines() {
                return match self.window.fault() {
                    Some(error) => Step::Cut(read_failure(&self.shown, error, self.line)),
                    None => Step::End,
                };
            }
            if self.line > line && !self.columns.names.is_empty() {
                self.blank_lines = (line, self.line - line);
                return Step::BlankLines;
            }
            let lines_len_max = if self.wary > 0 { self.wary_lines_len_max } else { RECORD_LEN_MAX };
            let data = self.window.data();
            let framed = frame(data, self.options.delimiter, self.window.whole(), lines_len_max);
            let have = data.len();
            match framed {
                Framed::Record { len, next, quoted } if len <= RECORD_LEN_MAX => {
                    return Step::Sound { len, next, quoted };
                }
                Framed::Record { next, .. } => return self.too_large(Some(next)),
                Framed::Broken { quote } => return self.broken_quote(quote),
                Framed::Endless => {
                    self.beware(have);
                    return self.endless_quote();
                }
                Framed::More if have > RECORD_LEN_MAX => return self.too_large(None),
                Framed::More => {
                    if let Some(failure) = self.more() {
                        return Step::Cut(failure);
                    }
                }
            }
        }
    }

    /// Takes note of a quote whose end was looked for through `len` bytes.
    fn beware(&mut self, len: usize) {
        if self.wary == 0 {
            (self.wary, self.wary_lines_len_max) = (len, WARY_LINES_LEN_MAX);
        } else {
            self.wary_lines_len_max = (self.wary_lines_len_max / 2).max(WARY_LINES_LEN_MIN);
        }
    }

    /// Brings more into view; the failure when the file is cut off here.
    fn more(&mut self) -> Option<Failure> {
        if self.window.more() {
            return None;
        }
        self.window.fault().map(|error| read_failure(&self.shown, error, self.line))
    }

    /// Whether there is anything behind the blank lines. Those at the end of a file are its end, and no rows.
    fn skip_blank_lines(&mut self) -> bool {
        loop {
            let data = self.window.data();
            let (first, second) = (data.first().copied(), data.get(1).copied());
            let n = match (first, second) {
                (None, _) | (Some(b'\r'), None) if self.window.more() => continue,
                (None, _) => return false,
                (Some(b'\r'), Some(b'\n')) => 2,
                (Some(b'\r' | b'\n'), _) => 1,
                (Some(_), _) => return true,
            };
            self.forget(n);
            self.line += 1;
        }
    }

    pub(super) fn forget(&mut self, n: usize) {
        self.window.consume(n);
        self.wary = self.wary.saturating_sub(n);
    }

    /// Leaves a record behind; `next` is where the one after it begins.
    fn leave(&mut self, next: usize, quoted: bool) {
        let lines = if quoted && !self.options.is_sheet {
            count_line_ends(self.window.data().get(..next).unwrap_or_default())
        } else {
            1
        };
        self.forget(next);
        self.line += lines;
    }

    /// A record whose quote closes in the middle of a cell: it goes up to the first line end behind that quote.
    fn broken_quote(&mut self, quote: usize) -> Step {
        let (len, next) = loop {
            let data = self.window.data();
            let have = data.len();
            match line_end_from(data, quote, self.window.whole()) {
                Some(found) => break found,
                None if have > RECORD_LEN_MAX => return self.too_large(None),
                None => {
                    if let Some(failure) = self.more() {
                        return Step::Cut(failure);
                    }
                }
            }
        };
        let data = self.window.data();
        let before = data.get(..quote).unwrap_or_default();
        let line = self.line + count_line_ends(before);
        let column = raw_cells(before, self.options.delimiter).count().saturating_sub(1);
        let problem = self.quote_problem(line, column, data.get(quote..len).unwrap_or_default());
        Step::Bad { len, next, problem }
    }

    /// A record that a quote in its first line makes endless: that line is rejected, and reading continues with the next one.
    fn endless_quote(&mut self) -> Step {
        let data = self.window.data();
        let (len, next) = line_end_from(data, 0, true).unwrap_or((data.len(), data.len()));
        let line = data.get(..len).unwrap_or_default();
        let mut cells = raw_cells(line, self.options.delimiter).enumerate();
        let (column, cell) = cells.find(|(_, cell)| cell.broken).map_or((0, line), |(at, cell)| (at, cell.bytes));
        Step::Bad { len, next, problem: self.quote_problem(self.line, column, cell) }
    }

    fn quote_problem(&self, line: u64, column: usize, cell: &[u8]) -> Problem {
        let cell = excerpt(cell);
        let message = format!("the quote opened in line {line} is not closed where its cell ends: `{cell}`");
        let hint = "close the quote, or write it twice where it belongs to the text";
        self.columns.located(Problem::new("row.quote", message).hint(hint), column)
    }

    /// A record beyond the limit, which ends before `next`, or out of view.
    fn too_large(&mut self, next: Option<usize>) -> Step {
        let limit = RECORD_LEN_MAX >> 20;
        let message = format!("the record that begins in line {} is longer than {limit} MiB", self.line);
        let hint = "its first 64 KiB are kept in the rejects; is a line end or a closing quote missing?";
        let problem = Problem::new("row.too_large", message).hint(hint);
        let len = kept_of_too_large(self.window.data()).len();
        Step::Bad { len, next: next.unwrap_or(usize::MAX), problem }
    }

    /// Passes over the rest of a line that does not fit into the window.
    fn pass_over_line(&mut self) {
        loop {
            let data = self.window.data();
            if let Some((_, next)) = line_end_from(data, 0, self.window.whole()) {
                self.forget(next);
                self.line += 1;
                return;
            }
            // A `\r` at the end stays: its `\n` may come.
            let passed = data.len() - usize::from(data.last() == Some(&b'\r'));
            self.forget(passed);
            if !self.window.more() && self.window.fault().is_some() {
                return;
            }
        }
    }

    pub(super) fn origin(&mut self, line: u64) -> Origin {
        let origin = Origin { ordinal: self.ordinal, line };
        self.ordinal += 1;
        origin
    }

    fn sound(&mut self, len: usize, next: usize, quoted: bool) -> Option<Result<Record, ReadFault>> {
        let raw: Box<[u8]> = self.window.data().get(..len).unwrap_or_default().into();
        let line = self.line;
        self.leave(next, quoted);
        self.take(raw, quoted, line)
    }

    /// The next of the blank lines that were passed.
    fn blank_line(&mut self) -> Option<Result<Record, ReadFault>> {
        let (line, left) = self.blank_lines;
        self.blank_lines = (line + 1, left.checked_sub(1)?);
        self.after_blank = true;
        Some(Err(ReadFault::Blank(self.origin(line))))
    }

    fn bad(&mut self, len: usize, next: usize, problem: Problem) -> Result<Record, ReadFault> {
        let data = self.window.data();
        let raw: Box<[u8]> = data.get(..len).unwrap_or(data).into();
        let origin = self.origin(self.line);
        self.after_blank = false;
        match next {
            usize::MAX => self.pass_over_line(),
            next => self.leave(next, true),
        }
        Err(ReadFault::Reject(Reject { origin, raw, problems: vec![problem] }))
    }
}

impl Iterator for CsvSource {
    type Item = Result<Record, ReadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            if let Some(item) = self.blank_line() {
                return Some(item);
            }
            match self.step() {
                Step::BlankLines => {}
                Step::Sound { len, next, quoted } => {
                    if let Some(item) = self.sound(len, next, quoted) {
                        return Some(item);
                    }
                }
                Step::Bad { len, next, problem } => return Some(self.bad(len, next, problem)),
                Step::End => self.ended = true,
                Step::Cut(failure) => {
                    self.ended = true;
                    return Some(Err(ReadFault::Fatal(failure)));
                }
            }
        }
        None
    }
}

impl Source for CsvSource {
    fn next_batch(&mut self, room: Room) -> Batch {
        let mut batch = Batch::of_table(Arc::clone(&self.columns));
        loop {
            self.add_ordinary_rows(&mut batch, room);
            if !batch.has_room(room) || !batch.add(self.next()) {
                return batch;
            }
        }
    }
}

/// The cells of `raw` that are kept, as they stand.
pub(super) fn keep_cells(raw: &[u8], delimiter: u8, kept: &[bool]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut first = true;
    for (cell, _) in raw_cells(raw, delimiter).zip(kept).filter(|(_, keep)| **keep) {
        if !first {
            out.push(delimiter);
        }
        first = false;
        out.extend_from_slice(cell.bytes);
    }
    out
}
