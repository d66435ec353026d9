//! `ferry convert`: from a file into a file, the same reading, mapping and rejects, no platform.
//!
//! It reads once, unless the mapping names an identity: then a first pass finds the records of one contact. What it
//! writes appears whole or not at all, so that a stopped conversion is resumed by doing it again.

use crate::clock::Clock;
use crate::contact::{ContactView, Merged, Wanted};
use crate::files::{self, Format, Opened, Output, RowWriter};
use crate::ids::{CommandKind, RunStatus, SourceStamp, WorkId};
use crate::mapping::{Drafted, Duplicates, Mapped, Overflow};
use crate::outcome::{Exit, Failure, Outcome, Problem, Reject, Skip};
use crate::plan::suggest::Typed;
use crate::plan::{SourcePlan, WorkAsked};
use crate::record::Record;
use crate::report::{Console, State, Summary};
use crate::run::active::ActiveRun;
use crate::run::active::begin::{RunSpec, Start};
use crate::run::active::close::{Ended, Ending, unbalanced};
use crate::run::active::metrics::RunMetrics;
use crate::run::active::receipt::{Ends, file_read, file_written, mapping_of};
use crate::run::bind::{bind, check_regions};
use crate::run::evidence::{self, EvidenceAsked};
use crate::run::item::{Item, Mapper, pack, reject_of, unpack};
use crate::run::left_blank::LeftBlankList;
use crate::run::ordered::{Read, in_order};
use crate::run::pass::first::{First, FirstAsked, first_pass, show};
use crate::run::rejects::RejectsFiles;
use crate::run::results::{ResultsWriter, begin};
use crate::run::rows::{Columns, Encoder, Omitted, Sink, Sums, Table, Whose, Writer, format_of, row_layout};
use crate::run::stop::Stop;
use crate::scratch::people::{Member, People};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

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
    pub state: PathBuf,
    /// What was typed.
    pub typed: Typed,
}

/// One record as it will be written, or why it is not.
enum Row {
    Written(Vec<u8>, Omitted),
    Skipped(Skip),
    Rejected(Reject),
}

impl Row {
    /// Maps and encodes what was read; the values stay in the record until they are in the row.
    fn of(encoder: &Encoder, read: Read) -> Row {
        let record = match read {
            Read::Record(record) => record,
            Read::Blank(_) => return Row::Skipped(Skip::Blank),
            Read::Reject(reject) => return Row::Rejected(reject),
        };
        match encoder.row(&record) {
            Ok(row) => row,
            Err(problems) => Row::Rejected(reject_of(record, problems)),
        }
    }
}

impl Encoder {
    fn row(&self, record: &Record) -> Result<Row, Vec<Problem>> {
        let draft = match self.bound.draft(record) {
            Drafted::Filtered => return Ok(Row::Skipped(Skip::Filtered)),
            Drafted::Rejected(problems) => return Err(problems),
            Drafted::Contact(draft) => *draft,
        };
        let mut out = Vec::with_capacity(512);
        self.encode(&draft.contact, record, &mut out)?;
        let (has_native, mut marks) = (!draft.contact.native().is_empty(), draft.marks);
        Ok(Row::Written(out, Omitted::of(&mut marks, has_native, self)))
    }
}

/// Converts a file.
///
/// # Errors
/// What stops it before it has begun. Once it has, how it ended is told in [`Ended`].
pub fn convert(plan: &ConvertPlan, console: &Console, clock: Clock, stop: &Stop) -> Result<Ended, Failure> {
    let opened = files::open(&plan.source.path, &plan.source.shown, &plan.source.options)?;
    for note in &opened.notes {
        console.note(note);
    }
    let (bound, _, identity) = bind(&plan.source, &opened.header, None, None, console)?;
    let work = work_of(plan);
    let spec = RunSpec {
        kind: CommandKind::Convert,
        source: &plan.source.shown,
        target: &plan.out.display().to_string(),
        work,
        state: &plan.state,
        typed: &plan.typed,
        start: if plan.work.fresh { Start::Fresh } else { Start::Resume },
    };
    let mut run = ActiveRun::begin(&spec, clock)?;
    if run.is_resumed {
        console.note(&format!("`{}` was stopped before its end, and is done again", run.record.run));
    }
    run.save()?;
    let shape = (&opened.layout, &opened.header);
    let rejects_files = RejectsFiles::of(&plan.state, &run.record, plan.work.rejects.as_deref(), shape);
    let stamp = SourceStamp::of_file(&plan.source.path);
    run.metrics = RunMetrics::reset(&run.folder);
    let mut sums = Sums::default();
    let mapper = Mapper {
        is_plan: false,
        bound: Arc::new(bound.for_rejects(opened.are_rejects)),
        platform: None,
        identity: identity.unwrap_or_default(),
        finds_by: Vec::new(),
        overflow: Overflow::Report,
    };
    let read = (opened, stamp);
    let mapper = Arc::new(mapper);
    let done = fix_evidence(plan, console, &mapper, &run.folder)
        .and_then(|()| write(plan, console, stop, read, Arc::clone(&mapper), (&run, &rejects_files), &mut sums));
    if let Err(failure) = &done
        && failure.exit == Exit::Usage
    {
        // Nothing was written, and there is nothing to resume.
        return Err(run.abandon(None, failure.clone()));
    }
    let (done, failure) = match done {
        Ok(done) => (done, None),
        Err(failure) => (Written::default(), Some(failure)),
    };
    let ending = Ending {
        rejects_file: (done.rejects > 0).then(|| rejects_files.shown().to_owned()),
        is_stopped: stop.is_told() && !done.is_whole,
        ..ending_of(plan, &run, sums, done.is_whole, failure)
    };
    let ends = (ending.status == RunStatus::Done).then(|| Ends {
        source: file_read(&plan.source, stamp),
        mapping: mapping_of(&plan.source),
        target: file_written(&plan.out.display().to_string(), &run.record, &plan.state),
    });
    let rejects = ending.rejects_file.as_ref().map(|path| path.display().to_string());
    let rejects_command = rejects.and_then(|path| plan.typed.suggest.with_rejects(&path));
    let summary = Summary { rejects_command, ..ending.summary };
    Ok(run.close(Ending { ends, summary, ..ending }, None))
}

/// What was written.
#[derive(Default)]
struct Written {
    /// Whether the whole source is in it.
    is_whole: bool,
    rejects: u64,
}

/// What a conversion adds to the end of its run.
fn ending_of(plan: &ConvertPlan, run: &ActiveRun, sums: Sums, is_whole: bool, failure: Option<Failure>) -> Ending {
    let mut totals = sums.totals;
    if !sums.is_placed {
        // No contact counts as written before the file is in place.
        totals.created = 0;
    }
    totals.pending = totals.read.saturating_sub(totals.settled());
    let failure = failure.or_else(|| unbalanced(&totals, is_whole).filter(|_| is_whole));
    let summary = Summary {
        skipped: sums.skipped.into_iter().collect(),
        rejects: sums.rejects.into_iter().collect(),
        left_blank: sums.left_blank,
        not_carried: sums.not_carried.into_iter().collect(),
        source: run.record.source.clone(),
        target: run.record.target.clone(),
        next_command: Some(plan.typed.suggest.again()),
        ..Summary::default()
    };
    Ending { status: RunStatus::of(failure.is_none() && is_whole), totals, summary, failure, ..Ending::default() }
}

/// What the columns say about the countries of phones, as it was when the run started.
fn fix_evidence(plan: &ConvertPlan, console: &Console, mapper: &Mapper, folder: &Path) -> Result<(), Failure> {
    let asked = EvidenceAsked { folder, earlier: Vec::new(), state: &plan.state, file: Some(&plan.source) };
    let open = || Ok(files::open(&plan.source.path, &plan.source.shown, &plan.source.options)?.source);
    evidence::fix(&mapper.bound, &asked, console, open)
}

fn work_of(plan: &ConvertPlan) -> WorkId {
    let out = std::path::absolute(&plan.out).unwrap_or_else(|_| plan.out.clone());
    let (source, mapping, reading) =
        (plan.source.identity(), plan.source.mapping_identity(), plan.source.reading_identity());
    let parts = format!("convert\n{source}\n{}\n{mapping}\n{reading}", out.display());
    WorkId::of(&parts)
}

/// Writes the file; whether the whole source is in it, and how many were rejected. With a limit it holds the first ones.
/// `stamp`: how the source was when it was first opened.
#[allow(clippy::too_many_arguments)]
fn write(
    plan: &ConvertPlan,
    console: &Console,
    stop: &Stop,
    (opened, stamp): (Opened, Option<SourceStamp>),
    mapper: Arc<Mapper>,
    (run, rejects_files): (&ActiveRun, &RejectsFiles),
    sums: &mut Sums,
) -> Result<Written, Failure> {
    let (info, folder) = (&run.record, &*run.folder);
    let to_stdout = plan.out.as_os_str() == "-";
    let create = || match to_stdout {
        true => Ok(Output::stdout()),
        false => begin(&plan.out, Some((info.ledger(&plan.state), info.about("out")))),
    };
    let format = if to_stdout { Format::Jsonl } else { format_of(&plan.out)? };
    let hints = plan.source.mapping.as_ref().map(|(mapping, _)| mapping.write_hints().clone()).unwrap_or_default();
    let rejects = rejects_files.writer(&opened.layout, &opened.header);
    let noted = || Some((info.ledger(&plan.state), info.about("results")));
    let results = plan.work.results.as_deref().map(|path| ResultsWriter::create(path, noted())).transpose()?;
    let out = create()?;
    let layout = row_layout(format, &hints, plan.raw_cells)?;
    let people = people(plan, console, stop, &mapper, folder)?;
    if stop.is_told() {
        return Ok(Written::default());
    }
    let columns = mapper.bound.columns().map(|columns| columns.names());
    let mut sink = match (columns, layout.table()) {
        (None, Some(_)) => Sink::Table(Table::new(folder, Columns::of_contacts())?),
        _ => Sink::File(RowWriter::begin(out, layout, columns.into_iter().flatten().map(String::as_str))?),
    };
    let mut opened = files::open(&plan.source.path, &plan.source.shown, &plan.source.options)?;
    opened.source = rejects_files.watch(opened.source);
    let (bytes_read, bytes_total) = (Arc::clone(&opened.bytes_read), opened.bytes_total);
    let found = Arc::clone(&opened.found);
    let progress = console.progress(&format!("converting {}", plan.source.shown), None);
    let encoder = Encoder { bound: Arc::clone(&mapper.bound), csv: layout.table() };
    let mut writer = Writer { sums, rejects, results, left_blank: LeftBlankList::new(folder) };
    run.metrics.measure(0, 0, None);
    let mut show = |sums: &Sums| {
        run.metrics.measure(0, sums.totals.read, None);
        let bytes = Some((bytes_read.load(Ordering::Relaxed), bytes_total));
        progress.set(State { done: sums.totals.read, rejected: sums.totals.rejected, bytes, ..State::default() });
    };
    let has_people = people.is_some();
    let is_whole = match people {
        None => alone(opened, encoder, plan.work.limit, &mut sink, &mut writer, stop, &mut show)?,
        Some(people) => merged(opened, mapper.clone(), encoder, people, plan, &mut sink, &mut writer, stop, &mut show)?,
    };
    progress.finish();
    found.notes(&plan.source.shown).iter().for_each(|note| console.note(note));
    let rejected = rejects_files.finish(writer.rejects, console)?;
    writer.sums.left_blank = writer.left_blank.finish()?;
    if stop.is_told() {
        rejects_files.copy(rejected, console)?;
        return Ok(Written { is_whole: false, rejects: rejected });
    }
    // Who is one person is known by where their records stand.
    if has_people && stamp != SourceStamp::of_file(&plan.source.path) && !plan.source.is_copy() {
        return Err(Failure::failed(format!("`{}` changed while it was read", plan.source.shown))
            .hint("nothing was replaced; the same command reads it as it is then"));
    }
    if let Some(mistakes) = mapper.bound.unmet_names() {
        return Err(Failure::from(mistakes));
    }
    check_regions(&mapper.bound, &plan.source.shown)?;
    sink.end(layout, create)?.commit()?;
    if let Some(results) = writer.results {
        results.commit()?;
    }
    rejects_files.copy(rejected, console)?;
    writer.sums.is_placed = true;
    Ok(Written { is_whole, rejects: rejected })
}

/// Whose outcome it is: a file's records have no id.
fn at(line: u64) -> Whose<'static> {
    Whose { line, id: None }
}

/// Who is the same person, when the mapping says by what.
fn people(
    plan: &ConvertPlan,
    console: &Console,
    stop: &Stop,
    mapper: &Arc<Mapper>,
    folder: &Path,
) -> Result<Option<People>, Failure> {
    if mapper.identity.is_empty() {
        return Ok(None);
    }
    let opened = files::open(&plan.source.path, &plan.source.shown, &plan.source.options)?;
    let progress = console.progress(&format!("reading {}", plan.source.shown), None);
    let asked = FirstAsked { mapper: Arc::clone(mapper), folder: folder.to_owned(), stop: stop.clone() };
    let first = first_pass(opened.source, &asked, First::default(), &|first| show(&progress, first));
    progress.finish();
    Ok(first?.map(|(_, people)| people))
}

/// Every record is a row of its own: mapped and encoded on all cores.
#[allow(clippy::too_many_arguments)]
fn alone(
    opened: Opened,
    encoder: Encoder,
    limit: Option<u64>,
    sink: &mut Sink,
    writer: &mut Writer<'_>,
    stop: &Stop,
    show: &mut dyn FnMut(&Sums),
) -> Result<bool, Failure> {
    let rows = in_order(opened.source, limit, move |read: Read| {
        let line = read.origin().line;
        (line, Row::of(&encoder, read))
    });
    for batch in rows {
        for (line, row) in batch? {
            writer.sums.totals.read += 1;
            match row {
                Row::Written(bytes, omitted) => {
                    sink.row(&bytes)?;
                    writer.omit(omitted)?;
                    writer.note(at(line), Outcome::Created, None, &[])?;
                }
                Row::Skipped(skip) => writer.note(at(line), Outcome::Skipped(skip), None, &[])?,
                Row::Rejected(reject) => writer.reject(&reject, None)?,
            }
        }
        show(writer.sums);
        if stop.is_told() {
            return Ok(false);
        }
    }
    Ok(limit.is_none_or(|limit| writer.sums.totals.read < limit))
}

/// Records of one person become one row, at the last of them.
#[allow(clippy::too_many_arguments)]
fn merged(
    opened: Opened,
    mapper: Arc<Mapper>,
    encoder: Encoder,
    mut people: People,
    plan: &ConvertPlan,
    sink: &mut Sink,
    writer: &mut Writer<'_>,
    stop: &Stop,
    show: &mut dyn FnMut(&Sums),
) -> Result<bool, Failure> {
    let duplicates = plan.source.mapping.as_ref().map_or(Duplicates::Merge, |(mapping, _)| mapping.duplicates);
    let pure = Arc::clone(&mapper);
    for batch in in_order(opened.source, plan.work.limit, move |read: Read| pure.item(read)) {
        for item in batch? {
            writer.sums.totals.read += 1;
            let Item::Candidate(candidate) = item else {
                match item {
                    Item::Rejected(reject) => writer.reject(&reject, None)?,
                    Item::Skipped(origin, skip) => writer.note(at(origin.line), Outcome::Skipped(skip), None, &[])?,
                    Item::Candidate(_) => {}
                }
                continue;
            };
            let origin = candidate.record.origin;
            match people.member(origin.ordinal)? {
                Some(member) if duplicates == Duplicates::First && member.root != origin.ordinal => {
                    writer.note(at(origin.line), Outcome::Skipped(Skip::Duplicate), Some(member.root_line), &[])?;
                }
                Some(member) if duplicates == Duplicates::Merge && member.last != origin.ordinal => {
                    people.hold(member.root, origin.ordinal, &pack(&candidate.record))?;
                }
                Some(member) if duplicates == Duplicates::Merge => {
                    merge_one(&mapper, &encoder, &people, member, candidate.record, sink, writer)?;
                }
                _ => {
                    let wanted = Wanted { not_carried: candidate.not_carried, ..candidate.wanted };
                    one(&encoder, wanted, vec![candidate.record], sink, writer)?;
                }
            }
        }
        show(writer.sums);
        if stop.is_told() {
            return Ok(false);
        }
    }
    Ok(plan.work.limit.is_none_or(|limit| writer.sums.totals.read < limit))
}

fn merge_one(
    mapper: &Mapper,
    encoder: &Encoder,
    people: &People,
    member: Member,
    last: Record,
    sink: &mut Sink,
    writer: &mut Writer<'_>,
) -> Result<(), Failure> {
    let lost = || Failure::failed("a record that was kept for merging cannot be read again");
    let mut records: Vec<Record> = Vec::new();
    for bytes in people.release(member.root)? {
        records.push(unpack(&bytes).ok_or_else(lost)?);
    }
    records.push(last);
    let mut all: Option<Merged> = None;
    for record in &records {
        let Mapped::Contact(wanted) = mapper.bound.apply(record) else { return Err(lost()) };
        match &mut all {
            None => all = Some(Merged::new(*wanted, record.origin.line)),
            Some(all) => all.add(*wanted, record.origin.line),
        }
    }
    one(encoder, all.ok_or_else(lost)?.into_wanted(), records, sink, writer)
}

/// Writes one person, and counts its records.
fn one(
    encoder: &Encoder,
    mut wanted: Wanted,
    records: Vec<Record>,
    sink: &mut Sink,
    writer: &mut Writer<'_>,
) -> Result<(), Failure> {
    let Some(first) = records.first() else { return Ok(()) };
    let (mut row, root_line) = (Vec::new(), first.origin.line);
    if let Err(problems) = encoder.encode(&wanted.contact, first, &mut row) {
        for record in records {
            writer.reject(&reject_of(record, problems.clone()), None)?;
        }
        return Ok(());
    }
    sink.row(&row)?;
    let has_native = !wanted.contact.native.is_empty();
    writer.omit(Omitted::of(&mut wanted, has_native, encoder))?;
    writer.note(at(root_line), Outcome::Created, None, &[])?;
    for record in records.iter().skip(1) {
        writer.note(at(record.origin.line), Outcome::Skipped(Skip::Duplicate), Some(root_line), &[])?;
    }
    Ok(())
}
