//! What an export adds to the end of its run; what a success makes needless is removed.

use super::matched;
use super::parts::{Exporting, Reached};
use super::plan::ExportPlan;
use crate::files::Fingerprint;
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::{Exit, Failure};
use crate::report::Summary;
use crate::run::active::close::{Ended, Ending, unbalanced};
use crate::run::active::folder::SPOOL_FILE;
use crate::run::active::receipt::{Ends, account_read, file_written, mapping_used};
use crate::run::active::record::RunRecord;
use crate::run::active::runs::runs_of;
use crate::run::active::shared::forget_everywhere;
use crate::run::retain::remove_old;
use crate::run::target::Target;
use crate::scratch::spool::Spool;
use std::path::Path;
use std::sync::atomic::Ordering;

impl Exporting<'_> {
    /// Ends the run.
    pub(super) fn close(self, target: Option<&Target>, reached: Reached, failure: Option<Failure>) -> Ended {
        let mut failure = failure.filter(|failure| failure.exit != Exit::Interrupted);
        let mut totals = reached.sums.totals;
        if !reached.is_placed {
            // No contact counts as written before the file is in place.
            totals.read = totals.read.max(self.met.load(Ordering::Relaxed));
            totals.created = 0;
        }
        totals.pending = totals.read.saturating_sub(totals.settled());
        failure = failure.or_else(|| unbalanced(&totals, reached.is_done).filter(|_| reached.is_done));
        let is_done = failure.is_none() && reached.is_done;
        let mut ends = None;
        if is_done {
            // What was read is removed with the rest.
            ends = Some(self.ends(reached.content));
            failure = self.clear_up().err();
        } else if reached.is_too_little {
            remove_spool(&self.run.folder);
        }
        let (plan, rejected) = (self.plan, reached.rejected);
        let summary = Summary {
            skipped: reached.sums.skipped.into_iter().collect(),
            rejects: reached.sums.rejects.into_iter().collect(),
            left_blank: reached.sums.left_blank,
            not_carried: reached.sums.not_carried.into_iter().collect(),
            completeness: reached.completeness,
            changes: reached.changes,
            source: self.run.record.source.clone(),
            target: self.run.record.target.clone(),
            next_command: Some(plan.typed.suggest.resume(&self.run.record.run)),
            ..Summary::default()
        };
        let ending = Ending {
            status: RunStatus::of(is_done),
            totals,
            traffic: target.map_or(reached.unreached, |target| target.http.traffic()),
            rejects_file: (rejected > 0).then(|| self.rejects.shown().to_owned()),
            summary,
            ends,
            failure,
            is_stopped: self.stop.is_requested() && !reached.is_done,
            ..Ending::default()
        };
        self.run.close(ending, None)
    }

    /// The ends of the run, as its receipt describes them.
    fn ends(&self, content: Option<Fingerprint>) -> Ends {
        let (plan, record) = (self.plan, &self.run.record);
        let mapping = plan.mapping.as_ref().zip(plan.mapping_name.as_deref());
        Ends {
            source: account_read(&plan.connection, &plan.address, &self.run.folder, content),
            mapping: mapping.map(|(mapping, name)| mapping_used(name, mapping)),
            target: file_written(&record.target, record, &plan.state),
        }
    }

    /// After a success: what was read, what older runs of the same work left, and older files.
    fn clear_up(&self) -> Result<(), Failure> {
        let ExportPlan { state, retain, out, .. } = self.plan;
        remove_spool(&self.run.folder);
        let is_older = |info: &&RunRecord| info.status != RunStatus::Done && info.run != self.run.record.run;
        let same = runs_of(state, Some(self.run.record.work.as_str()), Some(CommandKind::Export))?;
        same.iter().filter(is_older).for_each(|info| forget_everywhere(state, &info.run));
        let Some(age) = retain.filter(|_| self.plan.work.limit.is_none()) else { return Ok(()) };
        let ledger = self.run.record.ledger(state);
        let (gone, kept) = remove_old(out, self.moment, age, &|path| ledger.has_content(path, "out"))?;
        for path in gone {
            ledger.forget(&path);
            self.console.note(&format!("`{}` is older than `--retain` says, and was removed", path.display()));
        }
        for path in kept {
            let why =
                if ledger.wrote(&path) { "it was changed since Ferry wrote it" } else { "Ferry did not write it" };
            let path = path.display();
            self.console.note(&format!("`{path}` is older than `--retain` says, but {why}, so it stays"));
        }
        Ok(())
    }
}

/// Removes what was read. What cannot be removed does no harm.
fn remove_spool(folder: &Path) {
    let _ = std::fs::remove_dir_all(folder.join(matched::FOLDER));
    Spool::remove(&folder.join(SPOOL_FILE));
}
