//! What the checkpoint says and is told about runs and their passes, sums and lists.

use super::model::{Image, NewRun, OutcomeRow, RunNo, RunRow, Tally};
use super::{Checkpoint, Entry, Key, reader};
use crate::ids::RunStatus;
use crate::outcome::Failure;
use serde_json::Value;

impl Checkpoint {
    /// All runs, the newest first.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn runs(&self) -> Result<Vec<RunRow>, Failure> {
        self.read(reader::runs)
    }

    /// The newest unfinished run of this work.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn unfinished(&self, work: &str) -> Result<Option<RunRow>, Failure> {
        let runs = self.read(|connection| reader::unfinished(connection, work, true))?;
        Ok(runs.into_iter().next())
    }

    /// The unfinished runs of other work, the newest first.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn other_unfinished(&self, work: &str) -> Result<Vec<RunRow>, Failure> {
        self.read(|connection| reader::unfinished(connection, work, false))
    }

    /// Begins a run; durable when it returns.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written, also when there is a run of this name.
    pub fn begin(&self, run: &NewRun) -> Result<RunNo, Failure> {
        let run = run.clone();
        self.call(move |tables| tables.begin(&run))
    }

    /// Begins a pass over the source of a run and says which (from 1). Entries that no record of this pass claims or
    /// settles are superseded: kept, not counted. Notes of earlier passes are dropped.
    ///
    /// Makes an index over the entries there are: about a second for each million.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn begin_pass(&self, run: RunNo) -> Result<u32, Failure> {
        self.call(move |tables| tables.begin_pass(run))
    }

    /// Counts the entries that there are now among those of earlier passes: [`Checkpoint::entry`] finds them, and what is
    /// settled takes their place. For what was found out after the pass had begun, and before its first record.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn index_entries(&self, run: RunNo) -> Result<(), Failure> {
        self.call(move |tables| tables.index(run))
    }

    /// Says how a run stands, and what is to be known about it later; durable, with everything queued before.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn finish(&self, run: RunNo, status: RunStatus, info: Value) -> Result<(), Failure> {
        self.call(move |tables| tables.finish(run, status, &info))
    }

    /// Forgets a run: its entries, images, notes and intents. Links stay.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn forget_run(&self, run: RunNo) -> Result<(), Failure> {
        self.call(move |tables| tables.forget_run(run))
    }

    /// The sums of a pass, with everything queued so far.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read, also when a row is not as it was written.
    pub fn tally(&self, run: RunNo, pass: u32) -> Result<Tally, Failure> {
        self.read_long(|connection| reader::tally(connection, run, pass))
    }

    /// The totals of an unfinished run as it stands: what its latest pass has noted, and every entry, also those that this
    /// pass has not come to yet.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot be read.
    pub fn tally_so_far(&self, run: RunNo, pass: u32) -> Result<Tally, Failure> {
        self.read(|connection| reader::tally_so_far(connection, run, pass))
    }

    /// Gives every record of a pass that has an outcome, in the order of origins, until `give` fails.
    ///
    /// # Errors
    /// That of `give`, or exit 1 when the checkpoint cannot be read.
    pub fn for_each_outcome(
        &self,
        run: RunNo,
        pass: u32,
        give: impl FnMut(OutcomeRow) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.read_long(|connection| reader::for_each_outcome(connection, run, pass, give))
    }

    /// Gives all entries of a run, also those that no record of its latest pass claims, until `give` fails.
    ///
    /// # Errors
    /// That of `give`, or exit 1 when the checkpoint cannot be read.
    pub fn for_each_entry(
        &self,
        run: RunNo,
        give: impl FnMut(Key, Entry) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.read_long(|connection| reader::for_each_entry(connection, run, give))
    }

    /// Gives what the people changed by a run were before, and what it wrote, in the order of the changes, until `give`
    /// fails. The first image with a key is the one from before the run; superseded entries have theirs, too.
    ///
    /// # Errors
    /// That of `give`, or exit 1 when the checkpoint cannot be read.
    pub fn images(&self, run: RunNo, give: impl FnMut(Image) -> Result<(), Failure>) -> Result<(), Failure> {
        self.read_long(|connection| reader::for_each_image(connection, run, give))
    }
}
