//! What a pass takes: records, mapped or with an outcome that was foreseen, and contacts that a run wrote. How they come about
//! is not known here.

use crate::contact::LeftBlank;
use crate::files::Batch;
use crate::reconcile::foreseen::Foreseen;
use crate::reconcile::goal::revert::Reversal;
use crate::record::Origin;
use crate::run::item::{Item, Mapper, key_of};
use std::sync::Arc;

/// What a pass takes: a mapped record, or a contact that a run wrote.
pub(in crate::run) enum Given {
    Record(Item),
    /// A record whose contact is as it should be.
    Foreseen(Box<ForeseenRecord>),
    Written(WrittenItem),
    /// So many records that an earlier process of the pass has settled.
    Passed(u64),
}

/// A contact that a run wrote.
pub(in crate::run) struct WrittenItem {
    pub origin: Origin,
    /// What is undone of it; none where its id is unknown.
    pub reversal: Option<Box<Reversal>>,
}

/// A record of which it was decided ahead of its turn that nothing has to be done. The rest of it is read again where that
/// does not hold any more.
pub(in crate::run) struct ForeseenRecord {
    pub foreseen: Foreseen,
    /// The values without which the contact would be sent.
    pub left_blank: Vec<LeftBlank>,
    /// Where it was read.
    pub batch: Arc<Batch>,
}

impl ForeseenRecord {
    pub fn origin(&self) -> Origin {
        self.foreseen.settled.origin
    }

    /// The record as it is mapped where nothing is foreseen.
    pub fn item(&self, mapper: &Mapper) -> Option<Item> {
        let (own, mut item) = (self.origin().ordinal, None);
        self.batch.show_again(|ordinal| ordinal == own, |read| item = Some(keyed(mapper.item(read))));
        item
    }
}

/// A contact of one record has the key that it has at its turn.
pub(super) fn keyed(mut item: Item) -> Item {
    if let Item::Candidate(candidate) = &mut item {
        candidate.key = Some(key_of(&candidate.identities, &candidate.wanted));
    }
    item
}
