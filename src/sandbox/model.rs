//! What a modelled platform is: facts in a table, behaviour behind a trait. One file a platform, one line here.
//!
//! It does not serve: faults, limits and the disk are the server's.

use super::moment::Moment;
use super::shelf::Shelf;
use super::wire::{Answer, Request};
use super::{atom, mercately};
use serde_json::Value;

/// Every platform that the sandbox models. A request belongs to the first that owns its path.
pub(super) const MODELS: &[Model] = &[atom::MODEL, mercately::MODEL];

/// The facts of a modelled platform.
pub(super) struct Model {
    /// As in a configuration's `platform`; its journal's name too.
    pub(super) name: &'static str,
    /// The variable that leads a client here.
    pub(super) base_url: &'static str,
    /// Variables and values that let a client in.
    pub(super) credentials: &'static [(&'static str, &'static str)],
    /// Whether a path (percent-encoded) is under this platform.
    pub(super) owns: fn(&str) -> bool,
    /// An empty account.
    pub(super) open: fn(&Setup) -> Box<dyn Account>,
}

/// What an account begins with.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    /// Makes ids.
    pub(super) seed: u64,
    /// Tags that the account knows, where a platform drops others.
    pub(super) tags: Vec<String>,
    /// Custom fields that the account does not know, where a platform drops those.
    pub(super) unknown_attributes: Vec<String>,
}

/// One account on a platform, and how the platform answers for it.
pub(super) trait Account: Send {
    /// Takes a line of the journal: a contact as it was left.
    fn load(&mut self, line: &str) -> Result<(), String>;
    /// Carries out a request under one of its paths.
    fn answer(&mut self, request: &Request, moment: &Moment) -> Reply;
    /// The platform's own 500.
    fn failure(&self, request: &Request, moment: &Moment) -> Answer;
    /// The contacts it holds.
    fn shelf(&mut self) -> &mut Shelf;
    /// A contact for the page.
    fn row(&self, contact: &Value) -> Row;
}

/// An answer, and the contact that the request changed, as its line of the journal.
pub(super) struct Reply {
    pub(super) answer: Answer,
    pub(super) change: Option<String>,
}

impl Reply {
    /// Nothing was changed.
    pub(super) fn read(answer: Answer) -> Reply {
        Reply { answer, change: None }
    }

    /// A contact was changed to this.
    pub(super) fn changed(answer: Answer, line: String) -> Reply {
        Reply { answer, change: Some(line) }
    }
}

/// A contact as the page shows it.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) phone: String,
    pub(super) email: String,
    pub(super) tags: Vec<String>,
    pub(super) attributes: Vec<(String, String)>,
}

/// A field that is text.
pub(super) fn text_of<'a>(contact: &'a Value, name: &str) -> Option<&'a str> {
    contact.get(name).and_then(Value::as_str)
}
