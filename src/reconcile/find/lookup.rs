//! Looking contacts up at the platform: by one value of a verified field, or by id.

use super::proof::{Proof, Proofs, ask_for};
use crate::clock::Clock;
use crate::contact::{Contact, Field};
use crate::http::Http;
use crate::identity::IdentityValue;
use crate::platforms::{Connector, Fault, Found, Lookup, Reading};
use crate::reconcile::matching::{lookup_by, value_of};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

/// How the platform is reached.
#[derive(Clone)]
pub struct Access {
    #[allow(missing_docs)]
    pub connector: Arc<dyn Connector>,
    #[allow(missing_docs)]
    pub http: Arc<Http>,
    #[allow(missing_docs)]
    pub clock: Clock,
}

/// The platform as something to ask for contacts.
pub(super) struct Platform {
    pub(super) access: Access,
    pub(super) proofs: Proofs,
    /// Held while a field is verified: contacts in flight wait for the answer, and do not ask for themselves.
    /// It holds the last failure.
    proving: Mutex<Option<Fault>>,
    /// How often that failed.
    failed: AtomicU64,
}

impl Platform {
    /// A platform of which these contacts are known to exist.
    pub(super) fn new(access: Access, known: Vec<Found>) -> Platform {
        Platform { access, proofs: Proofs::new(known), proving: Mutex::default(), failed: AtomicU64::new(0) }
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.access.clock.wall_ms()
    }

    /// A contact by id, or, with a server that reads no contact by id, by the other lookup.
    pub(super) async fn read(&self, id: &str, or_by: Option<&Lookup>) -> Result<Reading, Fault> {
        self.access.connector.read(&self.access.http, id, or_by).await
    }

    /// The contacts that have this identity value.
    pub(super) async fn look_up(&self, contact: &Contact, identity: &IdentityValue) -> Result<Vec<Found>, Fault> {
        self.access.connector.find(&self.access.http, &lookup_by(contact, identity)).await
    }

    /// The same beside a list that may be incomplete, which proves no absence. A platform that gives no reliable answer
    /// about a contact that it does not have is not asked again, and its list is believed.
    pub(super) async fn look_up_too(&self, contact: &Contact, identity: &IdentityValue) -> Result<Vec<Found>, Fault> {
        let field = identity.field;
        // Only contacts that existed before the run: what a preview has no way to know is not asked in the real run.
        let is_any_known = self.proofs.known_by(0).iter().any(|found| value_of(&found.contact, field).is_some());
        if !is_any_known || self.proof(field).await? != Some(Proof::Given) {
            return Ok(Vec::new());
        }
        match self.look_up(contact, identity).await {
            // It answers for a contact that it has, now as before, and twice not for this one.
            Err(Fault::InDoubt(_)) if self.answers_now(field).await? => match self.look_up(contact, identity).await {
                Err(Fault::InDoubt(_)) => {
                    self.proofs.set(field, Proof::Failed);
                    Ok(Vec::new())
                }
                looked => looked,
            },
            looked => looked,
        }
    }

    /// Whether a contact that is known to exist is found by this field at this moment.
    async fn answers_now(&self, field: Field) -> Result<bool, Fault> {
        let known = self.proofs.known_by(self.now_ms());
        Ok(ask_for(&*self.access.connector, &self.access.http, &known, field).await? == Some(true))
    }

    /// Whether this field is verified; asks the platform once.
    pub(super) async fn is_proven(&self, field: Field) -> Result<bool, Fault> {
        match self.proof(field).await {
            // It did not answer this time: nothing is known.
            Err(Fault::InDoubt(_)) => Ok(false),
            proof => Ok(proof? == Some(Proof::Given)),
        }
    }

    /// What is known about a lookup field; none when no known contact has it.
    async fn proof(&self, field: Field) -> Result<Option<Proof>, Fault> {
        if field == Field::TargetId {
            return Ok(Some(Proof::Given));
        }
        if let Some(proof) = self.proofs.of(field) {
            return Ok(Some(proof));
        }
        let failed = self.failed.load(Ordering::Acquire);
        let mut last_fault = self.proving.lock().await;
        if let Some(proof) = self.proofs.of(field) {
            return Ok(Some(proof));
        }
        // A contact that waited for a question that failed does not ask it again at once.
        if let Some(fault) = last_fault.as_ref().filter(|_| self.failed.load(Ordering::Acquire) != failed) {
            return Err(fault.clone());
        }
        let known = self.proofs.known_by(self.now_ms());
        let is_given = match ask_for(&*self.access.connector, &self.access.http, &known, field).await {
            Ok(None) => return Ok(None),
            Ok(Some(is_given)) => is_given,
            Err(Fault::Refused(_)) => false,
            Err(fault) => {
                *last_fault = Some(fault.clone());
                self.failed.fetch_add(1, Ordering::AcqRel);
                return Err(fault);
            }
        };
        let proof = if is_given { Proof::Given } else { Proof::Failed };
        self.proofs.set(field, proof);
        Ok(Some(proof))
    }
}
