//! A contact of the source is to exist at the target with the values that it has there. Pure.
//!
//! Two halves, because a saved plan looks in between: `propose` says what would be written, `conclude` whether it is
//! written now.

use super::decision::{Change, Decision, Notes, ReadReason, Ruling, Then};
use crate::change::Delta;
use crate::contact::{Field, TagMode, Wanted};
use crate::outcome::{Outcome, Skip};
use crate::platforms::diff::{Existing, OnExisting, diff_with_identity};
use crate::platforms::{Found, Step};
use crate::reconcile::attempt::{Attempt, Confirmed, TRIES_MAX};
use crate::reconcile::doubt::{Verdict, judge};
use crate::reconcile::matching::{LISTS, is_bare, links};
use crate::reconcile::problems::{claimed, failed, failed_in_part, incomplete, taken_by, unknown_for};
use crate::reconcile::view::{Freshness, Hit, Owner, Presence, View};
use std::borrow::Cow;

/// What is wanted of a contact.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) wanted: &'a Wanted,
    /// The run that is verified created the contact: every value is compared.
    pub(crate) is_created: bool,
    /// A contact is read by id before it is written, however it was found.
    pub(crate) is_exact: bool,
}

/// What would be written.
pub(crate) struct Proposal<'a> {
    pub(crate) hit: Option<&'a Hit>,
    pub(crate) delta: Delta,
    pub(crate) steps: Vec<Step>,
    pub(crate) notes: Notes,
}

/// What remains to be done.
pub(crate) fn decide(wanted: &Wanted, view: &View<'_>, attempt: &Attempt) -> Ruling {
    let terms = Terms { wanted, is_created: false, is_exact: false };
    match propose(terms, view, attempt) {
        Ok(proposal) => conclude(proposal, view, attempt),
        Err(ruling) => *ruling,
    }
}

/// What would be written; the ruling where that is nothing, or not to be known yet.
pub(crate) fn propose<'a>(terms: Terms<'_>, view: &View<'a>, attempt: &Attempt) -> Result<Proposal<'a>, Box<Ruling>> {
    match view.presence {
        Presence::Absent => propose_creation(terms, view, attempt),
        Presence::One(hit) => propose_change(terms, view, attempt, hit),
        Presence::Shared(hit) => Err(Box::new(shared(view, attempt, hit))),
        Presence::Several(ids) => Err(Box::new(several(view, attempt, ids))),
        // A contact that is located by its identity values was read.
        Presence::Unreadable => Err(Box::new(Ruling::done(Outcome::Skipped(Skip::Absent)))),
    }
}

/// Several contacts have the record's identity values.
pub(super) fn several(view: &View<'_>, attempt: &Attempt, ids: &[String]) -> Ruling {
    let problem = crate::reconcile::problems::ambiguous(&view.who.identities, ids);
    // This run may have created one of them, and there is no telling which.
    Ruling::reject(if attempt.has_created() { unknown_for(&[problem]) } else { problem })
}

/// A contact that was found by nothing but a value that another contact of the source has too may be either of them.
pub(super) fn shared(view: &View<'_>, attempt: &Attempt, hit: &Hit) -> Ruling {
    // A contact that was just created may not be listed yet.
    let left = attempt.creation_in_doubt().map(|doubt| view.target.times().left(doubt));
    match left.filter(|left| !left.is_zero()) {
        Some(left) => Ruling::wait(left),
        None => Ruling::reject(crate::reconcile::problems::shared(hit.by.unwrap_or(Field::TargetId), &hit.found.id)),
    }
}

fn propose_creation<'a>(terms: Terms<'_>, view: &View<'a>, attempt: &Attempt) -> Result<Proposal<'a>, Box<Ruling>> {
    if let Some(ruling) = not_absent_yet(view, attempt) {
        return Err(Box::new(ruling));
    }
    if view.target.policy.only_existing {
        return Err(Box::new(Ruling::done(Outcome::Skipped(Skip::Absent))));
    }
    let mut notes = Notes::default();
    let wanted = view.target.resolve(terms.wanted, &mut notes.not_carried);
    let delta = difference(terms, view, attempt, &wanted);
    match view.target.rules.steps(view.target.ready, &delta, None) {
        Err(problems) => Err(Box::new(Ruling::from(Decision::Reject(problems)).with(notes))),
        Ok(steps) => {
            notes.links = links(view.who, None, &delta.after);
            Ok(Proposal { hit: None, delta, steps, notes })
        }
    }
}

/// Whether a contact that was not located may exist all the same: a request in doubt, or the platform's own word.
fn not_absent_yet(view: &View<'_>, attempt: &Attempt) -> Option<Ruling> {
    let times = view.target.times();
    if let Some(doubt) = attempt.creation_in_doubt() {
        let left = times.left(doubt);
        if !left.is_zero() {
            return Some(Ruling::wait(left));
        }
        if attempt.tries.sent >= TRIES_MAX {
            return Some(Ruling::reject(failed(Some(&doubt.why))));
        }
    }
    let (words, doubt) = (attempt.claim()?, attempt.doubt()?);
    let left = times.left(doubt);
    Some(if left.is_zero() { Ruling::reject(claimed(words)) } else { Ruling::wait(left) })
}

fn propose_change<'a>(
    terms: Terms<'_>,
    view: &View<'a>,
    attempt: &Attempt,
    hit: &'a Hit,
) -> Result<Proposal<'a>, Box<Ruling>> {
    let found = &hit.found;
    if on_existing(terms, view, attempt) == OnExisting::Skip && !attempt.may_have_changed() {
        return Err(Box::new(Ruling::done(Outcome::Skipped(Skip::Existing))));
    }
    let mut notes = Notes::default();
    let mut wanted = view.target.resolve(terms.wanted, &mut notes.not_carried);
    complete_lists(view, attempt, &mut wanted);
    let delta = difference(terms, view, attempt, &wanted);
    notes.not_carried.extend(delta.kept.iter().map(|name| (*name).to_owned()));
    let steps = match view.target.rules.steps(view.target.ready, &delta, Some(found)) {
        Err(problems) => return Err(Box::new(Ruling::from(Decision::Reject(problems)).with(notes))),
        Ok(steps) => steps,
    };
    if !steps.is_empty()
        && let Some(reason) = has_to_be_read(terms, view, hit, &delta)
    {
        return Err(Box::new(Decision::Reread(reason).into()));
    }
    let steps: Vec<Step> = steps.into_iter().filter(|step| !attempt.is_refused(&step.body)).collect();
    notes.links = links(view.who, hit.by, &delta.after);
    if steps.is_empty() {
        if attempt.has_refused() {
            notes.not_carried.extend(delta.changes.iter().map(|change| change.field.to_string()));
        }
        return Err(Box::new(Ruling::done(attempt.outcome_if_arrived()).with(notes)));
    }
    if let Owner::OtherRecord(line) = view.owner {
        return Err(Box::new(Ruling::reject(taken_by(line, &found.id)).with(notes)));
    }
    Ok(Proposal { hit: Some(hit), delta, steps, notes })
}

/// Whether a contact that is going to be written is read by id before: what a list says may be out of date, and counts
/// where the write replaces all of it or is only to fill a blank.
fn has_to_be_read(terms: Terms<'_>, view: &View<'_>, hit: &Hit, delta: &Delta) -> Option<ReadReason> {
    let is_listed = hit.freshness == Freshness::Listed;
    let is_known_exactly = match hit.freshness {
        Freshness::Recorded => true,
        Freshness::Read => hit.by == Some(Field::TargetId),
        Freshness::Listed => false,
    };
    if !view.may_reread {
        return None;
    }
    if is_listed && (view.target.rules.replaces() || delta.fills) {
        return Some(ReadReason::Stale);
    }
    let is_for_plan = (terms.is_exact || view.target.reads_for_plan) && !is_known_exactly;
    is_for_plan.then_some(ReadReason::ForPlan)
}

/// Whether the proposal is written now.
pub(crate) fn conclude(proposal: Proposal<'_>, view: &View<'_>, attempt: &Attempt) -> Ruling {
    let Proposal { hit, delta, steps, notes } = proposal;
    if let Some(hit) = hit {
        match judge(attempt, &steps, view.target.times()) {
            Verdict::Go => {}
            Verdict::Wait(left) => return Ruling::wait(left).with(notes),
            Verdict::WaitForAddition(how_long) => {
                return Ruling::from(Decision::Wait { how_long, own: Some(hit.found.id.clone()) }).with(notes);
            }
            Verdict::GiveUp => return given_up(attempt, &delta).with(notes),
        }
    }
    let on: Option<Found> = hit.map(|hit| hit.found.clone());
    Ruling::from(Decision::Write(Box::new(Change { delta, steps, on, then: Then::Written }))).with(notes)
}

/// Enough tries. The intent of a contact that this run created and that lacks something stays open, so that the next
/// process completes it.
fn given_up(attempt: &Attempt, delta: &Delta) -> Ruling {
    let why = attempt.doubt().map(|doubt| &doubt.why);
    Ruling::reject(match attempt.confirmed() {
        Confirmed::Created => incomplete(delta, why),
        Confirmed::Updated => failed_in_part(delta, why),
        Confirmed::Nothing => failed(why),
    })
}

/// A list that was blank and whose items this run adds one by one was not there before: what is only to be filled is
/// filled to the end. So are the tags of a contact that it created: the platform may have dropped some.
fn complete_lists(view: &View<'_>, attempt: &Attempt, wanted: &mut Cow<'_, Wanted>) {
    if attempt.has_created() && wanted.tag_mode == TagMode::Add {
        let wanted = wanted.to_mut();
        wanted.fill.remove(Field::Tags);
        wanted.force.insert(Field::Tags);
    }
    let single = &view.target.facts().single;
    for field in LISTS.into_iter().filter(|field| !single.contains(field)) {
        if attempt.has_created() || attempt.begun().has(field) {
            let wanted = wanted.to_mut();
            wanted.fill.remove(field);
            wanted.force.insert(field);
        }
    }
}

fn on_existing(terms: Terms<'_>, view: &View<'_>, attempt: &Attempt) -> OnExisting {
    let is_bare = match view.presence {
        Presence::One(hit) => is_bare(&hit.found.contact),
        _ => false,
    };
    view.on_existing(attempt, view.target.facts().creates_in_steps && is_bare, terms.is_created)
}

/// What has to change so that the contact is as wanted.
pub(crate) fn difference(terms: Terms<'_>, view: &View<'_>, attempt: &Attempt, wanted: &Wanted) -> Delta {
    let existing = match view.presence {
        Presence::One(hit) => Some(Existing { found: &hit.found, by: hit.by }),
        _ => None,
    };
    let by = existing.and_then(|existing| existing.by);
    let mut wanted = Cow::Borrowed(wanted);
    // The value that led to the contact is its own: the platform may have given it another form.
    let forced = view.target.identity.iter().copied().filter(|field| terms.is_created && Some(*field) != by);
    forced.for_each(|field| wanted.to_mut().force.insert(field));
    let on_existing = on_existing(terms, view, attempt);
    diff_with_identity(view.target.facts(), view.target.identity, &wanted, existing, on_existing)
}
