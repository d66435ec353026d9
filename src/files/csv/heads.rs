//! What is known of a table when its rows are split: its columns, and which rows fit them. It is shared with the threads that
//! split rows, and does not change while they are read.

use super::frame::raw_cells;
use super::options::CsvOptions;
use super::short::Marks;
use super::split::Splitter;
use super::total;
use crate::files::encoding::undecodable;
use crate::files::format::COLUMNS_MAX;
use crate::files::known::KnownNames;
use crate::outcome::Problem;
use crate::record::RowRef;

/// What is known of a table's columns when its records are read.
#[derive(Clone, Debug)]
pub(crate) struct Heads {
    pub options: CsvOptions,
    /// The name of its encoding.
    pub encoding: &'static str,
    pub names: Vec<String>,
    /// The cells of the header, folded, by which it is known again.
    pub folded: Vec<String>,
    /// How many of the columns have a name of the file's own: the others, at its end, may be missing in a row.
    pub named: usize,
    /// Which cells are kept, where `ferry_*` columns are left out.
    pub kept: Option<Vec<bool>>,
    /// Which cell of a rejects file says why its record was rejected.
    pub code: Option<usize>,
    /// Which cell of a rejects file holds what no column of the source has a place for.
    pub surplus: Option<usize>,
    /// Whether rows that are shorter than the header are complete, where their cells are not out of place.
    pub may_be_short: bool,
    pub(super) marks: Marks,
    /// The line of a last row that holds nothing but sums.
    pub sums_line: Option<u64>,
    /// Names with a known meaning, by which the header of a second table is recognised.
    pub known: KnownNames,
}

impl Heads {
    /// Those of a table whose header is not read yet.
    pub fn new(options: CsvOptions, encoding: &'static str) -> Heads {
        Heads {
            options,
            encoding,
            names: Vec::new(),
            folded: Vec::new(),
            named: 0,
            kept: None,
            code: None,
            surplus: None,
            may_be_short: false,
            marks: Marks::default(),
            sums_line: None,
            known: KnownNames::default(),
        }
    }

    /// The cells of a row of the table, one for each column; the problem of one that is no text or does not fit. `text` is
    /// `raw` as text, where it is text without zero bytes.
    pub fn row<'s>(
        &self,
        splitter: &'s mut Splitter,
        raw: &'s [u8],
        text: Option<&'s str>,
        quoted: bool,
    ) -> Result<RowRef<'s>, Problem> {
        let Some(text) = text else { return Err(self.text_problem(raw)) };
        splitter.split(text, quoted, self.options);
        if !self.is_complete(splitter.row(text)) {
            return Err(self.ragged_problem(raw));
        }
        splitter.resize(self.names.len());
        Ok(splitter.row(text))
    }

    /// Whether the row has a cell for each column: what it has beyond is blank, and what it lacks may be missing.
    pub fn is_complete(&self, row: RowRef<'_>) -> bool {
        let (found, expected) = (row.len(), self.names.len());
        if found >= expected {
            return found <= COLUMNS_MAX
                && (expected..found).all(|at| row.get(at).is_none_or(|cell| cell.trim().is_empty()));
        }
        found > 0 && (found >= self.named || self.may_be_short && self.marks.agree(row.iter()))
    }

    /// Whether a framed row is surely one of the table's: it is not blank, nor the header again, nor a total. What such a row
    /// is can be told from the row alone.
    pub fn is_ordinary(&self, raw: &[u8]) -> bool {
        let delimiter = self.options.delimiter;
        let blank_cells = raw.iter().take_while(|byte| **byte == delimiter).count();
        let header = self.folded.first().map_or("", String::as_str);
        let cell = raw.get(blank_cells..).unwrap_or_default();
        let cell = cell.strip_prefix(b"\"").unwrap_or(cell);
        match cell.first() {
            Some(b'"' | b'\'') | None => return false,
            // No character of these begins is white space.
            Some(0x21..=0x7E | 0xC3..=0xDF | 0xE4..=0xEE | 0xF0..=0xF4) => {}
            Some(_) => return false,
        }
        let may_be_header = match blank_cells {
            0 => begins_like(cell, header),
            _ => header.is_empty(),
        };
        !may_be_header && !total::may_begin_total(cell)
    }

    /// Whether rows can be ordinary at all: those of a rejects file are told by their `ferry_*` cells.
    pub fn has_ordinary_rows(&self) -> bool {
        self.kept.is_none()
    }

    pub fn ragged_problem(&self, raw: &[u8]) -> Problem {
        let found = raw_cells(raw, self.options.delimiter).count();
        let expected = match &self.kept {
            Some(kept) if found >= kept.len() => kept.len(),
            _ => self.names.len(),
        };
        let cells = if found == 1 { "cell" } else { "cells" };
        let message = format!("the row has {found} {cells} where the header has {expected}");
        let hint = match found > expected {
            true if found > COLUMNS_MAX => "check whether a line end is missing",
            true => "put quotes around a cell that has the delimiter in it",
            false => "check for a line end within a cell that has no quotes around it, and for a missing delimiter",
        };
        Problem::new("row.ragged", message).hint(hint)
    }

    /// Why a row is no text: bytes that are none in its encoding, or zeros.
    pub fn text_problem(&self, raw: &[u8]) -> Problem {
        let (at, message) = match std::str::from_utf8(raw) {
            Err(error) => {
                let at = error.valid_up_to();
                (at, format!("the bytes `{}` are not {}", undecodable(raw, at), self.encoding))
            }
            Ok(_) => {
                let at = memchr::memchr(0, raw).unwrap_or(raw.len());
                (at, "the cell has a zero byte (`\\0`) in it, which is not text".to_owned())
            }
        };
        let before = raw.get(..at).unwrap_or_default();
        let column = raw_cells(before, self.options.delimiter).count().saturating_sub(1);
        let hint = "fix the cell, or name the file's encoding with `--encoding`";
        self.located(Problem::new("row.encoding", message).hint(hint), column)
    }

    pub fn located(&self, problem: Problem, column: usize) -> Problem {
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
}

/// Whether a cell may be the header's first, which is in lower case: it has the same beginning.
fn begins_like(cell: &[u8], header: &str) -> bool {
    // Nearly every row is told by its first letter.
    if let (Some(first), Some(of_header)) = (cell.first(), header.as_bytes().first())
        && first.is_ascii()
        && of_header.is_ascii_alphanumeric()
        && !first.eq_ignore_ascii_case(of_header)
    {
        return false;
    }
    // A quote within a cell stands twice in its row.
    let begin = header.split('"').next().unwrap_or(header);
    if begin.is_empty() {
        return !header.is_empty();
    }
    if begin.is_ascii() {
        return cell.get(..begin.len()).is_some_and(|it| it.eq_ignore_ascii_case(begin.as_bytes()));
    }
    let first = total::first_chars(cell).next().and_then(|c| c.to_lowercase().next());
    first == begin.chars().next()
}
