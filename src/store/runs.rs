//! Runs of a checkpoint with their passes, totals and lists, and the order of the processes that worked on them.

use super::checkpoint::Checkpoint;
use super::contract::TallyOf;
use super::key::Key;
use super::model::{
    Entry, EntryNo, Image, ImageNo, Meaning, NewRun, NumberedEntry, OutcomeRow, RunNo, RunRow, Tally, Turns,
};
use super::op::{Answer, Op};
use crate::ids::RunStatus;
use crate::outcome::Failure;
use serde_json::Value;
use std::collections::HashMap;

/// An answer of another kind than the operation has.
fn unexpected() -> Failure {
    Failure::failed("the checkpoint gave an answer to another operation")
}

/// Runs and passes.
impl Checkpoint {
    /// All runs, the newest first.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn runs(&self) -> Result<Vec<RunRow>, Failure> {
        self.read(|reader| reader.runs())
    }

    /// The newest unfinished run of this work.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn unfinished(&self, work: &str) -> Result<Option<RunRow>, Failure> {
        Ok(self.all_unfinished()?.find(|run| run.work == work))
    }

    /// The unfinished runs of other work, the newest first.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn other_unfinished(&self, work: &str) -> Result<Vec<RunRow>, Failure> {
        Ok(self.all_unfinished()?.filter(|run| run.work != work).collect())
    }

    fn all_unfinished(&self) -> Result<impl Iterator<Item = RunRow> + use<>, Failure> {
        Ok(self.runs()?.into_iter().filter(|run| run.status == RunStatus::Unfinished))
    }

    /// Begins a run; durable when it returns.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written, also when there is a run of this name.
    pub fn begin(&self, run: &NewRun) -> Result<RunNo, Failure> {
        match self.call(Some(Op::BeginRun(run.clone())))? {
            Answer::Run(run) => Ok(run),
            _ => Err(unexpected()),
        }
    }

    /// Begins a pass over the source of a run and returns its number (from 1). Entries that no record of this pass carries
    /// over or settles are superseded: they stay, and are not counted. Source outcomes of earlier passes are dropped.
    ///
    /// The entries there are have to be indexed, which takes about a second for each million.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn begin_pass(&self, run: RunNo) -> Result<u32, Failure> {
        self.pass(run, Op::BeginPass(run))
    }

    /// Continues the latest pass over the source of a run, which has not changed, and returns its number. Only the records
    /// are to be worked on that have no outcome in it, that are rejected, or whose outcome is unknown.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written, also when there was no pass.
    pub fn continue_pass(&self, run: RunNo) -> Result<u32, Failure> {
        self.pass(run, Op::ContinuePass(run))
    }

    fn pass(&self, run: RunNo, op: Op) -> Result<u32, Failure> {
        match self.call(Some(op))? {
            Answer::Pass { pass, has_earlier } => {
                self.inner.shared.set_earlier(run, Some(has_earlier));
                Ok(pass)
            }
            _ => Err(unexpected()),
        }
    }

    /// Counts the entries there are now among those of earlier passes, so that [`Checkpoint::entry`] finds them, and what
    /// is settled replaces them. For what was settled after the pass had begun, and before its first record.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn index_entries(&self, run: RunNo) -> Result<(), Failure> {
        match self.call(Some(Op::CountEarlier(run)))? {
            Answer::Earlier(has_earlier) => {
                self.inner.shared.set_earlier(run, Some(has_earlier));
                Ok(())
            }
            _ => Err(unexpected()),
        }
    }

    /// Keeps how a run stands, and what is known about it; durable, with everything queued before.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn finish(&self, run: RunNo, status: RunStatus, info: Value) -> Result<(), Failure> {
        self.call(Some(Op::FinishRun(run, status, info)))?;
        if status == RunStatus::Done {
            self.inner.shared.set_earlier(run, None);
        }
        Ok(())
    }

    /// Removes a run: its entries, images, source outcomes and intents. Links stay.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn forget_run(&self, run: RunNo) -> Result<(), Failure> {
        self.call(Some(Op::ForgetRun(run)))?;
        self.inner.shared.set_earlier(run, None);
        Ok(())
    }
}

/// Totals and lists.
impl Checkpoint {
    /// The totals of a pass, with everything queued so far.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read, also when a row is not as it was written.
    pub fn tally(&self, run: RunNo, pass: u32) -> Result<Tally, Failure> {
        self.long_reader()?.tally(run, TallyOf::Pass(pass))
    }

    /// The totals of an unfinished run as it stands: the source outcomes of its latest pass, and every entry, also those
    /// whose records this pass has not read yet.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn tally_so_far(&self, run: RunNo, pass: u32) -> Result<Tally, Failure> {
        self.long_reader()?.tally(run, TallyOf::SoFar(pass))
    }

    /// Gives every record of a pass that has an outcome, in the order of origins, until `give` fails.
    ///
    /// # Errors
    /// That of `give`, or exit 1 when the checkpoint cannot be read.
    pub fn for_each_outcome(
        &self,
        run: RunNo,
        pass: u32,
        mut give: impl FnMut(OutcomeRow) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.long_reader()?.for_each_outcome(run, pass, &mut give)
    }

    /// Gives the source outcomes of a pass, in the order of origins, until `give` fails.
    ///
    /// # Errors
    /// That of `give`, or exit 1 when the checkpoint cannot be read.
    pub fn for_each_note(
        &self,
        run: RunNo,
        pass: u32,
        mut give: impl FnMut(OutcomeRow) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (mut reader, mut after) = (self.long_reader()?, None);
        loop {
            let page = reader.note_page(run, pass, after)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.origin.ordinal);
            page.into_iter().try_for_each(&mut give)?;
        }
    }

    /// Gives all entries of a run, also those that no record of its latest pass carried over, until `give` fails.
    ///
    /// # Errors
    /// That of `give`, or exit 1 when the checkpoint cannot be read.
    pub fn for_each_entry(
        &self,
        run: RunNo,
        mut give: impl FnMut(Key, Entry) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.for_each_page_of_entries(run, |page| {
            page.into_iter().try_for_each(|NumberedEntry { key, entry, .. }| give(key, entry))
        })
    }

    /// The same, a page at a time; a page may be removed before the next one is read.
    ///
    /// # Errors
    /// As [`Checkpoint::for_each_entry`].
    pub fn for_each_page_of_entries(
        &self,
        run: RunNo,
        mut give: impl FnMut(Vec<NumberedEntry>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (mut reader, mut after) = (self.long_reader()?, EntryNo::default());
        loop {
            let page = reader.entry_page(run, after)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.no;
            give(page)?;
        }
    }

    /// Gives what the contacts changed by a run were before, and what it wrote, in the order of the changes, until `give`
    /// fails. The first image with a key shows the contact before the run; superseded entries have theirs as well.
    ///
    /// # Errors
    /// That of `give`, or exit 1 when the checkpoint cannot be read.
    pub fn images(&self, run: RunNo, mut give: impl FnMut(Image) -> Result<(), Failure>) -> Result<(), Failure> {
        let (mut reader, mut after) = (self.long_reader()?, ImageNo::default());
        loop {
            let page = reader.image_page(run, after)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.no;
            page.into_iter().try_for_each(|numbered| give(numbered.image))?;
        }
    }
}

/// The order of the processes that worked on the runs.
impl Checkpoint {
    /// Records that a process works on a run from now on. `how` says what has to be the same for content to mean the same.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn take_turn(&self, run: RunNo, is_resumed: bool, how: &str) -> Result<(), Failure> {
        self.call(Some(Op::TakeTurn(run, Meaning { is_resumed, how: how.to_owned() }))).map(drop)
    }

    /// Records that what a run wrote is undone: no record is skipped because of it any more.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn end_trust(&self, run: RunNo) -> Result<(), Failure> {
        self.call(Some(Op::EndTrust(run))).map(drop)
    }

    /// The turns of all runs of which they are known.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn turns(&self) -> Result<HashMap<RunNo, Turns>, Failure> {
        Ok(self.read(|reader| reader.turns())?.into_iter().collect())
    }
}

/// Removing old runs; see `scratch/prune.rs`.
impl Checkpoint {
    /// Removes what undoing and listing a run need: its images and source outcomes.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn forget_images(&self, run: RunNo) -> Result<(), Failure> {
        self.call(Some(Op::ForgetImages(run))).map(drop)
    }

    /// Removes entries of a run.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn forget_entries(&self, run: RunNo, entries: Vec<EntryNo>) -> Result<(), Failure> {
        self.call(Some(Op::ForgetEntries(run, entries))).map(drop)
    }

    /// Returns the space of what was removed to the disk, where there is room to do so.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn compact(&self) -> Result<(), Failure> {
        self.call(Some(Op::Compact)).map(drop)
    }
}
