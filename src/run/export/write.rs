//! From what was read to the rows of the file: mapped and encoded on all cores, written in order.

use super::ahead::{Ahead, Written};
use super::maker::{Maker, Row};
use super::matched::Contacts;
use super::parts::{Content, Exporting, Reached, Ready};
use super::put::Out;
use super::whole::Whole;
use crate::files::{Fingerprint, FingerprintSoFar, Format, Layout, Output, Read, RowWriter};
use crate::outcome::{Exit, Failure, Problem, Reject};
use crate::record::{Header, Origin};
use crate::report::words::count;
use crate::run::changes::{self, Changes, Shape};
use crate::run::earlier_export::EarlierExport;
use crate::run::evidence::{self, EvidenceAsked};
use crate::run::left_blank::LeftBlankList;
use crate::run::ordered::in_order;
use crate::run::regions::check_regions;
use crate::run::results::ResultsWriter;
use crate::run::rows::{Encoder, Sink, Table, Writer, format_of, row_layout};
use crate::run::source::account::{Fetched, What};
use crate::scratch::spool::{Completeness, Spool};
use serde_json::json;
use std::sync::Arc;

/// What the rows of the file are made of.
enum Rows {
    /// They are written.
    Written(Content),
    /// What was kept of each contact.
    Whole(Box<Whole>),
    /// What the mapping makes; objects of another list are matched with contacts.
    Made(Option<Contacts>),
}

impl Exporting<'_> {
    /// Writes everything, nothing in place yet but the rejects; none when the run was told to stop.
    pub(super) fn write(
        &self,
        fetched: &Fetched,
        contacts: Option<Contacts>,
        ahead: Option<Ahead>,
        reached: &mut Reached,
    ) -> Result<Option<Ready>, Failure> {
        self.prove_enough(fetched.spool.len(), reached)?;
        let (folder, earlier) = (&self.run.folder, Vec::new());
        let asked = EvidenceAsked { folder, earlier, state: &self.plan.state, file: None };
        evidence::fix(&self.form.bound, &asked, self.console, || fetched.spool.source())?;
        let (plan, create) = (self.plan, || self.create());
        let rejects = self.rejects.writer(&Layout::plain(Format::Jsonl), &Header::Contact);
        let noted = || Some((self.run.record.ledger(&plan.state), self.run.record.about("results")));
        let results = plan.work.results.as_deref().map(|path| ResultsWriter::create(path, noted())).transpose()?;
        let changes = self.changes()?;
        let (sink, rows) = self.begin_rows(fetched, contacts, ahead)?;
        let writer = Writer { sums: &mut reached.sums, rejects, results, left_blank: LeftBlankList::new(folder) };
        let progress = self.console.progress(&format!("writing {}", self.run.record.target), Some(fetched.spool.len()));
        let mut out = Out { sink, changes, writer, progress };
        let (is_all, content) = self.put_rows(&fetched.spool, rows, &mut out)?;
        let Out { sink, changes, mut writer, progress } = out;
        if is_all {
            progress.finish();
        }
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
        let out = sink.end(self.form.layout, create)?;
        let content = match content {
            Content::OfFile => out.content(),
            Content::Known(content) => Some(content),
            Content::Unknown => None,
        };
        let content = content.filter(|_| plan.work.limit.is_none());
        reached.content = content.map(|content| Fingerprint { len: fetched.spool.len(), ..content });
        Ok(Some(Ready { out, results, changes }))
    }

    /// Where rows go, and what they are made of. What was written ahead counts if it is all that was read.
    fn begin_rows(
        &self,
        fetched: &Fetched,
        contacts: Option<Contacts>,
        ahead: Option<Ahead>,
    ) -> Result<(Sink, Rows), Failure> {
        let spool = &fetched.spool;
        let written = ahead.filter(|_| fetched.is_given).map(Ahead::end).transpose()?.flatten();
        if let Some(Written { sink, content, .. }) = written.filter(|written| written.rows == spool.len()) {
            return Ok((sink, Rows::Written(content)));
        }
        let Some(whole) = self.whole(spool)? else { return Ok((self.sink(self.create()?)?, Rows::Made(contacts))) };
        let sink = match whole.columns() {
            Some(columns) => Sink::File(RowWriter::begin(self.create()?, self.form.layout, columns.names())?),
            None => self.sink(self.create()?)?,
        };
        Ok((sink, Rows::Whole(Box::new(whole))))
    }

    /// Puts the rows in; whether that was all, and not a stop, and what was kept of the contacts.
    fn put_rows(&self, spool: &Spool, rows: Rows, out: &mut Out<'_>) -> Result<(bool, Content), Failure> {
        match rows {
            Rows::Written(content) => {
                out.put_written(spool.len());
                Ok((true, content))
            }
            Rows::Made(contacts) => Ok((self.rows(spool, contacts, out)?, Content::Unknown)),
            Rows::Whole(whole) if whole.is_as_kept() && out.sink.content().is_some() => {
                Ok((self.write_whole(spool, *whole, &mut None, out)?, Content::OfFile))
            }
            Rows::Whole(whole) => {
                let mut content = Some(FingerprintSoFar::default());
                let is_all = self.write_whole(spool, *whole, &mut content, out)?;
                Ok((is_all, content.map_or(Content::Unknown, |content| Content::Known(content.end()))))
            }
        }
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
        let kept = EarlierExport::of(&self.plan.state, self.kept.with_extension("db"))?;
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
            let table = Table::new(&self.run.folder, form.columns(self.plan.what), form.bound.writes())?;
            return Ok(Sink::Table(table));
        }
        Ok(Sink::File(RowWriter::begin(out, form.layout, columns.into_iter().flatten().map(String::as_str))?))
    }

    /// Writes what was read, by a mapping or from another list; whether that was all, and not a stop.
    fn rows(&self, spool: &Spool, contacts: Option<Contacts>, out: &mut Out<'_>) -> Result<bool, Failure> {
        let encoder = Encoder::new(Arc::clone(&self.form.bound), &self.form.layout);
        let maker = Maker { encoder, since: self.plan.since, wants_json: out.changes.is_some(), contacts };
        if self.plan.what != What::Contacts {
            return self.objects(spool, &maker, out);
        }
        let made = move |read: Read<'_>| match read {
            Read::Record(record) => (record.borrowed().origin.line, maker.of_contact(record.into_record())),
            Read::Reject(reject) => (reject.origin.line, Row::Rejected { id: String::new(), reject }),
            // A spool has none.
            Read::Blank(origin) => (origin.line, Row::Filtered { id: String::new() }),
        };
        for batch in in_order(self.rejects.watch(spool.source()?), self.plan.work.limit, made) {
            for (line, row) in batch? {
                out.put(line, row)?;
            }
            out.show();
            if self.stop.is_requested() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn objects(&self, spool: &Spool, maker: &Maker, out: &mut Out<'_>) -> Result<bool, Failure> {
        let mut next = 0;
        loop {
            let rows = spool.rows(next)?;
            if rows.is_empty() || self.stop.is_requested() {
                return Ok(rows.is_empty());
            }
            for held in rows {
                if self.plan.work.limit.is_some_and(|limit| held.ordinal >= limit) {
                    return Ok(true);
                }
                next = held.ordinal + 1;
                self.rejects.saw(held.json.as_bytes());
                out.put(next, maker.of_object(held)?)?;
            }
            out.show();
        }
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
