//! One person of the source, ready to be reconciled.

use super::undo::Undoing;
use crate::checkpoint::Key;
use crate::contact::{Contact, Field, Wanted};
use crate::identity::{IdentityValue, identity_of};
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
    /// Fields of which another person of the source has the same value, and whether this one is the first of them: they
    /// do not say who this is.
    pub shared: Vec<(Field, bool)>,
    /// In place of `wanted`: what is to be taken back.
    pub undoing: Option<Box<Undoing>>,
    /// A run made this contact, and is verified now: every value is to be there, whatever may stand otherwise.
    pub is_meant: bool,
    /// What a saved plan says of them, where they come from one.
    pub promise: Option<Arc<Promise>>,
}

impl Person {
    /// Whether a contact that was found by this field alone may be another person of the source, who has the value too:
    /// always for those who come later, for the first where something that tells more is different.
    pub(super) fn is_unclear(&self, by: Field, there: &Contact) -> bool {
        let differs = self.is_weak(by, there);
        self.shared.iter().any(|(field, is_first)| *field == by && (!is_first || differs))
    }

    /// Whether the contact that this field found has another value of something that tells more.
    pub(super) fn is_weak(&self, by: Field, there: &Contact) -> bool {
        let is_other = |identity: &IdentityValue| {
            let theirs = identity_of(there, &[identity.field]);
            !theirs.is_empty() && !theirs.contains(identity)
        };
        self.identities.iter().take_while(|identity| identity.field != by).any(is_other)
    }

    /// Under which names nobody else is worked on meanwhile.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.identities.iter().map(|identity| format!("{}:{}", identity.field.name(), identity.value))
    }
}
