//! What a modelled platform is: facts in a table, behaviour behind a trait. One file a platform, one line in `registry`.
//!
//! It does not serve: faults, limits and the disk are the server's.

use super::options::Setup;
use super::request_time::RequestTime;
use super::wire::{Answer, Request};
use crate::outcome::Failure;
use serde_json::Value;
use tokio::time::Instant;

/// The facts of a modelled platform.
pub(super) struct Model {
    /// As in a configuration's `platform`; its journal's name too.
    pub(super) name: &'static str,
    /// As users write it.
    pub(super) title: &'static str,
    /// The variables that lead a client here, each with what follows the host in its value.
    pub(super) addresses: &'static [(&'static str, &'static str)],
    /// Variables and values that let a client in, but for the secret.
    pub(super) user: &'static [(&'static str, &'static str)],
    /// The variable of the secret that lets a client in, and the secret where it is a fixed one ([`Setup::key`]).
    pub(super) secret: (&'static str, &'static str),
    /// Whether a path (percent-encoded) is under this platform.
    pub(super) owns: fn(&str) -> bool,
    /// The options of an account, each with its value where none is given.
    pub(super) options: &'static [(&'static str, &'static str)],
    /// An empty account; a failure where an option has a value that cannot be.
    pub(super) open: fn(&Setup) -> Result<Box<dyn Account>, Failure>,
}

/// One account on a platform, and how the platform answers for it.
pub(super) trait Account: Send {
    /// Takes a line of the journal: what was changed, as it was left.
    fn load(&mut self, line: &str) -> Result<(), String>;
    /// Carries out a request under one of its paths.
    fn answer(&mut self, request: &Request, moment: &RequestTime) -> Reply;
    /// The platform's own 500.
    fn failure(&self, request: &Request, moment: &RequestTime) -> Answer;
    /// What it holds.
    fn held(&mut self) -> &mut dyn Held;
    /// A contact for the page.
    fn row(&self, contact: &Value) -> Row;
}

/// The contacts of an account, for those who look at it from outside: the page and the tests.
pub(super) trait Held {
    /// Shows what was hidden long enough.
    fn reveal(&mut self, now: Instant);
    /// How many contacts there are, hidden ones too.
    fn total(&self) -> usize;
    /// So many of them at most, newest first, without the first `skip`.
    fn newest(&self, skip: usize, max: usize) -> Vec<Value>;
    /// What requests left here, oldest first.
    fn contacts(&self) -> Vec<Value> {
        let mut contacts = self.newest(0, usize::MAX);
        contacts.reverse();
        contacts
    }
    /// How many conversations requests began; none on a platform where contacts come without.
    fn chats(&self) -> usize {
        0
    }
}

/// An answer, and what the request changed, as its line of the journal.
pub(super) struct Reply {
    pub(super) answer: Answer,
    pub(super) change: Option<String>,
}

impl Reply {
    /// Nothing was changed.
    pub(super) fn read(answer: Answer) -> Reply {
        Reply { answer, change: None }
    }

    /// Something was changed to this.
    pub(super) fn changed(answer: Answer, line: String) -> Reply {
        Reply { answer, change: Some(line) }
    }
}

/// A contact as the page shows it.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) phone: String,
    pub(super) email: String,
    pub(super) tags: Vec<String>,
    pub(super) attributes: Vec<(String, String)>,
}

/// A field that is text, if it is there.
pub(super) fn text_of<'a>(contact: &'a Value, name: &str) -> Option<&'a str> {
    contact.get(name).and_then(Value::as_str)
}
