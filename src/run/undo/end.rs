//! How an undo ends: totals, what was left, summary and exit code.

use super::{Line, Worked};
use crate::checkpoint::{Checkpoint, OutcomeRow, RunNo, Tally};
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::{Exit, Failure, Problem, Totals};
use crate::platforms::PlatformFacts;
use crate::reconcile::undo::{CHANGED, GONE, KEPT};
use crate::report::words::count;
use crate::report::{Counts, Requests, Summary};
use crate::run::begin::Begun;
use crate::run::finish::{Ended, exit_of, unbalanced};
use crate::run::results::{ResultsWriter, doubtful_of, write_results};
use crate::run::target::{Target, remember_rate};
use crate::run::words::go_on;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// What is listed of contacts that are not back, in the folder of the run.
const LEFT: &str = "left.csv";

/// Of which field a contact as a whole is counted.
const WHOLE: &str = "contact";

/// What was left, counted by field.
#[derive(Default)]
pub(super) struct LeftCounts {
    changed: BTreeMap<String, u64>,
    kept: BTreeMap<String, u64>,
    /// Contacts that are not there any more.
    gone: u64,
}

impl LeftCounts {
    pub(super) fn add(&mut self, problems: &[Problem]) {
        for problem in problems {
            let counts = match &*problem.code {
                CHANGED => &mut self.changed,
                KEPT => &mut self.kept,
                GONE => {
                    self.gone += 1;
                    continue;
                }
                _ => continue,
            };
            *counts.entry(problem.column.clone().unwrap_or_else(|| WHOLE.to_owned())).or_default() += 1;
        }
    }

    /// How an undo ends that left something: as one that could not do all of it.
    pub(super) fn exit(&self) -> Exit {
        let is_nothing = self.changed.is_empty() && self.kept.is_empty() && self.gone == 0;
        if is_nothing { Exit::Done } else { Exit::Rejects }
    }

    /// What the platform cannot delete, in a line for the user.
    pub(super) fn not_deleted(&self, platform: &PlatformFacts) -> Option<String> {
        let contacts = self.kept.get(WHOLE).copied().filter(|_| !platform.deletes)?;
        let (title, contacts) = (platform.title, count(contacts, "contact", "contacts"));
        Some(format!("{title} has no call to delete a contact: {contacts} that the run created stay there"))
    }

    /// Those that another party has changed, and those that the platform keeps.
    pub(super) fn counts(self) -> (Counts, Counts) {
        (self.changed.into_iter().collect(), self.kept.into_iter().collect())
    }
}

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
    let (exit_of_left, shown) = (left.exit(), left.not_deleted(plan.connection.platform));
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

/// Adds to a summary what was left, and lists it.
pub(in crate::run) fn tell_left(
    summary: &mut Summary,
    checkpoint: &Checkpoint,
    begun: &Begun,
    pass: u32,
) -> Result<(), Failure> {
    let mut left = LeftCounts::default();
    let path = list_left(checkpoint, begun.no, pass, &begun.folder, &mut left)?;
    (summary.changed_since, summary.not_taken_back) = left.counts();
    let is_left = !(summary.changed_since.is_empty() && summary.not_taken_back.is_empty());
    summary.left_file = path.filter(|_| is_left).map(|path| path.display().to_string());
    Ok(())
}

/// Lists the contacts of which something was left, and counts it. None: nothing was.
fn list_left(
    checkpoint: &Checkpoint,
    run: RunNo,
    pass: u32,
    folder: &Path,
    left: &mut LeftCounts,
) -> Result<Option<PathBuf>, Failure> {
    let path = folder.join(LEFT);
    let mut writer = None;
    checkpoint.for_each_outcome(run, pass, |row: OutcomeRow| {
        if row.problems.is_empty() {
            return Ok(());
        }
        left.add(&row.problems);
        let writer = match &mut writer {
            Some(writer) => writer,
            none => none.insert(ResultsWriter::create(&path, None)?),
        };
        writer.add(&row)
    })?;
    match writer {
        Some(writer) => writer.commit().map(|()| Some(path)),
        None => Ok(None),
    }
}
