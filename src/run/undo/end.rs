//! What an undo adds to the end of its run: the values that it left.

use super::{Line, Worked};
use crate::ids::RunStatus;
use crate::outcome::{Exit, Failure, Totals};
use crate::report::Summary;
use crate::run::active::ActiveRun;
use crate::run::active::close::{Counted, Ended, Ending, unbalanced};
use crate::run::left::{LeftCounts, list_left};
use crate::run::results::write_results;
use crate::run::target::{Target, remember_rate};
use crate::store::RunNo;
use std::sync::atomic::Ordering;

/// Ends the run.
pub(super) async fn close(
    line: &Line<'_>,
    target: Option<&Target>,
    run: ActiveRun,
    worked: Worked,
    failure: Option<Failure>,
) -> Ended {
    let (plan, checkpoint, no) = (line.plan, line.checkpoint, line.no());
    let pass = (no, worked.pass);
    let mut failure = failure.filter(|failure| failure.exit != Exit::Interrupted);
    let mut left = LeftCounts::default();
    let (mut counted, mut left_file) = (Counted { totals: run.record.totals, ..Counted::default() }, None);
    if worked.pass > 0 {
        match count(line, target, pass, worked.read.load(Ordering::Relaxed)).await {
            Ok(found) => counted = found,
            Err(fault) => failure = failure.or(Some(fault)),
        }
        let listed = list_left(checkpoint, pass, &run.folder, &mut left);
        left_file = listed.map_err(|fault| failure.get_or_insert(fault).exit).ok().flatten();
    }
    let totals: Totals = counted.totals;
    failure = failure.or_else(|| unbalanced(&totals, false));
    if let (None, Some(path), 1..) = (&failure, &plan.results, worked.pass) {
        let noted = (run.record.ledger(&plan.state), run.record.about("results"));
        failure = write_results(path, noted, checkpoint, pass).err();
    }
    let is_done = failure.is_none() && worked.is_whole && totals.pending == 0 && totals.unknown == 0;
    let (exit, shown) = (left.exit(), left.not_deleted(plan.connection.facts()));
    let (changed_since, not_taken_back) = left.counts();
    let summary = Summary {
        cleared: 0,
        changed_since,
        not_taken_back,
        shown: shown.into_iter().collect(),
        left_file: left_file.map(|path| path.strip_prefix(&plan.typed.folder).unwrap_or(&path).display().to_string()),
        source: plan.of.run.clone(),
        target: plan.connection.name.clone(),
        next_command: Some(plan.typed.suggest.again()),
        ..counted.summary()
    };
    let ending = Ending {
        status: RunStatus::of(is_done),
        totals,
        traffic: target.map_or(worked.unreached, |target| target.http.traffic()),
        summary,
        failure,
        is_stopped: line.stop.is_told() && !worked.is_whole,
        exit: Some(exit),
        ..Ending::default()
    };
    run.close(ending, Some((checkpoint, no)))
}

async fn count(line: &Line<'_>, target: Option<&Target>, pass: (RunNo, u32), read: u64) -> Result<Counted, Failure> {
    line.checkpoint.flush().await?;
    if let Some(target) = target {
        remember_rate(line.checkpoint, &line.plan.connection, &target.http)?;
        line.checkpoint.flush().await?;
    }
    Counted::of_pass(line.checkpoint, pass, read)
}
