//! How a run begins: new, resumed, or as a preview of either.
//!
//! A run that is refused leaves nothing behind ([`ActiveRun::abandon`]). What the run does is not known here.

use super::folder::{make_for_new_run, run_folder};
use super::record::RunRecord;
use super::run::ActiveRun;
use super::runs::{run_named, runs_of};
use super::shared::forget_everywhere;
use crate::clock::Clock;
use crate::ids::{CommandKind, RunStatus, WorkId};
use crate::outcome::Failure;
use crate::plan::suggest::Typed;
use crate::report::Console;
use crate::report::words::count;
use crate::store::{AccountKey, Checkpoint, NewRun, RunNo, RunRow, StateDir};
use std::path::Path;

/// A run that is about to begin.
pub(in crate::run) struct RunSpec<'a> {
    pub kind: CommandKind,
    /// The file or connection it reads.
    pub source: &'a str,
    /// The file or connection it writes.
    pub target: &'a str,
    /// What makes another run the same work.
    pub work: WorkId,
    /// The folder of all runs and checkpoints.
    pub state: &'a StateDir,
    pub typed: &'a Typed,
    pub start: Start<'a>,
}

/// Which run it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::run) enum Start<'a> {
    /// A new one.
    Fresh,
    /// The unfinished run of the same work, if there is one.
    Resume,
    /// The run of this name.
    Named(&'a str),
}

/// The run in the checkpoint of its target.
#[derive(Clone, Copy, Debug)]
pub(in crate::run) struct StoredRun {
    pub no: RunNo,
    /// The number of the pass that comes.
    pub next_pass: u32,
}

impl StoredRun {
    /// The unfinished run of this row.
    fn of(row: &RunRow) -> StoredRun {
        StoredRun { no: row.no, next_pass: row.pass + 1 }
    }

    fn begin(checkpoint: &Checkpoint, record: &RunRecord, state: &StateDir) -> Result<StoredRun, Failure> {
        let (name, work) = (record.run.clone(), record.work.to_string());
        let new = NewRun { name, work, command: record.command, info: record.kept(state) };
        Ok(StoredRun { no: checkpoint.begin(&new)?, next_pass: 1 })
    }
}

impl ActiveRun {
    /// Begins or resumes a run that has no checkpoint. Its record is not saved yet.
    ///
    /// # Errors
    /// Exit 1 when its folder cannot be created; exit 2 when there is no run of the name.
    pub(in crate::run) fn begin(spec: &RunSpec<'_>, clock: Clock) -> Result<ActiveRun, Failure> {
        let is_same = |run: &RunRecord| !run.is_done() && run.command == spec.kind && run.work == spec.work;
        let found = match spec.start {
            Start::Fresh => None,
            Start::Resume => runs_of(spec.state, Some(spec.work.as_str()), Some(spec.kind))?.into_iter().find(is_same),
            Start::Named(run) => Some(run_named(spec.state, run)?),
        };
        match found {
            Some(record) => Ok(ActiveRun::resume(spec, record, clock)),
            None => Ok(ActiveRun::new(new_record(spec, clock)?, spec.state, clock)),
        }
    }

    /// Begins or resumes a run whose outcomes are in the checkpoint of its target.
    ///
    /// # Errors
    /// Exit 1 when its folder cannot be created or the checkpoint cannot be written.
    pub(in crate::run) fn begin_stored(
        spec: &RunSpec<'_>,
        checkpoint: (&Checkpoint, AccountKey),
        console: &Console,
        clock: Clock,
    ) -> Result<(ActiveRun, StoredRun), Failure> {
        let (checkpoint, account) = checkpoint;
        if spec.start == Start::Resume
            && let Some(row) = checkpoint.unfinished(spec.work.as_str())?
            && let Ok(record) = run_named(spec.state, &row.name)
        {
            let (one, many) = match spec.kind {
                CommandKind::Undo => ("contact", "contacts"),
                _ => ("record", "records"),
            };
            let had = count(record.totals.settled(), one, many);
            console.note(&format!("resuming `{}`, which stopped at {had}", record.run));
            return Ok((ActiveRun::resume(spec, record, clock), StoredRun::of(&row)));
        }
        let mut record = new_record(spec, clock)?;
        record.account = Some(account);
        record.save(spec.state)?;
        let stored = StoredRun::begin(checkpoint, &record, spec.state)?;
        Ok((ActiveRun::new(record, spec.state, clock), stored))
    }

    /// Begins a preview, in a copy of the checkpoint. It is never resumed; it does what the real run would do next, which
    /// may be to resume an unfinished run.
    ///
    /// # Errors
    /// As [`ActiveRun::begin_stored`].
    pub(in crate::run) fn begin_preview(
        spec: &RunSpec<'_>,
        copy: &Checkpoint,
        console: &Console,
        clock: Clock,
    ) -> Result<(ActiveRun, StoredRun), Failure> {
        let mut record = new_record(spec, clock)?;
        record.status = RunStatus::DryRun;
        record.save(spec.state)?;
        let run = ActiveRun::new(record, spec.state, clock);
        if spec.start == Start::Resume
            && let Some(row) = copy.unfinished(spec.work.as_str())?
        {
            console.note(&format!("the real run would resume `{}`", row.name));
            let earlier = run_folder(spec.state, &row.name);
            return Ok((ActiveRun { earlier, is_resumed: true, ..run }, StoredRun::of(&row)));
        }
        let stored = StoredRun::begin(copy, &run.record, spec.state)?;
        Ok((run, stored))
    }

    fn resume(spec: &RunSpec<'_>, mut record: RunRecord, clock: Clock) -> ActiveRun {
        set_typed(&mut record, spec);
        ActiveRun { is_resumed: true, ..ActiveRun::new(record, spec.state, clock) }
    }

    /// Forgets a run that has just begun and cannot continue, because its source or its mapping is wrong and nothing was
    /// sent. A run that was resumed stays.
    pub(in crate::run) fn abandon(&self, stored: Option<(&Checkpoint, StoredRun)>, failure: Failure) -> Failure {
        if self.is_resumed && stored.is_some() {
            return failure;
        }
        forget_everywhere(&self.state, &self.record.run);
        match stored.map(|(checkpoint, stored)| checkpoint.forget_run(stored.no)) {
            Some(Err(fault)) => fault,
            _ => failure,
        }
    }
}

fn set_typed(record: &mut RunRecord, spec: &RunSpec<'_>) {
    (record.arguments, record.folder) = (spec.typed.words.clone(), spec.typed.folder.clone());
    // A run stays one of its job when it is resumed by name.
    record.job = spec.typed.job.clone().or(record.job.take());
    // A path that is not Unicode cannot be stored: such a run is shown and undone, and resumed by its command.
    record.plan = spec.typed.plan.clone().filter(|plan| serde_json::to_value(plan).is_ok());
}

/// A new record with its folder: its name is made of the local time, the command, one end and four random characters, with
/// others where a run of the same minute has these.
fn new_record(spec: &RunSpec<'_>, clock: Clock) -> Result<RunRecord, Failure> {
    let started = jiff::Zoned::now();
    let end = match spec.kind {
        CommandKind::Convert => {
            Path::new(spec.source).file_stem().map_or(spec.source.into(), |stem| stem.to_string_lossy())
        }
        CommandKind::Export => spec.source.into(),
        _ => spec.target.into(),
    };
    let in_name = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let end: String = end.chars().map(in_name).collect();
    let begin = format!("{}-{}-{end}", started.strftime("%Y%m%d-%H%M"), spec.kind);
    let seed = format!("{} {} {}", clock.wall_ms(), std::process::id(), spec.work);
    let run = make_for_new_run(spec.state, |nth| {
        let hash = blake3::hash(format!("{seed} {nth}").as_bytes());
        format!("{begin}-{:04x}", hash.as_bytes().first_chunk().copied().map_or(0, u16::from_le_bytes))
    })?;
    let (started, started_ms) = (started.strftime("%Y-%m-%d %H:%M:%S").to_string(), clock.wall_ms());
    let mut record =
        RunRecord { run, started, started_ms, ..RunRecord::nameless(spec.kind, spec.source, spec.target, &spec.work) };
    set_typed(&mut record, spec);
    Ok(record)
}
