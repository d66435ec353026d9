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

/// Cells of one row in one buffer, which may hold more than them.
#[derive(Clone, Debug, Default)]
pub struct Row {
    text: String,
    cells: Vec<Span>,
}

impl PartialEq for Row {
    fn eq(&self, other: &Row) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Row {}

impl Row {
    /// A row of the cells given.
    pub fn from_cells<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> Row {
        let mut row = Row::default();
        cells.into_iter().for_each(|cell| row.push(cell.as_ref()));
        row
    }

    /// Adds a cell at the end.
    pub fn push(&mut self, cell: &str) {
        let from = self.text.len();
        self.text.push_str(cell);
        self.cells.push(Span::of_text(from, self.text.len()));
    }

    /// The same row, borrowed.
    pub fn borrowed(&self) -> RowRef<'_> {
        RowRef::new(&self.text, "", &self.cells)
    }

    /// Cell `index` (from 0), if there is one.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.borrowed().get(index)
    }

    /// All cells in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.borrowed().iter()
    }
}

/// Where a cell stands: in the text of its record, or in the text beside it, for cells that had to be unescaped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    from: u32,
    to: u32,
}

impl Span {
    /// The bit of a start that says that the cell stands beside the record's text. Records are far shorter.
    const BESIDE: u32 = 1 << 31;

    /// A cell of the record's own text.
    #[inline]
    pub fn of_text(from: usize, to: usize) -> Span {
        let offset = |at: usize| u32::try_from(at).map_or(Span::BESIDE - 1, |at| at.min(Span::BESIDE - 1));
        Span { from: offset(from), to: offset(to) }
    }

    /// The same cell where the text beside stands behind the record's own, which has this length.
    fn behind(self, len: usize) -> Span {
        let (from, to) = ((self.from & !Span::BESIDE) as usize, self.to as usize);
        if self.from & Span::BESIDE == 0 { self } else { Span::of_text(len + from, len + to) }
    }

    /// A cell of the text beside it.
    pub fn beside(from: usize, to: usize) -> Span {
        let Span { from, to } = Span::of_text(from, to);
        Span { from: from | Span::BESIDE, to }
    }
}

/// Cells of one row, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct RowRef<'b> {
    text: &'b str,
    beside: &'b str,
    cells: &'b [Span],
}

impl<'b> RowRef<'b> {
    /// A row whose cells stand in `text`, or in `beside`. A span that is none of the two is no cell.
    pub fn new(text: &'b str, beside: &'b str, cells: &'b [Span]) -> RowRef<'b> {
        RowRef { text, beside, cells }
    }

    /// The number of cells.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there is no cell at all.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Cell `index` (from 0), if there is one.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&'b str> {
        let Span { from, to } = *self.cells.get(index)?;
        match from & Span::BESIDE {
            0 => self.text.get(from as usize..to as usize),
            _ => self.beside.get((from & !Span::BESIDE) as usize..to as usize),
        }
    }

    /// Whether every cell is blank.
    pub fn is_blank(&self) -> bool {
        self.iter().all(|cell| cell.trim_start().is_empty())
    }

    /// All cells in order.
    pub fn iter(self) -> impl Iterator<Item = &'b str> + Clone {
        (0..self.len()).filter_map(move |index| self.get(index))
    }

    /// The same row, with values of its own. The text is copied as a whole: most of it are cells.
    pub fn to_row(self) -> Row {
        let mut text = String::with_capacity(self.text.len() + self.beside.len());
        text.push_str(self.text);
        text.push_str(self.beside);
        Row { text, cells: self.cells.iter().map(|cell| cell.behind(self.text.len())).collect() }
    }
}

/// A record whose values are borrowed: from a batch of records that were read together, or from a [`Record`].
#[derive(Clone, Copy, Debug)]
pub struct RecordRef<'b> {
    /// Where it was read.
    pub origin: Origin,
    /// Its values.
    pub fields: FieldsRef<'b>,
    /// The bytes it was read from; see [`Record::raw`].
    pub raw: &'b [u8],
}

/// The values of a record, borrowed; see [`Fields`].
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum FieldsRef<'b> {
    Row(RowRef<'b>),
    Json(&'b Value),
    Contact(&'b Contact),
}

impl<'b> From<&'b Record> for RecordRef<'b> {
    fn from(record: &'b Record) -> RecordRef<'b> {
        let fields = match &record.fields {
            Fields::Row(row) => FieldsRef::Row(row.borrowed()),
            Fields::Json(value) => FieldsRef::Json(value),
            Fields::Contact(contact) => FieldsRef::Contact(contact),
        };
        RecordRef { origin: record.origin, fields, raw: &record.raw }
    }
}

impl RecordRef<'_> {
    /// The same record, with values of its own.
    pub fn to_record(self) -> Record {
        let fields = match self.fields {
            FieldsRef::Row(row) => Fields::Row(row.to_row()),
            FieldsRef::Json(value) => Fields::Json(value.clone()),
            FieldsRef::Contact(contact) => Fields::Contact(Box::new(contact.clone())),
        };
        Record { origin: self.origin, fields, raw: self.raw.into() }
    }
}

/// A record that is borrowed from its batch, or that has values of its own.
#[derive(Clone, Debug)]
pub enum RecordCow<'b> {
    /// Borrowed.
    Borrowed(RecordRef<'b>),
    /// With values of its own.
    Owned(Record),
}

impl RecordCow<'_> {
    /// The record, borrowed.
    pub fn borrowed(&self) -> RecordRef<'_> {
        match self {
            RecordCow::Borrowed(record) => *record,
            RecordCow::Owned(record) => record.into(),
        }
    }

    /// The record, for what outlives its batch.
    pub fn into_record(self) -> Record {
        match self {
            RecordCow::Borrowed(record) => record.to_record(),
            RecordCow::Owned(record) => record,
        }
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
