//! Contacts as rows of a file: how each is encoded, which columns a table without a mapping has, and the sums of
//! what was written.

use crate::contact::{Contact, ContactView, FIELDS, Field, LeftBlank, Wanted};
use crate::files::csv::CsvEncoder;
use crate::files::{
    CardVersion, Fingerprint, Format, Output, RejectsWriter, RowBuffer, RowEncoder, RowFormat, RowLayout, RowWriter,
    put_card, unnamed_in,
};
use crate::mapping::names::known_column;
use crate::mapping::{Direct, Draft, Program, WriteHints, Writes, cell_of_list, in_cell};
use crate::outcome::{Failure, Outcome, Problem, Reject, Totals};
use crate::record::{Origin, RecordRef};
use crate::report::Counts;
use crate::run::bind::singular;
use crate::run::left_blank::LeftBlankList;
use crate::run::results::{ResultsWriter, outcome_name};
use crate::store::OutcomeRow;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Seek, Write};
use std::path::Path;
use std::sync::Arc;

/// Between the items of a list in one cell.
const LIST_JOIN: &str = "; ";

/// The format that the name of a file that is written says.
pub(super) fn format_of(path: &Path) -> Result<Format, Failure> {
    Format::of_path(path).ok_or_else(|| {
        Failure::usage(format!("the name of `{}` does not name a format", path.display())).hint(
            "use `.csv`, `.tsv`, `.xlsx`, `.json`, `.jsonl` or `.vcf`; `.gz` or `.zst` after it compresses the file",
        )
    })
}

/// How a file of a format is written, with what the mapping says about writing.
pub(super) fn row_layout(format: Format, hints: &WriteHints, raw_cells: bool) -> Result<RowLayout, Failure> {
    if matches!(format, Format::Xlsx | Format::Vcf) {
        // They have one encoding, and little else can be said about them.
        let mut layout = format.row_layout()?;
        if let RowEncoder::Cards(version) = &mut layout.rows.encoder {
            *version = hints.version.unwrap_or_default();
        }
        return Ok(layout);
    }
    let label = hints.encoding.as_deref().unwrap_or("utf-8");
    let encoding = encoding_rs::Encoding::for_label(label.as_bytes())
        .ok_or_else(|| Failure::usage(format!("there is no encoding `{label}`")))?;
    let mut layout = RowLayout { encoding, ..format.row_layout()? };
    if let RowEncoder::Cells(csv) = &mut layout.rows.encoder {
        csv.delimiter = hints.delimiter.unwrap_or(csv.delimiter);
        csv.raw_cells = raw_cells;
        // JSON must not begin with a mark (RFC 8259, 8.1).
        layout.bom = hints.bom.unwrap_or(false);
    }
    Ok(layout)
}

/// The version of the vCards that the file holds, if it does.
fn cards(layout: &RowLayout) -> Option<CardVersion> {
    match layout.rows.encoder {
        RowEncoder::Cards(version) => Some(version),
        RowEncoder::Cells(_) | RowEncoder::Objects => None,
    }
}

/// A vCard has a contact's own fields, and no columns.
///
/// # Errors
/// Exit 2 when the mapping has columns.
pub(super) fn check_columns(layout: &RowLayout, bound: &Program) -> Result<(), Failure> {
    if cards(layout).is_none() || bound.columns().is_none() {
        return Ok(());
    }
    Err(Failure::usage("the mapping has `columns`, and a vCard has the fields of a contact only")
        .hint("write a table or JSON, or use a mapping without `columns`"))
}

/// Turns contacts into encoded rows; pure, used on all cores.
pub(super) struct Encoder {
    pub(super) bound: Arc<Program>,
    pub(super) csv: Option<CsvEncoder>,
    pub(super) cards: Option<CardVersion>,
    /// How rows are written straight from the cells of a table, where they can be.
    pub(super) direct: Option<Direct>,
}

impl Encoder {
    /// For files that are written so.
    pub(super) fn new(bound: Arc<Program>, layout: &RowLayout) -> Encoder {
        let (csv, cards) = (layout.table(), cards(layout));
        let direct = if cards.is_some() { None } else { Direct::of(&bound, csv) };
        Encoder { bound, csv, cards, direct }
    }

    /// What of a draft is not in its row.
    pub(super) fn omitted(&self, draft: Draft<'_>) -> Omitted {
        let has_native = draft.contact.native().is_some();
        Omitted::of(draft.marks.left_blank, draft.marks.not_carried, self.omits_native() && has_native)
    }

    /// What of a contact is not in its row.
    pub(super) fn omitted_of(&self, wanted: Wanted) -> Omitted {
        let has_native = !wanted.contact.native.is_empty();
        Omitted::of(wanted.left_blank, wanted.not_carried, self.omits_native() && has_native)
    }

    /// Whether rows have no place for what a source platform had beside a contact.
    fn omits_native(&self) -> bool {
        self.cards.is_some() || self.csv.is_some() && self.bound.columns().is_none()
    }

    /// The contact as one row: its columns where the mapping has some, else whole, as JSON.
    pub(super) fn encode(
        &self,
        contact: &dyn ContactView,
        record: RecordRef<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Vec<Problem>> {
        match (self.bound.columns(), &self.csv) {
            (Some(columns), Some(csv)) => {
                let cells = columns.cells(contact, record)?;
                let texts: Vec<_> = cells.iter().map(|cell| cell.text()).collect();
                csv.row(texts.iter().map(|text| &**text), out);
                Ok(())
            }
            _ => match self.cards {
                Some(version) => {
                    put_card(contact, version, out);
                    Ok(())
                }
                None => self.encode_json(contact, record, out),
            },
        }
    }

    /// The same as JSON, whatever the file is.
    pub(super) fn encode_json(
        &self,
        contact: &dyn ContactView,
        record: RecordRef<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Vec<Problem>> {
        match self.bound.columns() {
            Some(columns) => columns.write_json(contact, record, out),
            None => {
                contact.write_json(out);
                Ok(())
            }
        }
    }
}

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

    /// Keeps the columns of a row in mind.
    pub(super) fn note(&mut self, row: &[u8]) -> Result<(), Failure> {
        let object = object_of(row)?;
        match self {
            Columns::Contacts(columns) => columns.note(&Contact::from_json(&object)),
            Columns::Names(names) => {
                for name in object.keys() {
                    if !names.contains(name) {
                        names.push(name.clone());
                    }
                }
            }
        }
        Ok(())
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
        let object = object_of(row)?;
        Ok(match self {
            Columns::Contacts(columns) => {
                columns.cells(&Contact::from_json(&object)).into_iter().map(Cow::into_owned).collect()
            }
            Columns::Names(names) => {
                names.iter().map(|name| object.get(name).map_or_else(String::new, text_of)).collect()
            }
        })
    }
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

/// Where rows go: into the file, or, when its columns are not known before the end, to disk first.
#[expect(clippy::large_enum_variant, reason = "there is one of them in a run")]
pub(super) enum Sink {
    File(RowWriter),
    Table(Table),
}

impl Sink {
    pub(super) fn row(&mut self, row: &[u8]) -> Result<(), Failure> {
        match self {
            Sink::File(writer) => writer.row(row),
            Sink::Table(table) => table.row(row),
        }
    }

    /// Takes the rows of a finished buffer.
    pub(super) fn rows(&mut self, buffer: &RowBuffer) -> Result<(), Failure> {
        match self {
            Sink::File(writer) => writer.rows(buffer),
            Sink::Table(table) => buffer.rows().try_for_each(|row| table.row(row)),
        }
    }

    /// What the file holds so far, where that is known: nothing packs it.
    pub(super) fn content(&self) -> Option<Fingerprint> {
        match self {
            Sink::File(writer) => writer.out().content(),
            Sink::Table(_) => None,
        }
    }

    /// How the rows are laid out that it takes in buffers.
    pub(super) fn layout(&self) -> RowLayout {
        match self {
            Sink::File(writer) => writer.layout(),
            Sink::Table(_) => RowLayout::utf8(RowFormat::BARE_OBJECTS),
        }
    }

    /// Writes what is left; the file is not in place yet. A table goes into `out`.
    pub(super) fn end(
        self,
        layout: RowLayout,
        out: impl FnOnce() -> Result<Output, Failure>,
    ) -> Result<Output, Failure> {
        match self {
            Sink::File(writer) => Ok(writer.end()?.0),
            Sink::Table(table) => table.end(layout, out()?),
        }
    }
}

/// Rows on disk (JSON), and which columns they need.
pub(super) struct Table {
    file: std::io::BufWriter<std::fs::File>,
    columns: Columns,
    /// The columns of a table without rows.
    blank: Option<ContactColumns>,
}

impl Table {
    /// A table; without rows it has the columns of contacts that a mapping writes, or the usual ones.
    pub(super) fn new(folder: &Path, columns: Columns, writes: &Writes) -> Result<Table, Failure> {
        let file = unnamed_in(folder).map_err(table_fault)?;
        let blank = matches!(columns, Columns::Contacts(_)).then(|| ContactColumns::written_by(writes).or_usual());
        Ok(Table { file: std::io::BufWriter::new(file), columns, blank })
    }

    /// Keeps a row, and its columns in mind.
    fn row(&mut self, row: &[u8]) -> Result<(), Failure> {
        self.blank = None;
        self.columns.note(row)?;
        self.file.write_all(row).and_then(|()| self.file.write_all(b"\n")).map_err(table_fault)
    }

    /// The rows as a table with all their columns.
    fn end(self, layout: RowLayout, out: Output) -> Result<Output, Failure> {
        let Some(csv) = layout.table() else { return Ok(out) };
        let names = self.blank.as_ref().map_or_else(|| self.columns.names(), ContactColumns::names);
        let mut writer = RowWriter::begin(out, layout, names)?;
        let mut file = self.file.into_inner().map_err(|error| table_fault(error.into_error()))?;
        file.rewind().map_err(table_fault)?;
        let (mut lines, mut row) = (BufReader::new(file).split(b'\n'), Vec::new());
        while let Some(line) = lines.next().transpose().map_err(table_fault)? {
            row.clear();
            csv.row(self.columns.texts(&line)?.iter().map(String::as_str), &mut row);
            writer.row(&row)?;
        }
        Ok(writer.end()?.0)
    }
}

fn object_of(row: &[u8]) -> Result<Map<String, Value>, Failure> {
    serde_json::from_slice(row).map_err(|error| table_fault(error.into()))
}

fn table_fault(error: std::io::Error) -> Failure {
    Failure::failed("the contacts cannot be kept on disk while their columns are found out").cause(error)
}

/// What was counted.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) totals: Totals,
    pub(super) skipped: BTreeMap<String, u64>,
    pub(super) rejects: BTreeMap<String, u64>,
    /// Values left out of what was written, by code; known once everything is.
    pub(super) left_blank: Counts,
    /// What the file has no column for, by name.
    pub(super) not_carried: BTreeMap<String, u64>,
    /// Whether the file is in place.
    pub(super) is_placed: bool,
}

/// More names of fields than this are not counted apart.
const NAMES_MAX: usize = 1_000;
/// Under what the further ones are counted.
const OTHER_NAMES: &str = "others";

/// What a source platform had beside a contact, by its name in a mapping.
const NATIVE: &str = "native";

/// What of a contact is not in its row.
pub(super) struct Omitted {
    pub(super) left_blank: Vec<LeftBlank>,
    pub(super) not_carried: Vec<String>,
}

impl Omitted {
    /// What a contact is written without. A table without columns of its own has none for what a source platform had beside
    /// the contact (`has_native`).
    fn of(left_blank: Vec<LeftBlank>, not_carried: Vec<String>, has_native: bool) -> Omitted {
        let mut omitted = Omitted { left_blank, not_carried };
        if has_native && !omitted.not_carried.iter().any(|name| name == NATIVE) {
            omitted.not_carried.push(NATIVE.to_owned());
        }
        omitted
    }

    /// Whether nothing is missing.
    pub(super) fn is_empty(&self) -> bool {
        self.left_blank.is_empty() && self.not_carried.is_empty()
    }
}

/// Counts, and writes the rejects.
pub(super) struct Writer<'a> {
    pub(super) sums: &'a mut Sums,
    pub(super) rejects: RejectsWriter,
    pub(super) results: Option<ResultsWriter>,
    pub(super) left_blank: LeftBlankList,
}

/// Whose outcome it is: where it was read, and its id, where it is known.
#[derive(Clone, Copy)]
pub(super) struct Whose<'a> {
    pub(super) line: u64,
    pub(super) id: Option<&'a str>,
}

impl Writer<'_> {
    /// Lists and counts what a row that was written is without.
    pub(super) fn omit(&mut self, omitted: Omitted) -> Result<(), Failure> {
        let names = &mut self.sums.not_carried;
        for name in omitted.not_carried {
            let has_room = names.len() < NAMES_MAX || names.contains_key(&name);
            *names.entry(if has_room { name } else { OTHER_NAMES.to_owned() }).or_default() += 1;
        }
        self.left_blank.add(&omitted.left_blank)
    }

    /// Counts a record, and writes its line of the results.
    pub(super) fn note(
        &mut self,
        whose: Whose<'_>,
        outcome: Outcome,
        duplicate_of: Option<u64>,
        problems: &[Problem],
    ) -> Result<(), Failure> {
        self.sums.totals.add(outcome, 1);
        if let (Outcome::Skipped(_), (_, why)) = (outcome, outcome_name(outcome)) {
            *self.sums.skipped.entry(why.to_owned()).or_default() += 1;
        }
        if let (Outcome::Rejected, Some(problem)) = (outcome, problems.first()) {
            *self.sums.rejects.entry(problem.code.to_string()).or_default() += 1;
        }
        let Some(results) = &mut self.results else { return Ok(()) };
        let (origin, problems) = (Origin { ordinal: 0, line: whose.line }, problems.to_vec());
        let target_id = whose.id.map(str::to_owned);
        results.add(&OutcomeRow { origin, outcome, target_id, duplicate_of, problems, key: None })
    }

    /// Writes a reject, and counts it.
    pub(super) fn reject(&mut self, reject: &Reject, id: Option<&str>) -> Result<(), Failure> {
        self.rejects.write(reject)?;
        self.note(Whose { line: reject.origin.line, id }, Outcome::Rejected, None, &reject.problems)
    }
}
