//! The columns of a table that is written without a mapping: they are found out row by row, while the rows are kept on disk
//! as JSON. How a contact becomes such a row is not decided here.

use crate::contact::{Contact, ContactView, FIELDS, Field, StoredContact};
use crate::files::csv::CsvEncoder;
use crate::files::{Format, Output, RowBuffer, RowLayout, RowWriter, unnamed_in};
use crate::mapping::names::known_column;
use crate::mapping::{Writes, cell_of_list, in_cell};
use crate::outcome::Failure;
use crate::run::bind::singular;
use crate::run::ordered::each_in_order;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

/// Between the items of a list in one cell.
const LIST_JOIN: &str = "; ";

/// So many bytes of rows are read from the disk together.
const CHUNK_LEN: u64 = 64 << 10;

/// A column of a table without a mapping.
#[derive(Clone, Copy)]
enum Column {
    /// A text, or all items of a list.
    Whole(Field),
    /// The first item of a list: `phone`, `email`.
    First(Field),
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Column::Whole(field) => field.name(),
            Column::First(field) => singular(field),
        }
    }

    fn value(self, contact: &dyn ContactView) -> Cow<'_, str> {
        match self {
            Column::Whole(field) if field.is_list() => match (contact.item(field, 0), contact.item(field, 1)) {
                (Some(only), None) => in_cell(only),
                _ => Cow::Owned(cell_of_list(contact.items(field))),
            },
            Column::Whole(field) => contact.text(field).unwrap_or_default().into(),
            Column::First(field) => contact.item(field, 0).unwrap_or_default().into(),
        }
    }
}

/// The columns of a table, found out row by row. A row is a JSON object.
#[derive(Clone)]
pub(super) enum Columns {
    /// The fields of contacts that occur, then one column per attribute.
    Contacts(ContactColumns),
    /// The names of objects, in the order met; or those that a mapping has.
    Names(Vec<String>),
}

/// See [`Columns::Contacts`].
#[derive(Clone, Default)]
pub(super) struct ContactColumns {
    /// By their place.
    fields: BTreeMap<usize, Column>,
    /// Each with what its column is called.
    attributes: Vec<(String, String)>,
}

impl Columns {
    /// Those of whole contacts.
    pub(super) fn of_contacts() -> Columns {
        Columns::Contacts(ContactColumns::default())
    }

    /// The same with `id`, also of no contacts.
    pub(super) fn of_contacts_with_ids() -> Columns {
        Columns::Contacts(ContactColumns::with_id())
    }

    /// Those of the same kind, of no rows.
    fn empty(&self) -> Columns {
        match self {
            Columns::Contacts(_) => Columns::of_contacts(),
            Columns::Names(_) => Columns::Names(Vec::new()),
        }
    }

    /// Keeps the columns of a row in mind.
    pub(super) fn note(&mut self, row: &[u8]) -> Result<(), Failure> {
        match self {
            Columns::Contacts(columns) => match stored(row) {
                Some(contact) => columns.note(&contact),
                None => columns.note(&Contact::from_json(&object_of(row)?)),
            },
            Columns::Names(names) => object_of(row)?.into_iter().for_each(|(name, _)| add(names, name)),
        }
        Ok(())
    }

    /// Adds the columns of rows that come later.
    fn merge(&mut self, later: Columns) {
        match (self, later) {
            (Columns::Contacts(columns), Columns::Contacts(later)) => columns.merge(later),
            (Columns::Names(names), Columns::Names(later)) => later.into_iter().for_each(|name| add(names, name)),
            (Columns::Contacts(_), Columns::Names(_)) | (Columns::Names(_), Columns::Contacts(_)) => {}
        }
    }

    /// Their names, in order.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Columns::Contacts(columns) => columns.names(),
            Columns::Names(names) => names.iter().map(String::as_str).collect(),
        }
    }

    /// The texts of a row, in the order of the names.
    pub(super) fn texts(&self, row: &[u8]) -> Result<Vec<String>, Failure> {
        Ok(match self {
            Columns::Contacts(columns) => {
                columns.cells(&Contact::from_json(&object_of(row)?)).into_iter().map(Cow::into_owned).collect()
            }
            Columns::Names(names) => {
                let object = object_of(row)?;
                names.iter().map(|name| object.get(name).map_or_else(String::new, text_of)).collect()
            }
        })
    }

    /// Writes a row as cells, in the order of the names.
    fn write(&self, row: &[u8], csv: CsvEncoder, out: &mut Vec<u8>) -> Result<(), Failure> {
        if let (Columns::Contacts(columns), Some(contact)) = (self, stored(row)) {
            csv.row(columns.cells(&contact).iter().map(|cell| &**cell), out);
        } else {
            csv.row(self.texts(row)?.iter().map(String::as_str), out);
        }
        Ok(())
    }
}

fn add(names: &mut Vec<String>, name: String) {
    if !names.contains(&name) {
        names.push(name);
    }
}

/// The contact of a row; `None` where its JSON is not written as Ferry writes contacts.
fn stored(row: &[u8]) -> Option<StoredContact<'_>> {
    StoredContact::parse(std::str::from_utf8(row).ok()?)
}

/// What the column of an attribute is called: its name, unless a column of that name would be read as something else;
/// then with `attributes.` in front, by which reading knows it again. No two attributes share a column.
fn column_of(attribute: &str) -> String {
    let is_read_otherwise = Field::named(attribute).is_some()
        || known_column(attribute).is_some()
        || ["attributes.", "native.", "ferry_"].iter().any(|begin| attribute.starts_with(begin))
        || attribute.trim() != attribute
        || attribute.is_empty();
    match is_read_otherwise {
        true => format!("attributes.{attribute}"),
        false => attribute.to_owned(),
    }
}

impl ContactColumns {
    /// Those of contacts that all have an id.
    pub(super) fn with_id() -> ContactColumns {
        ContactColumns { fields: [(1, Column::Whole(Field::Id))].into(), attributes: Vec::new() }
    }

    /// Keeps the columns of a contact in mind.
    pub(super) fn note(&mut self, contact: &dyn ContactView) {
        for (at, (field, _)) in FIELDS.into_iter().enumerate() {
            let is_named_by_its_first = matches!(field, Field::Phones | Field::Emails);
            if contact.has(field) && is_named_by_its_first {
                self.fields.insert(2 * at, Column::First(field));
            }
            if contact.has(field) && (!is_named_by_its_first || contact.item(field, 1).is_some()) {
                self.fields.insert(2 * at + 1, Column::Whole(field));
            }
        }
        contact.attributes().for_each(|(name, _)| self.note_attribute(name));
    }

    /// Those that a mapping writes.
    pub(super) fn written_by(writes: &Writes) -> ContactColumns {
        let mut columns = ContactColumns::default();
        FIELDS.iter().filter(|(field, _)| writes.fields.has(*field)).for_each(|(field, _)| columns.insert(*field));
        writes.attributes.iter().for_each(|name| columns.note_attribute(name));
        columns
    }

    /// The same; where there are none but the id, with the usual ones, so that a table without contacts can be read as one.
    pub(super) fn or_usual(mut self) -> ContactColumns {
        let is_id = |column: &Column| matches!(column, Column::Whole(Field::Id));
        if self.attributes.is_empty() && self.fields.values().all(is_id) {
            let usual = [Field::FirstName, Field::LastName, Field::Phones, Field::Emails];
            usual.into_iter().for_each(|field| self.insert(field));
        }
        self
    }

    fn insert(&mut self, field: Field) {
        let Some(at) = FIELDS.iter().position(|(known, _)| *known == field) else { return };
        match field {
            Field::Phones | Field::Emails => self.fields.insert(2 * at, Column::First(field)),
            _ => self.fields.insert(2 * at + 1, Column::Whole(field)),
        };
    }

    fn note_attribute(&mut self, name: &str) {
        if !self.attributes.iter().any(|(known, _)| known == name) {
            self.attributes.push((name.to_owned(), column_of(name)));
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.fields.len() + self.attributes.len()
    }

    /// Adds the columns of contacts that come later.
    pub(super) fn merge(&mut self, later: ContactColumns) {
        self.fields.extend(later.fields);
        later.attributes.iter().for_each(|(name, _)| self.note_attribute(name));
    }

    /// Their names, in order.
    pub(super) fn names(&self) -> Vec<&str> {
        let fields = self.fields.values().map(|column| column.name());
        fields.chain(self.attributes.iter().map(|(_, column)| column.as_str())).collect()
    }

    /// The texts of a contact, in the order of the names.
    pub(super) fn cells<'c>(&self, contact: &'c dyn ContactView) -> Vec<Cow<'c, str>> {
        let fields = self.fields.values().map(|column| column.value(contact));
        let attributes = self.attributes.iter().map(|(name, _)| contact.attribute(name).unwrap_or_default().into());
        fields.chain(attributes).collect()
    }
}

/// A value of a row as a cell: a list of texts is joined, what is nested is its JSON.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(LIST_JOIN)
        }
        other => other.to_string(),
    }
}

/// Rows on disk (JSON), and which columns they need.
pub(super) struct Table {
    file: BufWriter<File>,
    columns: Columns,
    /// The columns of a table without rows.
    blank: Option<ContactColumns>,
}

impl Table {
    /// A table; without rows it has the columns of contacts that a mapping writes, or the usual ones.
    pub(super) fn new(folder: &Path, columns: Columns, writes: &Writes) -> Result<Table, Failure> {
        let file = unnamed_in(folder).map_err(table_fault)?;
        let blank = matches!(columns, Columns::Contacts(_)).then(|| ContactColumns::written_by(writes).or_usual());
        Ok(Table { file: BufWriter::new(file), columns, blank })
    }

    /// How the rows are laid out that it takes in buffers.
    pub(super) fn layout() -> Result<RowLayout, Failure> {
        Format::Jsonl.row_layout()
    }

    /// What finds out the columns of the rows of a buffer, on any thread.
    pub(super) fn noting(&self) -> Noting {
        Noting(self.columns.empty())
    }

    /// Keeps the rows of a finished buffer, which have these columns.
    pub(super) fn rows(&mut self, buffer: &RowBuffer, columns: Noted) -> Result<(), Failure> {
        if buffer.count() > 0 {
            self.blank = None;
        }
        self.columns.merge(columns.0);
        self.file.write_all(buffer.bytes()).map_err(table_fault)
    }

    /// Keeps a row, and its columns in mind.
    pub(super) fn row(&mut self, row: &[u8]) -> Result<(), Failure> {
        self.blank = None;
        self.columns.note(row)?;
        self.file.write_all(row).and_then(|()| self.file.write_all(b"\n")).map_err(table_fault)
    }

    /// The rows as a table with all their columns.
    pub(super) fn end(self, layout: RowLayout, out: Output) -> Result<Output, Failure> {
        let Some(csv) = layout.table() else { return Ok(out) };
        let names = self.blank.as_ref().map_or_else(|| self.columns.names(), ContactColumns::names);
        let mut writer = RowWriter::begin(out, layout, names)?;
        let mut file = self.file.into_inner().map_err(|error| table_fault(error.into_error()))?;
        file.rewind().map_err(table_fault)?;
        let columns = self.columns;
        let in_cells = move |chunk: Vec<u8>| -> Result<RowBuffer, Failure> {
            let mut buffer = RowBuffer::new(layout, chunk.len());
            for row in chunk.split(|byte| *byte == b'\n').filter(|row| !row.is_empty()) {
                buffer.add(|out| columns.write(row, csv, out))?;
            }
            buffer.finish();
            Ok(buffer)
        };
        for buffer in each_in_order(Chunks(BufReader::new(file)), in_cells) {
            writer.rows(&buffer??)?;
        }
        Ok(writer.end()?.0)
    }
}

/// See [`Table::noting`].
#[derive(Clone)]
pub(super) struct Noting(Columns);

/// The columns of some rows.
pub(super) struct Noted(Columns);

impl Noting {
    /// The columns of the rows of a buffer that is not finished.
    pub(super) fn of(&self, buffer: &RowBuffer) -> Result<Noted, Failure> {
        let mut columns = self.0.clone();
        buffer.rows().try_for_each(|row| columns.note(row))?;
        Ok(Noted(columns))
    }
}

/// Whole lines of a file, many at a time.
struct Chunks(BufReader<File>);

impl Iterator for Chunks {
    type Item = Result<Vec<u8>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut chunk = Vec::new();
        let read = self.0.by_ref().take(CHUNK_LEN).read_to_end(&mut chunk);
        match read.and_then(|_| self.0.read_until(b'\n', &mut chunk)) {
            Ok(_) if chunk.is_empty() => None,
            Ok(_) => Some(Ok(chunk)),
            Err(error) => Some(Err(table_fault(error))),
        }
    }
}

fn object_of(row: &[u8]) -> Result<Map<String, Value>, Failure> {
    serde_json::from_slice(row).map_err(|error| table_fault(error.into()))
}

fn table_fault(error: std::io::Error) -> Failure {
    Failure::failed("the contacts cannot be kept on disk while their columns are found out").cause(error)
}
