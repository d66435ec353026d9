//! How a transfer ends: its totals, its results, the sections of its command, and the ends for its receipt.

use super::parts::Transfer;
use crate::http::{Times, Traffic};
use crate::ids::{RunStatus, SourceStamp};
use crate::outcome::{Exit, Failure, Totals};
use crate::plan::SourcePlan;
use crate::report::words::count;
use crate::report::{End, Summary, Verified};
use crate::run::active::close::{Counted, Ended, Ending, unbalanced};
use crate::run::active::folder::SPOOL_FILE;
use crate::run::active::receipt::{Ends, account_read, account_written, file_read, mapping_of};
use crate::run::pass::first::{PEOPLE, last};
use crate::run::results::write_results;
use crate::run::source::Source;
use crate::run::target::remember_rate;
use crate::store::Tally;
use std::path::Path;

/// A transfer whose work has ended, and whose run is still open.
pub(in crate::run) struct Finished<'a> {
    pub transfer: Transfer<'a>,
    /// What stopped it, if something did.
    pub failure: Option<Failure>,
    pub totals: Totals,
    tally: Summary,
}

/// What a command adds to the end of its run.
#[derive(Default)]
pub(in crate::run) struct Sections {
    /// The fields of the summary that only this command has.
    pub summary: Summary,
    /// The exit code that it asks for by itself.
    pub exit: Option<Exit>,
    pub verified: Option<Verified>,
}

impl<'a> Finished<'a> {
    /// Counts the outcomes, and writes them where that was asked.
    pub(super) async fn of(transfer: Transfer<'a>, failure: Option<Failure>) -> Finished<'a> {
        // A request that was held back because of a stop is no failure.
        let mut failure = failure.filter(|failure| failure.exit != Exit::Interrupted);
        let counted = match transfer.count().await {
            Ok(counted) => counted,
            Err(fault) => {
                failure = failure.or(Some(fault));
                Counted { totals: transfer.run.record.totals, ..Counted::default() }
            }
        };
        let totals = counted.totals;
        failure = failure.or_else(|| unbalanced(&totals, false)).or_else(|| transfer.write_results().err());
        Finished { transfer, failure, totals, tally: counted.summary() }
    }

    /// Whether every record has its outcome.
    fn is_settled(&self) -> bool {
        self.failure.is_none() && self.totals.pending == 0 && self.totals.unknown == 0
    }

    /// Whether a preview can be shown: that of a part shows that part.
    pub fn is_shown(&self) -> bool {
        let Transfer { job, io, reached, target, .. } = &self.transfer;
        let is_part = job.limits.limit.is_some() && !io.stop.is_requested();
        target.is_some() && self.is_settled() && (reached.is_whole || is_part)
    }

    /// Whether the whole source was passed, and nothing stopped it.
    pub fn is_whole(&self) -> bool {
        self.failure.is_none() && self.transfer.reached.is_whole
    }

    /// Takes what a section came to; a failure is that of the run.
    pub fn take<T: Default>(&mut self, section: Result<T, Failure>) -> T {
        section.unwrap_or_else(|fault| {
            self.failure.get_or_insert(fault);
            T::default()
        })
    }

    /// The guard that would stop the real run is the failure of a preview, unless there is another one.
    pub fn take_guard(&mut self) {
        self.failure = self.failure.take().or(self.transfer.reached.over.take());
    }

    /// Tells which records within `--limit` have no outcome although nothing failed.
    fn tell_waiting(&self) {
        let Transfer { job, io, reached, .. } = &self.transfer;
        let is_cut = job.limits.limit.is_some() && !reached.is_whole && reached.pass > 0;
        if !is_cut || self.failure.is_some() || io.stop.is_requested() || self.totals.pending == 0 {
            return;
        }
        let records = count(self.totals.pending, "record", "records");
        io.console.note(&format!(
            "{records} within `--limit` wait for later records of the same contacts, because a contact is sent at its last \
             record; a higher `--limit` reaches them"
        ));
    }

    /// Ends the run.
    pub fn close(mut self, sections: Sections) -> Ended {
        let is_done = self.is_settled() && self.transfer.reached.is_whole;
        self.take_guard();
        self.tell_waiting();
        let Finished { transfer, failure, totals, tally } = self;
        let is_preview = transfer.job.is_preview();
        let is_of_records = matches!(transfer.job.source, Source::Records(_));
        let status = if is_preview { RunStatus::DryRun } else { RunStatus::of(is_done) };
        let ends = (status == RunStatus::Done).then(|| transfer.ends());
        if status != RunStatus::Unfinished {
            forget_sources(&transfer.run.folder, is_preview);
        }
        let exit = (!transfer.reached.left_behind.is_empty()).then_some(Exit::Rejects);
        let Transfer { job, io, checkpoint, stored, run, target, guards, reached, .. } = transfer;
        let rejects_file = run.record.rejects_file.clone().filter(|_| reached.rejects > 0);
        let with_rejects = |path: &std::path::PathBuf| job.typed.suggest.with_rejects(&path.display().to_string());
        let summary = Summary {
            skipped: tally.skipped,
            rejects: tally.rejects,
            not_carried: tally.not_carried,
            // What an undo clears was blank before.
            cleared: if is_of_records { tally.cleared } else { 0 },
            unknown_records: tally.unknown_records,
            next_command: Some(job.typed.suggest.again_past(&guards.needed())),
            completeness: reached.completeness,
            left_blank: reached.left_blank,
            left_behind: reached.left_behind,
            source: job.source.shown().to_owned(),
            target: job.to.connection.name.clone(),
            rejects_command: rejects_file.as_ref().and_then(with_rejects),
            ..sections.summary
        };
        let ending = Ending {
            status,
            totals,
            traffic: sum(target.map(|target| target.http.traffic()).unwrap_or_default(), reached.traffic),
            rejects_file,
            summary,
            ends,
            failure,
            is_stopped: io.stop.is_requested() && !reached.is_whole,
            exit: Some(exit.unwrap_or(Exit::Done).worse(sections.exit.unwrap_or(Exit::Done))),
            verified: sections.verified,
        };
        run.close(ending, Some((&checkpoint, stored.no)))
    }
}

impl Transfer<'_> {
    /// The totals; before a pass has begun they are those of the last one.
    async fn count(&self) -> Result<Counted, Failure> {
        let (checkpoint, reached) = (&self.checkpoint, &self.reached);
        checkpoint.flush().await?;
        if let Some(target) = &self.target {
            remember_rate(checkpoint, &self.job.to.connection, &target.http)?;
            checkpoint.flush().await?;
        }
        if reached.pass > 0 {
            return Counted::of_pass(checkpoint, self.pass(), reached.read);
        }
        let totals = self.run.record.totals;
        if totals.read == 0 {
            let totals = Totals { read: reached.counted, pending: reached.counted, ..totals };
            return Ok(Counted { totals, ..Counted::default() });
        }
        let tally: Tally = checkpoint.tally(self.stored.no, self.stored.next_pass.saturating_sub(1))?;
        Ok(Counted { totals, tally, ..Counted::default() })
    }

    fn write_results(&self) -> Result<(), Failure> {
        let asked = self.job.limits.results.as_deref();
        let Some(path) = asked.filter(|_| self.reached.pass > 0) else { return Ok(()) };
        let noted = (self.run.record.ledger(&self.run.state), self.run.record.about("results"));
        write_results(path, noted, &self.checkpoint, self.pass())
    }

    /// The ends of the run, as its receipt describes them.
    fn ends(&self) -> Ends {
        let (to, folder) = (self.job.to, &self.run.folder);
        let (source, mapping) = match &self.job.source {
            Source::Records(records) => {
                let source = match records.from {
                    None => file_read(records.plan, stamp_read(records.plan, folder), None),
                    Some(from) => account_read(&from.connection, &from.address, folder, None),
                };
                (source, mapping_of(records.plan))
            }
            Source::Written(written) => (End::Run { run: written.of.run.clone() }, None),
        };
        Ends { source, mapping, target: account_written(&to.connection, &to.address) }
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
        times: Times {
            took: one.times.took.with(&other.times.took),
            waited: one.times.waited.with(&other.times.waited),
        },
    }
}

/// Removes what was kept of a source platform for resuming, and the identity index of a preview. A file that cannot be
/// removed does no harm.
fn forget_sources(folder: &Path, is_preview: bool) {
    let people = [PEOPLE, "people.held", "first.json"];
    for name in [SPOOL_FILE].into_iter().chain(people.into_iter().filter(|_| is_preview)) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.join(format!("{name}{suffix}")));
        }
    }
}
