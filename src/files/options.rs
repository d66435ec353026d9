//! What the user says about a file that is read; what is not said is detected from its content.

use super::format::Format;
use super::known::KnownNames;

/// What the user says about a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The format.
    pub format: Option<Format>,
    /// The encoding, by its WHATWG label: `utf-8`, `windows-1251`, `koi8-r`, ….
    pub encoding: Option<String>,
    /// The character between two cells (ASCII).
    pub delimiter: Option<u8>,
    /// The sheet of a workbook, by its name or its number (from 1).
    pub sheet: Option<String>,
    /// The dotted path of the records in a JSON file.
    pub root: Option<String>,
    /// Whether formula guards are kept.
    pub raw_cells: bool,
    /// The line of a table's header.
    pub header_row: Option<u64>,
    /// The names of the columns of a table without a header.
    pub columns: Option<Vec<String>>,
    /// Whether the columns of a table without a header are named by what they hold, where no mapping names them.
    pub names_by_values: bool,
    /// What is known of the names of columns, for finding the header.
    pub names: KnownNames,
}
