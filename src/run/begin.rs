//! How an import begins: which run it is, and whether it goes on with one.

use crate::clock::Clock;
use crate::ids::{RunStatus, WorkId};
use crate::outcome::Failure;
use crate::report::Console;
use crate::report::words::count;
use crate::run::active::folder::{account_of, forget, run_folder};
use crate::run::active::record::RunRecord;
use crate::run::active::runs::{new_run, run_named};
use crate::run::plan::ImportPlan;
use crate::run::trace::Trace;
use crate::store::{Checkpoint, NewRun, RunNo, RunRow};
use std::path::{Path, PathBuf};
use tokio::time::Instant;

/// The run as it stands in the checkpoint and in its folder.
pub(super) struct Begun {
    pub(super) info: RunRecord,
    pub(super) no: RunNo,
    pub(super) folder: PathBuf,
    /// The folder of the run that is gone on with: its own, but for a dry run.
    pub(super) earlier: PathBuf,
    pub(super) trace: Trace,
    pub(super) is_resumed: bool,
    /// The number of the pass that comes.
    pub(super) next_pass: u32,
    /// When this process took it up.
    pub(super) started: Instant,
}

/// What makes two runs the same work (contract 1.3).
fn work_of(plan: &ImportPlan) -> WorkId {
    let source = match &plan.from {
        None => plan.source.identity(),
        Some(from) => format!("{} {} {}", from.connection.name, from.connection.facts().name, from.address),
    };
    let parts = format!(
        "{}\n{source}\n{}\n{}\n{}\n{}\n{:?}\n{}",
        plan.work_command(),
        plan.connection.facts().name,
        plan.address,
        plan.source.mapping_identity(),
        plan.source.reading_identity(),
        plan.on_existing,
        plan.only_existing
    );
    let parts = match &plan.correct {
        None => parts,
        Some(of) => format!("{parts}\n{}", of.run),
    };
    WorkId::of(&parts)
}

/// Forgets a run that has just begun and cannot go on: what is wrong with it is the source or the mapping, and nothing
/// was sent. One that is gone on with stays.
pub(super) fn abandon(plan: &ImportPlan, checkpoint: &Checkpoint, begun: &Begun, failure: Failure) -> Failure {
    if begun.is_resumed {
        return failure;
    }
    forget(&plan.state, &begun.info.run);
    match checkpoint.forget_run(begun.no) {
        Ok(()) => failure,
        Err(fault) => fault,
    }
}

/// Goes on with the unfinished run of the same work, or begins one.
pub(super) fn begin(
    plan: &ImportPlan,
    checkpoint: &Checkpoint,
    console: &Console,
    clock: Clock,
) -> Result<Begun, Failure> {
    let work = match &plan.verify {
        None => work_of(plan),
        Some(verify) if verify.run.work != work_of(plan) && !verify.anyway => {
            return Err(verify.changed("the mapping or the connection is not what it was"));
        }
        Some(verify) => verify.repair_of(),
    };
    if plan.dry.is_some() {
        return begin_dry(plan, checkpoint, console, clock, &work);
    }
    if !plan.work.fresh
        && let Some(row) = checkpoint.unfinished(work.as_str())?
        && let Ok(mut info) = run_named(&plan.state, &row.name)
    {
        let had = count(info.totals.settled(), "record", "records");
        info.arguments = plan.arguments.clone();
        info.folder = plan.folder.clone();
        console.note(&format!("going on with `{}`, which was left at {had}", info.run));
        return Ok(Begun::again(info, &row, &plan.state, clock));
    }
    for other in checkpoint.other_unfinished(work.as_str())? {
        let left = run_named(&plan.state, &other.name).map_or(0, |info| info.totals.settled());
        let left = count(left, "record", "records");
        console.note(&format!(
            "another run to `{}` was left unfinished at {left}: `{}`; what had arrived is found as it is",
            plan.connection.name, other.name
        ));
    }
    let mut info = new_info(plan, &work, clock)?;
    info.account = Some(account_of(&plan.connection, &plan.address));
    info.save(&plan.state)?;
    let no = checkpoint.begin(&new_row(plan, &info))?;
    Ok(Begun::anew(info, no, &plan.state, clock))
}

impl Begun {
    /// A run that has just been begun.
    pub(super) fn anew(info: RunRecord, no: RunNo, state: &Path, clock: Clock) -> Begun {
        let folder = run_folder(state, &info.run);
        let (earlier, trace, started) = (folder.clone(), Trace::open(&folder), clock.now());
        Begun { info, no, folder, earlier, trace, is_resumed: false, next_pass: 1, started }
    }

    /// A run that is gone on with.
    pub(super) fn again(info: RunRecord, row: &RunRow, state: &Path, clock: Clock) -> Begun {
        Begun { is_resumed: true, next_pass: row.pass + 1, ..Begun::anew(info, row.no, state, clock) }
    }
}

fn new_info(plan: &ImportPlan, work: &WorkId, clock: Clock) -> Result<RunRecord, Failure> {
    let mut info = new_run(&plan.state, plan.command(), &plan.source.shown, &plan.connection.name, work, clock)?;
    info.arguments = plan.arguments.clone();
    info.folder = plan.folder.clone();
    Ok(info)
}

fn new_row(plan: &ImportPlan, info: &RunRecord) -> NewRun {
    let (name, work, command) = (info.run.clone(), info.work.to_string(), info.command);
    NewRun { name, work, command, info: info.kept(&plan.state) }
}

/// A dry run is never gone on with. It does what the real run would do next: go on with an unfinished one, in the copy
/// of the checkpoint, or begin.
fn begin_dry(
    plan: &ImportPlan,
    checkpoint: &Checkpoint,
    console: &Console,
    clock: Clock,
    work: &WorkId,
) -> Result<Begun, Failure> {
    let mut info = new_info(plan, work, clock)?;
    info.status = RunStatus::DryRun;
    info.save(&plan.state)?;
    let (folder, started) = (run_folder(&plan.state, &info.run), clock.now());
    let trace = Trace::open(&folder);
    if !plan.work.fresh
        && plan.verify.is_none()
        && let Some(row) = checkpoint.unfinished(work.as_str())?
    {
        console.note(&format!("the real run would go on with `{}`", row.name));
        let earlier = run_folder(&plan.state, &row.name);
        return Ok(Begun {
            info,
            no: row.no,
            folder,
            earlier,
            trace,
            is_resumed: true,
            next_pass: row.pass + 1,
            started,
        });
    }
    let no = checkpoint.begin(&new_row(plan, &info))?;
    let trace = Trace::open(&folder);
    Ok(Begun { info, no, earlier: folder.clone(), folder, trace, is_resumed: false, next_pass: 1, started })
}
