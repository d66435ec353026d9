//! What the threads that map records prepare for the turn of each contact: its key, and, where the snapshot shows that it is
//! as it should be, its outcome.
//!
//! Nothing is counted or kept here, and nothing is sent.

use super::given::{ForeseenRecord, Given, keyed};
use crate::files::{Batch, Read};
use crate::outcome::{Failure, Skip};
use crate::reconcile::Reconciler;
use crate::reconcile::who::Who;
use crate::record::{Origin, Record};
use crate::run::item::{Fit, Fitted, Item, Mapper, key_of};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The reconciler, for the threads that map records, until nothing is taken from them any more.
#[derive(Clone, Default)]
pub(super) struct Foresight(Arc<RwLock<Option<Arc<Reconciler>>>>);

impl Foresight {
    pub fn of(reconciler: Option<Arc<Reconciler>>) -> Foresight {
        Foresight(Arc::new(RwLock::new(reconciler)))
    }

    /// Maps a batch, and adds what is to be given behind what is given first.
    ///
    /// # Errors
    /// Exit 1 where a record is not there a second time: none is left out.
    pub fn given(&self, batch: Batch, mapper: &Mapper, first: Option<Given>) -> Result<Vec<Given>, Failure> {
        let mut given = Vec::with_capacity(batch.len() + 1);
        given.extend(first);
        let reconciler = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match reconciler.as_deref().filter(|reconciler| reconciler.foresees() && !mapper.is_plan) {
            Some(reconciler) => Ahead { mapper, reconciler, batch: Arc::new(batch) }.give_into(&mut given)?,
            None => batch.for_each(|read| given.push(Given::Record(keyed(mapper.item(read))))),
        }
        Ok(given)
    }

    /// Waits for the threads that use it.
    pub fn close(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// A batch of records about which is decided ahead.
struct Ahead<'a> {
    mapper: &'a Mapper,
    reconciler: &'a Reconciler,
    batch: Arc<Batch>,
}

/// What a record comes to.
enum Decided {
    Item(Item),
    /// A contact, which is known by this.
    Contact(Box<Fitted>, Who),
    Foreseen(Box<ForeseenRecord>),
}

impl Ahead<'_> {
    fn give_into(&self, given: &mut Vec<Given>) -> Result<(), Failure> {
        let mut all = self.mapped();
        self.foresee(&mut all);
        let mut records = self.records(&all);
        for decided in all {
            given.push(match decided {
                Decided::Item(item) => Given::Record(item),
                Decided::Foreseen(record) => Given::Foreseen(record),
                Decided::Contact(fitted, who) => {
                    let record = records.remove(&who.origin.ordinal).ok_or_else(lost)?;
                    Given::Record(Item::Candidate(Box::new(fitted.of(record, Some(who.key)))))
                }
            });
        }
        Ok(())
    }

    fn mapped(&self) -> Vec<Decided> {
        let mut all = Vec::with_capacity(self.batch.len());
        self.batch.show(|read| {
            let record = match read {
                Read::Record(record) => record,
                Read::Blank(origin) => return all.push(Decided::Item(Item::Skipped(origin, Skip::Blank))),
                Read::Reject(reject) => return all.push(Decided::Item(Item::Rejected(reject))),
            };
            all.push(match self.mapper.fit(record.borrowed()) {
                Fit::Item(item) => Decided::Item(item),
                Fit::Contact(fitted) => {
                    let who = self.who(&fitted, record.borrowed().origin);
                    Decided::Contact(fitted, who)
                }
            });
        });
        all
    }

    fn who(&self, fitted: &Fitted, origin: Origin) -> Who {
        let found_by = fitted.identities.iter().filter(|value| self.mapper.finds_by.contains(&value.field));
        Who {
            key: key_of(&fitted.identities, &fitted.wanted),
            origin,
            identities: found_by.cloned().collect(),
            shared: Vec::new(),
            not_carried: fitted.not_carried.clone(),
        }
    }

    fn foresee(&self, all: &mut [Decided]) {
        let identities = all.iter().flat_map(|decided| match decided {
            Decided::Contact(_, who) => who.identities.as_slice(),
            _ => &[],
        });
        let Some(links) = self.reconciler.links_of(identities) else { return };
        let mut links = links.as_slice();
        for decided in all {
            let Decided::Contact(fitted, who) = decided else { continue };
            let Some((own, others)) = links.split_at_checked(who.identities.len()) else { return };
            links = others;
            if fitted.is_suppressed {
                continue;
            }
            if let Some(foreseen) = self.reconciler.foresee(who, &fitted.wanted, own) {
                let left_blank = std::mem::take(&mut fitted.wanted.left_blank);
                let record = ForeseenRecord { foreseen, left_blank, batch: Arc::clone(&self.batch) };
                *decided = Decided::Foreseen(Box::new(record));
            }
        }
    }

    /// The records of the contacts of which nothing was foreseen, by their ordinals.
    fn records(&self, all: &[Decided]) -> HashMap<u64, Record> {
        let ordinals = all.iter().filter_map(|decided| match decided {
            Decided::Contact(_, who) => Some(who.origin.ordinal),
            _ => None,
        });
        let (mut needed, mut records) = (ordinals.peekable(), HashMap::new());
        if needed.peek().is_none() {
            return records;
        }
        let is_needed = |ordinal: u64| needed.next_if_eq(&ordinal).is_some();
        self.batch.show_again(is_needed, |read| {
            if let Read::Record(record) = read {
                records.insert(record.borrowed().origin.ordinal, record.into_record());
            }
        });
        records
    }
}

fn lost() -> Failure {
    Failure::failed("a record that was mapped cannot be read again: a fault of Ferry")
}
