//! Links: which contact an identity value led to in an earlier run. A link is a hint, and no proof.

use crate::contact::Contact;
use crate::identity::IdentityValue;
use crate::outcome::Failure;
use crate::platforms::Fault;
use crate::reconcile::matching::{is_bare, is_same_contact};
use crate::store::{Checkpoint, Key};

/// The links of one connection.
pub(super) struct Links {
    store: Checkpoint,
    /// Whether the platform can be left with a partially created contact.
    has_partials: bool,
}

impl Links {
    pub(super) fn new(store: Checkpoint, has_partials: bool) -> Links {
        Links { store, has_partials }
    }

    /// The id that this value led to.
    pub(super) fn id_of(&self, identity: &IdentityValue) -> Result<Option<String>, Fault> {
        self.store.link(identity).map_err(Fault::Fatal)
    }

    /// The ids that these links lead to, in their order.
    pub(super) fn ids_of(&self, links: &[Key]) -> Result<Vec<Option<String>>, Failure> {
        self.store.links(links)
    }

    /// The link leads to no contact, or to another one.
    pub(super) async fn forget(&self, identity: &IdentityValue) -> Result<(), Fault> {
        self.store.unlink(identity).await.map_err(Fault::Fatal)
    }

    /// Whether the contact at the end of a link is the wanted one, although it lacks the linked value.
    pub(super) fn leads_to(&self, wanted: &Contact, identities: &[IdentityValue], there: &Contact) -> bool {
        (self.has_partials && is_bare(there)) || is_same_contact(wanted, identities, there)
    }
}
