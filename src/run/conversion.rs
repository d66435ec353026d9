//! The passes of a conversion: a record becomes a row, or the records of one contact become one, at the last of them. How
//! the run begins and ends is decided in `commands/convert.rs`.

use crate::contact::{Merged, Wanted};
use crate::files::{self, Fingerprint, Format, Found, Opened, Output, Read, RowLayout, RowWriter, Source};
use crate::ids::SourceStamp;
use crate::mapping::{Duplicates, Mapped};
use crate::outcome::{Failure, Outcome, Skip};
use crate::plan::suggest::Typed;
use crate::plan::{SourcePlan, WorkAsked};
use crate::record::Record;
use crate::report::{Console, Progress, State};
use crate::run::active::ActiveRun;
use crate::run::encoded::BatchEncoder;
use crate::run::evidence::{self, EvidenceAsked};
use crate::run::item::{Candidate, Item, Mapper, pack, reject_of, unpack};
use crate::run::left_blank::LeftBlankList;
use crate::run::ordered::{batches_in_order, in_order};
use crate::run::pass::first::{First, FirstAsked, first_pass, show};
use crate::run::regions::check_regions;
use crate::run::rejects::RejectsFiles;
use crate::run::results::{ResultsWriter, begin};
use crate::run::rows::{Columns, Encoder, Sink, Sums, Table, Whose, Writer, check_columns, format_of, row_layout};
use crate::run::stop::Stop;
use crate::scratch::people::{Member, People};
use crate::store::StateDir;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A checked conversion.
pub struct ConvertPlan {
    /// The file and its mapping.
    pub source: SourcePlan,
    /// The file that is written; `-`: standard output.
    pub out: PathBuf,
    /// Whether cells are written without a formula guard.
    pub raw_cells: bool,
    /// The rest of what was asked.
    pub work: WorkAsked,
    /// The folder of all runs.
    pub state: StateDir,
    /// What was typed.
    pub typed: Typed,
}

/// What all parts of a conversion need.
pub(super) struct Conversion<'a> {
    pub(super) plan: &'a ConvertPlan,
    pub(super) console: &'a Console,
    pub(super) stop: &'a Stop,
    pub(super) run: &'a ActiveRun,
    pub(super) rejects: &'a RejectsFiles,
    pub(super) mapper: Arc<Mapper>,
    /// How the source was when it was first opened.
    pub(super) stamp: Option<SourceStamp>,
}

/// What was written.
#[derive(Default)]
pub(super) struct Written {
    /// Whether the whole source is in it.
    pub(super) is_whole: bool,
    pub(super) rejects: u64,
    /// What the file was that was read.
    pub(super) content: Option<Fingerprint>,
}

/// Where the rows go.
struct Target<'w> {
    sink: Sink,
    writer: Writer<'w>,
    progress: Progress,
    /// Bytes of the source that were read, and all of them.
    bytes: (Arc<AtomicU64>, u64),
    /// What is found while the source is read.
    found: Arc<Found>,
}

impl Target<'_> {
    fn show(&self, run: &ActiveRun) {
        let totals = &self.writer.sums.totals;
        run.metrics.measure(0, totals.read, None);
        let bytes = Some((self.bytes.0.load(Ordering::Relaxed), self.bytes.1));
        self.progress.set(State { done: totals.read, rejected: totals.rejected, bytes, ..State::default() });
    }
}

/// Whose outcome it is: a file's records have no id.
fn at(line: u64) -> Whose<'static> {
    Whose { line, id: None }
}

impl Conversion<'_> {
    /// Fixes what the columns say about the countries of phones, as it was when the run started.
    pub(super) fn fix_evidence(&self, opened: Opened) -> Result<Opened, Failure> {
        let (source, folder) = (&self.plan.source, &*self.run.folder);
        let asked = EvidenceAsked { folder, earlier: Vec::new(), state: &self.plan.state, file: Some(source) };
        let bound = &self.mapper.bound;
        if self.plan.work.limit.is_some() {
            // What is found behind the limit is not reported, so nothing is read ahead.
            let open = || Ok(files::open(&source.path, &source.shown, &source.options)?.source);
            evidence::fix(bound, &asked, self.console, open)?;
            return Ok(opened);
        }
        let rest = evidence::fix_from(bound, &asked, self.console, opened.source)?;
        Ok(match rest {
            Some(source) => Opened { source, ..opened },
            None => files::open(&source.path, &source.shown, &source.options)?,
        })
    }

    /// Writes the file; whether the whole source is in it, and how many were rejected. With a limit it holds the first ones.
    pub(super) fn write(&self, opened: Opened, sums: &mut Sums) -> Result<Written, Failure> {
        let (plan, folder) = (self.plan, &*self.run.folder);
        let info = &self.run.record;
        let format = if self.is_to_stdout() { Format::Jsonl } else { format_of(&plan.out)? };
        let hints = plan.source.mapping.as_ref().map(|(mapping, _)| mapping.write_hints().clone()).unwrap_or_default();
        let rejects = self.rejects.writer(&opened.layout, &opened.header);
        let noted = || Some((info.ledger(&plan.state), info.about("results")));
        let results = plan.work.results.as_deref().map(|path| ResultsWriter::create(path, noted())).transpose()?;
        let out = self.output()?;
        let layout = row_layout(format, &hints, plan.raw_cells)?;
        check_columns(&layout, &self.mapper.bound)?;
        let people = self.people()?;
        if self.stop.is_requested() {
            return Ok(Written::default());
        }
        let writer = Writer { sums, rejects, results, left_blank: LeftBlankList::new(folder) };
        let progress = self.console.progress(&format!("converting {}", plan.source.shown), None);
        let bytes = (Arc::clone(&opened.bytes_read), opened.bytes_total);
        let found = Arc::clone(&opened.found);
        let mut target = Target { sink: self.sink(out, layout)?, writer, progress, bytes, found };
        let encoder = Encoder::new(Arc::clone(&self.mapper.bound), &layout);
        self.run.metrics.measure(0, 0, None);
        let source = self.rejects.watch(opened.source);
        let (has_people, content) = (people.is_some(), Arc::clone(&opened.content));
        let is_whole = match people {
            None => self.alone(source, encoder, &mut target)?,
            Some(people) => self.merged(source, encoder, people, &mut target)?,
        };
        let written = self.finish(target, layout, is_whole, has_people)?;
        Ok(Written { content: content.get().cloned(), ..written })
    }

    fn is_to_stdout(&self) -> bool {
        self.plan.out.as_os_str() == "-"
    }

    fn output(&self) -> Result<Output, Failure> {
        let info = &self.run.record;
        match self.is_to_stdout() {
            true => Ok(Output::stdout()),
            false => begin(&self.plan.out, Some((info.ledger(&self.plan.state), info.about("out")))),
        }
    }

    fn sink(&self, out: Output, layout: RowLayout) -> Result<Sink, Failure> {
        let columns = self.mapper.bound.columns().map(|columns| columns.names());
        Ok(match (columns, layout.table()) {
            (None, Some(_)) => {
                Sink::Table(Table::new(&self.run.folder, Columns::of_contacts(), self.mapper.bound.writes())?)
            }
            _ => Sink::File(RowWriter::begin(out, layout, columns.into_iter().flatten().map(String::as_str))?),
        })
    }

    /// Which records are of one contact, when the mapping says by what.
    fn people(&self) -> Result<Option<People>, Failure> {
        if self.mapper.identity.is_empty() {
            return Ok(None);
        }
        let source = &self.plan.source;
        let opened = files::open(&source.path, &source.shown, &source.options)?;
        let progress = self.console.progress(&format!("reading {}", source.shown), None);
        let (mapper, folder) = (Arc::clone(&self.mapper), self.run.folder.clone());
        let asked = FirstAsked { mapper, folder, stop: self.stop.clone() };
        let first = first_pass(opened.source, &asked, First::default(), &|first| show(&progress, first));
        progress.finish();
        Ok(first?.map(|(_, people)| people))
    }

    /// Every record is a row of its own: mapped and encoded on all cores.
    fn alone(&self, source: Box<dyn Source>, encoder: Encoder, target: &mut Target<'_>) -> Result<bool, Failure> {
        let lists_rows = target.writer.results.is_some();
        let suppressed = self.mapper.suppressed.clone();
        let (layout, noting) = (target.sink.layout()?, target.sink.noting());
        let encoder = BatchEncoder { encoder, layout, lists_rows, suppressed, noting };
        for batch in batches_in_order(source, self.plan.work.limit, move |batch| encoder.encode(batch)) {
            target.writer.write(batch?, &mut target.sink)?;
            target.show(self.run);
            if self.stop.is_requested() {
                return Ok(false);
            }
        }
        Ok(self.is_whole(target))
    }

    fn is_whole(&self, target: &Target<'_>) -> bool {
        self.plan.work.limit.is_none_or(|limit| target.writer.sums.totals.read < limit)
    }

    /// Records of one contact become one row, at the last of them.
    fn merged(
        &self,
        source: Box<dyn Source>,
        encoder: Encoder,
        mut people: People,
        target: &mut Target<'_>,
    ) -> Result<bool, Failure> {
        let pure = Arc::clone(&self.mapper);
        for batch in in_order(source, self.plan.work.limit, move |read: Read<'_>| pure.item(read)) {
            for item in batch? {
                target.writer.sums.totals.read += 1;
                match item {
                    Item::Rejected(reject) => target.writer.reject(&reject, None)?,
                    Item::Skipped(origin, skip) => {
                        target.writer.note(at(origin.line), Outcome::Skipped(skip), None, &[])?;
                    }
                    Item::Candidate(candidate) => self.one_of_several(*candidate, &encoder, &mut people, target)?,
                }
            }
            target.show(self.run);
            if self.stop.is_requested() {
                return Ok(false);
            }
        }
        Ok(self.is_whole(target))
    }

    /// A record that may be one of several of its contact.
    fn one_of_several(
        &self,
        candidate: Candidate,
        encoder: &Encoder,
        people: &mut People,
        target: &mut Target<'_>,
    ) -> Result<(), Failure> {
        let mapping = self.plan.source.mapping.as_ref();
        let duplicates = mapping.map_or(Duplicates::Merge, |(mapping, _)| mapping.duplicates);
        let origin = candidate.record.origin;
        match people.member(origin.ordinal)? {
            Some(member) if duplicates == Duplicates::First && member.root != origin.ordinal => {
                let outcome = Outcome::Skipped(Skip::Duplicate);
                target.writer.note(at(origin.line), outcome, Some(member.root_line), &[])
            }
            Some(member) if duplicates == Duplicates::Merge && member.last != origin.ordinal => {
                people.hold(member.root, origin.ordinal, &pack(&candidate.record))
            }
            Some(member) if duplicates == Duplicates::Merge => {
                let is_suppressed = candidate.is_suppressed;
                let (wanted, records) = self.of_all(people, member, candidate.record)?;
                match is_suppressed || records.iter().any(|record| self.is_suppressed(record)) {
                    true => target.suppress(&records),
                    false => target.one(encoder, wanted, &records),
                }
            }
            _ if candidate.is_suppressed => target.suppress(&[candidate.record]),
            _ => {
                let wanted = Wanted { not_carried: candidate.not_carried, ..candidate.wanted };
                target.one(encoder, wanted, &[candidate.record])
            }
        }
    }

    /// Whether the contact of one record is on a suppression list.
    fn is_suppressed(&self, record: &Record) -> bool {
        let has_list = self.mapper.suppressed.is_some();
        has_list
            && matches!(self.mapper.bound.apply(record), Mapped::Contact(wanted) if self.mapper.is_suppressed(&wanted.contact))
    }

    /// The contact that all its records make, and the records.
    fn of_all(&self, people: &People, member: Member, last: Record) -> Result<(Wanted, Vec<Record>), Failure> {
        let lost = || Failure::failed("a record that was kept for merging cannot be read again");
        let mut records: Vec<Record> = Vec::new();
        for bytes in people.release(member.root)? {
            records.push(unpack(&bytes).ok_or_else(lost)?);
        }
        records.push(last);
        let mut all: Option<Merged> = None;
        for record in &records {
            let Mapped::Contact(wanted) = self.mapper.bound.apply(record) else { return Err(lost()) };
            match &mut all {
                None => all = Some(Merged::new(*wanted, record.origin.line)),
                Some(all) => all.add(*wanted, record.origin.line),
            }
        }
        Ok((all.ok_or_else(lost)?.into_wanted(), records))
    }

    /// Puts the file in place.
    fn finish(
        &self,
        target: Target<'_>,
        layout: RowLayout,
        is_whole: bool,
        has_people: bool,
    ) -> Result<Written, Failure> {
        let Target { sink, writer, progress, found, .. } = target;
        progress.finish();
        let (source, bound) = (&self.plan.source, &self.mapper.bound);
        found.notes(&source.shown).iter().for_each(|note| self.console.note(note));
        let rejects = self.rejects.finish(writer.rejects, self.console)?;
        writer.sums.left_blank = writer.left_blank.finish()?;
        if self.stop.is_requested() {
            self.rejects.copy(rejects, self.console)?;
            return Ok(Written { rejects, ..Written::default() });
        }
        // Duplicates are identified by record position, so both passes must read identical input.
        if has_people && self.stamp != SourceStamp::of_file(&source.path) && !source.is_copy() {
            return Err(Failure::failed(format!("`{}` changed while it was read", source.shown))
                .hint("nothing was replaced; the same command reads it as it is then"));
        }
        if let Some(errors) = bound.unmet_names() {
            return Err(Failure::from(errors));
        }
        check_regions(bound, &source.shown)?;
        sink.end(layout, || self.output())?.commit()?;
        if let Some(results) = writer.results {
            results.commit()?;
        }
        self.rejects.copy(rejects, self.console)?;
        writer.sums.is_placed = true;
        Ok(Written { is_whole, rejects, content: None })
    }
}

impl Target<'_> {
    /// Counts the records of a contact that is on a suppression list.
    fn suppress(&mut self, records: &[Record]) -> Result<(), Failure> {
        let outcome = Outcome::Skipped(Skip::Suppressed);
        records.iter().try_for_each(|record| self.writer.note(at(record.origin.line), outcome, None, &[]))
    }

    /// Writes one contact, and counts its records.
    fn one(&mut self, encoder: &Encoder, wanted: Wanted, records: &[Record]) -> Result<(), Failure> {
        let Some(first) = records.first() else { return Ok(()) };
        let (mut row, root_line) = (Vec::new(), first.origin.line);
        if let Err(problems) = encoder.encode(&wanted.contact, first.into(), &mut row) {
            return records
                .iter()
                .try_for_each(|record| self.writer.reject(&reject_of(record, problems.clone()), None));
        }
        self.sink.row(&row)?;
        self.writer.omit(encoder.omitted_of(wanted))?;
        self.writer.note(at(root_line), Outcome::Created, None, &[])?;
        records.iter().skip(1).try_for_each(|record| {
            let outcome = Outcome::Skipped(Skip::Duplicate);
            self.writer.note(at(record.origin.line), outcome, Some(root_line), &[])
        })
    }
}
