//! What an earlier run wrote to a contact is corrected: only values that are still as it wrote them change. Pure.

use super::decision::{Change, Decision, Notes, ReadReason, Ruling, Then};
use super::upsert::{several, shared};
use crate::contact::Wanted;
use crate::outcome::{Outcome, Skip};
use crate::platforms::restore::{Left, Restore, correct};
use crate::reconcile::attempt::Attempt;
use crate::reconcile::doubt::{Verdict, judge};
use crate::reconcile::problems::{changed_since, failed};
use crate::reconcile::view::{Freshness, Hit, Presence, View};

/// What remains to be done.
pub(crate) fn decide(wanted: &Wanted, view: &View<'_>, attempt: &Attempt) -> Ruling {
    match view.presence {
        Presence::Absent | Presence::Unreadable => Ruling::done(Outcome::Skipped(Skip::Absent)),
        Presence::One(hit) => decide_found(wanted, view, attempt, hit),
        Presence::Shared(hit) => shared(view, attempt, hit),
        Presence::Several(ids) => several(view, attempt, ids),
    }
}

fn decide_found(wanted: &Wanted, view: &View<'_>, attempt: &Attempt, hit: &Hit) -> Ruling {
    let Some(contact) = view.written else { return Ruling::done(Outcome::Skipped(Skip::Existing)) };
    // What is there now decides, not what a list says.
    if view.may_reread && hit.freshness != Freshness::Recorded {
        return Decision::Reread(ReadReason::Stale).into();
    }
    let mut notes = Notes::default();
    let wanted = view.target.resolve(wanted, &mut notes.not_carried);
    let platform = view.target.facts();
    let Restore { delta, left } = correct(platform, &contact.written, &wanted, &hit.found.contact);
    notes.left = left.iter().map(|left| changed_since(left, false)).collect();
    let steps = match view.target.rules.steps(view.target.ready, &delta, Some(&hit.found)) {
        Err(problems) => return Ruling::from(Decision::Reject(problems)).with(notes),
        Ok(steps) => steps,
    };
    if delta.changes.is_empty() || steps.is_empty() {
        return Ruling::done(ended(attempt, &left)).with(notes);
    }
    match judge(attempt, &steps, view.target.times()) {
        Verdict::Go => {}
        Verdict::Wait(how_long) | Verdict::WaitForAddition(how_long) => return Ruling::wait(how_long).with(notes),
        Verdict::GiveUp => {
            return Ruling::reject(failed(attempt.doubt().map(|doubt| &doubt.why))).with(notes);
        }
    }
    let on = Some(hit.found.clone());
    Ruling::from(Decision::Write(Box::new(Change { delta, steps, on, then: Then::Written }))).with(notes)
}

/// The outcome where nothing is to be written.
fn ended(attempt: &Attempt, left: &[Left]) -> Outcome {
    match attempt.outcome_if_arrived() {
        Outcome::Unchanged if !left.is_empty() => Outcome::Skipped(Skip::Changed),
        Outcome::Unchanged => Outcome::Unchanged,
        _ => Outcome::Updated,
    }
}
