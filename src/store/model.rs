//! What is written to a store, and what is read back: plain data, and how outcomes add up to a tally.

use super::key::Key;
use crate::change::{StepKind, Written, WrittenValues};
use crate::contact::FieldSet;
use crate::identity::IdentityValue;
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::{Outcome, Problem, Skip, Totals};
use crate::record::Origin;
use serde_json::Value;
use std::collections::BTreeMap;

/// The number of a run in its account, in the order in which the runs began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunNo(pub i64);

/// The pass of an entry whose record no pass has met since: it says what a request did, not whether the contact is as it
/// should be.
pub const NO_PASS: u32 = 0;

/// A run that begins.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRun {
    /// Its name, which no other run of the account has.
    pub name: String,
    /// The fingerprint of what makes two runs the same work.
    pub work: String,
    /// The command that began it.
    pub command: CommandKind,
    /// What else is known about the run; kept as it is, so that a lost `run.json` can be rebuilt.
    pub info: Value,
}

/// A run as the store has it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// Its number.
    pub no: RunNo,
    /// Its name.
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

/// A step that is about to be sent, with what is needed to find out later whether it was executed.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// Whether it creates a contact or changes one.
    pub kind: StepKind,
    /// By what the contact is found again.
    pub identities: Vec<IdentityValue>,
    /// Where its record was read.
    pub origin: Origin,
    /// When it was meant to be sent, in milliseconds since 1970 (UTC).
    pub at_ms: u64,
    /// Which attempt it is (from 1); 0: its request was held back when a run was stopped, and has not left.
    pub attempt: u32,
    /// The id of the contact that it changes, where that is known.
    pub target_id: Option<String>,
    /// The contact before (JSON); none where there was none, or where an earlier step of the same change keeps it.
    pub before: Option<String>,
    /// What is about to be written; none where an earlier step of the same change keeps it. Both stay with the run after
    /// the step is settled, so that it can be undone.
    pub after: WrittenValues,
    /// The body of the create request (JSON), where the platform can leave a contact partially created; the later steps
    /// of the same contact have it as well.
    pub made: Option<String>,
    /// The lists that this step, or an earlier one for the same contact, writes item by item.
    pub begun: FieldSet,
}

impl Intent {
    /// Whether it creates a contact, or completes one that is being created.
    pub fn creates(&self) -> bool {
        self.kind == StepKind::Create || self.made.is_some()
    }

    /// The same of a request that was held back, announced at this time.
    pub fn held_back(self, at_ms: u64) -> Intent {
        Intent { attempt: 0, at_ms, before: None, after: WrittenValues::default(), ..self }
    }

    /// Whether its request has not left, although those before it were carried out.
    pub fn was_held_back(&self) -> bool {
        self.attempt == 0
    }
}

/// An intent without an outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenIntent {
    /// The run that announced it.
    pub run: RunNo,
    /// The key of its record.
    pub key: Key,
    /// What was announced; `before` and `after` are not read back here (see [`super::Checkpoint::images`]).
    pub intent: Intent,
    /// When it was sent at the latest, in milliseconds since 1970 (UTC); as it is read, when it was announced.
    pub sent_by_ms: u64,
}

/// The outcome of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// The outcome.
    pub outcome: Outcome,
    /// Where the record was read in this pass.
    pub origin: Origin,
    /// The pass that met the record.
    pub pass: u32,
    /// The contact's id at the target, where there is one.
    pub target_id: Option<String>,
    /// Names of what the target could not hold (`address.country`, `tags.Moroso`).
    pub not_carried: Vec<String>,
    /// How many values were cleared at the target.
    pub cleared: u64,
    /// Its problems, when it was rejected; counted by the first.
    pub problems: Vec<Problem>,
    /// The identity values that lead to `target_id` from now on; leave out those that [`super::Checkpoint::link`] has
    /// already answered with it.
    pub links: Vec<IdentityValue>,
}

/// The outcome of a record as an earlier pass left it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The outcome.
    pub outcome: Outcome,
    /// Where it was read then.
    pub origin: Origin,
    /// The pass that met the record last.
    pub pass: u32,
    /// The contact's id at the target, where there is one.
    pub target_id: Option<String>,
    /// Names of what the target could not hold.
    pub not_carried: Vec<String>,
    /// How many values were cleared at the target.
    pub cleared: u64,
    /// Its problems, when it was rejected.
    pub problems: Vec<Problem>,
}

/// An outcome that follows from the source alone: [`Outcome::Rejected`], filtered or a duplicate.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceOutcome {
    /// Where the record was read.
    pub origin: Origin,
    /// The outcome.
    pub outcome: Outcome,
    /// The line of the record it is a duplicate of.
    pub duplicate_of: Option<u64>,
    /// Its problems, when it was rejected; counted by the first.
    pub problems: Vec<Problem>,
}

/// One record of a pass and its outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeRow {
    /// Where it was read.
    pub origin: Origin,
    /// The outcome.
    pub outcome: Outcome,
    /// The contact's id at the target, where there is one.
    pub target_id: Option<String>,
    /// The line of the record it is a duplicate of.
    pub duplicate_of: Option<u64>,
    /// Its problems, when it was rejected.
    pub problems: Vec<Problem>,
    /// The key of its entry; none where the outcome follows from the source alone.
    pub key: Option<Key>,
}

/// What a contact was before a run wrote to it, and what the run wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// The key of its record.
    pub key: Key,
    /// The id of the contact, where it was known.
    pub target_id: Option<String>,
    /// When the change was announced, in milliseconds since 1970 (UTC).
    pub at_ms: u64,
    /// The contact before (JSON); none: there was none.
    pub before: Option<String>,
    /// What was written.
    pub after: Vec<Written>,
}

/// The totals of one pass, as in the summary.
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
    /// How many values were cleared at the target.
    pub cleared: u64,
}

/// Names of what was not carried that are counted each by itself; made-up tags could be as many as records.
const NAMES_MAX: usize = 4096;

/// The name under which further names are counted together.
const OTHER_NAMES: &str = "…";

impl Tally {
    /// Counts an entry.
    pub(super) fn add_entry(&mut self, entry: Entry) {
        self.add(entry.outcome, &entry.problems);
        self.cleared += entry.cleared;
        entry.not_carried.into_iter().for_each(|name| add_name(&mut self.not_carried, name));
    }

    /// Counts an outcome with its problems.
    pub(super) fn add(&mut self, outcome: Outcome, problems: &[Problem]) {
        self.totals.add(outcome, 1);
        match outcome {
            Outcome::Skipped(skip) => *self.skipped.entry(skip_name(skip).to_owned()).or_default() += 1,
            Outcome::Rejected => {
                let code = problems.first().map_or(OTHER_NAMES, |problem| &*problem.code);
                add_name(&mut self.rejects, code.to_owned());
            }
            _ => {}
        }
    }
}

fn add_name(counts: &mut BTreeMap<String, u64>, name: String) {
    let name = if counts.len() < NAMES_MAX || counts.contains_key(&name) { name } else { OTHER_NAMES.to_owned() };
    *counts.entry(name).or_default() += 1;
}

/// The name of a skip in the summary.
fn skip_name(skip: Skip) -> &'static str {
    match skip {
        Skip::Filtered => "filtered",
        Skip::Blank => "blank",
        Skip::Duplicate => "duplicate",
        Skip::Existing => "existing",
        Skip::Absent => "absent",
        Skip::Changed => "changed",
        Skip::Kept => "kept",
        Skip::Received => "received",
        Skip::Suppressed => "suppressed",
    }
}

/// The number of an entry within its run, in the order of writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryNo(pub i64);

/// The number of an image within its account, in the order of writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageNo(pub i64);

/// An entry with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberedEntry {
    /// Its number.
    pub no: EntryNo,
    /// The key of its record.
    pub key: Key,
    /// What it says.
    pub entry: Entry,
}

/// An image with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberedImage {
    /// Its number.
    pub no: ImageNo,
    /// What it shows.
    pub image: Image,
}

/// What has to be the same for the content of a record to mean the same in two runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// Whether the process resumes the run.
    pub is_resumed: bool,
    /// How what it sends is meant: any text.
    pub how: String,
}

/// When processes worked on a run, and how what it sends is meant. Every process has a number in the order of all processes
/// of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turns {
    /// The first process that worked on it; 0: before all that are numbered.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// How what it sends is meant; `None`: it was undone, and means nothing any more.
    pub how: Option<String>,
}

impl Turns {
    /// The turns of a run after a process has taken one.
    pub(super) fn after(before: Option<Turns>, turn: u64, meaning: &Meaning) -> Turns {
        let how = Some(meaning.how.clone());
        let first = match before.filter(|_| meaning.is_resumed) {
            Some(before) if before.how == how => before.first,
            // Resumed with another meaning, or begun by a process without a number: it began before all others.
            Some(_) => 0,
            None if meaning.is_resumed => 0,
            None => turn,
        };
        Turns { first, last: turn, how }
    }
}
