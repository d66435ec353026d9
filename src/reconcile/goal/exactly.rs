//! A contact is to be written exactly as a saved plan says, or not at all. Pure.

use super::decision::Ruling;
use super::planned::{PlannedChange, seen};
use super::upsert::{Proposal, Terms, conclude, difference, propose};
use crate::change::{Change, Delta, same};
use crate::contact::{Field, Wanted};
use crate::outcome::Problem;
use crate::platforms::Found;
use crate::reconcile::attempt::{Attempt, Confirmed};
use crate::reconcile::matching::LISTS;
use crate::reconcile::view::View;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// What a saved plan expects, and what it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    /// No contact existed.
    pub creates: bool,
    /// The contact that existed, where it had an id.
    pub target_id: Option<String>,
    /// What was to change.
    pub changes: Vec<PlannedChange>,
    /// The contact as it was (see [`seen`]).
    pub seen: Option<Map<String, Value>>,
}

/// What remains to be done, if nothing has changed since the plan was made.
pub(crate) fn decide((wanted, precondition): (&Wanted, &Precondition), view: &View<'_>, attempt: &Attempt) -> Ruling {
    let terms = Terms { wanted, is_created: false, is_exact: true };
    match propose(terms, view, attempt) {
        Err(ruling) => *ruling,
        Ok(proposal) => match violation((wanted, precondition), view, attempt, &proposal) {
            Some(problem) => Ruling::reject(problem).with(proposal.notes),
            None => conclude(proposal, view, attempt),
        },
    }
}

/// What is not as the saved plan saw it.
fn violation(
    (wanted, precondition): (&Wanted, &Precondition),
    view: &View<'_>,
    attempt: &Attempt,
    proposal: &Proposal<'_>,
) -> Option<Problem> {
    let found = proposal.hit.map(|hit| &hit.found);
    match (found, precondition.creates) {
        (None, true) | (Some(_), false) => {}
        (None, false) => {
            return Some(changed("the contact was there when the plan was made, and is not there now", None));
        }
        (Some(found), true) if attempt.has_created() => {
            return changed_since_created(precondition, view, &proposal.delta, found);
        }
        (Some(found), true) => {
            let what = format!("no contact was there when the plan was made, and `{}` is there now", found.id);
            return Some(changed(&what, None));
        }
    }
    if let (Some(found), Some(planned)) = (found, &precondition.target_id)
        && found.id != *planned
    {
        let what = format!("`{planned}` was found when the plan was made, and `{}` is now", found.id);
        return Some(changed(&what, None));
    }
    // A request that may have been sent may have been carried out in part.
    let was_changed = attempt.confirmed() == Confirmed::Updated || attempt.change_in_doubt().is_some();
    let is_tried = attempt.tries.sent > 0 || (found.is_some() && was_changed);
    if let (Some(found), Some(saw)) = (found, &precondition.seen)
        && let Some(problem) = changed_between(precondition, saw, found, is_tried)
    {
        return Some(problem);
    }
    // Without what was found dropped in the meantime: the plan did not know that.
    let mut resolved = Cow::Borrowed(wanted);
    if view.target.rules.resolves(wanted) {
        view.target.rules.resolve(view.target.ready, resolved.to_mut());
    }
    let terms = Terms { wanted, is_created: false, is_exact: true };
    let now = difference(terms, view, attempt, &resolved);
    let now: Vec<PlannedChange> = now.changes.iter().map(PlannedChange::from).collect();
    let is_planned = |change: &&PlannedChange| match is_tried {
        // What was there when it was planned may have been written already.
        true => precondition.change_of(&change.field).is_some(),
        false => precondition.changes.contains(change),
    };
    if let Some(change) = now.iter().find(|change| !is_planned(change)) {
        return Some(changed(&disagree(&change.field), Some(&change.field)));
    }
    let done = precondition.changes.iter().find(|planned| !now.contains(planned)).filter(|_| !is_tried)?;
    Some(changed(&disagree(&done.field), Some(&done.field)))
}

/// A value that is neither as the plan saw it nor on the way to what it writes.
fn changed_between(
    precondition: &Precondition,
    saw: &Map<String, Value>,
    found: &Found,
    is_tried: bool,
) -> Option<Problem> {
    let now = seen(&found.contact);
    let is_in_between = |name: &String| {
        let (saw, now) = (saw.get(name), now.get(name));
        saw == now || (is_tried && precondition.change_of(name).is_some_and(|change| is_part_done(change, saw, now)))
    };
    let name = saw.keys().chain(now.keys()).find(|name| !is_in_between(name))?;
    Some(changed(&in_words(name, saw.get(name), now.get(name)), Some(name)))
}

/// What another party has changed in a contact that the plan itself has created. Only what a creation in several steps
/// has not written yet, or what the platform may have dropped, is still to be written.
fn changed_since_created(
    precondition: &Precondition,
    view: &View<'_>,
    delta: &Delta,
    found: &Found,
) -> Option<Problem> {
    let platform = view.target.facts();
    let is_missing_yet = |change: &Change| match Field::named(&change.field) {
        Some(field) if platform.creates_in_steps && LISTS.contains(&field) => true,
        Some(Field::Tags) => platform.drops.contains(&Field::Tags) && delta.tags_removed.is_empty(),
        Some(field) => platform.drops.contains(&field) && change.old.is_none(),
        None => platform.drops_attributes && change.old.is_none(),
    };
    if let Some(change) = delta.changes.iter().find(|change| !is_missing_yet(change)) {
        let [wrote, is] = [&change.new, &change.old].map(|value| shown(value.as_deref()));
        let what = format!("`{}` was created as {wrote} by this plan, and is {is} now", change.field);
        return Some(changed(&what, Some(&change.field)));
    }
    if !platform.creates_in_steps {
        return None;
    }
    let now = seen(&found.contact);
    let name = now.keys().find(|name| {
        let items = |change: &PlannedChange| is_part_done(change, None, now.get(*name));
        !precondition.change_of(name).is_some_and(items)
    })?;
    Some(changed(&in_words(name, None, now.get(name)), Some(name)))
}

impl Precondition {
    /// The planned change of this field: `phone` and `phones` are one.
    fn change_of(&self, name: &str) -> Option<&PlannedChange> {
        let field = Field::named(name);
        let is_it =
            |change: &&PlannedChange| change.field == name || (field.is_some() && Field::named(&change.field) == field);
        self.changes.iter().find(is_it)
    }
}

/// Whether what is there now lies between what the plan saw and what it writes: only this plan has written there.
fn is_part_done(planned: &PlannedChange, saw: Option<&Value>, now: Option<&Value>) -> bool {
    let Some(field) = Field::named(&planned.field).filter(|field| field.is_list()) else {
        let now = now.and_then(Value::as_str);
        let field = Field::named(&planned.field).unwrap_or(Field::Notes);
        return match (now, planned.new.as_deref()) {
            (Some(now), Some(new)) => same(field, now, new),
            (now, new) => now.is_none() && new.is_none(),
        };
    };
    let items = |value: Option<&Value>| -> Vec<String> {
        let items = value.and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (saw, now) = (items(saw), items(now));
    let new: Vec<&str> = planned.new.as_deref().map(|new| new.split("; ").collect()).unwrap_or_default();
    let is_among = |list: &[String], item: &str| list.iter().any(|known| same(field, known, item));
    let is_new = |item: &str| new.iter().any(|known| same(field, known, item));
    now.iter().all(|item| is_new(item) || is_among(&saw, item))
        && saw.iter().all(|item| !is_new(item) || is_among(&now, item))
}

fn shown(value: Option<&str>) -> String {
    value.map_or_else(|| "blank".to_owned(), |value| format!("`{value}`"))
}

fn in_words(name: &str, saw: Option<&Value>, now: Option<&Value>) -> String {
    let value = |value: Option<&Value>| match value {
        None => "blank".to_owned(),
        Some(Value::Array(items)) => {
            format!("`{}`", items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "))
        }
        Some(text) => format!("`{}`", text.as_str().unwrap_or_default()),
    };
    format!("`{name}` was {} when the plan was made, and is {} now", value(saw), value(now))
}

/// The contact is as the plan saw it, and yet something else would be written: the line was edited, or the platform was
/// found to drop a name.
fn disagree(field: &str) -> String {
    format!("what this line of the plan says of `{field}` is not what it would send now")
}

fn changed(what: &str, field: Option<&str>) -> Problem {
    let problem = Problem::new("plan.changed", what);
    let problem = problem.hint("review it, and make another plan: the same command with `--dry-run --plan`");
    match field {
        Some(field) => problem.at(field),
        None => problem,
    }
}
