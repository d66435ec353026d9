//! What differs from platform to platform: how another party creates contacts, and what is held in the end.

use super::atom::Atom;
use super::eadesk::Eadesk;
use super::mercately::Mercately;
use super::site::Wire;
use super::twin::Twin;
use ferry::identity::digits;
use ferry::sandbox::Sandbox;
use serde_json::Value;
use std::collections::BTreeMap;

/// A contact that another party creates at a platform.
#[derive(Clone, Debug, Default)]
pub struct Person {
    pub number: usize,
    pub first: String,
    pub last: String,
    /// E.164.
    pub phones: Vec<String>,
    pub emails: Vec<String>,
    pub handles: Vec<String>,
    pub tags: Vec<String>,
    pub attributes: Vec<(&'static str, String)>,
    /// What is odd about how they stand there: the platform's view says what it makes of it.
    pub oddity: usize,
}

impl Person {
    pub fn phone(&self) -> String {
        self.phones.first().cloned().unwrap_or_default()
    }

    pub fn email(&self) -> String {
        self.emails.first().cloned().unwrap_or_default()
    }

    pub fn digits(&self) -> String {
        digits(&self.phone())
    }

    /// The client of TWIN who is meant.
    pub fn client(&self) -> String {
        client(self.number)
    }
}

/// The nth client of TWIN, from 0.
pub fn client(number: usize) -> String {
    format!("7a1e0000-0000-4000-8000-{:012}", number + 1)
}

/// Every contact that a platform holds, comparable: by what identifies it, all that counts.
pub type Held = BTreeMap<String, Value>;

/// A name that another party gave.
pub const THEIRS: &str = "Theirs";

pub trait View: Sync {
    fn name(&self) -> &'static str;

    /// Settings of the connection besides those that all have.
    fn settings(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// What stands in `contact:` of the mapping of a file.
    fn mapping(&self) -> &'static str;

    /// What an account has before any contact is created.
    fn found(&self, _wire: &Wire, _clients: usize) {}

    /// Creates a contact.
    fn put(&self, wire: &Wire, person: &Person);

    /// Another party changes an existing contact.
    fn change(&self, wire: &Wire, sandbox: &Sandbox, person: &Person);

    /// Another party gives a contact of this platform the name [`THEIRS`].
    fn rename(&self, wire: &Wire, contact: &Value);

    /// Where the name stands that [`View::rename`] changes, in what is held of a contact.
    fn name_at(&self) -> &'static str;

    /// What is held. Fails when a contact, or a value of one, is there twice.
    fn held(&self, wire: &Wire, sandbox: &Sandbox) -> Held;
}

pub const VIEWS: [&dyn View; 4] = [&Atom, &Mercately, &Eadesk, &Twin];
