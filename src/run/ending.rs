//! What a transfer adds to the end of its run: results, differences, forecast, values left, and the ends for the receipt.

use crate::http::Traffic;
use crate::ids::{RunStatus, SourceStamp};
use crate::outcome::{Exit, Failure, Totals};
use crate::plan::SourcePlan;
use crate::reconcile::guards::Guards;
use crate::report::{Counts, Summary, Verified};
use crate::run::active::ActiveRun;
use crate::run::active::close::{Counted, Ended, Ending, unbalanced};
use crate::run::active::folder::SPOOL_FILE;
use crate::run::active::receipt::{Ends, account_read, account_written, file_read, mapping_of};
use crate::run::left::tell_left;
use crate::run::parts::Parts;
use crate::run::pass::first::{PEOPLE, last};
use crate::run::preview;
use crate::run::results::write_results;
use crate::run::target::{Target, remember_rate};
use crate::scratch::spool::Completeness;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How far a transfer came.
#[derive(Default)]
pub(super) struct Reached {
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
    /// The guard that would stop the real run, in a dry run.
    pub(super) over: Option<Failure>,
    /// What counts against the limits.
    pub(super) guards: Option<Arc<Guards>>,
    /// What was sent to a source platform.
    pub(super) traffic: Traffic,
    /// How long reading the source platform took.
    pub(super) source_time: Duration,
    /// How it is known that all contacts of a source platform were read.
    pub(super) completeness: Option<Completeness>,
    /// Ids of partially created contacts that have no record any more and stay at the target.
    pub(super) left_behind: Vec<String>,
}

impl Parts<'_> {
    /// Ends the run.
    pub(super) async fn close(
        &self,
        target: Option<&Target>,
        run: ActiveRun,
        reached: Reached,
        failure: Option<Failure>,
    ) -> Ended {
        // A request that was held back because of a stop is no failure.
        let mut failure = failure.filter(|failure| failure.exit != Exit::Interrupted);
        let counted = match self.count(target, &run, &reached).await {
            Ok(counted) => counted,
            Err(fault) => {
                failure = failure.or(Some(fault));
                Counted { totals: run.record.totals, ..Counted::default() }
            }
        };
        let totals = counted.totals;
        failure = failure.or_else(|| unbalanced(&totals, false));
        failure = failure.or_else(|| self.write_results(&run, reached.pass).err());
        let verified = self.verified(&reached, &mut failure);
        let is_settled = failure.is_none() && totals.pending == 0 && totals.unknown == 0;
        let is_done = is_settled && reached.is_whole;
        // A preview of a part shows that part.
        let is_shown = is_settled && (reached.is_whole || (self.plan.work.limit.is_some() && !self.stop.is_told()));
        let preview = target.filter(|_| is_shown).map(|target| self.preview(&run, &reached, target)).transpose();
        let preview = preview.map_err(|fault| failure = Some(fault)).ok().flatten().unwrap_or_default();
        let status = if self.stage.is_some() { RunStatus::DryRun } else { RunStatus::of(is_done) };
        let ends = (status == RunStatus::Done).then(|| self.ends(&run));
        if status != RunStatus::Unfinished {
            forget_sources(&run.folder, self.stage.is_some());
        }
        let rejects_file = run.record.rejects_file.clone().filter(|_| reached.rejects > 0);
        let needed = reached.guards.as_ref().map(|guards| guards.needed()).unwrap_or_default();
        let mut summary = Summary {
            next_command: Some(self.plan.typed.suggest.again_past(&needed)),
            forecast: preview.forecast,
            finish: preview.finish,
            uncertain: preview.uncertain.into_iter().collect(),
            shown: preview.shown,
            completeness: reached.completeness,
            left_blank: reached.left_blank,
            left_behind: reached.left_behind,
            source: self.plan.source.shown.clone(),
            target: self.plan.connection.name.clone(),
            rejects_command: rejects_file
                .as_ref()
                .and_then(|path| self.plan.typed.suggest.with_rejects(&path.display().to_string())),
            ..counted.summary()
        };
        failure = failure.or(reached.over);
        if self.plan.correct.is_some() && failure.is_none() {
            let pass = (self.stored.no, reached.pass);
            failure = tell_left(&mut summary, self.checkpoint, pass, &run.folder).err();
        }
        let ending = Ending {
            status,
            totals,
            traffic: sum(target.map(|target| target.http.traffic()).unwrap_or_default(), reached.traffic),
            rejects_file,
            exit: (!summary.left_behind.is_empty()).then_some(Exit::Rejects),
            summary,
            ends,
            failure,
            is_stopped: self.stop.is_told() && !reached.is_whole,
            verified,
        };
        run.close(ending, Some((self.checkpoint, self.stored.no)))
    }

    /// The totals; before a pass has begun they are those of the last one.
    async fn count(&self, target: Option<&Target>, run: &ActiveRun, reached: &Reached) -> Result<Counted, Failure> {
        self.checkpoint.flush().await?;
        if let Some(target) = target {
            remember_rate(self.checkpoint, &self.plan.connection, &target.http)?;
            self.checkpoint.flush().await?;
        }
        if reached.pass > 0 {
            return Counted::of_pass(self.checkpoint, (self.stored.no, reached.pass), reached.read);
        }
        let totals = run.record.totals;
        if totals.read == 0 {
            let totals = Totals { read: reached.counted, pending: reached.counted, ..totals };
            return Ok(Counted { totals, ..Counted::default() });
        }
        let last_pass = self.stored.next_pass.saturating_sub(1);
        let tally = self.checkpoint.tally(self.stored.no, last_pass)?;
        Ok(Counted { totals, tally, ..Counted::default() })
    }

    fn write_results(&self, run: &ActiveRun, pass: u32) -> Result<(), Failure> {
        let Some(path) = self.plan.work.results.as_deref().filter(|_| pass > 0) else { return Ok(()) };
        let noted = (run.record.ledger(&run.state), run.record.about("results"));
        write_results(path, noted, self.checkpoint, (self.stored.no, pass))
    }

    /// What a verification found, when it came to its end.
    fn verified(&self, reached: &Reached, failure: &mut Option<Failure>) -> Option<Verified> {
        let (Some(verifying), Some(verify)) = (&self.verifying, &self.plan.verify) else { return None };
        if failure.is_some() || !reached.is_whole {
            return None;
        }
        let recorder = self.stage.map(|stage| &*stage.recorder);
        let told = verifying.tell(self.checkpoint, (self.stored.no, reached.pass), recorder, &verify.out);
        told.map_err(|fault| *failure = Some(fault)).ok()
    }

    /// What a dry run shows.
    fn preview(&self, run: &ActiveRun, reached: &Reached, target: &Target) -> Result<preview::Told, Failure> {
        let (Some(stage), Some(dry), None) = (self.stage, &self.plan.dry, &self.plan.verify) else {
            return Ok(preview::Told::default());
        };
        let source_read = (reached.traffic.sent, reached.source_time);
        let head = self.plan.head(&self.mapper.finds_by);
        let noted = (run.record.ledger(&run.state), run.record.about("plan"));
        let pass = (self.stored.no, reached.pass);
        preview::tell(stage, (dry, &head, noted), self.checkpoint, pass, target, &self.plan.connection, source_read)
    }

    /// The ends of the run, as its receipt describes them.
    fn ends(&self, run: &ActiveRun) -> Ends {
        let plan = self.plan;
        Ends {
            source: match &plan.from {
                None => file_read(&plan.source, stamp_read(&plan.source, &run.folder)),
                Some(from) => account_read(&from.connection, &from.address, &run.folder),
            },
            mapping: mapping_of(&plan.source),
            target: account_written(&plan.connection, &plan.address),
        }
    }
}

/// The stamp of the source as the first pass found it. A copy of standard input has none there, and no other process
/// changes it.
fn stamp_read(source: &SourcePlan, folder: &Path) -> Option<SourceStamp> {
    last(folder)
        .and_then(|first| first.stamp)
        .or_else(|| SourceStamp::of_file(&source.path).filter(|_| source.is_copy()))
}

/// What was sent to both ends.
fn sum(one: Traffic, other: Traffic) -> Traffic {
    Traffic {
        sent: one.sent + other.sent,
        retried: one.retried + other.retried,
        rate_limited: one.rate_limited + other.rate_limited,
    }
}

/// Removes what was kept of a source platform for resuming, and the identity index of a dry run. A file that cannot be
/// removed does no harm.
fn forget_sources(folder: &Path, is_dry: bool) {
    let people = [PEOPLE, "people.held", "first.json"];
    for name in [SPOOL_FILE].into_iter().chain(people.into_iter().filter(|_| is_dry)) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.join(format!("{name}{suffix}")));
        }
    }
}
