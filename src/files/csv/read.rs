//! Reading a table record by record.
//!
//! A record that cannot be taken (ragged, a broken quote, bytes that are no text, too large) takes its place in the
//! stream as a reject, with its line, and reading goes on behind it. Memory is bounded by one record.

use super::frame::{Framed, frame, line_end_from, raw_cells};
use super::guard::unguard;
use super::header::{Columns, name_columns, too_many_columns};
use crate::files::encoding::undecodable;
use crate::files::open::{ReadFault, Source};
use crate::files::packed::read_failure;
use crate::files::unflat::Made;
use crate::files::window::{Window, count_line_ends, excerpt, kept_of_too_large};
use crate::files::{COLUMNS_MAX, RECORD_LEN_MAX};
use crate::outcome::{Failure, Problem, Reject};
use crate::record::{Fields, Origin, Record, Row};

/// The longest record of several lines in the stretch through which the end of a quote has just been looked for in
/// vain: people's own line breaks are within this. Every further quote without an end halves it, so that a file made of
/// such quotes does not have each of them looked for to its end.
const WARY_LINES_LEN_MAX: usize = 4 << 10;

/// What it is halved down to: a cell of two lines.
const WARY_LINES_LEN_MIN: usize = 64;

/// How to read a table.
#[derive(Clone, Copy, Debug)]
pub struct CsvOptions {
    /// What stands between two cells.
    pub delimiter: u8,
    /// Whether a formula guard stays on.
    pub raw_cells: bool,
}

/// A table's records, read one after the other.
pub struct CsvSource {
    window: Window,
    options: CsvOptions,
    shown: String,
    encoding: &'static str,
    names: Vec<String>,
    /// Which cells are kept, where `ferry_*` columns are left out.
    kept: Option<Vec<bool>>,
    parser: Parser,
    line: u64,
    ordinal: u64,
    /// How many bytes ahead a quote without an end has been looked for.
    wary: usize,
    /// How long a record of several lines may be until then.
    wary_lines_len_max: usize,
    ended: bool,
}

/// What a table's first row says.
pub(in crate::files) struct Headed {
    pub source: CsvSource,
    pub names: Vec<String>,
    /// Of what a table of rejects was made.
    pub made: Option<Made>,
    /// Whether it has the columns that a rejects file adds.
    pub are_rejects: bool,
    pub cells: Vec<String>,
    pub raw: Vec<u8>,
    pub notes: Vec<String>,
}

/// One step through a table: a sound record, or why there is none.
enum Step {
    Sound { len: usize, next: usize, quoted: bool },
    Bad { len: usize, next: usize, problem: Problem },
    End,
    Cut(Failure),
}

impl CsvSource {
    /// Reads the header; `window` stands at line `line`, behind a byte-order mark and a `sep=` line.
    pub(in crate::files) fn open(
        window: Window,
        line: u64,
        options: CsvOptions,
        shown: &str,
        encoding: &'static str,
    ) -> Result<Headed, Failure> {
        let mut source = CsvSource {
            window,
            options,
            shown: shown.to_owned(),
            encoding,
            names: Vec::new(),
            kept: None,
            parser: Parser::new(options.delimiter, 0),
            line,
            ordinal: 0,
            wary: 0,
            wary_lines_len_max: WARY_LINES_LEN_MAX,
            ended: false,
        };
        let (raw, quoted) = source.header_bytes()?;
        let count = raw_cells(&raw, options.delimiter).count();
        if count > COLUMNS_MAX {
            return Err(too_many_columns(count, shown));
        }
        let row = source.parser.row(&raw, quoted, options.raw_cells);
        let Some(row) = row else { return Err(source.bad_header(&source.encoding_problem(&raw))) };
        let Columns { names, made, cells, kept, notes } = name_columns(row.iter().map(str::to_owned).collect(), shown)?;
        let raw = match &kept {
            Some(kept) => keep_cells(&raw, options.delimiter, kept),
            None => raw,
        };
        source.names.clone_from(&names);
        source.parser.columns = names.len();
        source.kept = kept;
        let are_rejects = source.kept.is_some();
        Ok(Headed { source, names, made, are_rejects, cells, raw, notes })
    }

    fn header_bytes(&mut self) -> Result<(Vec<u8>, bool), Failure> {
        match self.step() {
            Step::Sound { len, next, quoted } => {
                let raw = self.window.data().get(..len).unwrap_or_default().to_vec();
                self.leave(next, quoted);
                Ok((raw, quoted))
            }
            Step::Bad { problem, .. } => Err(self.bad_header(&problem)),
            Step::End => Err(empty_file(&self.shown)),
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
            if !self.skip_blank_lines() {
                return match self.window.fault() {
                    Some(error) => Step::Cut(read_failure(&self.shown, error, self.line)),
                    None => Step::End,
                };
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

    /// Whether there is anything behind the blank lines.
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

    fn forget(&mut self, n: usize) {
        self.window.consume(n);
        self.wary = self.wary.saturating_sub(n);
    }

    /// Leaves a record behind; `next` is where the one after it begins.
    fn leave(&mut self, next: usize, quoted: bool) {
        let lines = if quoted { count_line_ends(self.window.data().get(..next).unwrap_or_default()) } else { 1 };
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

    /// A record that a quote in its first line makes endless: that line is given up, and the next one begins anew.
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
        self.located(Problem::new("row.quote", message).hint(hint), column)
    }

    fn located(&self, problem: Problem, column: usize) -> Problem {
        match self.names.get(self.kept_index(column)) {
            Some(name) => problem.at(name.clone()),
            None => problem,
        }
    }

    /// Which of the kept columns the file's column `index` is.
    fn kept_index(&self, index: usize) -> usize {
        match &self.kept {
            Some(kept) => kept.iter().take(index).filter(|keep| **keep).count(),
            None => index,
        }
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

    fn origin(&mut self) -> Origin {
        let origin = Origin { ordinal: self.ordinal, line: self.line };
        self.ordinal += 1;
        origin
    }

    fn sound(&mut self, len: usize, next: usize, quoted: bool) -> Option<Result<Record, ReadFault>> {
        let data = self.window.data();
        let raw = data.get(..len).unwrap_or_default();
        let taken = match &self.kept {
            Some(kept) if raw_cells(raw, self.options.delimiter).count() == kept.len() => {
                let raw = keep_cells(raw, self.options.delimiter, kept);
                let row = self.parser.row(&raw, quoted, self.options.raw_cells);
                (row, raw.into_boxed_slice())
            }
            Some(_) => (Some(Row::default()), raw.into()),
            None => (self.parser.row(raw, quoted, self.options.raw_cells), raw.into()),
        };
        let item = match taken {
            (Some(row), raw) if row.len() == self.names.len() => {
                let origin = self.origin();
                Ok(Record { origin, fields: Fields::Row(row), raw })
            }
            (Some(_), raw) if raw.iter().all(|&byte| byte == b' ') => {
                self.leave(next, quoted);
                return None;
            }
            (row, raw) => {
                let problem = match row {
                    Some(_) => self.ragged_problem(&raw),
                    None => self.encoding_problem(&raw),
                };
                Err(ReadFault::Reject(Reject { origin: self.origin(), raw, problems: vec![problem] }))
            }
        };
        self.leave(next, quoted);
        Some(item)
    }

    fn bad(&mut self, len: usize, next: usize, problem: Problem) -> Result<Record, ReadFault> {
        let data = self.window.data();
        let raw: Box<[u8]> = data.get(..len).unwrap_or(data).into();
        let origin = self.origin();
        match next {
            usize::MAX => self.pass_over_line(),
            next => self.leave(next, true),
        }
        Err(ReadFault::Reject(Reject { origin, raw, problems: vec![problem] }))
    }

    fn ragged_problem(&self, raw: &[u8]) -> Problem {
        let found = raw_cells(raw, self.options.delimiter).count();
        let expected = self.kept.as_ref().map_or(self.names.len(), Vec::len);
        let cells = if found == 1 { "cell" } else { "cells" };
        let message = format!("the row has {found} {cells} where the header has {expected}");
        let hint = match found > expected {
            true if found > COLUMNS_MAX => "Is a line end missing?",
            true => "A cell with the delimiter in it needs quotes around it",
            false => "Is a line end within a cell that has no quotes around it, or a delimiter missing?",
        };
        Problem::new("row.ragged", message).hint(hint)
    }

    fn encoding_problem(&self, raw: &[u8]) -> Problem {
        let at = std::str::from_utf8(raw).err().map_or(raw.len(), |error| error.valid_up_to());
        let before = raw.get(..at).unwrap_or_default();
        let column = raw_cells(before, self.options.delimiter).count().saturating_sub(1);
        let message = format!("the bytes `{}` are not {}", undecodable(raw, at), self.encoding);
        let hint = "mend the cell, or say the file's encoding with `--encoding`";
        self.located(Problem::new("row.encoding", message).hint(hint), column)
    }
}

impl Iterator for CsvSource {
    type Item = Result<Record, ReadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.step() {
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

impl Source for CsvSource {}

/// Why a file without a header is not taken.
pub(in crate::files) fn empty_file(shown: &str) -> Failure {
    Failure::usage(format!("`{shown}` is empty: it has not even a header"))
        .hint("an empty file is more often a failed job than an empty list; look at what should have written it")
}

/// The cells of `raw` that are kept, as they stand.
fn keep_cells(raw: &[u8], delimiter: u8, kept: &[bool]) -> Vec<u8> {
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

/// Takes a framed record apart. Rows without quotes are split where they stand; the others go through `csv-core`.
struct Parser {
    reader: csv_core::Reader,
    delimiter: u8,
    /// How many cells a row is likely to have.
    columns: usize,
    cells: Vec<u8>,
    ends: Vec<usize>,
}

impl Parser {
    fn new(delimiter: u8, columns: usize) -> Parser {
        let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        // The reader drops a byte-order mark from its first bytes; ours is gone already, and a cell may have one.
        reader.read_record(b"\n", &mut [], &mut []);
        Parser { reader, delimiter, columns, cells: Vec::new(), ends: vec![0; COLUMNS_MAX + 1] }
    }

    /// The cells of `raw`; `None` when they are not text. Of more than [`COLUMNS_MAX`] some are left out.
    fn row(&mut self, raw: &[u8], quoted: bool, raw_cells: bool) -> Option<Row> {
        let guarded = !raw_cells && memchr::memchr(b'\'', raw).is_some();
        if quoted { self.quoted_row(raw, guarded) } else { self.plain_row(std::str::from_utf8(raw).ok()?, guarded) }
    }

    fn plain_row(&self, text: &str, guarded: bool) -> Option<Row> {
        let mut cells = String::with_capacity(text.len());
        let mut ends = Vec::with_capacity(self.columns);
        let mut from = 0;
        let stops = memchr::memchr_iter(self.delimiter, text.as_bytes()).chain(std::iter::once(text.len()));
        for to in stops.take(COLUMNS_MAX + 1) {
            let cell = text.get(from..to)?;
            cells.push_str(if guarded { unguard(cell) } else { cell });
            ends.push(u32::try_from(cells.len()).ok()?);
            from = to + 1;
        }
        Row::from_parts(cells, ends)
    }

    /// Only the unescaped cells are looked at as text: all that is taken away is quotes at a cell's borders, and that
    /// no character reaches over those is looked at too.
    fn quoted_row(&mut self, raw: &[u8], guarded: bool) -> Option<Row> {
        self.cells.resize(self.cells.len().max(raw.len()), 0);
        let (result, _, out, count) = self.reader.read_record(raw, &mut self.cells, &mut self.ends);
        let (more, _, rest, ending) = match result {
            csv_core::ReadRecordResult::InputEmpty => {
                self.reader.read_record(b"\n", self.cells.get_mut(out..)?, self.ends.get_mut(count..)?)
            }
            other => (other, 0, 0, 0),
        };
        if more != csv_core::ReadRecordResult::Record {
            // More cells than there is room for: none of them can be taken, and the reader begins anew.
            *self = Parser::new(self.delimiter, self.columns);
            return Some(Row::default());
        }
        let cells = std::str::from_utf8(self.cells.get(..out + rest)?).ok()?;
        let ends = self.ends.get(..count + ending)?;
        row_of(cells, ends, guarded)
    }
}

fn row_of(text: &str, ends: &[usize], guarded: bool) -> Option<Row> {
    let mut cells = String::with_capacity(text.len());
    let mut short = Vec::with_capacity(ends.len());
    let mut from = 0;
    for &to in ends {
        let cell = text.get(from..to)?;
        cells.push_str(if guarded { unguard(cell) } else { cell });
        short.push(u32::try_from(cells.len()).ok()?);
        from = to;
    }
    Row::from_parts(cells, short)
}
