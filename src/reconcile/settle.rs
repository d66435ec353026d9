//! Settling what earlier processes left open: intents without an outcome. Whether the contact exists is determined before
//! anything else is written.
//!
//! Their records are not at hand, so only its existence can be known. What a change has done is left to the run that reads
//! its record again.

use super::find::hits::Hits;
use super::matching::lookup_of;
use super::problems::ambiguous;
use super::reconciler::Reconciler;
use super::view::Presence;
use crate::change::StepKind;
use crate::contact::{Contact, Field, Wanted};
use crate::outcome::{Exit, Failure, Outcome};
use crate::platforms::{Fault, Reading};
use crate::store::{NO_PASS, OpenIntent, Settled};
use std::time::Duration;

/// Failed reads in a row that are a failing target, not requests that are hard to settle.
const FAILURES_IN_A_ROW_MAX: u32 = 5;

/// Who the contact of an intent turned out to be.
enum Contacted {
    /// It exists, with this id.
    There(String),
    /// It does not exist.
    Absent,
    /// The run was told to stop before.
    Stopped,
}

impl Reconciler {
    /// Settles these intents. Those that cannot be settled stay open, and are returned.
    ///
    /// # Errors
    /// What stops the run: a refused token, an unavailable target, a failing checkpoint.
    pub async fn settle_open(&self, mut intents: Vec<OpenIntent>) -> Result<Vec<OpenIntent>, Failure> {
        // The latest comes first: when its settle time is over, so is that of all others, and one snapshot is enough.
        intents.sort_by_key(|open| std::cmp::Reverse(open.sent_by_ms));
        let (mut failures, mut left) = (0, Vec::new());
        for open in intents {
            if *self.stop.borrow() {
                return Ok(left);
            }
            match self.settle_one(&open).await {
                Ok(()) => failures = 0,
                Err(Fault::Fatal(failure)) if failure.exit == Exit::Interrupted => return Ok(left),
                Err(Fault::Fatal(failure)) => return Err(failure),
                // The platform does not say: the next run asks again.
                Err(Fault::Refused(_)) => left.push(open),
                Err(Fault::InDoubt(failure)) => {
                    failures += 1;
                    if failures >= FAILURES_IN_A_ROW_MAX {
                        return Err(failure.hint("run the same command again when the platform has recovered"));
                    }
                    left.push(open);
                }
            }
        }
        Ok(left)
    }

    async fn settle_one(&self, open: &OpenIntent) -> Result<(), Fault> {
        let (run, key, intent) = (open.run, open.key, &open.intent);
        let target_id = match self.contacted(open).await? {
            Contacted::There(id) => id,
            Contacted::Absent => return Ok(self.entries.checkpoint.disprove(run, key).await?),
            Contacted::Stopped => return Ok(()),
        };
        // A partially created contact is found by the link alone, when its record comes.
        let links = if intent.made.is_some() { intent.identities.clone() } else { Vec::new() };
        let is_created = intent.kind == StepKind::Create || intent.made.is_some();
        let settled = Settled {
            outcome: if is_created { Outcome::Created } else { Outcome::Updated },
            pass: NO_PASS,
            origin: intent.origin,
            target_id: Some(target_id),
            not_carried: Vec::new(),
            cleared: 0,
            problems: Vec::new(),
            links,
        };
        Ok(self.entries.checkpoint.settle(run, key, settled).await?)
    }

    async fn contacted(&self, open: &OpenIntent) -> Result<Contacted, Fault> {
        let intent = &open.intent;
        let settled_ms = open.sent_by_ms.saturating_add(self.times().settle_ms());
        let wanted = by_identities(open);
        loop {
            let left_ms = settled_ms.saturating_sub(self.now_ms());
            let since_ms = if left_ms == 0 { settled_ms } else { open.sent_by_ms };
            let known = match &intent.target_id {
                Some(id) => self.known_contact(id, &wanted.contact).await?,
                None => Known::Unreadable,
            };
            match known {
                Known::There(id) => return Ok(Contacted::There(id)),
                Known::Gone if left_ms == 0 => return Ok(Contacted::Absent),
                // A contact that was created a moment ago may not be shown yet.
                Known::Gone => {}
                Known::Unreadable => match self.find_for(open, &wanted, since_ms).await? {
                    Presence::One(hit) | Presence::Shared(hit) => return Ok(Contacted::There(hit.found.id)),
                    Presence::Several(ids) => {
                        let known = intent.target_id.clone().filter(|id| ids.contains(id));
                        // That request may have created one of them, and there is no telling which.
                        let unclear = || Fault::Refused(vec![ambiguous(&intent.identities, &ids)]);
                        return known.map(Contacted::There).ok_or_else(unclear);
                    }
                    Presence::Absent | Presence::Unreadable if left_ms == 0 || intent.kind != StepKind::Create => {
                        return self.partially_created(open).await;
                    }
                    Presence::Absent | Presence::Unreadable => {}
                },
            }
            if !self.waits(left_ms).await {
                return Ok(Contacted::Stopped);
            }
        }
    }

    async fn known_contact(&self, id: &str, known: &Contact) -> Result<Known, Fault> {
        let or_by = lookup_of(self.endpoint.connector.facts(), known);
        Ok(match self.endpoint.connector.read(&self.endpoint.http, id, or_by.as_ref()).await? {
            Reading::There(found) => Known::There(found.id),
            Reading::Gone => Known::Gone,
            Reading::Unreadable => Known::Unreadable,
        })
    }

    async fn find_for(&self, open: &OpenIntent, wanted: &Wanted, since_ms: u64) -> Result<Presence, Fault> {
        let found = match wanted.contact.text(Field::TargetId) {
            Some(id) => match self.finder.by_target_id(id, Some(since_ms)).await {
                Err(Fault::Refused(_)) => return Ok(Presence::Absent),
                found => found,
            },
            None => self.finder.by_identities(&wanted.contact, &open.intent.identities, Some(since_ms)).await,
        };
        found.map(Hits::into_presence)
    }

    /// The contact is absent, unless the request has created it partially.
    async fn partially_created(&self, open: &OpenIntent) -> Result<Contacted, Fault> {
        let Some(created_by) = &open.intent.made else { return Ok(Contacted::Absent) };
        let found = self.find_partial(created_by, open.intent.at_ms).await?;
        Ok(found.map_or(Contacted::Absent, |found| Contacted::There(found.id)))
    }

    /// Waits so long; whether the run was not told to stop.
    async fn waits(&self, ms: u64) -> bool {
        let mut stop = self.stop.clone();
        tokio::select! {
            () = self.endpoint.clock.sleep(Duration::from_millis(ms)) => true,
            _ = stop.wait_for(|stop| *stop) => false,
        }
    }
}

/// What the id of an intent leads to.
enum Known {
    There(String),
    Gone,
    /// There is no id, or this server reads no contact by id.
    Unreadable,
}

/// A contact that has nothing but what it is found by.
fn by_identities(open: &OpenIntent) -> Wanted {
    let mut contact = Contact::default();
    for identity in &open.intent.identities {
        match identity.field {
            Field::Phones => contact.list_mut(Field::Phones).push(format!("+{}", identity.value)),
            field if field.is_list() => contact.list_mut(field).push(identity.value.clone()),
            field => contact.set_text(field, identity.value.as_str()),
        }
    }
    Wanted { contact, ..Wanted::default() }
}
