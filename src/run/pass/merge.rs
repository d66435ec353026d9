//! The records of one contact: held on disk until the last of them, and merged.

use super::group::Group;
use crate::contact::Merged;
use crate::identity::{IdentityValue, identities_of};
use crate::mapping::{Duplicates, Mapped};
use crate::outcome::{Failure, Reject};
use crate::record::Record;
use crate::run::item::{Candidate, Item, Mapper, pack, unpack};
use crate::scratch::people::{Member, People};
use std::sync::Arc;

/// Which records are one contact, and what is done with the further ones.
pub(in crate::run) struct Merging {
    /// Maps merged records once more.
    pub mapper: Arc<Mapper>,
    pub people: People,
    pub duplicates: Duplicates,
}

/// What a record comes to.
pub(in crate::run) enum Sorted {
    /// A contact to be sent.
    Contact(Box<Group>),
    /// The contact has a later record, with which it is sent.
    Held,
    /// The contact has an earlier record, on this line, and takes nothing from this one.
    Duplicate(u64),
    /// All records of the contact are rejected, for the same reason.
    Rejected(Vec<Record>, Reject),
}

impl Merging {
    /// What this record comes to.
    ///
    /// # Errors
    /// Exit 1 when the index of the records cannot be read or written.
    pub fn sort(&mut self, candidate: Candidate) -> Result<Sorted, Failure> {
        let origin = candidate.record.origin;
        let alone = |candidate| Ok(Sorted::Contact(Box::new(Group::of_record(candidate, &self.mapper.finds_by))));
        let Some(member) = self.people.member(origin.ordinal)? else { return alone(candidate) };
        match self.duplicates {
            Duplicates::First if member.root == origin.ordinal => alone(candidate),
            Duplicates::First => Ok(Sorted::Duplicate(member.root_line)),
            Duplicates::Merge if member.last != origin.ordinal => {
                self.people.hold(member.root, origin.ordinal, &pack(&candidate.record))?;
                Ok(Sorted::Held)
            }
            Duplicates::Merge => self.merge(member, candidate),
        }
    }

    /// The merged contact, at its last record.
    fn merge(&self, member: Member, last: Candidate) -> Result<Sorted, Failure> {
        let mut records = Vec::new();
        for bytes in self.people.release(member.root)? {
            records.push(unpack(&bytes).ok_or_else(lost)?);
        }
        let held = records.len();
        records.push(last.record);
        let mut merged: Option<Merged> = None;
        let (mut identities, mut is_suppressed) = (Vec::<IdentityValue>::new(), last.is_suppressed);
        for (nth, record) in records.iter().enumerate() {
            let Mapped::Contact(wanted) = self.mapper.bound.apply(record) else { return Err(lost()) };
            if nth < held {
                is_suppressed |= self.mapper.is_suppressed(&wanted.contact);
                identities.extend(identities_of(&wanted.contact, &self.mapper.identity));
            }
            match &mut merged {
                Some(merged) => merged.add(*wanted, record.origin.line),
                None => merged = Some(Merged::new(*wanted, record.origin.line)),
            }
        }
        let (merged, first) = merged.zip(records.first().cloned()).ok_or_else(lost)?;
        match self.mapper.candidate(first, merged.into_wanted()) {
            Item::Candidate(mut candidate) => {
                // The contact may be found by a value that only one of its records has.
                for identity in identities.into_iter().chain(last.identities) {
                    if !candidate.identities.contains(&identity) {
                        candidate.identities.push(identity);
                    }
                }
                let group = Group { records, is_suppressed, ..Group::of_record(*candidate, &self.mapper.finds_by) };
                Ok(Sorted::Contact(Box::new(group)))
            }
            Item::Rejected(reject) => Ok(Sorted::Rejected(records, reject)),
            Item::Skipped(..) => Err(lost()),
        }
    }

    /// Whether a record is all of a contact, none of whose identity values another contact of the source has. To be called
    /// in the order of the source.
    ///
    /// # Errors
    /// Exit 1 when the index cannot be read.
    pub fn is_alone(&mut self, ordinal: u64) -> Result<bool, Failure> {
        Ok(self.people.member(ordinal)?.is_none() && self.people.shared(ordinal)?.is_empty())
    }

    /// The identity values of a contact that another contact of the source has too.
    ///
    /// # Errors
    /// Exit 1 when the index cannot be read.
    pub fn shared(&self, group: &Group) -> Result<Vec<IdentityValue>, Failure> {
        let Some(root) = group.records.first().map(|record| record.origin.ordinal) else { return Ok(Vec::new()) };
        let shared = self.people.shared(root)?;
        let is_shared = |identity: &&IdentityValue| {
            !shared.is_empty() && self.mapper.hash_of(identity).is_some_and(|hash| shared.contains(&hash))
        };
        Ok(group.subject.who.identities.iter().filter(is_shared).cloned().collect())
    }
}

fn lost() -> Failure {
    Failure::failed("a record that was kept for merging cannot be read again")
}
