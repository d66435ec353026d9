//! What an account is asked for: its contacts, or another of its lists.

use crate::platforms::{LISTS, List};
use crate::scratch::spool::Kind;

/// What is read of a source platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Its contacts.
    Contacts,
    /// Another list.
    List(List),
}

impl What {
    /// What is kept of each.
    pub(super) fn kind(self) -> Kind {
        if self == What::Contacts { Kind::Contacts } else { Kind::Objects }
    }

    /// As the command line calls it.
    pub fn name(self) -> &'static str {
        match self {
            What::Contacts => "contacts",
            What::List(list) => LISTS.iter().find(|(one, _)| *one == list).map_or("", |(_, name)| name),
        }
    }
}
