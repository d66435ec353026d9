//! Which record a contact comes from, and by what the contact is found.

use crate::contact::Field;
use crate::identity::IdentityValue;
use crate::record::Origin;
use crate::store::Key;

/// One contact of the source.
#[derive(Clone, Debug)]
pub struct Who {
    /// Its entry in the checkpoint.
    pub key: Key,
    /// Where it was read (the last of its records).
    pub origin: Origin,
    /// The values by which it is found, the most distinctive first.
    pub identities: Vec<IdentityValue>,
    /// Those among them that another contact of the source has too, so that they identify neither.
    pub shared: Vec<IdentityValue>,
    /// What the platform has no field for.
    pub not_carried: Vec<String>,
}

impl Who {
    /// The identity values that distinguish this contact from the others of the source; all of them, where none does.
    pub fn own_identities(&self) -> Vec<IdentityValue> {
        let own: Vec<IdentityValue> =
            self.identities.iter().filter(|identity| !self.shared.contains(identity)).cloned().collect();
        if own.is_empty() { self.identities.clone() } else { own }
    }

    /// The names under which no other contact is in flight at the same time.
    pub fn names(&self) -> impl Iterator<Item = &IdentityValue> {
        self.identities.iter()
    }

    /// The fields by which it is found.
    pub(crate) fn fields(&self) -> Vec<Field> {
        self.identities.iter().map(|identity| identity.field).collect()
    }
}
