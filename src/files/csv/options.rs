//! How the rows of a table are read. What the user says about a file is in `files/options.rs`.

/// How to read a table.
#[derive(Clone, Copy, Debug)]
pub struct CsvOptions {
    /// The character between two cells.
    pub delimiter: u8,
    /// Whether a formula guard stays on.
    pub raw_cells: bool,
    /// Whether it is a sheet: each row is one line, whatever is in its cells, and lacks the blank cells at its end.
    pub is_sheet: bool,
}
