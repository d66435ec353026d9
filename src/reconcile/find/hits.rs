//! What each identity value of a record has found.

use crate::identity::IdentityValue;
use crate::reconcile::view::{Hit, Presence};

/// The contacts that one identity value has found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IdentityHits {
    pub(crate) identity: IdentityValue,
    pub(crate) hits: Vec<Hit>,
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The platform.
    Platform,
    /// A snapshot, and whether it is known to be complete.
    Snapshot { is_complete: bool },
}

/// What the identity values of a record have found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hits {
    pub(crate) by_identity: Vec<IdentityHits>,
    pub(crate) asked: Asked,
}

impl Hits {
    /// The contacts, each once, with the field that found it first.
    pub(crate) fn into_presence(self) -> Presence {
        let mut hits: Vec<Hit> = Vec::new();
        for hit in self.by_identity.into_iter().flat_map(|of| of.hits) {
            if !hits.iter().any(|known| known.found.id == hit.found.id) {
                hits.push(hit);
            }
        }
        let mut hits = hits.into_iter();
        match (hits.next(), hits.next()) {
            (None, _) => Presence::Absent,
            (Some(hit), None) => Presence::One(hit),
            (Some(one), Some(other)) => {
                Presence::Several([one, other].into_iter().chain(hits).map(|hit| hit.found.id).collect())
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_identity.iter().all(|of| of.hits.is_empty())
    }
}
