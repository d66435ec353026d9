//! Which row of a table is its header: a pure function of the first rows and of what is known about names.
//!
//! The first row is the header unless something speaks against it: it is a title (one cell, or few, or prose) and the
//! row below the titles has evidence of its own, or the mapping's names stand further down. A row that has the shape of
//! a record is never skipped.

use super::kind::Kind;
use super::look::Looked;
use crate::files::known::KnownNames;

/// Rows among which the header is looked for.
const CANDIDATES: usize = 25;

/// Rows below a candidate that say what its columns hold.
const BODY: usize = 50;

/// Columns whose values are looked at.
const COLUMNS: usize = 64;

/// The most characters and words of a name; a longer cell is prose.
const NAME_LEN_MAX: usize = 60;
const NAME_WORDS_MAX: usize = 8;

/// Where the header is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heading {
    /// It is the row of this number among those that were looked at.
    At(usize),
    /// This row is a record; no header was found. What its columns could be called.
    Record { row: usize, columns: Vec<String> },
    /// This row looks like the header, and one above it looks like a record.
    Below { record: usize, header: usize },
}

/// Finds the header among `rows`, none of which is blank.
pub(super) fn find(rows: &[Looked], names: &KnownNames) -> Heading {
    let table = Table { rows, names, columns_filled: columns_filled(rows) };
    let below_titles = table.below_titles();
    if let Some(header) = table.mapped(below_titles) {
        return table.at(header);
    }
    if let Some(header) = table.known_below(below_titles) {
        return Heading::At(header);
    }
    let holds_record =
        table.row(below_titles).is_some_and(|row| table.is_record(row)) && !table.is_of_names_and_dates(below_titles);
    if holds_record {
        return match table.header_below(below_titles) {
            Some(header) => Heading::Below { record: below_titles, header },
            None => Heading::Record { row: below_titles, columns: table.names_by_values(below_titles) },
        };
    }
    Heading::At(if below_titles > 0 && table.has_evidence(below_titles) { below_titles } else { 0 })
}

/// The row among `rows` that has the most names of a mapping, where it has at least two (or its only one).
pub(super) fn row_with_mapped_names(rows: &[Looked], names: &KnownNames) -> Option<usize> {
    let count = |row: &Looked| row.cells.iter().filter(|cell| names.is_mapped(cell)).count();
    let needed = names.mapped_count().min(2);
    let counts = rows.iter().take(CANDIDATES).map(count).enumerate();
    let best = counts.max_by_key(|(index, count)| (*count, std::cmp::Reverse(*index)))?;
    (needed > 0 && best.1 >= needed).then_some(best.0)
}

/// How many columns are filled in at least a fifth of the rows, and in more than one of them.
fn columns_filled(rows: &[Looked]) -> usize {
    let mut counts: Vec<usize> = Vec::new();
    for row in rows {
        counts.resize(counts.len().max(row.cells.len()), 0);
        for (count, cell) in counts.iter_mut().zip(&row.cells) {
            *count += usize::from(!cell.is_empty());
        }
    }
    let least = rows.len().saturating_sub(1).min(2);
    counts.into_iter().filter(|count| *count >= least && count * 5 >= rows.len()).count()
}

struct Table<'a> {
    rows: &'a [Looked],
    names: &'a KnownNames,
    columns_filled: usize,
}

impl Table<'_> {
    fn row(&self, index: usize) -> Option<&Looked> {
        self.rows.get(index)
    }

    fn body(&self, header: usize) -> impl Iterator<Item = &Looked> {
        self.rows.iter().skip(header + 1).take(BODY)
    }

    fn known(&self, row: &Looked) -> usize {
        row.cells.iter().filter(|cell| !cell.is_empty() && self.names.is_known(cell)).count()
    }

    /// The first row that is no title.
    fn below_titles(&self) -> usize {
        let last = self.rows.len().saturating_sub(1).min(CANDIDATES - 1);
        (0..last).find(|&index| !self.is_title(index)).unwrap_or(last)
    }

    /// One cell, few cells or prose above a table that fills more columns.
    fn is_title(&self, index: usize) -> bool {
        let Some(row) = self.row(index) else { return false };
        let (filled, columns) = (row.filled(), self.columns_filled);
        // What is lone in a table of two columns can be a name beside a blank one.
        let is_lone = filled == 1 && (columns >= 3 || columns == 2 && self.known(row) == 0);
        let is_narrow = filled * 2 < columns || filled < columns && row.cells.iter().any(|cell| is_prose(cell));
        (is_lone || is_narrow && self.known(row) < 2) && !self.shares_values(index)
    }

    /// Whether a cell holds what the rows below hold in its column: then it is a record, however short.
    fn shares_values(&self, index: usize) -> bool {
        let Some(row) = self.row(index) else { return false };
        let kinds = row.cells.iter().take(COLUMNS).map(|cell| Kind::of(cell)).enumerate();
        kinds.filter_map(|(column, kind)| Some((column, kind.filter(|kind| kind.is_of_records())?))).any(
            |(column, kind)| {
                let (held, filled) = self.held(index, column, kind);
                held > 0 && held * 2 >= filled
            },
        )
    }

    /// How many rows below hold this kind in a column, and how many anything.
    fn held(&self, header: usize, column: usize, kind: Kind) -> (usize, usize) {
        let cells = || self.body(header).map(|row| row.cell(column)).filter(|cell| !cell.is_empty());
        (cells().filter(|cell| Kind::of(cell) == Some(kind)).count(), cells().count())
    }

    /// Whether a row holds an e-mail, a phone or a date; one is allowed beside names that are known.
    fn is_record(&self, row: &Looked) -> bool {
        let values = row.cells.iter().filter(|cell| Kind::of(cell).is_some_and(Kind::is_of_records)).count();
        let known = self.known(row);
        let is_excused = values == 1 && known >= 2 && known * 2 >= row.filled();
        values > 0 && !is_excused
    }

    /// Whether a row has two names that are known, and its other values are of another kind than what stands below them:
    /// the columns of a time sheet are called by dates.
    fn is_of_names_and_dates(&self, index: usize) -> bool {
        self.row(index).is_some_and(|row| self.known(row) >= 2) && !self.shares_values(index)
    }

    /// The row that has the mapping's names, where it is another one than is taken without them.
    fn mapped(&self, otherwise: usize) -> Option<usize> {
        let found = row_with_mapped_names(self.rows, self.names)?;
        let count = |row: &Looked| row.cells.iter().filter(|cell| self.names.is_mapped(cell)).count();
        let more = self.row(found).map(count) > self.row(otherwise).map(count);
        (found == otherwise || more).then_some(found)
    }

    /// The header is this row, unless a row above it looks like a record.
    fn at(&self, header: usize) -> Heading {
        match (0..header).find(|&index| !self.may_be_skipped(index, header)) {
            Some(record) => Heading::Below { record, header },
            None => Heading::At(header),
        }
    }

    /// Whether a row above what is surely the header is no record.
    fn may_be_skipped(&self, index: usize, header: usize) -> bool {
        let filled = |index: usize| self.row(index).map_or(0, Looked::filled);
        self.is_title(index) || filled(index) < filled(header) && !self.shares_values(index)
    }

    /// A row further down whose names are known, under wider titles than usual.
    fn known_below(&self, from: usize) -> Option<usize> {
        let header = self.header_below(from)?;
        let is_plain = self.row(from).is_some_and(|row| self.known(row) == 0 && !self.is_record(row));
        (is_plain && (0..header).all(|index| self.may_be_skipped(index, header))).then_some(header)
    }

    /// The first row below whose names are mostly known.
    fn header_below(&self, from: usize) -> Option<usize> {
        let last = self.rows.len().min(CANDIDATES);
        (from + 1..last).find(|&index| {
            self.row(index).is_some_and(|row| {
                let known = self.known(row);
                known >= 2 && known * 2 >= row.filled() && !self.is_record(row)
            })
        })
    }

    /// Whether a row below titles has more for it than that they are above it.
    fn has_evidence(&self, header: usize) -> bool {
        let Some(row) = self.row(header) else { return false };
        let is_below_lone_ones = row.filled() >= 3 && self.rows.iter().take(header).all(|row| row.filled() == 1);
        is_below_lone_ones || self.known(row) > 0 || self.contrasts(header)
    }

    /// Whether a column holds one kind of value, and the header's cell is none.
    fn contrasts(&self, header: usize) -> bool {
        let Some(row) = self.row(header) else { return false };
        (0..row.cells.len().min(COLUMNS)).any(|column| {
            let is_name = !row.cell(column).is_empty() && Kind::of(row.cell(column)).is_none();
            is_name
                && [Kind::Email, Kind::Phone, Kind::Date, Kind::Number].into_iter().any(|kind| {
                    let (held, filled) = self.held(header, column, kind);
                    held > 0 && held * 5 >= filled * 4
                })
        })
    }

    /// Names for columns by what they hold from this row on.
    fn names_by_values(&self, from: usize) -> Vec<String> {
        let rows = self.rows.iter().skip(from).take(BODY);
        let width = rows.clone().map(|row| row.cells.len()).max().unwrap_or(0);
        let mut names: Vec<String> = Vec::with_capacity(width);
        for column in 0..width {
            let kind = [(Kind::Email, "email"), (Kind::Phone, "phone"), (Kind::Date, "date")].into_iter();
            let mut found = kind.filter(|(kind, _)| {
                let cells = rows.clone().map(|row| row.cell(column)).filter(|cell| !cell.is_empty());
                let (mut held, mut filled) = (0, 0);
                cells.for_each(|cell| {
                    filled += 1;
                    held += usize::from(Kind::of(cell) == Some(*kind));
                });
                held > 0 && held * 2 >= filled
            });
            let base = found.next().map(|(_, name)| name.to_owned());
            names.push(match base {
                None => format!("column {}", column + 1),
                Some(name) if names.contains(&name) => format!("{name} {}", column + 1),
                Some(name) => name,
            });
        }
        names
    }
}

/// Text that no column is called by.
fn is_prose(cell: &str) -> bool {
    let words = cell.split_whitespace().count();
    cell.chars().count() > NAME_LEN_MAX || words > NAME_WORDS_MAX || words > 3 && cell.ends_with('.')
}
