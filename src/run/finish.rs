//! How an import ends: totals, summary, exit code, and the command that goes on.

use crate::checkpoint::spool::Completeness;
use crate::checkpoint::{Checkpoint, RunNo, Tally};
use crate::contact::Field;
use crate::http::Traffic;
use crate::ids::RunStatus;
use crate::outcome::{Exit, Failure, Totals};
use crate::reconcile::guards::Guards;
use crate::report::{Counts, Requests, Summary};
use crate::run::active::close::{Ended, exit_of, unbalanced};
use crate::run::begin::Begun;
use crate::run::dry::{self, Stage};
use crate::run::first::PEOPLE;
use crate::run::gather::SPOOL_FILE;
use crate::run::left::tell_left;
use crate::run::left_blank::left_blank_file;
use crate::run::plan::ImportPlan;
use crate::run::receipt::of_import;
use crate::run::results::{doubtful_of, write_results};
use crate::run::stop::Stop;
use crate::run::target::{Target, remember_rate};
use crate::run::verify::Verifying;
use crate::run::words::{go_on_past, with_rejects, with_rejects_of_migration};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How far the passes came.
#[derive(Default)]
pub(super) struct Worked {
    /// The pass that sends; 0: none was begun.
    pub(super) pass: u32,
    /// Records that it read.
    pub(super) read: u64,
    /// Records that the first pass read.
    pub(super) counted: u64,
    /// Whether that was the whole source.
    pub(super) is_whole: bool,
    /// Records that are in the rejects file.
    pub(super) rejects: u64,
    /// Values that were left out of records that arrived, by code.
    pub(super) left_blank: Counts,
    /// What a guard has to say about a dry run.
    pub(super) over: Option<Failure>,
    /// What counts against the limits.
    pub(super) guards: Option<Arc<Guards>>,
    /// What was sent to a source platform.
    pub(super) traffic: Traffic,
    /// How long reading the source platform took.
    pub(super) source_time: Duration,
    /// How it is known that everybody at a source platform was read.
    pub(super) completeness: Option<Completeness>,
    /// The run that is verified, if one is.
    pub(super) verifying: Option<Arc<Verifying>>,
    /// By which fields people are found.
    pub(super) finds_by: Vec<Field>,
    /// Ids of partially created contacts that have no record any more and stay at the target.
    pub(super) left_behind: Vec<String>,
}

/// Counts the totals and makes the summary and the exit code.
#[allow(clippy::too_many_arguments)]
pub(super) async fn finish(
    plan: &ImportPlan,
    checkpoint: &Checkpoint,
    target: Option<&Target>,
    stop: &Stop,
    (mut begun, worked): (Begun, Worked),
    stage: Option<&Stage>,
    failure: Option<Failure>,
) -> Result<Ended, Failure> {
    // What was held back because of a stop is no failure.
    let mut failure = failure.filter(|failure| failure.exit != Exit::Interrupted);
    let (mut totals, mut tally) = (begun.info.totals, Tally::default());
    // Before a pass has begun the totals are those of the last one.
    let last_pass = if worked.pass > 0 { worked.pass } else { begun.next_pass.saturating_sub(1) };
    match close_totals(checkpoint, plan, target, begun.no, last_pass).await {
        Ok(closed) if worked.pass > 0 => {
            totals = Totals { read: worked.read, ..closed.totals };
            totals.pending = totals.read.saturating_sub(totals.settled());
            tally = closed;
        }
        Ok(_) if totals.read == 0 => totals = Totals { read: worked.counted, pending: worked.counted, ..totals },
        Ok(closed) => tally = closed,
        Err(fault) => failure = failure.or(Some(fault)),
    }
    if failure.is_none() && totals.settled() > totals.read {
        failure = Some(unbalanced(&totals));
    }
    if let (None, Some(path), 1..) = (&failure, &plan.work.results, worked.pass) {
        let noted = (begun.info.ledger(&plan.state), begun.info.about("results"));
        failure = write_results(path, noted, checkpoint, (begun.no, worked.pass)).err();
    }
    let mut verified = None;
    if let (Some(verifying), Some(verify), None, true) = (&worked.verifying, &plan.verify, &failure, worked.is_whole) {
        let rehearsing = stage.map(|stage| &*stage.rehearsing);
        match verifying.tell(checkpoint, (begun.no, worked.pass), rehearsing, &verify.out) {
            Ok(told) => verified = Some(told),
            Err(fault) => failure = Some(fault),
        }
    }
    let is_settled = failure.is_none() && totals.pending == 0 && totals.unknown == 0;
    let is_done = is_settled && worked.is_whole;
    // As far as was asked.
    let is_looked_at = is_settled && (worked.is_whole || (plan.work.limit.is_some() && !stop.is_told()));
    let has_rejects = worked.rejects > 0;
    add_up(&mut begun, target, worked.traffic);
    begun.info.totals = totals;
    begun.info.rejects_file = begun.info.rejects_file.filter(|_| has_rejects);
    let told = match (stage, &plan.dry, target) {
        (Some(stage), Some(dry), Some(target)) if is_looked_at && plan.verify.is_none() => {
            let source_read = (worked.traffic.sent, worked.source_time);
            let head = plan.head(&worked.finds_by);
            let pass = (begun.no, worked.pass);
            let noted = (begun.info.ledger(&plan.state), begun.info.about("plan"));
            let told = dry::tell(stage, (dry, &head, noted), checkpoint, pass, target, &plan.connection, source_read);
            told.map_err(|fault| failure = Some(fault)).unwrap_or_default()
        }
        _ => dry::Told::default(),
    };
    failure = failure.or(worked.over);
    let status = match stage {
        Some(_) => RunStatus::DryRun,
        None => RunStatus::of(is_done),
    };
    begun.info.status = status;
    let needed = worked.guards.as_ref().map(|guards| guards.needed()).unwrap_or_default();
    let mut summary = Summary {
        status,
        next_command: (status == RunStatus::Unfinished).then(|| go_on_past(&plan.arguments, &needed)),
        forecast: told.forecast,
        finish: told.finish,
        uncertain: told.uncertain.into_iter().collect(),
        shown: told.shown,
        completeness: worked.completeness,
        left_blank: worked.left_blank,
        left_blank_file: left_blank_file(&begun.folder).map(|path| path.display().to_string()),
        left_behind: worked.left_behind,
        ..summary(plan, &begun, tally)
    };
    if totals.unknown > 0 && worked.pass > 0 {
        match doubtful_of(checkpoint, begun.no, worked.pass) {
            Ok(doubtful) => summary.unknown_records = doubtful,
            Err(fault) => failure = failure.or(Some(fault)),
        }
    }
    if plan.correct.is_some() && failure.is_none() {
        failure = tell_left(&mut summary, checkpoint, &begun, worked.pass).err();
    }
    // One that was stopped may be gone on with; what cannot be told of its way is no reason to fail.
    let receipt = match status {
        RunStatus::Done => of_import(plan, &begun, &mut summary),
        RunStatus::Unfinished => begun.trace.save().or(Ok(())),
        RunStatus::DryRun | RunStatus::Undone => Ok(()),
    };
    if status != RunStatus::Unfinished {
        forget_sources(&begun.folder, stage.is_some());
    }
    begun.info.summary = serde_json::to_value(&summary).ok();
    let saved = checkpoint
        .finish(begun.no, RunStatus::of(is_done), begun.info.kept(&plan.state))
        .and_then(|()| begun.info.save(&plan.state));
    let failure = failure.or(saved.err()).or(receipt.err());
    let is_stopped = stop.is_told() && !worked.is_whole;
    let exit = exit_of(failure.as_ref(), &totals, is_stopped);
    let exit = if summary.left_behind.is_empty() { exit } else { exit.worse(Exit::Rejects) };
    Ok(Ended { summary, exit, failure, verified })
}

/// Adds what this process took to what the run has taken.
fn add_up(begun: &mut Begun, target: Option<&Target>, source: Traffic) {
    let target = target.map(|target| target.http.traffic()).unwrap_or_default();
    for traffic in [target, source] {
        let [sent, retried, rate_limited] = begun.info.requests;
        begun.info.requests = [sent + traffic.sent, retried + traffic.retried, rate_limited + traffic.rate_limited];
    }
    begun.info.seconds += begun.started.elapsed().as_secs_f64();
}

fn summary(plan: &ImportPlan, begun: &Begun, tally: Tally) -> Summary {
    let [sent, retried, rate_limited] = begun.info.requests;
    Summary {
        run: begun.info.run.clone(),
        command: plan.command(),
        records: begun.info.totals,
        skipped: tally.skipped.into_iter().collect(),
        rejects: tally.rejects.into_iter().collect(),
        not_carried: tally.not_carried.into_iter().collect(),
        cleared: tally.cleared,
        requests: Requests { sent, retried, rate_limited },
        seconds: begun.info.seconds,
        rejects_file: begun.info.rejects_file.as_ref().map(|path| path.display().to_string()),
        source: plan.source.shown.clone(),
        target: plan.connection.name.clone(),
        rejects_command: begun
            .info
            .rejects_file
            .as_ref()
            .and_then(|path| rejects_command(plan, &path.display().to_string())),
        ..Summary::default()
    }
}

/// What was kept of a source platform for going on, and, of a dry run, who in the source is the same person. What
/// cannot be removed does no harm.
fn forget_sources(folder: &Path, is_dry: bool) {
    let people = [PEOPLE, "people.held", "first.json"];
    for name in [SPOOL_FILE].into_iter().chain(people.into_iter().filter(|_| is_dry)) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.join(format!("{name}{suffix}")));
        }
    }
}

fn rejects_command(plan: &ImportPlan, rejects: &str) -> Option<String> {
    if plan.apply.is_some() {
        return None;
    }
    match &plan.from {
        None => with_rejects(&plan.arguments, &plan.source.shown, rejects),
        Some(_) => with_rejects_of_migration(&plan.arguments, rejects),
    }
}

async fn close_totals(
    checkpoint: &Checkpoint,
    plan: &ImportPlan,
    target: Option<&Target>,
    run: RunNo,
    pass: u32,
) -> Result<Tally, Failure> {
    checkpoint.flush().await?;
    if let Some(target) = target {
        remember_rate(checkpoint, &plan.connection, &target.http)?;
    }
    checkpoint.flush().await?;
    checkpoint.tally(run, pass)
}
