//! Correcting what a run wrote: only values that are still as it wrote them change.

use super::found::lookup_of;
use super::person::Person;
use super::story::Story;
use super::undo::changed;
use super::{Reconciler, TRIES_MAX, Turn};
use crate::checkpoint::taken::Taken;
use crate::outcome::{Outcome, Skip};
use crate::platforms::restore::{Restore, correct};
use crate::platforms::{Fault, Found, Reading, StepKind};

impl Reconciler {
    /// Nobody is found by what the corrected mapping says. Whom the run made of this very record is known by its id:
    /// the value by which they are found may be what was wrong.
    pub(super) async fn correct_absent(
        &self,
        person: &Person,
        story: &mut Story,
        taken: &Taken,
        is_same_source: bool,
    ) -> Result<Turn, Fault> {
        let absent = Ok(Turn::End(Outcome::Skipped(Skip::Absent)));
        if !is_same_source {
            return absent;
        }
        let Some(id) = taken.made_of_line(person.origin.line)? else { return absent };
        let place = self.ids.queue([id.clone()]);
        place.first().await;
        match self.connector.read(&self.http, &id, None).await? {
            Reading::There(found) => self.correct_found(person, story, taken, found).await,
            Reading::Gone | Reading::Unreadable => absent,
        }
    }

    /// Corrects somebody who is there, if the run wrote to them.
    pub(super) async fn correct_found(
        &self,
        person: &Person,
        story: &mut Story,
        taken: &Taken,
        found: Found,
    ) -> Result<Turn, Fault> {
        story.target_id = Some(found.id.clone());
        let Some(contact) = taken.by_id(&found.id)? else {
            return Ok(Turn::End(Outcome::Skipped(Skip::Existing)));
        };
        // What is there now decides, not what a snapshot has; a rehearsal of the whole pass goes by the snapshot alone.
        let or_by = lookup_of(&*self.connector, &found.contact);
        let reading = match self.finder.is_offline() {
            true => Reading::There(found.clone()),
            false => self.connector.read(&self.http, &found.id, or_by.as_ref()).await?,
        };
        let found = match reading {
            Reading::There(found) => found,
            Reading::Gone => return Ok(Turn::End(Outcome::Skipped(Skip::Absent))),
            Reading::Unreadable => found,
        };
        let doubt = story.doubt.take();
        story.has_updated |= doubt.is_some();
        let wanted = self.fitted(&person.wanted, story);
        let Restore { delta, left } = correct(self.connector.platform(), &contact.written, &wanted, &found.contact);
        story.left = left.iter().map(|left| changed(left, false)).collect();
        let steps = match self.connector.steps(&self.ready, &delta, Some(&found)) {
            Err(problems) => return Ok(Turn::Reject(problems)),
            Ok(steps) => steps,
        };
        if delta.changes.is_empty() || steps.is_empty() {
            let outcome = match (story.has_updated, story.left.is_empty()) {
                (true, _) => Outcome::Updated,
                (false, true) => Outcome::Unchanged,
                (false, false) => Outcome::Skipped(Skip::Changed),
            };
            return Ok(Turn::End(outcome));
        }
        // What was being added may still arrive, and would be there twice.
        let adds = steps.iter().any(|step| step.kind == StepKind::Add);
        if let Some(doubt) = doubt {
            let left = self.settle_left(&doubt);
            if doubt.kind == StepKind::Add && adds && !left.is_zero() {
                story.doubt = Some(doubt);
                return Ok(Turn::Again(left));
            }
            if story.tries >= TRIES_MAX {
                return Ok(Turn::Reject(vec![super::problems::failed(Some(doubt.why))]));
            }
        }
        self.act(person, story, &delta, &steps, Some(&found)).await
    }
}
