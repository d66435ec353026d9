//! From what was read to the rows of the file: mapped and encoded on all cores, written in order.

use super::matched::Contacts;
use super::parts::{Exporting, Reached, Ready};
use super::plan::DATES;
use crate::contact::{Contact, Field, Wanted};
use crate::files::{Format, Layout, Output, Read, RowWriter};
use crate::mapping::Mapped;
use crate::outcome::{Exit, Failure, Outcome, Problem, Reject, Skip, Totals};
use crate::record::{Fields, Header, Origin, Record};
use crate::report::State;
use crate::report::words::count;
use crate::run::bind::check_regions;
use crate::run::changes::{self, Changes, Shape};
use crate::run::evidence::{self, EvidenceAsked};
use crate::run::left_blank::LeftBlankList;
use crate::run::ordered::in_order;
use crate::run::results::ResultsWriter;
use crate::run::rows::{Encoder, Omitted, Sink, Table, Whose, Writer, format_of, row_layout};
use crate::run::source::account::{Fetched, What};
use crate::scratch::spool::Completeness;
use crate::scratch::spool::{Row as Held, Spool};
use serde_json::{Value, json};
use std::sync::Arc;

/// Records of another list between two looks at whether to stop.
const LOOK_EVERY: u64 = 256;

/// One contact as it will be written, or why it is not.
enum Row {
    Written { id: String, bytes: Vec<u8>, json: Option<Vec<u8>>, omitted: Omitted },
    Filtered { id: String },
    Rejected { id: String, reject: Reject },
}

/// Makes rows; used on all cores.
struct Maker {
    encoder: Encoder,
    since: Option<jiff::Timestamp>,
    /// Whether the row is wanted as JSON too.
    wants_json: bool,
    /// The contacts that the objects are matched with.
    contacts: Option<Contacts>,
}

impl Maker {
    fn of_contact(&self, record: Record) -> Row {
        let id = match &record.fields {
            Fields::Contact(contact) => contact.text(Field::Id).unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        if let (Some(since), Fields::Contact(contact)) = (self.since, &record.fields)
            && changed_at(contact).is_some_and(|at| at < since)
        {
            return Row::Filtered { id };
        }
        match self.encoder.bound.apply(&record) {
            Mapped::Filtered => Row::Filtered { id },
            Mapped::Rejected(problems) => rejected(id, record, problems),
            Mapped::Contact(wanted) => self.encode(id, record, &wanted),
        }
    }

    /// An object of another list: as it came, or the columns of the mapping.
    fn of_object(&self, mut held: Held) -> Result<Row, Failure> {
        let Ok(Value::Object(mut object)) = serde_json::from_str(&held.json) else {
            return Err(Failure::failed(format!("`{}` was kept, and cannot be read again", held.id)));
        };
        if let Some(contacts) = &self.contacts {
            contacts.put_into(&mut object)?;
            held.json = Value::Object(object.clone()).to_string();
        }
        if self.encoder.bound.columns().is_none() {
            let json = self.wants_json.then(|| held.json.clone().into_bytes());
            let omitted = Omitted { left_blank: Vec::new(), not_carried: Vec::new() };
            return Ok(Row::Written { id: held.id, bytes: held.json.into_bytes(), json, omitted });
        }
        // What is called as a field of a contact is found as that, everything under its own name.
        let mut contact = Contact::from_json(&object);
        contact.native.clone_from(&object);
        let record = Record {
            origin: Origin { ordinal: held.ordinal, line: held.ordinal + 1 },
            fields: Fields::Json(Value::Object(object)),
            raw: held.json.into_bytes().into(),
        };
        Ok(self.encode(held.id, record, &Wanted { contact, ..Wanted::default() }))
    }

    fn encode(&self, id: String, record: Record, wanted: &Wanted) -> Row {
        let mut bytes = Vec::with_capacity(512);
        if let Err(problems) = self.encoder.encode(&wanted.contact, (&record).into(), &mut bytes) {
            return rejected(id, record, problems);
        }
        let mut json = None;
        if self.wants_json {
            let json = json.insert(Vec::with_capacity(512));
            if let Err(problems) = self.encoder.encode_json(&wanted.contact, (&record).into(), json) {
                return rejected(id, record, problems);
            }
        }
        let omitted = Omitted { left_blank: wanted.left_blank.clone(), not_carried: wanted.not_carried.clone() };
        Row::Written { id, bytes, json, omitted }
    }
}

fn rejected(id: String, record: Record, problems: Vec<Problem>) -> Row {
    Row::Rejected { id, reject: Reject { origin: record.origin, raw: record.raw, problems } }
}

/// When a contact was last changed, or else created; `None` where that is not known.
fn changed_at(contact: &Contact) -> Option<jiff::Timestamp> {
    DATES.iter().find_map(|field| contact.text(*field)?.parse().ok())
}

impl Exporting<'_> {
    /// Writes everything, nothing in place yet but the rejects; none when the run was told to stop.
    pub(super) fn write(
        &self,
        fetched: &Fetched,
        contacts: Option<Contacts>,
        reached: &mut Reached,
    ) -> Result<Option<Ready>, Failure> {
        self.prove_enough(fetched.spool.len(), reached)?;
        let (folder, earlier) = (&self.run.folder, Vec::new());
        let asked = EvidenceAsked { folder, earlier, state: &self.plan.state, file: None };
        evidence::fix(&self.form.bound, &asked, self.console, || fetched.spool.source())?;
        let plan = self.plan;
        let create = || match plan.is_to_stdout() {
            true => Ok(Output::stdout()),
            false => {
                let (path, info) = (plan.destination(self.moment), &self.run.record);
                let out = Output::create_as(&path, &self.moment.fill(&plan.out))?;
                Ok(out.noted(info.ledger(&plan.state), info.about("out")))
            }
        };
        let rejects = self.rejects.writer(&Layout::plain(Format::Jsonl), &Header::Contact);
        let noted = || Some((self.run.record.ledger(&plan.state), self.run.record.about("results")));
        let results = plan.work.results.as_deref().map(|path| ResultsWriter::create(path, noted())).transpose()?;
        let mut changes = self.changes()?;
        let mut sink = self.sink(create()?)?;
        let left_blank = LeftBlankList::new(&self.run.folder);
        let mut writer = Writer { sums: &mut reached.sums, rejects, results, left_blank };
        let is_all = self.rows((&fetched.spool, contacts), &mut sink, changes.as_mut(), &mut writer)?;
        if is_all && plan.work.limit.is_none_or(|limit| writer.sums.totals.read < limit) {
            self.missing(&fetched.spool, &mut writer)?;
        }
        let (results, rejects) = (writer.results.take(), writer.rejects);
        reached.rejected = self.rejects.finish(rejects, self.console)?;
        writer.sums.left_blank = writer.left_blank.finish()?;
        if !is_all {
            self.rejects.copy(reached.rejected, self.console)?;
            return Ok(None);
        }
        if let Some(mistakes) = self.form.bound.unmet_names() {
            return Err(Failure::from(mistakes));
        }
        check_regions(&self.form.bound, &plan.connection.name)?;
        self.prove_enough(reached.sums.totals.created, reached)?;
        let is_proven = reached.completeness.is_some_and(|known| known != Completeness::Unproven);
        let changes = changes.map(|changes| changes.end(is_proven)).transpose()?;
        Ok(Some(Ready { out: sink.end(self.form.layout, create)?, results, changes }))
    }

    /// `--at-least`; a sample is no export.
    fn prove_enough(&self, contacts: u64, reached: &mut Reached) -> Result<(), Failure> {
        let Some(at_least) = self.plan.at_least.filter(|_| self.plan.work.limit.is_none()) else { return Ok(()) };
        if contacts >= at_least {
            return Ok(());
        }
        reached.is_too_little = true;
        let (name, what) = (&self.plan.connection.name, self.plan.what.name());
        let gave = count(contacts, what.strip_suffix('s').unwrap_or(what), what);
        Err(Failure::new(Exit::Unavailable, format!("`{name}` gave {gave}, and `--at-least` is {at_least}"))
            .hint("nothing was replaced; if so few are right, ask for fewer"))
    }

    fn changes(&self) -> Result<Option<Changes>, Failure> {
        let Some(path) = self.plan.changes.as_ref().filter(|_| self.plan.work.limit.is_none()) else {
            return Ok(None);
        };
        let path = self.moment.fill(path);
        let layout = row_layout(format_of(&path)?, &self.form.hints, self.plan.raw_cells)?;
        let kept = self.kept.with_extension("db");
        let (columns, is_mapped) = (self.form.columns(self.plan.what), self.form.bound.columns().is_some());
        let (info, state) = (&self.run.record, &self.plan.state);
        let place = changes::place_of(&path, &info.ledger(state), &info.about("changes"));
        if place != path {
            let name = place.file_name().unwrap_or_default().display();
            self.console.note(&format!(
                "`{}` has the changes of an earlier export of today; the new ones go to `{name}`",
                path.display()
            ));
        }
        let out = Output::create_as(&place, &path)?.noted(info.ledger(state), info.about("changes"));
        Changes::begin(out, kept, &self.run.folder, Shape { columns, is_mapped, layout }).map(Some)
    }

    fn sink(&self, out: Output) -> Result<Sink, Failure> {
        let (form, columns) = (&self.form, self.form.bound.columns().map(|columns| columns.names()));
        if columns.is_none() && form.layout.table().is_some() {
            return Ok(Sink::Table(Table::new(&self.run.folder, form.columns(self.plan.what))?));
        }
        Ok(Sink::File(RowWriter::begin(out, form.layout, columns.into_iter().flatten().map(String::as_str))?))
    }

    /// Writes every contact that was read; whether that was all, and not a stop.
    fn rows(
        &self,
        (spool, contacts): (&Spool, Option<Contacts>),
        sink: &mut Sink,
        mut changes: Option<&mut Changes>,
        writer: &mut Writer<'_>,
    ) -> Result<bool, Failure> {
        let progress = self.console.progress(&format!("writing {}", self.run.record.target), Some(spool.len()));
        let show = |so_far: Totals| {
            progress.set(State { done: so_far.read, rejected: so_far.rejected, ..State::default() });
        };
        let encoder = Encoder::new(Arc::clone(&self.form.bound), &self.form.layout);
        let maker = Maker { encoder, since: self.plan.since, wants_json: changes.is_some(), contacts };
        let limit = self.plan.work.limit;
        let mut take = |line: u64, row: Row| put(line, row, sink, changes.as_deref_mut(), writer);
        if self.plan.what != What::Contacts {
            let mut next = 0;
            loop {
                let rows = spool.rows(next)?;
                if rows.is_empty() || self.stop.is_requested() {
                    return Ok(rows.is_empty());
                }
                for held in rows {
                    if limit.is_some_and(|limit| held.ordinal >= limit) {
                        return Ok(true);
                    }
                    next = held.ordinal + 1;
                    self.rejects.saw(held.json.as_bytes());
                    let so_far = take(next, maker.of_object(held)?)?;
                    if next % LOOK_EVERY == 0 {
                        show(so_far);
                    }
                }
            }
        }
        let made = move |read: Read<'_>| match read {
            Read::Record(record) => (record.borrowed().origin.line, maker.of_contact(record.into_record())),
            Read::Reject(reject) => (reject.origin.line, Row::Rejected { id: String::new(), reject }),
            // A spool has none.
            Read::Blank(origin) => (origin.line, Row::Filtered { id: String::new() }),
        };
        for batch in in_order(self.rejects.watch(spool.source()?), limit, made) {
            for (line, row) in batch? {
                show(take(line, row)?);
            }
            if self.stop.is_requested() {
                return Ok(false);
            }
        }
        progress.finish();
        Ok(true)
    }

    /// Each id that no contact has is a reject.
    fn missing(&self, spool: &Spool, writer: &mut Writer<'_>) -> Result<(), Failure> {
        let title = &self.plan.connection.facts().title;
        let mut ordinal = spool.len();
        spool.for_each_missing(|id| {
            let problem = Problem::new("id.not_found", format!("{title} has no contact with the id `{id}`"))
                .at("id")
                .hint("nothing is to be done, unless the list of ids is an old one");
            let raw: Box<[u8]> = json!({ "id": id }).to_string().into_bytes().into();
            self.rejects.saw(&raw);
            writer.sums.totals.read += 1;
            let origin = Origin { ordinal, line: ordinal + 1 };
            ordinal += 1;
            writer.reject(&Reject { origin, raw, problems: vec![problem] }, Some(id))
        })
    }
}

/// Takes one row to where it belongs, and counts it.
fn put(
    line: u64,
    row: Row,
    sink: &mut Sink,
    changes: Option<&mut Changes>,
    writer: &mut Writer<'_>,
) -> Result<Totals, Failure> {
    writer.sums.totals.read += 1;
    match row {
        Row::Written { id, bytes, json, omitted } => {
            sink.row(&bytes)?;
            writer.omit(omitted)?;
            if let (Some(changes), Some(json)) = (changes, json) {
                changes.row(&id, &json)?;
            }
            writer.note(Whose { line, id: Some(&id) }, Outcome::Created, None, &[])?;
        }
        Row::Filtered { id } => {
            writer.note(Whose { line, id: Some(&id) }, Outcome::Skipped(Skip::Filtered), None, &[])?;
        }
        Row::Rejected { id, reject } => {
            if let Some(changes) = changes {
                changes.rejected(&id)?;
            }
            writer.reject(&reject, Some(&id))?;
        }
    }
    Ok(writer.sums.totals)
}
