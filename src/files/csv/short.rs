//! Whether a row that is shorter than the header lacks blank cells at its end, or a cell in its middle: pure, by where
//! e-mail addresses and phones with a `+` stand in whole rows.

use super::kind::Kind;

/// Rows that are shorter than the header are complete where there are so many of them, and one in so many rows is one.
const SHORT_ROWS_MIN: u64 = 3;
const SHORT_ROWS_SHARE: u64 = 20;

/// Whole rows whose cells are looked at.
const WHOLE_ROWS_MAX: u64 = 200;

/// What cannot be mistaken for anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Email,
    Phone,
}

fn mark_of(cell: &str) -> Option<Mark> {
    match Kind::of(cell) {
        Some(Kind::Email) => Some(Mark::Email),
        Some(Kind::Phone) if cell.trim().starts_with('+') => Some(Mark::Phone),
        _ => None,
    }
}

/// In which columns whole rows have what cannot be mistaken.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks(Vec<(usize, Mark)>);

impl Marks {
    fn add<'a>(&mut self, cells: impl Iterator<Item = &'a str>) {
        for (column, cell) in cells.enumerate() {
            if let Some(mark) = mark_of(cell)
                && !self.0.contains(&(column, mark))
            {
                self.0.push((column, mark));
            }
        }
    }

    /// Whether the cells stand where those of whole rows do, as far as that can be told.
    pub fn agree<'a>(&self, mut cells: impl Iterator<Item = &'a str>) -> bool {
        let has = |mark: Mark| self.0.iter().any(|(_, known)| *known == mark);
        let mut column = 0;
        cells.all(|cell| {
            let mark = mark_of(cell).filter(|mark| has(*mark));
            column += 1;
            mark.is_none_or(|mark| self.0.contains(&(column - 1, mark)))
        })
    }
}

/// What the rows of a table are like; fed with each, the whole ones first.
#[derive(Clone, Debug, Default)]
pub(super) struct Widths {
    /// Rows with content.
    pub rows: u64,
    /// Those that end before the last column and are not out of place.
    pub short: u64,
    pub marks: Marks,
}

impl Widths {
    /// A row that has all columns.
    pub fn whole(&mut self, cells: impl FnOnce() -> Vec<String>) {
        self.rows += 1;
        if self.rows <= WHOLE_ROWS_MAX {
            self.marks.add(cells().iter().map(String::as_str));
        }
    }

    /// A row that lacks some.
    pub fn short(&mut self, cells: &[String]) {
        self.rows += 1;
        self.short += u64::from(self.marks.agree(cells.iter().map(String::as_str)));
    }

    /// Whether short rows are complete.
    pub fn may_be_short(&self) -> bool {
        self.short >= SHORT_ROWS_MIN && self.short * SHORT_ROWS_SHARE >= self.rows
    }
}
