//! One person of the source, ready to be reconciled.

use super::undo::Undoing;
use crate::checkpoint::Key;
use crate::contact::{Contact, Field, Wanted};
use crate::identity::{IdentityValue, has_identity, identities_of};
use crate::reconcile::promise::Promise;
use crate::record::Origin;
use std::sync::Arc;

/// One person, ready to be reconciled.
#[derive(Clone, Debug)]
pub struct Person {
    /// Its entry in the checkpoint.
    pub key: Key,
    /// Where it was read (the last of its lines).
    pub origin: Origin,
    /// What should be at the target, cut to what the platform holds.
    pub wanted: Wanted,
    /// What the platform has no field for.
    pub not_carried: Vec<String>,
    /// By what it is found, most telling first.
    pub identities: Vec<IdentityValue>,
    /// Those among them that another contact of the source has as well, so that they identify neither.
    pub shared: Vec<IdentityValue>,
    /// In place of `wanted`: what is to be taken back.
    pub undoing: Option<Box<Undoing>>,
    /// A run made this contact, and is verified now: every value is to be there, whatever may stand otherwise.
    pub is_meant: bool,
    /// What a saved plan says of them, where they come from one.
    pub promise: Option<Arc<Promise>>,
}

impl Person {
    /// Whether the contact that this field found has other values of a field that tells more.
    pub(super) fn is_weak(&self, by: Field, there: &Contact) -> bool {
        let stronger: Vec<&IdentityValue> =
            self.identities.iter().take_while(|identity| identity.field != by).collect();
        let is_other = |identity: &&IdentityValue| {
            let of_field = |other: &&&IdentityValue| other.field == identity.field;
            let has_one = stronger.iter().filter(of_field).any(|identity| has_identity(there, identity));
            !has_one && !identities_of(there, &[identity.field]).is_empty()
        };
        stronger.iter().any(is_other)
    }

    /// The identity values that tell this contact from the others of the source; all of them, where none does.
    pub fn own_identities(&self) -> Vec<IdentityValue> {
        let own: Vec<IdentityValue> =
            self.identities.iter().filter(|identity| !self.shared.contains(identity)).cloned().collect();
        if own.is_empty() { self.identities.clone() } else { own }
    }

    /// Under which names nobody else is worked on meanwhile.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.identities.iter().map(|identity| format!("{}:{}", identity.field.name(), identity.value))
    }
}
