//! Whether a lookup field can be trusted: it is verified on a contact that is known to exist.
//!
//! It asks the platform about known contacts only; looking up a record's values is [`super::lookup`]'s.

use crate::contact::Field;
use crate::http::Http;
use crate::outcome::Exit;
use crate::platforms::{Connector, Fault, Found, Lookup};
use crate::reconcile::matching::value_of;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many contacts that are known to exist are kept for verifying fields on them.
const KNOWN_MAX: usize = 16;

/// What is known about a lookup field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A contact that is known to exist was found by it.
    Given,
    /// A contact that is known to exist was not found by it.
    Failed,
}

/// The contacts that are known to exist, and the fields that were verified on them.
pub(super) struct Proofs {
    /// Each with the moment (milliseconds since 1970) from which a search can be expected to find it.
    known: Mutex<Vec<(Found, u64)>>,
    by_field: Mutex<HashMap<Field, Proof>>,
}

impl Proofs {
    pub(super) fn new(mut known: Vec<Found>) -> Proofs {
        let surplus = known.len().saturating_sub(KNOWN_MAX);
        known.drain(..surplus);
        let known = Mutex::new(known.into_iter().map(|found| (found, 0)).collect());
        Proofs { known, by_field: Mutex::default() }
    }

    /// A contact exists, and can be expected to be found from this moment on.
    pub(super) fn add(&self, found: impl FnOnce() -> Found, from_ms: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < KNOWN_MAX {
            known.push((found(), from_ms));
        }
    }

    /// The contacts that can be expected to be found at this moment.
    pub(super) fn known_by(&self, now_ms: u64) -> Vec<Found> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().filter(|(_, from_ms)| *from_ms <= now_ms).map(|(found, _)| found.clone()).collect()
    }

    fn by_field(&self) -> MutexGuard<'_, HashMap<Field, Proof>> {
        self.by_field.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self, field: Field) -> Option<Proof> {
        self.by_field().get(&field).copied()
    }

    pub(super) fn set(&self, field: Field, proof: Proof) {
        self.by_field().insert(field, proof);
    }

    pub(super) fn forget(&self) {
        self.by_field().clear();
    }
}

/// Looks up a contact that is known to exist by a field: whether it is found. `None` when none of them has the field.
///
/// The last one known proves most: see [`crate::platforms::Checked::sample`].
pub async fn prove(
    connector: &dyn Connector,
    http: &Http,
    known: &[Found],
    field: Field,
) -> Result<Option<bool>, Fault> {
    match ask_for(connector, http, known, field).await {
        // A platform that does not answer such a request does not find by it.
        Err(Fault::InDoubt(_) | Fault::Refused(_)) => Ok(Some(false)),
        answer => answer,
    }
}

/// The same, where an answer that cannot be relied on stays in doubt.
pub(super) async fn ask_for(
    connector: &dyn Connector,
    http: &Http,
    known: &[Found],
    field: Field,
) -> Result<Option<bool>, Fault> {
    let Some((id, value)) = known.iter().rev().find_map(|found| Some((&found.id, value_of(&found.contact, field)?)))
    else {
        return Ok(None);
    };
    match connector.find(http, &Lookup { field, value }).await {
        Ok(found) => Ok(Some(found.iter().any(|found| found.id == *id))),
        // A platform that does not answer such a request does not find by it.
        Err(Fault::Refused(_)) => Ok(Some(false)),
        // Nor does one that has no such path. Were it the account that is refused, the next request would show it.
        Err(Fault::Fatal(failure)) if failure.exit == Exit::Refused => Ok(Some(false)),
        Err(fault) => Err(fault),
    }
}
