//! Every write to a store as data, and every answer as data. What an operation does is said here once, for all stores.

use super::key::Key;
use super::model::{EntryNo, Intent, Meaning, NewRun, RunNo, Settled, SourceOutcome};
use crate::ids::RunStatus;
use crate::record::Origin;
use serde_json::Value;

/// One write.
#[derive(Clone, Debug)]
pub enum Op {
    /// Adds a run; answered with its number. Its name must be new.
    BeginRun(NewRun),
    /// Begins a pass over the source of a run, which is unfinished from now on; answered with the pass. Source outcomes of
    /// earlier passes are dropped, and the entries there are count as those of earlier passes.
    BeginPass(RunNo),
    /// Continues the latest pass over the source of a run: what it has settled holds, and is not looked up any more. The
    /// other entries, rejects and unknown outcomes among them, count as those of earlier passes; answered as a pass that
    /// begins. Whether an entry that the pass has settled is found by its key all the same is the store's business.
    ContinuePass(RunNo),
    /// Counts the entries there are among those of earlier passes; answered with whether there is any.
    CountEarlier(RunNo),
    /// Announces a step, in place of an earlier intent with the same key; with it the image, if it has one.
    Intend(RunNo, Key, Box<Intent>),
    /// Removes an intent that was never sent, with its image. One that stands for an unknown outcome stays.
    Withdraw(RunNo, Key),
    /// Removes an intent that is proven not to have been executed, with its image, also one of an unknown outcome.
    Disprove(RunNo, Key),
    /// Adds the outcome of a record, in place of the entry of an earlier pass, or of one that was unknown. Ends the intent
    /// unless the outcome is unknown. Its links lead to its contact from now on.
    Settle(RunNo, Key, Box<Settled>),
    /// Counts the entry of an earlier pass for this one: its record was read again, there.
    CarryOver(RunNo, Key, u32, Origin),
    /// Adds an outcome that follows from the source alone, in place of an earlier one with the same ordinal.
    Note(RunNo, u32, Box<SourceOutcome>),
    /// Removes a link.
    Unlink(Key),
    /// Keeps a value under a name, in place of an earlier one.
    Remember(String, String),
    /// Removes what is kept under a name.
    Forget(String),
    /// A process works on a run from now on; answered with its number in the order of all processes.
    TakeTurn(RunNo, Meaning),
    /// What the run wrote is undone: none of it counts as received any more.
    EndTrust(RunNo),
    /// Keeps how a run stands, and what is known about it.
    FinishRun(RunNo, RunStatus, Value),
    /// Removes a run with its entries, images, source outcomes, intents and turns. Links stay.
    ForgetRun(RunNo),
    /// Removes what undoing and listing a run need: images and source outcomes.
    ForgetImages(RunNo),
    /// Removes entries of a run, except those of unknown outcomes whose intents are open.
    ForgetEntries(RunNo, Vec<EntryNo>),
    /// Returns the space of what was removed to the disk, where the store has one and there is room to do so.
    Compact,
}

/// What a store answers to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Done,
    /// The number of the run.
    Run(RunNo),
    /// The number of the pass, from 1.
    Pass {
        /// The number.
        pass: u32,
        /// Whether there are entries of earlier passes.
        has_earlier: bool,
    },
    /// Whether there are entries of earlier passes.
    Earlier(bool),
    /// The number of the process in the order of all processes, from 1.
    Turn(u64),
}

/// What was applied.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// One answer for each operation, in their order.
    pub answers: Vec<Answer>,
    /// Links that readers find as they are here from now on (`None`: removed). Until then [`super::Checkpoint`] keeps them
    /// in memory, so that a store may write them in large groups.
    pub readable_links: Vec<(Key, Option<String>)>,
}
