//! Contacts that the snapshot shows as they should be: decided ahead of their turn, on the threads that map records, because
//! nothing has to be waited for.
//!
//! What was decided holds if nothing has touched the contact until its turn. Every other contact is reconciled, and that
//! decides the same (`super::cycle`).

use super::attempt::Attempt;
use super::cycle::note;
use super::find::Link;
use super::goal::decision::{Decision, Ruling};
use super::goal::upsert;
use super::locks::hash_of;
use super::matching::is_weaker;
use super::reconciler::Reconciler;
use super::view::{DroppedNames, Owner, Presence, View};
use super::who::Who;
use crate::contact::{Contact, Field, Wanted};
use crate::identity::IdentityValue;
use crate::outcome::{Failure, Outcome};
use crate::scratch::owners::hash_of_id;
use crate::store::{Key, Settled};
use std::sync::Arc;

/// What was decided about a contact ahead of its turn.
pub struct Foreseen {
    /// Its entry in the checkpoint.
    pub key: Key,
    /// Its outcome.
    pub settled: Settled,
    /// Its names among the contacts in flight, and that of its id at the target.
    names: Vec<u64>,
    id_name: u64,
    /// The hash of its id at the target.
    id: Key,
    /// What the platform was known to drop.
    dropped: Arc<DroppedNames>,
    /// The contact in the snapshot, if it shows that the platform keeps a name.
    shows: Option<Box<Contact>>,
}

impl Reconciler {
    /// Whether outcomes can be foreseen.
    pub fn foresees(&self) -> bool {
        self.executor.foresees() && self.finder.is_listed()
    }

    /// Where identity values lead, in their order; none where that cannot be read: then it is read again at the turn of each
    /// contact, and fails there.
    pub(crate) fn links_of<'i>(&self, identities: impl Iterator<Item = &'i IdentityValue>) -> Option<Vec<Link>> {
        self.finder.links_of(identities).ok()
    }

    /// Decides about a contact that is to exist as wanted, if the snapshot alone shows that nothing remains to be done.
    /// `links`: those of its identity values.
    pub(crate) fn foresee(&self, who: &Who, wanted: &Wanted, links: &[Link]) -> Option<Foreseen> {
        if wanted.contact.has(Field::TargetId) {
            return None;
        }
        let hit = self.finder.only_listed(&who.identities, links)?;
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
        let (id, contact) = (hit.found.id, hit.found.contact);
        let (id_name, id_hash) = (hash_of(&id), hash_of_id(&id));
        let shows = self.dropped.has_news(&contact).then(|| Box::new(contact));
        // No other contact of the pass has these values, so the links are the same at its turn.
        let leads_there = |identity: &IdentityValue| {
            let mut links = who.identities.iter().zip(links);
            links.any(|(known, link)| known == identity && link.leads_to.as_ref() == Some(&id))
        };
        attempt.effects.links.retain(|identity| !leads_there(identity));
        attempt.effects.target_id = Some(id);
        let left = std::mem::take(&mut attempt.effects.left);
        let (key, names) = (who.key, who.names().map(hash_of).collect());
        let settled = self.settled(who, attempt, outcome, left);
        Some(Foreseen { key, settled, names, id_name, id: id_hash, dropped, shows })
    }

    /// Whether the outcome that was foreseen still holds at the turn of its contact, which has its identity values alone.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint or the list of owners fails.
    pub fn comes_true(&self, foreseen: &Foreseen) -> Result<bool, Failure> {
        let Foreseen { key, settled, names, id_name, id, dropped, shows } = foreseen;
        let is_untouched = self.in_flight.are_free(names) && self.ids.are_free(&[*id_name]);
        // During an outage no contact is begun at once.
        let is_held = self.failures.outage().is_some();
        if is_held || !is_untouched || self.finder.has_changed(id) {
            return Ok(false);
        }
        if let Some(contact) = shows {
            self.learn_names(contact)?;
        }
        if *dropped != self.dropped.names() {
            return Ok(false);
        }
        if let Some(owners) = &self.owners
            && owners.assign(*id, key, settled.origin.line)?.is_some()
        {
            return Ok(false);
        }
        self.failures.answered();
        Ok(true)
    }
}
