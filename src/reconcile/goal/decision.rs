//! What can be decided about a contact.

use crate::change::Delta;
use crate::identity::IdentityValue;
use crate::outcome::{Outcome, Problem};
use crate::platforms::{Found, Step};
use std::time::Duration;

/// A decision, and what it notes about the contact.
#[derive(Clone, Debug)]
pub(crate) struct Ruling {
    pub(crate) decision: Decision,
    pub(crate) notes: Notes,
}

/// What is noted about a contact along with a decision.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Notes {
    /// Names of what the target does not keep.
    pub(crate) not_carried: Vec<String>,
    /// The identity values that lead to the contact.
    pub(crate) links: Vec<IdentityValue>,
    /// Values that are left as they are, and why.
    pub(crate) left: Vec<Problem>,
}

/// What is done next.
#[derive(Clone, Debug)]
pub(crate) enum Decision {
    /// The record has this outcome.
    Done(Outcome),
    Reject(Vec<Problem>),
    /// The contact is located again after this long; `own`: by this id.
    Wait {
        how_long: Duration,
        own: Option<String>,
    },
    /// The contact is read by id, and decided about again.
    Reread(ReadReason),
    Write(Box<Change>),
}

/// Why a contact is read by id before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadReason {
    /// What is known may be out of date, and would be overwritten.
    Stale,
    /// A saved plan has to know it exactly.
    ForPlan,
}

/// What is written to one contact.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) delta: Delta,
    /// One request each. A deletion is a change whose only step deletes.
    pub(crate) steps: Vec<Step>,
    /// The contact as it is; none: it is created.
    pub(crate) on: Option<Found>,
    pub(crate) then: Then,
}

/// What is true once all steps are confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// The contact is created or updated.
    Written,
    /// It is updated; values that were to be cleared are read back, because some platforms ignore a blank.
    Restored,
    /// It is deleted.
    Deleted,
}

impl Ruling {
    pub(crate) fn done(outcome: Outcome) -> Ruling {
        Decision::Done(outcome).into()
    }

    pub(crate) fn reject(problem: Problem) -> Ruling {
        Decision::Reject(vec![problem]).into()
    }

    pub(crate) fn wait(how_long: Duration) -> Ruling {
        Decision::Wait { how_long, own: None }.into()
    }

    pub(crate) fn with(self, notes: Notes) -> Ruling {
        Ruling { notes, ..self }
    }

    /// The same, leaving these values as they are.
    pub(crate) fn leaving(mut self, left: Vec<Problem>) -> Ruling {
        self.notes.left = left;
        self
    }
}

impl From<Decision> for Ruling {
    fn from(decision: Decision) -> Ruling {
        Ruling { decision, notes: Notes::default() }
    }
}
