//! Contacts that the snapshot shows as they should be: decided ahead of their turn, on the threads that map records, because
//! nothing has to be waited for.
//!
//! What was decided holds if nothing has touched the contact until its turn. Every other contact is reconciled, and that
//! decides the same (`super::cycle`).

use super::attempt::Attempt;
use super::cycle::note;
use super::goal::decision::{Decision, Ruling};
use super::goal::upsert;
use super::matching::is_weaker;
use super::reconciler::Reconciler;
use super::view::{DroppedNames, Owner, Presence, View};
use super::who::Who;
use crate::contact::{Field, Wanted};
use crate::identity::IdentityValue;
use crate::outcome::{Failure, Outcome};
use crate::platforms::Found;
use crate::store::Settled;
use std::sync::Arc;

/// What was decided about a contact ahead of its turn.
pub struct Foreseen {
    settled: Settled,
    /// The contact in the snapshot.
    found: Found,
    /// What the platform was known to drop.
    dropped: Arc<DroppedNames>,
}

impl Reconciler {
    /// Whether outcomes can be foreseen, and what is known about contacts with these identity values; that is read at once.
    pub fn foresees<'a>(&self, identities: impl Iterator<Item = &'a IdentityValue>) -> bool {
        let can = self.executor.foresees() && self.finder.is_listed();
        can && self.entries.checkpoint.read_links_ahead(identities).is_ok()
    }

    /// Decides about a contact that is to exist as wanted, if the snapshot alone shows that nothing remains to be done.
    pub fn foresee(&self, who: &Who, wanted: &Wanted) -> Option<Foreseen> {
        if wanted.contact.has(Field::TargetId) {
            return None;
        }
        let hit = self.finder.only_listed(&who.identities)?;
        if hit.by.is_some_and(|by| is_weaker(who, by, &hit.found.contact)) {
            return None;
        }
        let (dropped, presence) = (self.dropped.names(), Presence::One(hit));
        let (target, mut attempt) = (self.facts(&dropped), Attempt::default());
        let (owner, written) = (Owner::This, None);
        let view = View { target: &target, who, presence: &presence, owner, written, may_reread: true };
        let Ruling { decision, notes } = upsert::decide(wanted, &view, &attempt);
        let (Decision::Done(outcome @ (Outcome::Unchanged | Outcome::Skipped(_))), Presence::One(hit)) =
            (decision, presence)
        else {
            return None;
        };
        note(&mut attempt, notes);
        attempt.effects.target_id = Some(hit.found.id.clone());
        let left = std::mem::take(&mut attempt.effects.left);
        let settled = self.settled(who, attempt, outcome, left);
        Some(Foreseen { settled, found: hit.found, dropped })
    }

    /// The outcome that was foreseen, if it still holds at the turn of its contact.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint or the list of owners fails.
    pub fn come_true(&self, who: &Who, foreseen: Foreseen) -> Result<Option<Settled>, Failure> {
        let Foreseen { settled, found, dropped } = foreseen;
        let id = found.id.as_str();
        let is_untouched = self.in_flight.are_free(who.names()) && self.ids.are_free([id]);
        // During an outage no contact is begun at once.
        let is_held = !who.shared.is_empty() || self.failures.outage().is_some();
        if is_held || !is_untouched || self.finder.has_changed(id) {
            return Ok(None);
        }
        self.learn_names(&found.contact)?;
        if *dropped != *self.dropped.names() || self.claim(id, (&who.key, who.origin.line))?.is_some() {
            return Ok(None);
        }
        self.failures.answered();
        Ok(Some(settled))
    }
}
