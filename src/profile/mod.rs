//! What the columns of a source hold: counts, looks, samples, invalid values and duplicates, gathered in one pass over its
//! records in bounded memory.
//!
//! ```text
//!  Opened ─ Head::read ─▶ names, first records ─┐
//!  Record ──── cells ──▶ Column ◀── Expected ◀──┴─ (suggest)
//!                           └─▶ Profile, Duplicates, merged from all workers
//! ```
//!
//! Everything here is pure over records, but for the file to which [`Duplicates`] writes what does not fit into memory. It
//! starts no thread, and it does not decide what a column is for.

mod cells;
mod column;
mod dated;
pub mod dates;
mod distinct;
mod duplicates;
mod head;
mod keys;
mod looks;
mod nested;
mod phones;

pub use cells::Cells;
pub use column::{Column, Invalid, InvalidValue, Separator};
pub use dated::{Dates, dates_of};
pub use distinct::Distinct;
pub use duplicates::Duplicates;
pub use head::Head;
pub use keys::{MakeFile, Repeated};
pub use looks::{Look, is_company};
pub use phones::Phones;

use crate::mapping::email;
use crate::mapping::phone::{self, Evidence, Part, Region, Surroundings};

/// What a column is expected to hold, so that a value that does not fit can be named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holds {
    /// Phones.
    Phone,
    /// E-mail addresses.
    Email,
    /// Dates in the format of this place in [`dates::FORMATS`].
    Date(usize),
    /// Anything.
    #[default]
    Other,
}

/// What a whole source is expected to hold.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// One for each column.
    pub holds: Vec<Holds>,
    /// The columns that name the country of a record's phones, the first that is filled counts.
    pub regions: Vec<usize>,
    /// The country of phones where the record names none.
    pub region: Option<Region>,
    /// What the columns of phones say about countries.
    pub evidence: Evidence,
}

/// What a source holds.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// The names of its columns.
    pub names: Vec<String>,
    /// One for each name.
    pub columns: Vec<Column>,
    /// Records, malformed ones not counted.
    pub records: u64,
    /// Rows without content.
    pub blank: u64,
    /// Records that could not be read, by code.
    pub malformed: Invalid,
}

impl Profile {
    /// Of nothing yet. `is_deep`: the costly counts, which only the first records need, are made too.
    pub fn new(names: &[String], is_deep: bool) -> Profile {
        let columns = names.iter().map(|_| Column::new(names.len(), is_deep)).collect();
        Profile { names: names.to_vec(), columns, ..Profile::default() }
    }

    /// Adds a record; by its phone and e-mail it is a duplicate or not.
    pub fn add(&mut self, line: u64, cells: &Cells<'_>, expected: &Expected, mut duplicates: Option<&mut Duplicates>) {
        self.records += 1;
        let region = region_of(cells, expected);
        for (at, column) in self.columns.iter_mut().enumerate() {
            let cell = cells.get(at);
            let cell = cell.trim();
            if cell.is_empty() {
                continue;
            }
            column.add(cell);
            let name = self.names.get(at).map_or("", String::as_str);
            match expected.holds.get(at).copied().unwrap_or_default() {
                Holds::Other => {}
                Holds::Date(format) if !dates::is_real(cell, format) => {
                    column.invalid.add(line, cell, "value.date");
                }
                Holds::Date(_) => {}
                Holds::Email => check_email(column, duplicates.as_deref_mut(), (line, cell)),
                Holds::Phone => {
                    let around = around(region, name, expected);
                    check_phone(column, duplicates.as_deref_mut(), (line, cell), &around);
                }
            }
        }
    }

    /// Adds what another worker has counted of the same source.
    pub fn merge(&mut self, other: Profile) {
        self.records += other.records;
        self.blank += other.blank;
        self.malformed.merge(other.malformed);
        self.columns.iter_mut().zip(other.columns).for_each(|(column, other)| column.merge(other));
    }
}

/// The country that a record names; `Err` where it names one that is not known.
fn region_of(cells: &Cells<'_>, expected: &Expected) -> Result<Option<Region>, ()> {
    let mut named = expected.regions.iter().map(|column| cells.get(*column));
    match named.find(|cell| !cell.trim().is_empty()) {
        Some(cell) => Region::named(&cell).map(Some).ok_or(()),
        None => Ok(expected.region),
    }
}

fn around<'a>(region: Result<Option<Region>, ()>, column: &'a str, expected: &'a Expected) -> Surroundings<'a> {
    Surroundings {
        region: region.unwrap_or_default(),
        is_region_unknown: region.is_err(),
        homes: expected.region.as_slice(),
        column,
        evidence: Some(&expected.evidence),
    }
}

fn check_email(column: &mut Column, mut duplicates: Option<&mut Duplicates>, (line, cell): (u64, &str)) {
    let several = email::parts(cell);
    let parts = if several.is_empty() { vec![cell] } else { several };
    for (at, part) in parts.into_iter().enumerate() {
        match email::normalise(part) {
            Ok(address) if at == 0 => {
                duplicates.iter_mut().for_each(|duplicates| duplicates.add_email(line, &address));
            }
            Ok(_) => {}
            Err(_) => column.invalid.add(line, part, "email.invalid"),
        }
    }
}

fn check_phone(
    column: &mut Column,
    mut duplicates: Option<&mut Duplicates>,
    (line, cell): (u64, &str),
    around: &Surroundings<'_>,
) {
    let parts = phone::parts(cell, around);
    column.several += u64::from(parts.iter().filter(|part| matches!(part, Part::Number(_))).count() > 1);
    let mut is_first = true;
    for part in parts {
        match part {
            Part::Number(number) => {
                column.phones.add_number(&number);
                if std::mem::take(&mut is_first) {
                    duplicates.iter_mut().for_each(|duplicates| duplicates.add_phone(line, &number));
                }
            }
            Part::Extension(_) => {}
            Part::Faulty(text, fault) => column.invalid.add(line, text, phones::code_of(fault)),
        }
    }
}
