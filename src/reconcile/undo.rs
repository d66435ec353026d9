//! Taking back what a run wrote to one contact: read it, see what is still as it was written, and write that back. A
//! contact that the run made is deleted, where the platform lets us and nobody has changed it since.
//!
//! It is the same line as any other write (intents, doubts, settling); only what is wanted comes from what was written.

use super::found::lookup_of;
use super::person::Person;
use super::story::Story;
use super::{Reconciler, TRIES_MAX, Turn};
use crate::checkpoint::taken::TakenContact;
use crate::contact::{Contact, Field};
use crate::outcome::{Outcome, Problem, Skip};
use crate::platforms::diff::{Change, Delta};
use crate::platforms::restore::{Left, Restore, Written, changed_since, not_wiped, restore};
use crate::platforms::{Fault, Found, Reading, Step, StepKind};
use std::time::Duration;

/// The code of a value that somebody has changed since.
pub const CHANGED: &str = "value.changed_since";
/// The code of what the platform cannot take back.
pub const KEPT: &str = "value.kept";
/// The code with which the platform's own refusal is told.
const REFUSED: &str = "target.refused";
/// The code of a contact that is not there any more.
pub const GONE: &str = "contact.gone";

/// What is to be taken back of one contact.
#[derive(Clone, Debug)]
pub struct Undoing {
    /// Its id at the target.
    pub id: String,
    /// What it had when the run was done with it, as far as it can be looked up by that.
    pub known: Contact,
    /// What was written to it.
    pub written: Vec<Written>,
    /// Whether all of it goes, because the run made it.
    pub is_created: bool,
    /// Whether some of it may never have arrived, because the run was stopped between two requests.
    pub is_partial: bool,
    /// Whether only one field is taken back, so that nobody is deleted.
    pub is_only: bool,
}

impl Undoing {
    /// What is to be taken back of this contact, or of one field of it; none when the run did not write that.
    pub fn of(contact: TakenContact, only: Option<&str>) -> Option<Undoing> {
        let TakenContact { id, is_created, is_partial, before, mut written, .. } = contact;
        let known = known(before.as_deref(), &written);
        if let Some(only) = only {
            written.retain(|value| value.is_of(only));
            if written.is_empty() {
                return None;
            }
        }
        Some(Undoing { id: id?, known, written, is_created, is_partial, is_only: only.is_some() })
    }
}

/// What taking back comes to for one contact.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// What becomes of it.
    pub outcome: Option<Outcome>,
    /// The values that go back.
    pub changes: Vec<Change>,
    /// What is left, and why.
    pub left: Vec<Problem>,
    /// How many requests it takes.
    pub requests: u64,
}

enum Plan {
    Delete(Step),
    Write(Box<Delta>, Vec<Step>, Vec<Problem>),
    Nothing(Outcome, Vec<Problem>),
}

impl Reconciler {
    /// What would become of a contact; only reads.
    ///
    /// # Errors
    /// That of reading it.
    pub async fn look_at(&self, undoing: &Undoing) -> Result<Looked, Fault> {
        let found = match self.read_again(undoing).await? {
            Reading::There(found) => found,
            Reading::Gone if undoing.is_deleted() => {
                return Ok(Looked { outcome: Some(Outcome::Unchanged), ..Looked::default() });
            }
            Reading::Gone => return Ok(Looked::left(Skip::Absent, gone(&undoing.id))),
            Reading::Unreadable => return Ok(Looked::left(Skip::Kept, unreadable(&undoing.id))),
        };
        Ok(match self.plan(undoing, &found, &[]) {
            Plan::Delete(_) => Looked { outcome: Some(Outcome::Deleted), requests: 1, ..Looked::default() },
            Plan::Nothing(outcome, left) => Looked { outcome: Some(outcome), left, ..Looked::default() },
            Plan::Write(delta, steps, left) => {
                Looked { outcome: Some(Outcome::Updated), changes: delta.changes, left, requests: steps.len() as u64 }
            }
        })
    }

    /// Reads the contact, and takes back what is still as it was written, once.
    pub(super) async fn turn_for_undoing(
        &self,
        person: &Person,
        undoing: &Undoing,
        story: &mut Story,
    ) -> Result<Turn, Fault> {
        story.target_id = Some(undoing.id.clone());
        let place = self.ids.queue([undoing.id.clone()]);
        place.first().await;
        let found = match self.read_again(undoing).await? {
            Reading::There(found) => found,
            // Of a deletion that nobody heard of.
            Reading::Gone if story.doubt.is_some() && undoing.is_deleted() => return Ok(Turn::End(Outcome::Deleted)),
            // It is as it was before the run.
            Reading::Gone if undoing.is_deleted() => return Ok(Turn::End(Outcome::Unchanged)),
            Reading::Gone => {
                story.left = vec![gone(&undoing.id)];
                return Ok(Turn::End(Outcome::Skipped(Skip::Absent)));
            }
            Reading::Unreadable => {
                story.left = vec![unreadable(&undoing.id)];
                return Ok(Turn::End(Outcome::Skipped(Skip::Kept)));
            }
        };
        let doubt = story.doubt.take();
        story.has_updated |= doubt.is_some() && !undoing.is_deleted();
        match self.plan(undoing, &found, &story.kept_values) {
            Plan::Nothing(outcome, left) => {
                story.left = left;
                Ok(Turn::End(if story.has_updated { Outcome::Updated } else { outcome }))
            }
            _ if doubt.is_some() && story.tries >= TRIES_MAX => {
                Ok(Turn::Reject(vec![super::problems::failed(doubt.map(|doubt| doubt.why))]))
            }
            Plan::Delete(step) => {
                let delta = Delta { after: found.contact.clone(), ..Delta::default() };
                match self.act(person, story, &delta, &[step], Some(&found)).await? {
                    Turn::End(_) => Ok(Turn::End(Outcome::Deleted)),
                    turn => Ok(turn),
                }
            }
            Plan::Write(delta, steps, left) => {
                // What was being added may still arrive, and would be there twice.
                let adds = steps.iter().any(|step| step.kind == StepKind::Add);
                if let Some(doubt) = doubt.filter(|doubt| doubt.kind == StepKind::Add && adds) {
                    let wait = self.settle_left(&doubt);
                    if !wait.is_zero() {
                        story.doubt = Some(doubt);
                        return Ok(Turn::Again(wait));
                    }
                }
                story.left = left;
                match self.act(person, story, &delta, &steps, Some(&found)).await? {
                    Turn::End(outcome) => self.check_wiped(undoing, &delta, story, outcome).await,
                    Turn::Reject(problems) => Ok(self.without_wiped(story, &delta, problems)),
                    turn => Ok(turn),
                }
            }
        }
    }

    /// The platform refused to restore a contact. Where that was to empty values, it may be them: they are left, and the
    /// others are tried without them.
    fn without_wiped(&self, story: &mut Story, delta: &Delta, problems: Vec<Problem>) -> Turn {
        let wiped: Vec<&Change> = delta.changes.iter().filter(|change| change.new.is_none()).collect();
        let is_refused = problems.first().is_some_and(|problem| problem.code == REFUSED);
        if !is_refused || wiped.is_empty() {
            return Turn::Reject(problems);
        }
        let title = &self.connector.platform().title;
        let words = problems.first().map(|problem| problem.message.as_str());
        story.kept_values.extend(wiped.into_iter().map(|change| not_taken(title, &change.field, words)));
        Turn::Again(Duration::ZERO)
    }

    async fn read_again(&self, undoing: &Undoing) -> Result<Reading, Fault> {
        let or_by = lookup_of(&*self.connector, &undoing.known);
        self.connector.read(&self.http, &undoing.id, or_by.as_ref()).await
    }

    /// `kept` are values that the platform has refused to restore.
    fn plan(&self, undoing: &Undoing, found: &Found, kept: &[Problem]) -> Plan {
        let platform = self.connector.platform();
        if undoing.is_created && !undoing.is_only {
            let changed = changed_since(platform, &undoing.written, &found.contact, undoing.is_partial);
            return match self.connector.deletion() {
                Some(step) if changed.is_empty() => Plan::Delete(step),
                Some(_) => Plan::Nothing(
                    Outcome::Skipped(Skip::Changed),
                    changed.iter().map(|left| self::changed(left, true)).collect(),
                ),
                None if platform.creates => {
                    Plan::Nothing(Outcome::Skipped(Skip::Kept), vec![not_deleted(&platform.title, &undoing.id)])
                }
                None => self.plan_values(undoing, found, kept),
            };
        }
        self.plan_values(undoing, found, kept)
    }

    /// Value by value; what the platform cannot write is left out, and named.
    fn plan_values(&self, undoing: &Undoing, found: &Found, kept: &[Problem]) -> Plan {
        let platform = self.connector.platform();
        let (mut written, mut kept) = (undoing.written.clone(), kept.to_vec());
        written.retain(|value| !blames(&kept, &value.field));
        loop {
            let Restore { delta, left } = restore(platform, &written, &found.contact);
            let changed = left.iter().map(|left| changed(left, false));
            if delta.changes.is_empty() {
                let outcome = match (left.is_empty(), kept.is_empty()) {
                    (true, true) => Outcome::Unchanged,
                    (true, false) => Outcome::Skipped(Skip::Kept),
                    (false, _) => Outcome::Skipped(Skip::Changed),
                };
                return Plan::Nothing(outcome, changed.chain(kept).collect());
            }
            match self.connector.steps(&self.ready, &delta, Some(found)) {
                Ok(steps) if steps.is_empty() => {
                    let stays = delta.changes.iter().map(|change| not_taken(&platform.title, &change.field, None));
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
                            .map(|change| not_taken(&platform.title, &change.field, words.as_deref()));
                        let left = changed.chain(kept).chain(stays).collect();
                        return Plan::Nothing(Outcome::Skipped(Skip::Kept), left);
                    }
                    let blamed = delta.changes.iter().filter(|change| blames(&problems, &change.field));
                    kept.extend(blamed.map(|change| not_taken(&platform.title, &change.field, words.as_deref())));
                }
            }
        }
    }

    /// Reads the contact back when values were wiped: some platforms overlook a blank.
    async fn check_wiped(
        &self,
        undoing: &Undoing,
        delta: &Delta,
        story: &mut Story,
        outcome: Outcome,
    ) -> Result<Turn, Fault> {
        if delta.changes.iter().all(|change| change.new.is_some()) {
            return Ok(Turn::End(outcome));
        }
        let platform = self.connector.platform();
        let found = match self.read_again(undoing).await {
            Ok(reading) => reading.there(),
            Err(Fault::Fatal(failure)) => return Err(Fault::Fatal(failure)),
            Err(Fault::Refused(_) | Fault::InDoubt(_)) => None,
        };
        let stays = found.map(|found| not_wiped(platform, delta, &found)).unwrap_or_default();
        let is_nothing = stays.len() == delta.changes.len();
        story.left.extend(stays.iter().map(|left| not_taken(&platform.title, &left.field, None)));
        Ok(Turn::End(if is_nothing { Outcome::Skipped(Skip::Kept) } else { outcome }))
    }
}

impl Undoing {
    fn is_deleted(&self) -> bool {
        self.is_created && !self.is_only
    }
}

impl Looked {
    fn left(skip: Skip, why: Problem) -> Looked {
        Looked { outcome: Some(Outcome::Skipped(skip)), left: vec![why], ..Looked::default() }
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

fn shown(value: Option<&str>) -> String {
    value.map_or_else(|| "blank".to_owned(), |value| format!("`{value}`"))
}

/// Another party has changed it since: the three values.
pub(super) fn changed(left: &Left, was_created: bool) -> Problem {
    let Left { field, before, written, now } = left;
    let [before, written, now] = [before, written, now].map(|value| shown(value.as_deref()));
    let message = match was_created {
        true => format!("`{field}` is {now} now, and was created as {written}"),
        false => format!("`{field}` is {now} now; it was written as {written}, and was {before} before"),
    };
    Problem::new(CHANGED, message).at(field.as_str()).hint("another party has changed it since: review it there")
}

fn not_taken(title: &str, field: &str, words: Option<&str>) -> Problem {
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
