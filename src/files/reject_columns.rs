//! The names by which a rejects file is known: the columns that it adds to a table, and what a line of JSON says of the
//! record. They are written by `rejects` and known again by the readers.

/// The beginning of the names of all columns that a rejects file adds.
pub(super) const PREFIX: &str = "ferry_";
/// The column with the codes, which every rejects file has.
pub(super) const CODE: &str = "ferry_code";
/// The column for cells of a ragged row that no column has a place for; only where a row has any.
pub(super) const SURPLUS: &str = "ferry_surplus";
/// The columns that every rejects table has behind its own.
pub(super) const ALWAYS: [&str; 5] = ["ferry_line", "ferry_column", CODE, "ferry_message", "ferry_hint"];

/// The key of a line that says what kind of record it holds, and the kind of a platform's contact.
pub(super) const OF: &str = "of";
pub(super) const OF_CONTACT: &str = "contact";

/// What the rows of a table of rejects were before they became rows. A column without cells says it, so that it is
/// known from the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowsOf {
    /// Objects of a JSON file.
    Objects,
    /// Contacts of a platform.
    Contacts,
}

impl RowsOf {
    const ALL: [RowsOf; 2] = [RowsOf::Objects, RowsOf::Contacts];

    /// The column that says it.
    pub fn column(self) -> &'static str {
        match self {
            RowsOf::Objects => "ferry_object",
            RowsOf::Contacts => "ferry_contact",
        }
    }

    /// What the columns of a header say.
    pub fn of_columns<'c>(cells: impl IntoIterator<Item = &'c str>) -> Option<RowsOf> {
        let is_column = |cell: &str, rows: RowsOf| cell.trim().eq_ignore_ascii_case(rows.column());
        cells.into_iter().find_map(|cell| RowsOf::ALL.into_iter().find(|rows| is_column(cell, *rows)))
    }
}

/// All names of columns that a rejects file can add.
pub(super) fn all() -> impl Iterator<Item = &'static str> + Clone {
    ALWAYS.into_iter().chain([SURPLUS]).chain(RowsOf::ALL.into_iter().map(RowsOf::column))
}
