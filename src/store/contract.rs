//! What a store has to do. [`Store`] writes, [`StoreReader`] reads; both may be remote, so a group of operations is one
//! call, reads take slices, and long lists come in pages. They block, and are called where that is allowed.
//!
//! One suite of tests (`tests/all/store`) runs against every store.

use super::key::Key;
use super::lease::{Lease, LeaseTimer};
use super::model::{
    Entry, EntryNo, ImageNo, NumberedEntry, NumberedImage, OpenIntent, OutcomeRow, RunNo, RunRow, Tally, Turns,
};
use super::op::{Applied, Op};
use crate::outcome::Failure;
use std::path::Path;
use std::time::Duration;

/// Which entries of a run a tally counts; source outcomes are always those of the pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TallyOf {
    /// Those of this pass.
    Pass(u32),
    /// All of them: for an unfinished run whose latest pass, this one, has not met every record yet.
    SoFar(u32),
}

/// Receives the rows of a list; an error stops it.
pub type Give<'a, T> = &'a mut dyn FnMut(T) -> Result<(), Failure>;

/// The writing side of one account. It has one owner, which applies one group at a time.
pub trait Store: Send {
    /// Takes the right to write. From now on, operations under an earlier lease are refused.
    ///
    /// # Errors
    /// Exit 7 when another process has it; exit 1 when the store cannot be written.
    fn acquire(&mut self) -> Result<Lease, Failure>;

    /// Renews the lease.
    ///
    /// # Errors
    /// Exit 7 when another process has taken the account since; exit 1 when the store cannot be written.
    fn renew(&mut self, lease: &Lease) -> Result<(), Failure>;

    /// Applies a group: all of it or nothing, durable on return.
    ///
    /// # Errors
    /// Exit 7 when the lease is an old one; exit 1 when the store cannot be written, when a row is damaged, and when an
    /// operation names what does not exist. Nothing of the group is applied then.
    fn apply(&mut self, lease: &Lease, ops: &[Op]) -> Result<Applied, Failure>;

    /// A reader of the same account. It sees what was applied.
    ///
    /// # Errors
    /// Exit 1 when the store cannot be read.
    fn reader(&self) -> Result<Box<dyn StoreReader>, Failure>;

    /// What this process knows of the end of its lease; none where the account is held until the store is closed.
    fn timer(&self) -> Option<LeaseTimer> {
        None
    }
}

/// The reading side of one account. Every method fails with exit 1 when the store cannot be read, and when a row is not
/// as it was written.
#[allow(clippy::missing_errors_doc)] // Said above, once.
pub trait StoreReader: Send {
    /// A further reader, for a long list that must not keep lookups waiting.
    fn another(&self) -> Result<Box<dyn StoreReader>, Failure>;

    /// All runs, the newest first.
    fn runs(&mut self) -> Result<Vec<RunRow>, Failure>;

    /// When processes worked on the runs, for those of which it is known.
    fn turns(&mut self) -> Result<Vec<(RunNo, Turns)>, Failure>;

    /// The entries of earlier passes with these keys, the latest of each; of a finished run those of all passes.
    fn entries(&mut self, run: RunNo, keys: &[Key]) -> Result<Vec<Option<Entry>>, Failure>;

    /// Whether there is anything for [`StoreReader::entries`] to find.
    fn has_entries(&mut self, run: RunNo) -> Result<bool, Failure>;

    /// A page of all entries of a run after this number, in the order of writing; empty after the last.
    fn entry_page(&mut self, run: RunNo, after: EntryNo) -> Result<Vec<NumberedEntry>, Failure>;

    /// A page of the images of a run after this number, in the order of writing; empty after the last.
    fn image_page(&mut self, run: RunNo, after: ImageNo) -> Result<Vec<NumberedImage>, Failure>;

    /// A page of the intents of all runs after this one, in the order of runs and keys, without their images; empty after
    /// the last.
    fn open_intents(&mut self, after: Option<(RunNo, Key)>) -> Result<Vec<OpenIntent>, Failure>;

    /// A page of the source outcomes of a pass after this ordinal, in the order of origins; empty after the last.
    fn note_page(&mut self, run: RunNo, pass: u32, after: Option<u64>) -> Result<Vec<OutcomeRow>, Failure>;

    /// Gives every record of a pass that has an outcome, in the order of origins.
    fn for_each_outcome(&mut self, run: RunNo, pass: u32, give: Give<'_, OutcomeRow>) -> Result<(), Failure>;

    /// The totals of a run.
    fn tally(&mut self, run: RunNo, of: TallyOf) -> Result<Tally, Failure>;

    /// The ids to which these links lead.
    fn links(&mut self, links: &[Key]) -> Result<Vec<Option<String>>, Failure>;

    /// Whether there is any link.
    fn has_links(&mut self) -> Result<bool, Failure>;

    /// The values that are kept under names with this beginning, in the order of the names.
    fn memories(&mut self, prefix: &str) -> Result<Vec<(String, String)>, Failure>;

    /// Copies the account into a new SQLite database, which is what a preview works on.
    fn copy_to(&mut self, file: &Path) -> Result<(), Failure>;

    /// How long ago the process that held the account before could still send; none where only its files tell.
    fn idle_for(&mut self) -> Result<Option<Duration>, Failure> {
        Ok(None)
    }
}
