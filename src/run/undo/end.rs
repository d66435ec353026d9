//! How an undo ends: totals, what was left, summary and exit code.

use super::{Line, Worked};
use crate::checkpoint::{RunNo, Tally};
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::{Exit, Failure, Totals};
use crate::report::{Requests, Summary};
use crate::run::active::close::{Ended, exit_of, unbalanced};
use crate::run::begin::Begun;
use crate::run::left::{LeftCounts, list_left};
use crate::run::results::{doubtful_of, write_results};
use crate::run::target::{Target, remember_rate};
use crate::run::words::go_on;
use std::sync::atomic::Ordering;

/// Counts the totals and makes the lists, the summary and the exit code.
pub(super) async fn finish(
    line: &Line<'_>,
    target: Option<&Target>,
    mut begun: Begun,
    worked: Worked,
    failure: Option<Failure>,
) -> Result<Ended, Failure> {
    let (plan, checkpoint) = (line.plan, line.checkpoint);
    let mut failure = failure.filter(|failure| failure.exit != Exit::Interrupted);
    let (mut totals, mut tally, mut left) = (begun.info.totals, Tally::default(), LeftCounts::default());
    let mut left_file = None;
    if worked.pass > 0 {
        match close(line, target, begun.no, worked.pass).await {
            Ok(closed) => {
                totals = Totals { read: worked.read.load(Ordering::Relaxed), ..closed.totals };
                totals.pending = totals.read.saturating_sub(totals.settled());
                tally = closed;
            }
            Err(fault) => failure = failure.or(Some(fault)),
        }
        let listed = list_left(checkpoint, begun.no, worked.pass, &begun.folder, &mut left);
        left_file = listed.map_err(|fault| failure.get_or_insert(fault).exit).ok().flatten();
    }
    if failure.is_none() && totals.settled() > totals.read {
        failure = Some(unbalanced(&totals));
    }
    if let (None, Some(path), 1..) = (&failure, &plan.results, worked.pass) {
        let noted = (begun.info.ledger(&plan.state), begun.info.about("results"));
        failure = write_results(path, noted, checkpoint, (begun.no, worked.pass)).err();
    }
    let is_done = failure.is_none() && worked.is_whole && totals.pending == 0 && totals.unknown == 0;
    let traffic = target.map_or(worked.unreached, |target| target.http.traffic());
    let [sent, retried, rate_limited] = begun.info.requests;
    begun.info.requests = [sent + traffic.sent, retried + traffic.retried, rate_limited + traffic.rate_limited];
    begun.info.seconds += begun.started.elapsed().as_secs_f64();
    begun.info.totals = totals;
    begun.info.status = RunStatus::of(is_done);
    let [sent, retried, rate_limited] = begun.info.requests;
    let (exit_of_left, shown) = (left.exit(), left.not_deleted(plan.connection.facts()));
    let (changed_since, not_taken_back) = left.counts();
    let mut unknown_records = Vec::new();
    if totals.unknown > 0 && worked.pass > 0 {
        match doubtful_of(checkpoint, begun.no, worked.pass) {
            Ok(doubtful) => unknown_records = doubtful,
            Err(fault) => failure = failure.or(Some(fault)),
        }
    }
    let summary = Summary {
        run: begun.info.run.clone(),
        command: CommandKind::Undo,
        status: RunStatus::of(is_done),
        records: totals,
        skipped: tally.skipped.into_iter().collect(),
        rejects: tally.rejects.into_iter().collect(),
        not_carried: tally.not_carried.into_iter().collect(),
        requests: Requests { sent, retried, rate_limited },
        seconds: begun.info.seconds,
        changed_since,
        not_taken_back,
        shown: shown.into_iter().collect(),
        left_file: left_file.map(|path| path.strip_prefix(&plan.folder).unwrap_or(&path).display().to_string()),
        unknown_records,
        source: plan.of.run.clone(),
        target: plan.connection.name.clone(),
        next_command: (!is_done).then(|| go_on(&plan.arguments)),
        ..Summary::default()
    };
    begun.info.summary = serde_json::to_value(&summary).ok();
    let saved = checkpoint
        .finish(begun.no, RunStatus::of(is_done), begun.info.kept(&plan.state))
        .and_then(|()| begun.info.save(&plan.state));
    let failure = failure.or(saved.err());
    let is_stopped = line.stop.is_told() && !worked.is_whole;
    let exit = exit_of(failure.as_ref(), &totals, is_stopped).worse(exit_of_left);
    Ok(Ended { summary, exit, failure, verified: None })
}

async fn close(line: &Line<'_>, target: Option<&Target>, run: RunNo, pass: u32) -> Result<Tally, Failure> {
    line.checkpoint.flush().await?;
    if let Some(target) = target {
        remember_rate(line.checkpoint, &line.plan.connection, &target.http)?;
    }
    line.checkpoint.flush().await?;
    line.checkpoint.tally(run, pass)
}
