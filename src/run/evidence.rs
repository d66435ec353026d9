//! What the columns of a source say about the countries of phones, fixed when a run starts and kept in its folder.
//!
//! Resuming, verifying and correcting the run read phones with the same, and so does the import of its rejects: a
//! rejects file says nothing about the columns of the whole source. It finds its run by its place (the run's folder, or
//! where `--rejects` put a copy, edited or not) or by its content. Where the run is not found, digits without `+` are
//! numbers of their region only.

use crate::files::{self, Batch, End, Fingerprint, ReadAhead, ReadFault, Room, Source, Written, write_whole};
use crate::mapping::Program;
use crate::mapping::phone::Evidence;
use crate::outcome::Failure;
use crate::plan::SourcePlan;
use crate::report::Console;
use crate::run::active::folder::run_folder;
use crate::run::active::runs::run_named;
use crate::store::StateDir;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::path::{Path, PathBuf};

/// The name of the file.
const FILE: &str = "phones.json";

/// By which the ledger knows copies of rejects.
const OPTION: &str = "rejects";

/// So many records from the start of a source are looked at: enough for a share of one in ten, and little beside a long
/// source.
pub const RECORDS_MAX: usize = 10_000;

/// How much of them is read at once.
const BATCH_BYTES: usize = 32 << 10;

/// Batches that are looked at together, on all cores.
const BATCHES_AT_ONCE: usize = 32;

/// Who asks.
pub(super) struct EvidenceAsked<'a> {
    /// The run's folder.
    pub folder: &'a Path,
    /// Folders of runs whose evidence it takes over: the run that is continued, verified or corrected.
    pub earlier: Vec<PathBuf>,
    /// The folder of all runs.
    pub state: &'a StateDir,
    /// The file that is read; none when a platform is.
    pub file: Option<&'a SourcePlan>,
}

/// What a run has kept.
fn kept(folder: &Path) -> Option<Evidence> {
    serde_json::from_slice(&std::fs::read(folder.join(FILE)).ok()?).ok()
}

fn keep(folder: &Path, evidence: &Evidence) -> Result<(), Failure> {
    let fault = |error: std::io::Error| Failure::failed(format!("`{FILE}` cannot be written")).cause(error);
    let text = serde_json::to_vec(evidence).map_err(|error| fault(error.into()))?;
    write_whole(&folder.join(FILE), &text).map_err(fault)
}

/// Fixes what the columns say, before the first phone is read.
///
/// # Errors
/// What makes the source unreadable as a whole, and exit 1 when it cannot be kept.
pub(super) fn fix(
    bound: &Program,
    asked: &EvidenceAsked<'_>,
    console: &Console,
    open: impl Fn() -> Result<Box<dyn Source>, Failure>,
) -> Result<(), Failure> {
    fix_with(bound, asked, console, || scan(bound, open()?))
}

fn fix_with(
    bound: &Program,
    asked: &EvidenceAsked<'_>,
    console: &Console,
    scan: impl FnOnce() -> Result<Evidence, Failure>,
) -> Result<(), Failure> {
    if bound.phone_columns().next().is_none() {
        return Ok(());
    }
    let known = std::iter::once(asked.folder).chain(asked.earlier.iter().map(PathBuf::as_path)).find_map(kept);
    let evidence = match known {
        Some(evidence) => evidence,
        None if bound.are_rejects() => of_rejects(asked.state, asked.file, console),
        None => Evidence::default(),
    };
    let is_known = |column: &str| evidence.columns.contains_key(column);
    let evidence = match bound.are_rejects() || bound.phone_columns().all(is_known) {
        true => evidence,
        false => {
            let mut all = scan()?;
            all.columns.extend(evidence.columns);
            all
        }
    };
    keep(asked.folder, &evidence)?;
    bound.set_evidence(evidence);
    Ok(())
}

/// The same, with a source that was just opened and is read further afterwards: it comes back, with what was read of it in
/// front. `None` where that was too much to be kept, so that it has to be opened again.
///
/// # Errors
/// As [`fix`].
pub(super) fn fix_from(
    bound: &Program,
    asked: &EvidenceAsked<'_>,
    console: &Console,
    mut source: Box<dyn Source>,
) -> Result<Option<Box<dyn Source>>, Failure> {
    let mut ahead = ReadAhead::default();
    fix_with(bound, asked, console, || Ok(scan_ahead(bound, &mut *source, &mut ahead)))?;
    Ok(ahead.in_front_of(source))
}

/// What the first records of a source say; they are kept.
fn scan_ahead(bound: &Program, source: &mut dyn Source, ahead: &mut ReadAhead) -> Evidence {
    let mut evidence = empty(bound);
    let (mut left, mut is_end) = (RECORDS_MAX, false);
    while left > 0 && !is_end {
        let mut batches = Vec::new();
        while batches.len() < BATCHES_AT_ONCE && left > 0 && !is_end {
            let batch = source.next_batch(Room { records: left, bytes: BATCH_BYTES });
            left -= batch.len();
            // A file that ends in the middle: the passes say so.
            is_end = *batch.end() != End::Open;
            batches.push(batch);
        }
        let observed = batches.par_iter().map(|batch| {
            let mut evidence = empty(bound);
            batch.for_each_record(|record| bound.observe(record, &mut evidence));
            evidence
        });
        evidence.add(observed.reduce(Evidence::default, Evidence::and));
        batches.into_iter().for_each(|batch| ahead.keep(batch));
    }
    evidence
}

/// What the columns of a file say, for a command that begins no run.
///
/// # Errors
/// What makes it unreadable as a whole.
pub fn look(bound: &Program, state: &StateDir, file: &SourcePlan, console: &Console) -> Result<(), Failure> {
    if bound.phone_columns().next().is_none() {
        return Ok(());
    }
    bound.set_evidence(match bound.are_rejects() {
        true => of_rejects(state, Some(file), console),
        false => scan(bound, files::open(&file.path, &file.shown, &file.options)?.source)?,
    });
    Ok(())
}

/// What the first records of a source say.
///
/// # Errors
/// What makes it unreadable as a whole.
pub fn scan(bound: &Program, source: Box<dyn Source>) -> Result<Evidence, Failure> {
    let mut evidence = empty(bound);
    for record in source.take(RECORDS_MAX) {
        match record {
            Ok(record) => bound.observe(&record, &mut evidence),
            Err(ReadFault::Reject(_) | ReadFault::Blank(_)) => {}
            // A file that ends in the middle: the passes say so.
            Err(ReadFault::Fatal(_)) => break,
        }
    }
    Ok(evidence)
}

/// What records say that were read already.
pub fn of_batches(bound: &Program, batches: &[Batch]) -> Evidence {
    let mut evidence = empty(bound);
    batches.iter().for_each(|batch| batch.for_each_record(|record| bound.observe(record, &mut evidence)));
    evidence
}

/// The columns that phones are read from, of which nothing is known yet.
fn empty(bound: &Program) -> Evidence {
    let mut evidence = Evidence::default();
    for column in bound.phone_columns() {
        evidence.columns.entry(column.to_owned()).or_default();
    }
    evidence
}

/// What the run kept whose rejects these are: it lies in that run's folder, or the run wrote it as a copy.
fn of_rejects(state: &StateDir, file: Option<&SourcePlan>, console: &Console) -> Evidence {
    let Some(file) = file else { return Evidence::default() };
    // Of another machine, its files are brought to this one.
    let of_copy = || kept(&run_folder(state, &run_named(state, &run_that_wrote(state, &file.path)?).ok()?.run));
    let found = file.path.parent().and_then(kept).or_else(of_copy);
    if found.is_none() {
        console.note(&format!(
            "the run that wrote `{}` is not known, so digits without `+` are read as numbers of their region only",
            file.shown
        ));
    }
    found.unwrap_or_default()
}

/// The run that wrote a copy of its rejects there, or elsewhere with this content. A later run may have moved it aside
/// (`FILE.N`), and a user may have edited it.
fn run_that_wrote(state: &StateDir, path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let content = Fingerprint::of(&path).ok()?;
    let is_number = path.extension().and_then(|end| end.to_str()).is_some_and(|end| end.parse::<u32>().is_ok());
    let before = if is_number { path.with_extension("") } else { path.clone() };
    let is_there = |written: &Written| [&path, &before].iter().any(|path| Path::new(&written.path) == **path);
    let ledger = state.ledger();
    let same = |written: &Written| written.option == OPTION && written.content == content;
    let written = ledger.last(&path, Some(&content), same);
    let written =
        written.or_else(|| ledger.last(&before, None, |written| written.option == OPTION && is_there(written)));
    written.map(|written| written.run)
}
