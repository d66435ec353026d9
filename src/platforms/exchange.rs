//! What a connector is given and what it gives: contacts as found, pages, lookups, steps and their results, faults. Data
//! only.

use crate::change::StepKind;
use crate::contact::{Contact, Field};
use crate::http::Response;
use crate::outcome::{Failure, Problem};
use bytes::Bytes;
use serde_json::{Map, Value};
use std::fmt;

/// The answer of the account to the request that proves the settings.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// How many contacts it holds, if it says so.
    pub contacts: Option<u64>,
    /// The first page of contacts, for verifying lookup fields on a contact that is known to exist. The last one proves
    /// most: a platform that ignores the search and returns its first contacts does not return that one.
    pub sample: Vec<Found>,
    /// The response that held that page, where pages are read apart from their requests.
    pub response: Option<Response>,
}

/// A contact at a platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its id there.
    pub id: String,
    /// What the platform holds for it.
    pub contact: Contact,
}

/// Where in a list the next page begins, in the platform's own form. It is kept between runs.
pub type Cursor = String;

/// One page of contacts.
///
/// A connector keeps nothing between two pages. The reader of a list stops where `next` is `None`, and also after a page
/// without a new id, because some platforms return an earlier page for one past the end.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The contacts on it.
    pub found: Vec<Found>,
    /// The ids of contacts of which the list shows no more than the id: they are to be read one at a time. An id can
    /// occur on several pages.
    pub unread: Vec<String>,
    /// How many contacts the platform counts in all; `None` if it does not give a reliable number.
    pub total: Option<u64>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Cursor>,
}

/// One page of another list than the contacts.
#[derive(Clone, Debug, Default)]
pub struct ListPage {
    /// The id and the object of each item, as the platform sends them.
    pub items: Vec<(String, Map<String, Value>)>,
    /// How many items the platform counts in all; `None` if it does not give a reliable number.
    pub total: Option<u64>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Cursor>,
}

/// The result of reading a contact by id.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "it is nearly always the large one, and short-lived")]
pub enum Reading {
    /// The contact exists.
    There(Found),
    /// No contact has this id (any more).
    Gone,
    /// This server cannot tell: it reads no contact by id, and the other lookup did not find this one either.
    Unreadable,
}

impl Reading {
    /// The contact, if it exists.
    pub fn there(self) -> Option<Found> {
        match self {
            Reading::There(found) => Some(found),
            Reading::Gone | Reading::Unreadable => None,
        }
    }
}

/// One way of looking a contact up.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    /// The lookup field.
    pub field: Field,
    /// Its value as the contact has it (E.164 with `+` for phones); the connector converts it to the platform's forms.
    pub value: String,
}

/// What a run is going to write, as far as the platform has to be asked about it first.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Whether owners are written (by id, name or e-mail).
    pub owners: bool,
    /// The custom attributes that are written.
    pub attributes: Vec<String>,
    /// The tags that are written, as far as they are known in advance.
    pub tags: Vec<String>,
}

/// The platform's answer to [`Needs`].
#[derive(Clone, Debug, Default)]
pub struct Ready {
    /// The agents of the account.
    pub agents: Vec<Agent>,
    /// The custom attributes that the account defines, where it has to.
    pub attributes: Vec<Definition>,
}

/// A custom attribute that the account defines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    /// Its id.
    pub id: String,
    /// Its name, exactly.
    pub name: String,
}

/// A user of the account that can own contacts.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Agent {
    pub id: String,
    pub name: String,
    pub email: String,
}

/// One request that brings the target nearer to what is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// The body, complete but for the id of a contact that an earlier step creates.
    pub body: Body,
}

/// The body of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// JSON, as it is sent.
    Written(Bytes),
    /// What the request is made of.
    Parts(Value),
}

impl From<Value> for Body {
    fn from(parts: Value) -> Body {
        Body::Parts(parts)
    }
}

/// As JSON.
impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Written(text) => f.write_str(&String::from_utf8_lossy(text)),
            Body::Parts(parts) => parts.fmt(f),
        }
    }
}

impl Body {
    /// What the request is made of; null where it is written already.
    pub fn parts(&self) -> &Value {
        static WRITTEN: Value = Value::Null;
        match self {
            Body::Written(_) => &WRITTEN,
            Body::Parts(parts) => parts,
        }
    }

    /// As JSON.
    pub fn to_json(&self) -> Bytes {
        match self {
            Body::Written(text) => text.clone(),
            Body::Parts(parts) => Bytes::from(parts.to_string()),
        }
    }
}

/// A change of the attributes that an account defines.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Define {
    Add { name: String },
    Rename { id: String, name: String },
    Remove { id: String },
}

/// The contact that a step is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Address {
    /// A contact that does not exist yet.
    New,
    /// The one with this id.
    Id(String),
}

/// What the platform did with a step.
#[derive(Clone, Debug, PartialEq)]
pub enum StepResult {
    /// Done; the id of the contact, and the contact itself if the response holds it.
    Done {
        #[allow(missing_docs)]
        id: String,
        #[allow(missing_docs)]
        after: Option<Box<Contact>>,
    },
    /// A contact with this phone or e-mail exists already, in the platform's words: find it again.
    AlreadyExists(String),
    /// The contact to be changed does not exist any more: find it again.
    Gone,
}

/// The three fates of a failure.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is this record's: the record is rejected.
    Refused(Vec<Problem>),
    /// The result of the request is unknown: settle it.
    InDoubt(Failure),
    /// It is the run's: stop.
    Fatal(Failure),
}
