//! A record: one entry as it was read, and where.
//!
//! It does not know what its values mean: a mapping turns a record into a contact.

use crate::contact::Contact;
use serde_json::Value;

/// Where a record was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// How many records came before it in the source (from 0; malformed ones count too).
    pub ordinal: u64,
    /// The line in the decompressed file where the record begins (from 1); for a platform, `ordinal + 1`.
    pub line: u64,
}

/// One entry as it was read.
#[derive(Clone, Debug)]
pub struct Record {
    /// Where it was read.
    pub origin: Origin,
    /// Its values.
    pub fields: Fields,
    /// The bytes it was read from, without the line end: the source's own for UTF-8 sources, else decoded to UTF-8.
    /// For records of a platform their JSON.
    pub raw: Box<[u8]>,
}

/// The values of a record.
#[derive(Clone, Debug)]
pub enum Fields {
    /// Cells in the order of the header.
    Row(Row),
    /// A JSON value (an object, else it was rejected on reading).
    Json(Value),
    /// A contact, when the source is a platform.
    Contact(Box<Contact>),
}

/// Cells of one row in one buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    text: String,
    ends: Vec<u32>,
}

impl Row {
    /// A row of the cells given.
    pub fn from_cells<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> Row {
        let mut row = Row::default();
        for cell in cells {
            row.push(cell.as_ref());
        }
        row
    }

    /// A row of cells that follow one another in `text`, cell `i` ending at byte `ends[i]`.
    ///
    /// `None` when an end does not fall on a character's border, goes back, or lies outside of `text`.
    pub fn from_parts(text: String, ends: Vec<u32>) -> Option<Row> {
        let mut from = 0usize;
        for &end in &ends {
            let end = end as usize;
            text.get(from..end)?;
            from = end;
        }
        Some(Row { text, ends })
    }

    /// Adds a cell at the end.
    pub fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    /// The number of cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no cell at all.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Cell `index` (from 0), if there is one.
    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let from = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        self.text.get(from..end)
    }

    /// Whether every cell is blank.
    pub fn is_blank(&self) -> bool {
        self.text.trim_start().is_empty()
    }

    /// Makes it `count` cells long: blank cells are added at its end, or the last cells are cut off.
    pub fn resize(&mut self, count: usize) {
        if let Some(&end) = count.checked_sub(1).and_then(|last| self.ends.get(last)) {
            self.text.truncate(end as usize);
        }
        self.ends.resize(count, u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    /// All cells in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

/// The names of a source's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// The columns of a table, in order. Of columns that share a name the second is called `Name#2`, and so on.
    Columns(Vec<String>),
    /// JSON objects: any name may occur, dotted paths reach inside.
    Open,
    /// Contacts of a platform: the contact's own fields.
    Contact,
}
