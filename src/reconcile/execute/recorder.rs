//! What a preview records in place of writing it: each contact as it would be, and what would change.
//!
//! It keeps and counts. What would be written is decided as in a real run.

use crate::identity::IdentityValue;
use crate::outcome::Failure;
use crate::platforms::Found;
use crate::reconcile::find::hits::{Asked, Hits};
use crate::reconcile::find::snapshot::found_of;
use crate::reconcile::goal::planned::PlannedChange;
use crate::reconcile::view::{Freshness, Hit};
use crate::scratch::recorded::Recorded;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// More names than this are not kept apart.
const NAMES_MAX: usize = 10_000;

/// What a preview records.
pub struct Recorder {
    store: Recorded,
    /// Whether a plan is saved, so that what sends it later is recorded too.
    keeps: bool,
    /// Requests that only the real run sends.
    requests: AtomicU64,
    /// Requests that were sent for the plan alone.
    only_planning: AtomicU64,
    uncertain: Mutex<BTreeMap<String, u64>>,
}

/// What would be written for one contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Value by value.
    pub changes: Vec<PlannedChange>,
    /// What only the real run can show: names that the platform may drop without an error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncertain: Vec<String>,
    /// Requests that it takes.
    pub requests: u64,
    /// What sends it later: see [`crate::reconcile::goal::planned::PlannedWrite`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<Value>,
}

impl Recorder {
    /// Records in this store; `keeps`: also what sends it later.
    pub fn new(store: Recorded, keeps: bool) -> Recorder {
        let (requests, only_planning) = (AtomicU64::new(0), AtomicU64::new(0));
        Recorder { store, keeps, requests, only_planning, uncertain: Mutex::default() }
    }

    /// Whether what sends it later is recorded.
    pub(super) fn keeps(&self) -> bool {
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

    /// Names of which only the real run can show whether the platform keeps them, and for how many contacts.
    pub fn uncertain(&self) -> BTreeMap<String, u64> {
        self.uncertain.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What would be written for the contact whose record has this ordinal.
    ///
    /// # Errors
    /// Exit 1 when the store fails.
    pub fn planned(&self, ordinal: u64) -> Result<Option<Planned>, Failure> {
        let text = self.store.planned(ordinal)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Counts requests that only the real run sends.
    pub(super) fn would_send(&self, requests: u64) {
        self.requests.fetch_add(requests, Ordering::Relaxed);
    }

    /// Lays the recorded contacts over what was found, and counts the requests with which the real run would find them:
    /// it has written them, and reads each again. A new contact that a list may lack was looked up already.
    pub(super) fn overlay(&self, hits: &mut Hits) -> Result<(), Failure> {
        let (mut changed, mut new) = (0, 0);
        for of in &mut hits.by_identity {
            for hit in &mut of.hits {
                if let Some(json) = self.store.by_id(&hit.found.id)? {
                    (hit.found, hit.freshness) = (found_of(&hit.found.id, &json), Freshness::Recorded);
                    changed += 1;
                }
            }
            for (id, json) in self.store.by_identity(&of.identity)? {
                if !of.hits.iter().any(|hit| hit.found.id == id) {
                    let (found, by) = (found_of(&id, &json), Some(of.identity.field));
                    of.hits.push(Hit { found, by, freshness: Freshness::Recorded });
                    new += 1;
                }
            }
        }
        match hits.asked {
            Asked::Snapshot { is_complete: true } => self.would_send(changed + new),
            Asked::Snapshot { is_complete: false } => self.would_send(changed),
            Asked::Platform => {}
        }
        Ok(())
    }

    /// Records a contact as it would be, and what would change. `ordinal`: that of its record.
    pub(super) fn record(
        &self,
        (found, identities): (&Found, &[IdentityValue]),
        ordinal: u64,
        planned: &Planned,
    ) -> Result<(), Failure> {
        let json = Value::Object(found.contact.to_json()).to_string();
        self.store.put(&found.id, &json, identities)?;
        let text = serde_json::to_string(planned)
            .map_err(|error| Failure::failed("what would be written cannot be recorded").cause(error))?;
        self.store.plan(ordinal, &text)
    }

    /// Notes these names for one contact; whether any of them occurs for the first time.
    pub(super) fn note(&self, names: &[String]) -> bool {
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
