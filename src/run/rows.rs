//! Contacts as rows of a file: how each is encoded, which columns a table without a mapping has, and the sums of
//! what was written.

use crate::contact::{ContactView, LeftBlank, Wanted};
use crate::files::csv::CsvEncoder;
use crate::files::{
    CardVersion, Fingerprint, Format, Output, RejectsWriter, RowBuffer, RowEncoder, RowLayout, RowWriter, put_card,
};
use crate::mapping::{Direct, Draft, Program, WriteHints};
use crate::outcome::{Failure, Outcome, Problem, Reject, Totals};
use crate::record::{Origin, RecordRef};
use crate::report::Counts;
pub(super) use crate::run::columns::{Columns, ContactColumns, Table};
use crate::run::columns::{Noted, Noting};
use crate::run::left_blank::LeftBlankList;
use crate::run::results::{ResultsWriter, outcome_name};
use crate::store::OutcomeRow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

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
        // The rows of a table without columns are objects until its columns are known.
        let in_cells = csv.filter(|_| bound.columns().is_some());
        let direct = if cards.is_some() { None } else { Direct::of(&bound, in_cells) };
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

    /// Takes the rows of a finished buffer, with their columns where those are noted.
    pub(super) fn rows(&mut self, buffer: &RowBuffer, columns: Option<Noted>) -> Result<(), Failure> {
        match (self, columns) {
            (Sink::Table(table), Some(columns)) => table.rows(buffer, columns),
            (Sink::Table(table), None) => buffer.rows().try_for_each(|row| table.row(row)),
            (Sink::File(writer), _) => writer.rows(buffer),
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
    pub(super) fn layout(&self) -> Result<RowLayout, Failure> {
        match self {
            Sink::File(writer) => Ok(writer.layout()),
            Sink::Table(_) => Table::layout(),
        }
    }

    /// What finds out the columns of rows in buffers, where they are not known.
    pub(super) fn noting(&self) -> Option<Noting> {
        match self {
            Sink::File(_) => None,
            Sink::Table(table) => Some(table.noting()),
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
