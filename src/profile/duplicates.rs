//! Records that share a phone or an e-mail, over all threads that count. How many of them fit into memory is decided in
//! `keys`.

use super::distinct::hash_of;
use super::keys::{Keys, MakeFile, Repeated};
use std::io;
use std::sync::Arc;

/// Phones and e-mails, the first of each record.
#[derive(Clone, Debug)]
pub struct Duplicates {
    phones: Keys,
    emails: Keys,
}

impl Duplicates {
    /// None yet. `make` makes a private file for those that do not fit into memory; it is asked for one of each kind.
    pub fn new(make: &Arc<MakeFile>) -> Duplicates {
        Duplicates { phones: Keys::new(Arc::clone(make)), emails: Keys::new(Arc::clone(make)) }
    }

    /// For another thread, whose records are compared with these.
    pub fn beside(&self) -> Duplicates {
        Duplicates { phones: self.phones.beside(), emails: self.emails.beside() }
    }

    /// Adds what another thread has met.
    pub fn merge(&mut self, other: Duplicates) {
        self.phones.merge(other.phones);
        self.emails.merge(other.emails);
    }

    /// The records that repeat a phone, and those that repeat an e-mail, with so many groups of lines.
    ///
    /// # Errors
    /// Why the files could not be written or read.
    pub fn repeated(self, groups_max: usize) -> io::Result<(Repeated, Repeated)> {
        Ok((self.phones.repeated(groups_max)?, self.emails.repeated(groups_max)?))
    }

    pub(super) fn add_phone(&mut self, line: u64, number: &str) {
        self.phones.add(line, hash_of(number));
    }

    pub(super) fn add_email(&mut self, line: u64, address: &str) {
        self.emails.add(line, hash_of(&address.to_lowercase()));
    }
}
