//! What a run wrote to one contact is undone: what is still as it was written goes back to what it was. A contact that the
//! run created is deleted, where the platform can do that and no other party has changed it since. Pure.

use super::decision::{Change, Decision, Notes, Ruling, Then};
use crate::change::{Change as ValueChange, Delta};
use crate::contact::{Contact, Field};
use crate::outcome::{Outcome, Problem, Skip};
use crate::platforms::restore::{Restore, Written, changed_since, not_wiped, restore};
use crate::platforms::{Found, PlatformFacts, Step};
use crate::reconcile::attempt::{Attempt, Confirmed};
use crate::reconcile::doubt::{Verdict, judge};
use crate::reconcile::problems::{self, KEPT, failed};
use crate::reconcile::view::{Hit, Presence, View};
use crate::scratch::written::WrittenContact;

/// The code of a contact that does not exist any more.
pub const GONE: &str = "contact.gone";
/// The code with which the platform's own refusal is reported.
const REFUSED: &str = "target.refused";

/// What is to be undone of one contact.
#[derive(Clone, Debug)]
pub struct Reversal {
    /// Its id at the target.
    pub id: String,
    /// What it had when the run was done with it, as far as it can be looked up by that.
    pub known: Contact,
    /// What was written to it.
    pub written: Vec<Written>,
    /// Whether the run created it.
    pub is_created: bool,
    /// Whether some of it may never have arrived, because the run was stopped between two requests.
    pub is_partial: bool,
    /// Whether only one field is undone, so that no contact is deleted.
    pub is_only: bool,
}

impl Reversal {
    /// What is to be undone of this contact, or of one field of it; none where its id is unknown or the run did not write
    /// that field.
    pub fn of(contact: WrittenContact, only: Option<&str>) -> Option<Reversal> {
        let WrittenContact { id, is_created, is_partial, before, mut written, .. } = contact;
        let known = known(before.as_deref(), &written);
        if let Some(only) = only {
            written.retain(|value| value.is_of(only));
            if written.is_empty() {
                return None;
            }
        }
        Some(Reversal { id: id?, known, written, is_created, is_partial, is_only: only.is_some() })
    }

    fn is_deleted(&self) -> bool {
        self.is_created && !self.is_only
    }
}

/// What undoing comes to.
enum Plan {
    Delete(Step),
    Write(Box<Delta>, Vec<Step>, Vec<Problem>),
    Nothing(Outcome, Vec<Problem>),
}

/// What remains to be done.
pub(crate) fn decide(reversal: &Reversal, view: &View<'_>, attempt: &Attempt) -> Ruling {
    match view.presence {
        Presence::One(hit) => decide_found(reversal, view, attempt, hit),
        // Of a deletion that was in doubt.
        Presence::Absent if reversal.is_deleted() && attempt.doubt().is_some() => Ruling::done(Outcome::Deleted),
        // It is as it was before the run.
        Presence::Absent if reversal.is_deleted() => Ruling::done(Outcome::Unchanged),
        Presence::Absent | Presence::Shared(_) | Presence::Several(_) => {
            Ruling::done(Outcome::Skipped(Skip::Absent)).leaving(vec![gone(&reversal.id)])
        }
        Presence::Unreadable => Ruling::done(Outcome::Skipped(Skip::Kept)).leaving(vec![unreadable(&reversal.id)]),
    }
}

fn decide_found(reversal: &Reversal, view: &View<'_>, attempt: &Attempt, hit: &Hit) -> Ruling {
    let on = Some(hit.found.clone());
    let (delta, steps, left, then) = match plan(reversal, view, &hit.found, &attempt.kept_values) {
        Plan::Nothing(outcome, left) => {
            let is_updated = attempt.confirmed() != Confirmed::Nothing
                || (attempt.change_in_doubt().is_some() && !reversal.is_deleted());
            return Ruling::done(if is_updated { Outcome::Updated } else { outcome }).leaving(left);
        }
        Plan::Delete(step) => {
            let delta = Delta { after: hit.found.contact.clone(), ..Delta::default() };
            (delta, vec![step], Vec::new(), Then::Deleted)
        }
        Plan::Write(delta, steps, left) => (*delta, steps, left, Then::Restored),
    };
    match judge(attempt, &steps, view.target.times()) {
        Verdict::Go => {}
        Verdict::Wait(how_long) | Verdict::WaitForAddition(how_long) => return Ruling::wait(how_long),
        Verdict::GiveUp => return Ruling::reject(failed(attempt.doubt().map(|doubt| &doubt.why))),
    }
    let change = Change { delta, steps, on, then };
    Ruling::from(Decision::Write(Box::new(change))).with(Notes { left, ..Notes::default() })
}

/// What the platform refused to restore because values were to be cleared, which may be the reason: they are left as
/// they are, and the others are tried without them. None: the refusal is about something else.
pub(crate) fn kept_after(title: &str, change: &Change, problems: &[Problem]) -> Option<Vec<Problem>> {
    let cleared: Vec<&ValueChange> = change.delta.changes.iter().filter(|change| change.new.is_none()).collect();
    let is_refused = problems.first().is_some_and(|problem| problem.code == REFUSED);
    if change.then != Then::Restored || !is_refused || cleared.is_empty() {
        return None;
    }
    let words = problems.first().map(|problem| problem.message.as_str());
    Some(cleared.into_iter().map(|change| not_restored(title, &change.field, words)).collect())
}

/// Whether values were to be cleared, so that the contact is read back.
pub(crate) fn clears(delta: &Delta) -> bool {
    delta.changes.iter().any(|change| change.new.is_none())
}

/// The values that were to be cleared and are still there, and whether nothing else was to be written.
pub(crate) fn not_cleared(platform: &PlatformFacts, delta: &Delta, now: Option<&Found>) -> (Vec<Problem>, bool) {
    let stays = now.map(|found| not_wiped(platform, delta, found)).unwrap_or_default();
    let is_nothing = stays.len() == delta.changes.len();
    (stays.iter().map(|left| not_restored(&platform.title, &left.field, None)).collect(), is_nothing)
}

/// `kept` are values that the platform has refused to restore.
fn plan(reversal: &Reversal, view: &View<'_>, found: &Found, kept: &[Problem]) -> Plan {
    let platform = view.target.facts();
    if reversal.is_deleted() {
        let changed = changed_since(platform, &reversal.written, &found.contact, reversal.is_partial);
        return match &view.target.deletion {
            Some(step) if changed.is_empty() => Plan::Delete(step.clone()),
            Some(_) => Plan::Nothing(
                Outcome::Skipped(Skip::Changed),
                changed.iter().map(|left| problems::changed_since(left, true)).collect(),
            ),
            None if platform.creates => {
                Plan::Nothing(Outcome::Skipped(Skip::Kept), vec![not_deleted(&platform.title, &reversal.id)])
            }
            None => plan_values(reversal, view, found, kept),
        };
    }
    plan_values(reversal, view, found, kept)
}

/// Value by value; what the platform cannot write is left out, and named.
fn plan_values(reversal: &Reversal, view: &View<'_>, found: &Found, kept: &[Problem]) -> Plan {
    let platform = view.target.facts();
    let (mut written, mut kept) = (reversal.written.clone(), kept.to_vec());
    written.retain(|value| !blames(&kept, &value.field));
    loop {
        let Restore { delta, left } = restore(platform, &written, &found.contact);
        let changed = left.iter().map(|left| problems::changed_since(left, false));
        if delta.changes.is_empty() {
            let outcome = match (left.is_empty(), kept.is_empty()) {
                (true, true) => Outcome::Unchanged,
                (true, false) => Outcome::Skipped(Skip::Kept),
                (false, _) => Outcome::Skipped(Skip::Changed),
            };
            return Plan::Nothing(outcome, changed.chain(kept).collect());
        }
        match view.target.rules.steps(view.target.ready, &delta, Some(found)) {
            Ok(steps) if steps.is_empty() => {
                let stays = delta.changes.iter().map(|change| not_restored(&platform.title, &change.field, None));
                let left = changed.chain(kept).chain(stays).collect();
                return Plan::Nothing(Outcome::Skipped(Skip::Kept), left);
            }
            Ok(steps) => return Plan::Write(Box::new(delta), steps, changed.chain(kept).collect()),
            Err(problems) => {
                let len = written.len();
                written.retain(|value| !blames(&problems, &value.field) || !is_changing(&delta, &value.field));
                let words = problems.first().map(|problem| problem.message.clone());
                if written.len() == len {
                    // It blames none of the values, so none of them can go.
                    let stays = delta
                        .changes
                        .iter()
                        .map(|change| not_restored(&platform.title, &change.field, words.as_deref()));
                    let left = changed.chain(kept).chain(stays).collect();
                    return Plan::Nothing(Outcome::Skipped(Skip::Kept), left);
                }
                let blamed = delta.changes.iter().filter(|change| blames(&problems, &change.field));
                kept.extend(blamed.map(|change| not_restored(&platform.title, &change.field, words.as_deref())));
            }
        }
    }
}

/// The contact as it was before, with the phone and the e-mail that were written.
fn known(before: Option<&str>, written: &[Written]) -> Contact {
    let before = before.and_then(|before| serde_json::from_str(before).ok());
    let mut known = before.map(|before| Contact::from_json(&before)).unwrap_or_default();
    for value in written {
        let Some(field @ (Field::Phones | Field::Emails)) = Field::named(&value.field) else { continue };
        let items: Vec<String> = value.new.iter().chain(&value.added).cloned().collect();
        known.list_mut(field).splice(0..0, items);
    }
    known
}

fn blames(problems: &[Problem], field: &str) -> bool {
    problems.iter().any(|problem| problem.column.as_deref() == Some(field))
}

fn is_changing(delta: &Delta, field: &str) -> bool {
    delta.changes.iter().any(|change| change.field == field)
}

fn not_restored(title: &str, field: &str, words: Option<&str>) -> Problem {
    let why = words.map(|words| format!(": {words}")).unwrap_or_default();
    Problem::new(KEPT, format!("{title} cannot restore `{field}`{why}")).at(field).hint("change it there by hand")
}

fn not_deleted(title: &str, id: &str) -> Problem {
    Problem::new(KEPT, format!("contact `{id}` was created by the run, and {title} has no call to delete it"))
        .hint("delete it there by hand")
}

fn gone(id: &str) -> Problem {
    Problem::new(GONE, format!("contact `{id}` is not there any more, and cannot be restored"))
}

fn unreadable(id: &str) -> Problem {
    Problem::new(KEPT, format!("contact `{id}` cannot be read by its id, so what it is now is unknown"))
        .hint("see `ferry platforms` for the setting that says how a contact is read by its id")
}
