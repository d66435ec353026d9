//! What is written to the checkpoint, and what is read back: plain data.

use super::Key;
use crate::change::StepKind;
use crate::change::Written;
use crate::contact::FieldSet;
use crate::identity::IdentityValue;
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::{Outcome, Problem, Totals};
use crate::record::Origin;
use serde_json::Value;
use std::collections::BTreeMap;

/// A run's number in its checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunNo(pub(super) i64);

/// The pass of an entry that no pass has met: it says what became of a request, not whether all is as it should be.
pub const NO_PASS: u32 = 0;

/// A run that begins.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRun {
    /// As people call it; one of its kind in the checkpoint.
    pub name: String,
    /// The fingerprint of what makes two runs the same work (contract 1.3).
    pub work: String,
    /// The command that began it.
    pub command: CommandKind,
    /// Whatever else is to be known about the run later; kept as it is.
    pub info: Value,
}

/// A run as it stands in the checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// Its number.
    pub no: RunNo,
    /// As people call it.
    pub name: String,
    /// The fingerprint of what makes two runs the same work.
    pub work: String,
    /// The command that began it.
    pub command: CommandKind,
    /// Done or unfinished.
    pub status: RunStatus,
    /// The latest pass over its source (from 1; 0: none yet).
    pub pass: u32,
    /// Whatever else is known about it.
    pub info: Value,
}

/// A step that is about to be taken, so that whoever finds it without an outcome can find out what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// Whether it makes somebody or changes somebody.
    pub kind: StepKind,
    /// By what the contact is found again.
    pub identities: Vec<IdentityValue>,
    /// Where its record was read.
    pub origin: Origin,
    /// When it was meant to be sent, in milliseconds since 1970 (UTC).
    pub at_ms: u64,
    /// Which try it is (from 1).
    pub attempt: u32,
    /// Whom it changes, where that is known.
    pub target_id: Option<String>,
    /// What was there before (JSON); none where nobody was, or where an earlier step of the same change keeps it.
    pub before: Option<String>,
    /// What is about to be written; none where an earlier step of the same change keeps it. Both are kept with the run
    /// after the step is settled, for taking it back.
    pub after: Vec<Written>,
    /// What the request that makes somebody says (JSON), where they can be left half made; also of the steps that come
    /// after it.
    pub made: Option<String>,
    /// The lists that this step, or an earlier one for the same person, goes about item by item.
    pub begun: FieldSet,
}

impl Intent {
    /// Whether it makes somebody, or goes on making them.
    pub fn makes_somebody(&self) -> bool {
        self.kind == StepKind::Create || self.made.is_some()
    }
}

/// An intent without an outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenIntent {
    /// The run that meant it.
    pub run: RunNo,
    /// Of which entry.
    pub key: Key,
    /// What was meant; `before` is not read back here (see [`super::Checkpoint::images`]).
    pub intent: Intent,
    /// When it was sent at the latest, in milliseconds since 1970 (UTC); as it is read, when it was meant.
    pub sent_by_ms: u64,
}

/// What became of one person's record.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// What became of it.
    pub outcome: Outcome,
    /// Where the record was read in this pass.
    pub origin: Origin,
    /// The pass that says so.
    pub pass: u32,
    /// The contact's id at the target, where there is one.
    pub target_id: Option<String>,
    /// Names of what the target could not hold (`address.country`, `tags.Moroso`).
    pub not_carried: Vec<String>,
    /// How many values were wiped at the target.
    pub cleared: u64,
    /// Its problems, when it was rejected; counted by the first.
    pub problems: Vec<Problem>,
    /// The identity values that lead to `target_id` from now on; leave out those that [`super::Checkpoint::link`] has
    /// already answered with it.
    pub links: Vec<IdentityValue>,
}

/// What an earlier pass found out about a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What became of it.
    pub outcome: Outcome,
    /// Where it was read then.
    pub origin: Origin,
    /// The pass that claimed it last.
    pub pass: u32,
    /// The contact's id at the target, where there is one.
    pub target_id: Option<String>,
    /// Names of what the target could not hold.
    pub not_carried: Vec<String>,
    /// How many values were wiped at the target.
    pub cleared: u64,
    /// Its problems, when it was rejected.
    pub problems: Vec<Problem>,
}

/// An outcome that follows from the source alone: [`Outcome::Rejected`], filtered or a duplicate.
#[derive(Clone, Debug, PartialEq)]
pub struct Pure {
    /// Where the record was read.
    pub origin: Origin,
    /// What became of it.
    pub outcome: Outcome,
    /// The line of the record it is a duplicate of.
    pub duplicate_of: Option<u64>,
    /// Its problems, when it was rejected; counted by the first.
    pub problems: Vec<Problem>,
}

/// One record of the latest pass and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeRow {
    /// Where it was read.
    pub origin: Origin,
    /// What became of it.
    pub outcome: Outcome,
    /// The contact's id at the target, where there is one.
    pub target_id: Option<String>,
    /// The line of the record it is a duplicate of.
    pub duplicate_of: Option<u64>,
    /// Its problems, when it was rejected.
    pub problems: Vec<Problem>,
    /// Its entry; none where the outcome follows from the source alone.
    pub key: Option<Key>,
}

/// What somebody was before a run wrote to them, and what it wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Of which entry.
    pub key: Key,
    /// Whom it shows, where that was known.
    pub target_id: Option<String>,
    /// When the change was meant to be sent, in milliseconds since 1970 (UTC).
    pub at_ms: u64,
    /// What was there (JSON); none: nobody.
    pub before: Option<String>,
    /// What was written.
    pub after: Vec<Written>,
}

/// The sums of one pass, as in the summary (contract 1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The outcomes; `read` and `pending` are 0: the source counts those.
    pub totals: Totals,
    /// Left out on purpose: `filtered`, `duplicate`, `existing`, `absent`.
    pub skipped: BTreeMap<String, u64>,
    /// Rejected, by the code of the first problem.
    pub rejects: BTreeMap<String, u64>,
    /// What the target could not hold, by name.
    pub not_carried: BTreeMap<String, u64>,
    /// How many values were wiped at the target.
    pub cleared: u64,
}
