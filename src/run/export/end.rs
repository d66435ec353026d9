//! How an export ends: totals, summary, exit code; what a success makes needless goes.

use super::{ExportPlan, Line, Worked, matched};
use crate::http::Traffic;
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::{Exit, Failure};
use crate::report::{Requests, Summary};
use crate::run::active::close::Ended;
use crate::run::active::folder::forget;
use crate::run::active::record::RunRecord;
use crate::run::active::runs::all_runs;
use crate::run::gather::SPOOL_FILE;
use crate::run::left_blank::left_blank_file;
use crate::run::receipt::{Facts, account_read, file_written, mapping_used, write_receipt};
use crate::run::retain::remove_old;
use crate::run::stop::Stop;
use crate::run::target::Target;
use crate::run::words::resume;
use std::path::Path;
use std::sync::atomic::Ordering;

impl Line<'_> {
    /// Counts the totals and makes the summary and the exit code.
    pub(super) fn end(
        self,
        target: Option<&Target>,
        worked: Worked,
        failure: Option<Failure>,
    ) -> Result<Ended, Failure> {
        let mut failure = failure.filter(|failure| failure.exit != Exit::Interrupted);
        let mut totals = worked.sums.totals;
        if !worked.is_placed {
            // Nobody is written before the file is in place.
            totals.read = totals.read.max(self.met.load(Ordering::Relaxed));
            totals.created = 0;
        }
        totals.pending = totals.read.saturating_sub(totals.settled());
        if failure.is_none() && worked.is_done && (!totals.balance() || totals.pending > 0) {
            failure = Some(Failure::failed("the totals do not add up: this is a bug in Ferry"));
        }
        let is_done = failure.is_none() && worked.is_done;
        let mut source = None;
        if is_done {
            // What was read goes with the rest.
            source = Some(account_read(&self.plan.connection, &self.plan.address, &self.begun.folder));
            failure = self.clear_up().err();
        } else if worked.is_too_little {
            remove_spool(&self.begun.folder);
        }
        let plan = self.plan;
        let is_stopped = self.stop.is_told() && !worked.is_done;
        let (mut info, trace) = (self.begun.info, self.begun.trace);
        info.seconds += self.begun.started.elapsed().as_secs_f64();
        add_up(&mut info, target, worked.unreached);
        info.totals = totals;
        let rejects_path = self.rejects.shown().to_owned();
        info.rejects_file = (worked.rejected > 0).then_some(rejects_path);
        info.status = RunStatus::of(is_done);
        let mut summary = Summary {
            status: RunStatus::of(is_done),
            next_command: (!is_done).then(|| resume(&plan.arguments, &info.run)),
            ..summary(&info, worked, &self.begun.folder)
        };
        let told = match source {
            None => trace.save().or(Ok(())),
            Some(source) => {
                let mapping = plan.mapping.as_ref().zip(plan.mapping_name.as_deref());
                let mapping = mapping.map(|(mapping, name)| mapping_used(name, mapping));
                let target = file_written(&info.target, &info, &plan.state);
                let facts = Facts { state: &plan.state, info: &info, trace: &trace, source, mapping, target };
                write_receipt(facts, &mut summary)
            }
        };
        info.summary = serde_json::to_value(&summary).ok();
        let failure = failure.or(info.save(&plan.state).err()).or(told.err());
        let stopped = is_stopped.then(|| Stop::signal().unwrap_or(Exit::Interrupted)).filter(|_| failure.is_none());
        let rejects = (totals.rejected > 0).then_some(Exit::Rejects);
        let applying = [failure.as_ref().map(|failure| failure.exit), Stop::signal().or(stopped), rejects];
        let exit = applying.into_iter().flatten().fold(Exit::Done, Exit::worse);
        Ok(Ended { summary, exit, failure, verified: None })
    }

    /// After a success: what was read, what older runs of the same work left, and older files.
    fn clear_up(&self) -> Result<(), Failure> {
        let ExportPlan { state, retain, out, .. } = self.plan;
        remove_spool(&self.begun.folder);
        let is_older = |info: &RunRecord| {
            info.command == CommandKind::Export
                && info.work == self.begun.work
                && info.status != RunStatus::Done
                && info.run != self.begun.info.run
        };
        all_runs(state)?.iter().filter(|info| is_older(info)).for_each(|info| forget(state, &info.run));
        let Some(age) = retain.filter(|_| self.plan.work.limit.is_none()) else { return Ok(()) };
        let ledger = self.begun.info.ledger(state);
        let (gone, kept) = remove_old(out, self.begun.moment, age, &|path| ledger.has_content(path, "out"))?;
        for path in gone {
            self.console.note(&format!("`{}` is older than `--retain` says, and was removed", path.display()));
        }
        for path in kept {
            self.console.note(&format!(
                "`{}` is older than `--retain` says, but Ferry did not write it, so it stays",
                path.display()
            ));
        }
        Ok(())
    }
}

/// Removes what was read. What cannot be removed does no harm.
fn remove_spool(folder: &Path) {
    let _ = std::fs::remove_dir_all(folder.join(matched::FOLDER));
    for name in [SPOOL_FILE.to_owned(), format!("{SPOOL_FILE}-wal"), format!("{SPOOL_FILE}-shm")] {
        let _ = std::fs::remove_file(folder.join(name));
    }
}

/// Adds what this process took to what the run has taken.
fn add_up(info: &mut RunRecord, target: Option<&Target>, unreached: Traffic) {
    let traffic = target.map_or(unreached, |target| target.http.traffic());
    let [sent, retried, rate_limited] = info.requests;
    info.requests = [sent + traffic.sent, retried + traffic.retried, rate_limited + traffic.rate_limited];
}

fn summary(info: &RunRecord, worked: Worked, folder: &Path) -> Summary {
    let left_blank_file = left_blank_file(folder).map(|path| path.display().to_string());
    let [sent, retried, rate_limited] = info.requests;
    Summary {
        run: info.run.clone(),
        command: CommandKind::Export,
        records: info.totals,
        skipped: worked.sums.skipped.into_iter().collect(),
        rejects: worked.sums.rejects.into_iter().collect(),
        left_blank: worked.sums.left_blank,
        not_carried: worked.sums.not_carried.into_iter().collect(),
        left_blank_file,
        requests: Requests { sent, retried, rate_limited },
        seconds: info.seconds,
        rejects_file: info.rejects_file.as_ref().map(|path| path.display().to_string()),
        completeness: worked.completeness,
        changes: worked.changes,
        source: info.source.clone(),
        target: info.target.clone(),
        ..Summary::default()
    }
}
