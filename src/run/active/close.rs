//! How a run ends, for every command: totals, status, summary, receipt, exit code.
//!
//! What is particular to a command comes in as an `Ending`. The totals must add up, or the run fails.

use super::receipt::{Ends, write_receipt};
use super::record::RunRecord;
use super::run::ActiveRun;
use super::shared::put_files;
use crate::http::Traffic;
use crate::ids::RunStatus;
use crate::outcome::{Exit, Failure, Outcome, Totals};
use crate::report::{Counts, Doubtful, Requests, Summary, UNKNOWN_MAX, Verified};
use crate::run::left_blank::left_blank_file;
use crate::run::stop::Stop;
use crate::store::{Checkpoint, OutcomeRow, RunNo, Tally};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a command knows when its run ends.
#[derive(Default)]
pub(in crate::run) struct Ending {
    pub status: RunStatus,
    pub totals: Totals,
    /// What this process sent.
    pub traffic: Traffic,
    /// Where the rejects are; none when there are none.
    pub rejects_file: Option<PathBuf>,
    /// What the command adds to the summary. What follows from the record of the run is filled in.
    pub summary: Summary,
    /// What the receipt says about the ends; none when the run has no receipt.
    pub ends: Option<Ends>,
    pub failure: Option<Failure>,
    /// Whether it was stopped before its end.
    pub is_stopped: bool,
    /// The exit code that the command asks for by itself.
    pub exit: Option<Exit>,
    pub verified: Option<Verified>,
}

/// How a run ended.
pub struct Ended {
    /// What is shown.
    pub summary: Summary,
    /// How the program ends.
    pub exit: Exit,
    /// What stopped it, if something did.
    pub failure: Option<Failure>,
    /// What a verification found, when it came to its end.
    pub verified: Option<Verified>,
}

impl ActiveRun {
    /// Ends the run: writes its receipt, its record and its row in the checkpoint.
    pub(in crate::run) fn close(mut self, ending: Ending, stored: Option<(&Checkpoint, RunNo)>) -> Ended {
        let Ending { status, totals, rejects_file, failure, is_stopped, exit, verified, .. } = ending;
        self.add_effort(ending.traffic);
        (self.record.status, self.record.totals, self.record.rejects_file) = (status, totals, rejects_file);
        let mut summary = self.summary(ending.summary);
        summary.times = ending.traffic.times;
        // What an unfinished run has measured only serves a later report: it does not fail because of that.
        let receipt = match (status, ending.ends) {
            (RunStatus::Done, Some(ends)) => {
                let written = write_receipt(&self.folder, &self.record, &self.metrics, ends, &summary);
                written.map(|path| summary.receipt = Some(path))
            }
            (RunStatus::Unfinished, _) => self.metrics.save().or(Ok(())),
            _ => Ok(()),
        };
        self.record.summary = serde_json::to_value(&summary).ok();
        let saved = self.finish_stored(stored).and_then(|()| self.save());
        let saved = saved.and_then(|()| put_files(&self.state, &self.record));
        let failure = failure.or(saved.err()).or(receipt.err());
        let exit = exit_of(failure.as_ref(), &totals, is_stopped).worse(exit.unwrap_or(Exit::Done));
        Ended { summary, exit, failure, verified }
    }

    /// Adds what this process took to what the run has taken.
    fn add_effort(&mut self, traffic: Traffic) {
        let [sent, retried, rate_limited] = self.record.requests;
        self.record.requests = [sent + traffic.sent, retried + traffic.retried, rate_limited + traffic.rate_limited];
        self.record.seconds += self.started.elapsed().as_secs_f64();
    }

    fn summary(&self, given: Summary) -> Summary {
        let RunRecord { run, command, status, totals, requests: [sent, retried, rate_limited], seconds, .. } =
            &self.record;
        let shown = |path: &PathBuf| path.display().to_string();
        Summary {
            run: run.clone(),
            command: *command,
            status: *status,
            records: *totals,
            requests: Requests { sent: *sent, retried: *retried, rate_limited: *rate_limited },
            seconds: *seconds,
            rejects_file: self.record.rejects_file.as_ref().map(shown),
            left_blank_file: left_blank_file(&self.folder).as_ref().map(shown),
            next_command: given.next_command.filter(|_| *status == RunStatus::Unfinished),
            ..given
        }
    }

    fn finish_stored(&self, stored: Option<(&Checkpoint, RunNo)>) -> Result<(), Failure> {
        let Some((checkpoint, no)) = stored else { return Ok(()) };
        let status = RunStatus::of(self.record.status == RunStatus::Done);
        checkpoint.finish(no, status, self.record.kept(&self.state))
    }
}

/// The totals of a run whose outcomes are in a checkpoint.
#[derive(Default)]
pub(in crate::run) struct Counted {
    pub totals: Totals,
    pub tally: Tally,
    /// The records whose outcome is unknown, the first of them.
    pub unknown_records: Vec<Doubtful>,
}

impl Counted {
    /// Reads the outcomes of a pass over `read` records.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub(in crate::run) fn of_pass(
        checkpoint: &Checkpoint,
        (no, pass): (RunNo, u32),
        read: u64,
    ) -> Result<Counted, Failure> {
        let tally = checkpoint.tally(no, pass)?;
        let mut totals = Totals { read, ..tally.totals };
        totals.pending = read.saturating_sub(totals.settled());
        let unknown_records = if totals.unknown > 0 { unknown_of(checkpoint, no, pass)? } else { Vec::new() };
        Ok(Counted { totals, tally, unknown_records })
    }

    /// The same as a part of a summary.
    pub(in crate::run) fn summary(self) -> Summary {
        let counts = |counts: BTreeMap<String, u64>| counts.into_iter().collect::<Counts>();
        Summary {
            skipped: counts(self.tally.skipped),
            rejects: counts(self.tally.rejects),
            not_carried: counts(self.tally.not_carried),
            cleared: self.tally.cleared,
            unknown_records: self.unknown_records,
            ..Summary::default()
        }
    }
}

/// The records of a pass whose outcome is unknown, the first of them.
fn unknown_of(checkpoint: &Checkpoint, run: RunNo, pass: u32) -> Result<Vec<Doubtful>, Failure> {
    let mut unknown = Vec::new();
    checkpoint.for_each_outcome(run, pass, |OutcomeRow { origin, outcome, target_id, .. }| {
        if outcome == Outcome::Unknown && unknown.len() < UNKNOWN_MAX {
            unknown.push(Doubtful { line: origin.line, target_id });
        }
        Ok(())
    })?;
    Ok(unknown)
}

/// What is wrong with totals, if anything: more outcomes than records, or, where everything is settled, fewer.
pub(in crate::run) fn unbalanced(totals: &Totals, is_settled: bool) -> Option<Failure> {
    let is_wrong = totals.settled() > totals.read || is_settled && (!totals.balance() || totals.pending > 0);
    is_wrong.then(|| {
        Failure::failed(format!(
            "the totals do not add up: {} records were read, and {} have an outcome",
            totals.read,
            totals.settled()
        ))
        .hint("this is a bug in Ferry; nothing is lost: the rejects and the checkpoint are kept")
    })
}

/// The exit code of a run that failed, was stopped, or reached these totals.
pub(in crate::run) fn exit_of(failure: Option<&Failure>, totals: &Totals, is_stopped: bool) -> Exit {
    let stopped = is_stopped.then(|| Stop::signal().unwrap_or(Exit::Interrupted)).filter(|_| failure.is_none());
    let applying = [
        failure.map(|failure| failure.exit),
        Stop::signal().or(stopped),
        (totals.unknown > 0).then_some(Exit::Unknown),
        (totals.rejected > 0).then_some(Exit::Rejects),
    ];
    applying.into_iter().flatten().fold(Exit::Done, Exit::worse)
}
