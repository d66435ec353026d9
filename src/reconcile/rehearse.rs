//! A dry run for one person: what would be written is kept, and nothing leaves.
//!
//! Finding is the real thing. Whoever would have been written is met by those who come later as they would be then.

use super::Reconciler;
use super::found::{all_identities, found_of};
use super::person::Person;
use super::promise::{Parcel, seen};
use super::story::Story;
use crate::checkpoint::rehearsal::Rehearsal;
use crate::identity::IdentityValue;
use crate::outcome::Failure;
use crate::platforms::diff::{Change, Delta};
use crate::platforms::{Found, Step, StepKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How the id of somebody begins who would be created, by the line of their record: nobody has it yet.
const IMAGINED: &str = "new:";

/// The id of somebody who is there; none of one who would be created.
pub(super) fn real_id(id: Option<String>) -> Option<String> {
    id.filter(|id| !id.starts_with(IMAGINED))
}

/// More names than this are not kept apart.
const NAMES_MAX: usize = 10_000;

/// What a dry run keeps.
pub struct Rehearsing {
    store: Rehearsal,
    /// Whether all is kept that sends it later.
    keeps: bool,
    requests: AtomicU64,
    /// Requests that were sent for the plan alone.
    only_planning: AtomicU64,
    uncertain: Mutex<BTreeMap<String, u64>>,
}

/// What would be written for one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Field by field.
    pub changes: Vec<PlannedChange>,
    /// What only the real run can tell: names that the platform may drop without a word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncertain: Vec<String>,
    /// Requests that it takes.
    pub requests: u64,
    /// What sends it later: see [`Parcel`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<Value>,
}

/// One value that would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// `email`, `attributes.Plan`, `tags`.
    pub field: String,
    /// What is there; none: nothing.
    pub old: Option<String>,
    /// What would be there; none: nothing.
    pub new: Option<String>,
}

impl From<&Change> for PlannedChange {
    fn from(change: &Change) -> PlannedChange {
        PlannedChange { field: change.field.clone(), old: change.old.clone(), new: change.new.clone() }
    }
}

impl Rehearsing {
    /// Keeps what would be written in this store; `keeps`: also what sends it later.
    pub fn new(store: Rehearsal, keeps: bool) -> Rehearsing {
        let (requests, only_planning) = (AtomicU64::new(0), AtomicU64::new(0));
        Rehearsing { store, keeps, requests, only_planning, uncertain: Mutex::default() }
    }

    /// Whether all is kept that sends it later.
    pub fn keeps(&self) -> bool {
        self.keeps
    }

    /// Requests that would write.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests that were sent for the plan alone, and that the real run does not send.
    pub fn of_planning(&self) -> u64 {
        self.only_planning.load(Ordering::Relaxed)
    }

    /// Counts requests that are sent for the plan alone.
    pub(super) fn only_planning(&self, requests: u64) {
        self.only_planning.fetch_add(requests, Ordering::Relaxed);
    }

    /// Names of which only the real run can tell whether the platform keeps them, and for how many.
    pub fn uncertain(&self) -> BTreeMap<String, u64> {
        self.uncertain.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What would be written for the person whose record stands there.
    ///
    /// # Errors
    /// Exit 1 when the store fails.
    pub fn planned(&self, ordinal: u64) -> Result<Option<Planned>, Failure> {
        let text = self.store.planned(ordinal)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Whether somebody would have been written already.
    pub fn has(&self, id: &str) -> Result<bool, Failure> {
        Ok(self.store.by_id(id)?.is_some())
    }

    /// Counts requests that only the real run sends.
    pub(super) fn would_send(&self, requests: u64) {
        self.requests.fetch_add(requests, Ordering::Relaxed);
    }

    /// Somebody as they would be.
    pub(super) fn found(&self, id: &str) -> Result<Option<Found>, Failure> {
        Ok(self.store.by_id(id)?.map(|json| found_of(id, &json)))
    }

    /// Puts those who would have been written into what was found for a value, and says how many of them there are that
    /// were found, and how many that were not.
    pub(super) fn meet(&self, hits: &mut Vec<(Found, bool)>, identity: &IdentityValue) -> Result<(u64, u64), Failure> {
        let (mut changed, mut new) = (0, 0);
        for (found, is_fresh) in hits.iter_mut() {
            if let Some(rehearsed) = self.found(&found.id)? {
                (*found, *is_fresh) = (rehearsed, true);
                changed += 1;
            }
        }
        for (id, json) in self.store.by_identity(identity)? {
            if !hits.iter().any(|(found, _)| found.id == id) {
                hits.push((found_of(&id, &json), true));
                new += 1;
            }
        }
        Ok((changed, new))
    }

    /// Notes these names for one person; whether any of them comes up for the first time.
    fn note(&self, names: &[String]) -> bool {
        let mut uncertain = self.uncertain.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = names.iter().any(|name| !uncertain.contains_key(name));
        for name in names {
            if uncertain.len() < NAMES_MAX || uncertain.contains_key(name) {
                *uncertain.entry(name.clone()).or_default() += 1;
            }
        }
        is_first
    }
}

impl Reconciler {
    /// Keeps what would be written, in place of writing it.
    pub(super) fn rehearse(
        &self,
        rehearsing: &Rehearsing,
        person: &Person,
        story: &mut Story,
        delta: &Delta,
        steps: &[Step],
        found: Option<&Found>,
    ) -> Result<(), Failure> {
        let is_create = steps.iter().any(|step| step.kind == StepKind::Create);
        story.has_created |= is_create;
        story.has_updated |= !is_create;
        story.cleared += delta.cleared;
        let uncertain = self.silence.untried(delta);
        // A name is read back at its first use.
        let requests = steps.len() as u64 + u64::from(rehearsing.note(&uncertain));
        rehearsing.requests.fetch_add(requests, Ordering::Relaxed);
        let id = found.map_or_else(|| format!("{IMAGINED}{}", person.origin.line), |found| found.id.clone());
        let json = Value::Object(delta.after.to_json()).to_string();
        rehearsing.store.put(&id, &json, &all_identities(&delta.after))?;
        let changes = delta.changes.iter().map(PlannedChange::from).collect();
        let send = rehearsing.keeps.then(|| {
            let (mut known, identities) = (Story::default(), person.identities.clone());
            let wanted = self.fitted(&person.wanted, &mut known);
            let not_carried = person.not_carried.iter().cloned().chain(known.not_carried).collect();
            let seen = found.map(|found| seen(&found.contact));
            Parcel { wanted, identities, not_carried, seen }.to_json()
        });
        let planned = Planned { changes, uncertain, requests, send };
        let text = serde_json::to_string(&planned)
            .map_err(|error| Failure::failed("what would be written cannot be kept").cause(error))?;
        rehearsing.store.plan(person.origin.ordinal, &text)
    }
}
