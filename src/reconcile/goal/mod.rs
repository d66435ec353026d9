//! What is wanted of one contact, and the one place that says what remains to be done about it. Pure.
//!
//! A goal never asks the target or the clock: it judges a `View` of them. How its decision is carried out is not its
//! business.

pub mod confirm;
pub mod correct;
pub mod decision;
pub mod exactly;
pub mod planned;
pub mod revert;
pub mod upsert;

#[cfg(test)]
mod tests;

use super::attempt::Attempt;
use super::view::View;
use crate::contact::Wanted;
use crate::scratch::written::WrittenByRun;
use decision::Ruling;
use exactly::Precondition;
use revert::Reversal;
use std::sync::Arc;

/// What is wanted of one contact.
#[derive(Clone)]
pub enum Goal {
    /// It exists with these values.
    Upsert(Wanted),
    /// The same, if the contact is still as a saved plan saw it.
    Exactly(Wanted, Arc<Precondition>),
    /// What an earlier run wrote to it is corrected.
    Correct(Wanted, Arc<Correction>),
    /// It is as an earlier run left it. `true`: that run created it.
    Confirm(Wanted, bool),
    /// What an earlier run wrote to it is undone.
    Revert(Box<Reversal>),
}

/// The run that is corrected.
pub struct Correction {
    /// What it wrote, contact by contact.
    pub written: WrittenByRun,
    /// Whether its source had the same lines as this one.
    pub is_same_source: bool,
}

/// How the contact is located.
#[derive(Clone, Copy)]
#[expect(clippy::enum_variant_names, reason = "each says by what")]
pub(crate) enum Locate<'a> {
    /// By the record's identity values.
    ByIdentity(&'a Wanted),
    /// The same, and then by what the run created from the same line.
    ByIdentityOrLine(&'a Wanted, &'a Correction),
    /// By its id.
    ById(&'a Reversal),
}

impl Goal {
    /// What should be at the target; none where a run is undone.
    pub fn wanted(&self) -> Option<&Wanted> {
        match self {
            Goal::Upsert(wanted) | Goal::Exactly(wanted, _) | Goal::Correct(wanted, _) | Goal::Confirm(wanted, _) => {
                Some(wanted)
            }
            Goal::Revert(_) => None,
        }
    }

    pub(crate) fn locate(&self) -> Locate<'_> {
        match self {
            Goal::Upsert(wanted) | Goal::Exactly(wanted, _) | Goal::Confirm(wanted, _) => Locate::ByIdentity(wanted),
            Goal::Correct(wanted, correction) => Locate::ByIdentityOrLine(wanted, correction),
            Goal::Revert(reversal) => Locate::ById(reversal),
        }
    }

    /// Whether two records that reach the same contact would each write over the other.
    pub(crate) fn tracks_owner(&self) -> bool {
        matches!(self.locate(), Locate::ByIdentity(_))
    }

    /// What remains to be done.
    pub(crate) fn decide(&self, view: &View<'_>, attempt: &Attempt) -> Ruling {
        match self {
            Goal::Upsert(wanted) => upsert::decide(wanted, view, attempt),
            Goal::Exactly(wanted, precondition) => exactly::decide((wanted, precondition), view, attempt),
            Goal::Correct(wanted, _) => correct::decide(wanted, view, attempt),
            Goal::Confirm(wanted, is_created) => confirm::decide((wanted, *is_created), view, attempt),
            Goal::Revert(reversal) => revert::decide(reversal, view, attempt),
        }
    }
}
