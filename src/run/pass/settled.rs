//! What the second pass keeps of each contact: its outcome, those of its further records, its rejects, the values that it
//! was sent without; and the counts of all that.

use super::group::Group;
use crate::contact::LeftBlank;
use crate::files::RejectsWriter;
use crate::outcome::{Failure, Outcome, Problem, Reject, Skip};
use crate::reconcile::guards::{Guards, Kind, rejected};
use crate::record::{Origin, Record};
use crate::run::active::counters::Counters;
use crate::run::left_blank::LeftBlankList;
use crate::run::standing::Standing;
use crate::store::{Checkpoint, RunNo, SourceOutcome};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the outcomes of a pass go.
#[derive(Clone)]
pub(in crate::run) struct Outcomes {
    pub checkpoint: Checkpoint,
    pub run: RunNo,
    pub pass: u32,
    /// Where the rejects go; none where the contacts come from no records.
    pub rejects: Option<Arc<Mutex<RejectsWriter>>>,
    /// Where the values go that contacts are sent without; none where nothing is sent.
    pub left_blank: Option<Arc<Mutex<LeftBlankList>>>,
    pub counters: Arc<Counters>,
    pub guards: Arc<Guards>,
    /// Whether an earlier process of the run left entries.
    pub has_entries: bool,
    /// What an earlier process of this pass has settled; none of a pass that begins.
    pub standing: Option<Arc<Standing>>,
}

impl Outcomes {
    /// A record that was skipped, whatever the target says.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be written.
    pub async fn skip(&self, origin: Origin, skip: Skip, duplicate_of: Option<u64>) -> Result<(), Failure> {
        let outcome = Outcome::Skipped(skip);
        self.note(SourceOutcome { origin, outcome, duplicate_of, problems: Vec::new() }).await
    }

    /// A record that was rejected, whatever the target says.
    ///
    /// # Errors
    /// Exit 8 when that is one too many; exit 1 when the checkpoint or the rejects cannot be written.
    pub async fn reject(&self, reject: Reject) -> Result<(), Failure> {
        self.guards.take_source_reject(|| rejected(reject.origin.line, &reject.problems))?;
        self.add_reject(reject).await
    }

    async fn add_reject(&self, reject: Reject) -> Result<(), Failure> {
        self.counters.rejected.fetch_add(1, Ordering::Relaxed);
        self.write_reject(&reject)?;
        let Reject { origin, problems, .. } = reject;
        self.note(SourceOutcome { origin, outcome: Outcome::Rejected, duplicate_of: None, problems }).await
    }

    /// All records of a contact, for the same reason.
    ///
    /// # Errors
    /// Exit 8 when that is too many; exit 1 when the checkpoint or the rejects cannot be written.
    pub async fn reject_all(&self, records: Vec<Record>, line: u64, problems: Vec<Problem>) -> Result<(), Failure> {
        let asked = [(Kind::Rejects, records.len() as u64)];
        self.guards.take(&asked, |_| rejected(line, &problems))?;
        for Record { origin, raw, .. } in records {
            self.add_reject(Reject { origin, raw, problems: problems.clone() }).await?;
        }
        Ok(())
    }

    /// Counts an outcome that needed no request, and keeps it.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be written.
    pub async fn note(&self, outcome: SourceOutcome) -> Result<(), Failure> {
        self.counters.settled.fetch_add(1, Ordering::Relaxed);
        self.counters.add(outcome.outcome, 1);
        if self.has_entries && !self.counters.has_begun.load(Ordering::Relaxed) {
            self.counters.earlier.fetch_add(1, Ordering::Relaxed);
        }
        self.checkpoint.note(self.run, self.pass, outcome).await
    }

    /// Counts a settled contact, writes its rejects, and keeps the outcomes of its further records. Its own is kept by
    /// the caller.
    ///
    /// # Errors
    /// Exit 8 when there are too many rejects; exit 1 when something cannot be written.
    pub async fn finish(&self, group: &Group, outcome: Outcome, problems: &[Problem]) -> Result<(), Failure> {
        let is_rejected = outcome == Outcome::Rejected;
        if is_rejected {
            let line = group.subject.who.origin.line;
            self.guards.take(&[(Kind::Rejects, group.len())], |_| rejected(line, problems))?;
        }
        let left_blank = group.subject.goal.wanted().map_or(&[][..], |wanted| &wanted.left_blank);
        if matches!(outcome, Outcome::Created | Outcome::Updated | Outcome::Unchanged) {
            self.add_left_blank(left_blank)?;
        }
        let of_further = if is_rejected { Outcome::Rejected } else { Outcome::Skipped(Skip::Duplicate) };
        self.counters.settled.fetch_add(group.len(), Ordering::Relaxed);
        self.counters.add(outcome, 1);
        self.counters.add(of_further, group.len() - 1);
        if is_rejected {
            self.counters.rejected.fetch_add(group.len(), Ordering::Relaxed);
            for Record { origin, raw, .. } in &group.records {
                self.write_reject(&Reject { origin: *origin, raw: raw.clone(), problems: problems.to_vec() })?;
            }
        }
        let duplicate_of = group.records.first().map(|record| record.origin.line);
        for Record { origin, .. } in group.records.iter().skip(1) {
            let problems = if is_rejected { problems.to_vec() } else { Vec::new() };
            let further = SourceOutcome { origin: *origin, outcome: of_further, duplicate_of, problems };
            self.checkpoint.note(self.run, self.pass, further).await?;
        }
        Ok(())
    }

    /// Counts a contact of one record that is as it should be. Its outcome is kept by the caller.
    ///
    /// # Errors
    /// Exit 1 when a list cannot be written.
    pub fn finish_alone(&self, outcome: Outcome, left_blank: &[LeftBlank]) -> Result<(), Failure> {
        if outcome == Outcome::Unchanged {
            self.add_left_blank(left_blank)?;
        }
        self.counters.settled.fetch_add(1, Ordering::Relaxed);
        self.counters.add(outcome, 1);
        Ok(())
    }

    /// Whether an earlier process of this pass has settled a contact, which was sent without some of its values.
    pub fn has_arrived(&self, ordinal: u64) -> bool {
        self.standing.as_ref().is_some_and(|standing| standing.has_arrived(ordinal))
    }

    /// Lists the values without which such a contact was sent; all else about it is kept.
    ///
    /// # Errors
    /// Exit 1 when the list cannot be written.
    pub fn list_again(&self, group: &Group) -> Result<(), Failure> {
        self.add_left_blank(group.subject.goal.wanted().map_or(&[][..], |wanted| &wanted.left_blank))
    }

    fn add_left_blank(&self, values: &[LeftBlank]) -> Result<(), Failure> {
        match &self.left_blank {
            Some(list) if !values.is_empty() => list.lock().unwrap_or_else(PoisonError::into_inner).add(values),
            _ => Ok(()),
        }
    }

    fn write_reject(&self, reject: &Reject) -> Result<(), Failure> {
        let Some(rejects) = &self.rejects else { return Ok(()) };
        rejects.lock().unwrap_or_else(PoisonError::into_inner).write(reject)
    }
}
