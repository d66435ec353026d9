//! Locating a contact, and the right to work on it: by its id, by its identity values, by the request that created it.
//!
//! Contacts that several records reach are worked on one record at a time. What is done with a contact is decided later.

use super::attempt::Attempt;
use super::find::hits::Hits;
use super::goal::decision::ReadReason;
use super::goal::{Correction, Locate};
use super::locks::Place;
use super::matching::lookup_of;
use super::reconciler::Reconciler;
use super::subject::Subject;
use super::view::{Freshness, Hit, Presence};
use crate::contact::{Contact, Field, Wanted};
use crate::identity::IdentityValue;
use crate::platforms::{Fault, Found, Reading};
use std::time::Duration;

/// What was located, with the right to work on it.
pub(super) struct Located {
    pub(super) presence: Presence,
    /// Whether the contact may be read by id before it is decided.
    pub(super) may_reread: bool,
    pub(super) place: Option<Place>,
}

/// What locating led to.
#[expect(clippy::large_enum_variant, reason = "it is nearly always the large one, and there is one at a time")]
pub(super) enum Location {
    Found(Located),
    /// It is located again, after this long.
    Again(Duration),
}

/// Locating.
impl Reconciler {
    pub(super) async fn locate(&self, subject: &Subject, attempt: &mut Attempt) -> Result<Location, Fault> {
        let (wanted, correction) = match subject.goal.locate() {
            Locate::ById(reversal) => return Box::pin(self.locate_by_id(&reversal.id, &reversal.known)).await,
            Locate::ByIdentity(wanted) => (wanted, None),
            Locate::ByIdentityOrLine(wanted, correction) => (wanted, Some(correction)),
        };
        if let Some(id) = attempt.own().map(str::to_owned) {
            return Box::pin(self.locate_own(attempt, &id)).await;
        }
        let times = self.times();
        let since_ms = match attempt.doubt() {
            None => None,
            Some(doubt) => match times.left(doubt) {
                left if left.is_zero() => Some(times.settled_ms(doubt)),
                left if !Box::pin(self.finder.are_proven(&subject.who.fields())).await? => {
                    return Ok(Location::Again(left));
                }
                _ => Some(doubt.at_ms),
            },
        };
        let located = match self.find(subject, wanted, since_ms).await? {
            Presence::One(hit) => match self.locate_in_turn(subject, wanted, since_ms, hit).await? {
                Location::Found(located) => located,
                again => return Ok(again),
            },
            presence => Located { presence, may_reread: true, place: None },
        };
        if located.presence != Presence::Absent {
            return Ok(Location::Found(located));
        }
        match correction {
            Some(correction) => Box::pin(self.locate_by_line(subject, correction)).await,
            None if attempt.creation_in_doubt().is_some() => Box::pin(self.locate_partial(attempt, located)).await,
            None => Ok(Location::Found(located)),
        }
    }

    /// The contact of an undo: it is known by its id.
    async fn locate_by_id(&self, id: &str, known: &Contact) -> Result<Location, Fault> {
        let place = self.ids.queue([id]);
        place.first().await;
        let presence = match self.endpoint.read(id, known).await? {
            Reading::There(found) => Presence::One(Hit { found, by: None, freshness: Freshness::Read }),
            Reading::Gone => Presence::Absent,
            Reading::Unreadable => Presence::Unreadable,
        };
        Ok(Location::Found(Located { presence, may_reread: false, place: Some(place) }))
    }

    /// A contact that this record is creating or adding to: it is known by its id.
    async fn locate_own(&self, attempt: &mut Attempt, id: &str) -> Result<Location, Fault> {
        let place = self.ids.queue([id]);
        place.first().await;
        if let Reading::There(found) = self.read(id).await? {
            let presence = Presence::One(Hit { found, by: None, freshness: Freshness::Read });
            return Ok(Location::Found(Located { presence, may_reread: false, place: Some(place) }));
        }
        // A contact that was created a moment ago may not be shown yet.
        let left = attempt.doubt().map_or(Duration::ZERO, |doubt| self.times().left(doubt));
        if left.is_zero() {
            attempt.lose_own();
        }
        Ok(Location::Again(left))
    }

    /// Waits until no other record works on this contact. If one did, the contact is located again.
    async fn locate_in_turn(
        &self,
        subject: &Subject,
        wanted: &Wanted,
        since_ms: Option<u64>,
        hit: Hit,
    ) -> Result<Location, Fault> {
        let place = self.ids.queue([hit.found.id.as_str()]);
        if place.is_first() {
            let presence = Presence::One(hit);
            return Ok(Location::Found(Located { presence, may_reread: true, place: Some(place) }));
        }
        place.first().await;
        match Box::pin(self.find(subject, wanted, since_ms)).await? {
            Presence::One(again) if again.found.id == hit.found.id => {
                let presence = Presence::One(again);
                Ok(Location::Found(Located { presence, may_reread: true, place: Some(place) }))
            }
            _ => Ok(Location::Again(Duration::ZERO)),
        }
    }

    /// What a run that is corrected created from the record on this line: the value by which the contact is found may be
    /// what was wrong.
    async fn locate_by_line(&self, subject: &Subject, correction: &Correction) -> Result<Location, Fault> {
        let absent = Located { presence: Presence::Absent, may_reread: false, place: None };
        if !correction.is_same_source {
            return Ok(Location::Found(absent));
        }
        let Some(id) = correction.written.created_from_line(subject.who.origin.line)? else {
            return Ok(Location::Found(absent));
        };
        let place = self.ids.queue([id.as_str()]);
        place.first().await;
        Ok(Location::Found(match self.read(&id).await? {
            Reading::There(found) => {
                let presence = Presence::One(Hit { found, by: None, freshness: Freshness::Read });
                Located { presence, may_reread: false, place: Some(place) }
            }
            Reading::Gone | Reading::Unreadable => absent,
        }))
    }

    /// A contact that a create request in doubt may have created partially, once it cannot arrive any more.
    async fn locate_partial(&self, attempt: &mut Attempt, absent: Located) -> Result<Location, Fault> {
        let times = self.times();
        let settled = attempt.creation_in_doubt().filter(|doubt| times.left(doubt).is_zero());
        let (Some(doubt), Some(created_by)) = (settled, attempt.created_by()) else {
            return Ok(Location::Found(absent));
        };
        match self.find_partial(created_by, doubt.since_ms).await? {
            Some(found) => {
                attempt.adopt(found.id);
                Ok(Location::Again(Duration::ZERO))
            }
            None => Ok(Location::Found(absent)),
        }
    }

    /// The contact that this create request (JSON) has partially created, and that no other record owns.
    pub(crate) async fn find_partial(&self, created_by: &str, since_ms: u64) -> Result<Option<Found>, Fault> {
        let access = (&*self.endpoint.connector, &*self.endpoint.http);
        self.partials.find(access, created_by, since_ms).await
    }

    /// What the identity values of a record find. A value that another contact of the source has too identifies neither:
    /// it only says that a contact may be either of them.
    async fn find(&self, subject: &Subject, wanted: &Wanted, since_ms: Option<u64>) -> Result<Presence, Fault> {
        let contact = &wanted.contact;
        if let Some(id) = contact.text(Field::TargetId) {
            return self.overlaid(Box::pin(self.finder.by_target_id(id, since_ms)).await?).map(Hits::into_presence);
        }
        let who = &subject.who;
        if who.shared.is_empty() {
            return self
                .overlaid(self.finder.by_identities(contact, &who.identities, since_ms).await?)
                .map(Hits::into_presence);
        }
        let (shared, own): (Vec<IdentityValue>, Vec<IdentityValue>) =
            who.identities.iter().cloned().partition(|identity| who.shared.contains(identity));
        let hits = self.overlaid(Box::pin(self.finder.by_identities(contact, &own, since_ms)).await?)?;
        if !hits.is_empty() {
            return Ok(hits.into_presence());
        }
        let hits = self.overlaid(Box::pin(self.finder.by_identities(contact, &shared, since_ms)).await?)?;
        Ok(match hits.into_presence() {
            Presence::One(hit) => Presence::Shared(hit),
            presence => presence,
        })
    }

    fn overlaid(&self, mut hits: Hits) -> Result<Hits, Fault> {
        self.executor.overlay(&mut hits)?;
        Ok(hits)
    }

    /// Reads a contact by id that is going to be written, so that it is decided about what is there now.
    pub(super) async fn reread(
        &self,
        subject: &Subject,
        (hit, place): (Hit, Option<Place>),
        why: ReadReason,
    ) -> Result<Location, Fault> {
        self.executor.has_read(why);
        let or_by = lookup_of(self.endpoint.connector.facts(), &hit.found.contact);
        let presence = match self.finder.read(&hit.found.id, or_by.as_ref()).await? {
            Reading::There(found) => Presence::One(Hit { found, freshness: Freshness::Read, ..hit }),
            // A server that only lists: there is nothing newer than what is known.
            Reading::Unreadable => Presence::One(hit),
            Reading::Gone => match subject.goal.locate() {
                Locate::ByIdentity(wanted) => {
                    drop(place);
                    let presence = self.find(subject, wanted, Some(self.now_ms())).await?;
                    return Ok(self.in_turn(presence).await);
                }
                _ => Presence::Absent,
            },
        };
        Ok(Location::Found(Located { presence, may_reread: false, place }))
    }

    /// What was located after the contact that was known turned out to be gone.
    async fn in_turn(&self, presence: Presence) -> Location {
        let Presence::One(hit) = &presence else {
            return Location::Found(Located { presence, may_reread: false, place: None });
        };
        let place = self.ids.queue([hit.found.id.as_str()]);
        if place.is_first() {
            return Location::Found(Located { presence, may_reread: false, place: Some(place) });
        }
        place.first().await;
        Location::Again(Duration::ZERO)
    }

    /// A contact by its id alone.
    async fn read(&self, id: &str) -> Result<Reading, Fault> {
        self.endpoint.connector.read(&self.endpoint.http, id, None).await
    }
}
