//! Values that a platform drops without an error: a tag that the account does not have, an undefined attribute.
//!
//! A name is read back at its first use. A dropped value is `not_carried`, leaves the diff, and is remembered for the
//! connection, so that the contact does not look changed the next night. A name that is seen at the target is trusted.
//! Reading a contact back is the executor's.

use super::view::{ATTRIBUTES, DroppedNames, TAGS};
use crate::change::{Delta, same};
use crate::contact::{Contact, Field};
use crate::platforms::PlatformFacts;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// More names than this are not kept apart: the rest are read back each time.
const NAMES_MAX: usize = 10_000;

/// What is known about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Kept,
    Dropped,
    /// The contact could not be read back, this many times.
    Unanswered(u8),
}

/// A name is not read back again after this many contacts that could not be.
const UNANSWERED_MAX: u8 = 3;

/// What is known about the names that a platform may drop.
pub(crate) struct Dropped {
    drops: Vec<Field>,
    drops_attributes: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    verdicts: BTreeMap<String, Verdict>,
    /// Those with the verdict [`Verdict::Dropped`].
    names: Arc<DroppedNames>,
}

impl State {
    fn set(&mut self, name: &str, verdict: Verdict) {
        self.verdicts.insert(name.to_owned(), verdict);
        match verdict {
            Verdict::Dropped => drop(Arc::make_mut(&mut self.names).0.insert(name.to_owned())),
            _ if self.names.0.contains(name) => drop(Arc::make_mut(&mut self.names).0.remove(name)),
            _ => {}
        }
    }
}

/// The name under which the checkpoint remembers a dropped value.
pub(crate) fn memory_of(name: &str) -> String {
    format!("{MEMORY}{name}")
}

/// How the checkpoint's memories of dropped values begin.
pub const MEMORY: &str = "dropped:";

impl Dropped {
    /// What an earlier run found dropped is known from the beginning.
    pub(crate) fn new(platform: &PlatformFacts, dropped: impl IntoIterator<Item = String>) -> Dropped {
        let mut state = State::default();
        dropped.into_iter().for_each(|name| state.set(&name, Verdict::Dropped));
        let (drops, drops_attributes) = (platform.drops.to_vec(), platform.drops_attributes);
        Dropped { drops, drops_attributes, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is dropped, as far as it is known at this moment.
    pub(crate) fn names(&self) -> Arc<DroppedNames> {
        Arc::clone(&self.state().names)
    }

    /// Whether there is anything to learn from a contact at the target.
    pub(crate) fn has_news(&self, contact: &Contact) -> bool {
        if !self.drops.contains(&Field::Tags) && !self.drops_attributes {
            return false;
        }
        let (state, mut has_news) = (self.state(), false);
        for_each_name_in(contact, |name| has_news |= state.verdicts.get(name) != Some(&Verdict::Kept));
        has_news
    }

    /// Learns from a contact at the target that its tags and attributes are kept there. The names among them that
    /// counted as dropped.
    pub(crate) fn learn(&self, contact: &Contact) -> Vec<String> {
        let mut revived = Vec::new();
        if !self.drops.contains(&Field::Tags) && !self.drops_attributes {
            return revived;
        }
        let mut state = self.state();
        for_each_name_in(contact, |name| {
            let has_room = state.verdicts.len() < NAMES_MAX;
            match state.verdicts.get(name) {
                Some(Verdict::Kept) => {}
                Some(Verdict::Dropped) => {
                    state.set(name, Verdict::Kept);
                    revived.push(name.to_owned());
                }
                Some(Verdict::Unanswered(_)) => state.set(name, Verdict::Kept),
                None if has_room => state.set(name, Verdict::Kept),
                None => {}
            }
        });
        revived
    }

    /// The names among these changes of which it is unknown whether the platform keeps them.
    pub(crate) fn untried(&self, delta: &Delta) -> Vec<String> {
        let (state, mut untried) = (self.state(), Vec::new());
        self.for_each_name(delta, |name| {
            if is_open(state.verdicts.get(name)) {
                untried.push(name.to_owned());
            }
        });
        untried
    }

    /// The contact that carries these names could not be read back.
    pub(crate) fn unanswered(&self, names: &[String]) {
        let mut state = self.state();
        for name in names {
            let before = match state.verdicts.get(name) {
                Some(Verdict::Unanswered(times)) => *times,
                Some(_) => continue,
                None => 0,
            };
            if state.verdicts.len() < NAMES_MAX {
                state.set(name, Verdict::Unanswered(before.saturating_add(1)));
            }
        }
    }

    /// Gives each name among these changes that the platform may drop.
    fn for_each_name(&self, delta: &Delta, give: impl FnMut(&str)) {
        let mut names = Names { name: String::with_capacity(NAME_LEN), give };
        if self.drops.contains(&Field::Tags) {
            delta.tags_added.iter().for_each(|tag| names.give(TAGS, tag));
        }
        if self.drops_attributes {
            let set = delta.changed_attributes.iter().filter(|name| delta.after.attribute(name) != Some(""));
            set.for_each(|name| names.give(ATTRIBUTES, name));
        }
        let fields = self.drops.iter().filter(|field| **field != Field::Tags);
        let set = fields.filter(|field| delta.changed.has(**field) && delta.after.has(**field));
        set.for_each(|field| names.give("", field.name()));
    }

    /// Which of the names the platform dropped, seen from the contact that was read back. Remembers all of them.
    pub(crate) fn judge(&self, names: &[String], delta: &Delta, there: &Contact) -> Vec<String> {
        let mut kept = Vec::new();
        for_each_name_in(there, |name| kept.push(name.to_owned()));
        let mut state = self.state();
        let mut dropped = Vec::new();
        for name in names {
            let is_kept = kept.contains(name) || self.is_field_kept(name, delta, there);
            if state.verdicts.len() < NAMES_MAX {
                state.set(name, if is_kept { Verdict::Kept } else { Verdict::Dropped });
            }
            if !is_kept {
                dropped.push(name.clone());
            }
        }
        dropped
    }

    /// A field counts as dropped if it is blank or unchanged. If it came back in a different format, it was stored.
    fn is_field_kept(&self, name: &str, delta: &Delta, there: &Contact) -> bool {
        let field = self.drops.iter().copied().find(|field| *field != Field::Tags && field.name() == name);
        let Some(field) = field else { return false };
        let before = delta.changes.iter().find(|change| change.field == name).and_then(|change| change.old.as_deref());
        match (there.text(field), before) {
            (Some(have), Some(before)) => !same(field, have, before),
            (have, _) => have.is_some() || !delta.after.has(field),
        }
    }

    /// The names among these changes that were found dropped for other contacts in the meantime.
    pub(crate) fn dropped(&self, delta: &Delta) -> Vec<String> {
        let (names, mut dropped) = (self.names(), Vec::new());
        if !names.0.is_empty() {
            self.for_each_name(delta, |name| dropped.extend(names.0.contains(name).then(|| name.to_owned())));
        }
        dropped
    }
}

fn is_open(verdict: Option<&Verdict>) -> bool {
    match verdict {
        None => true,
        Some(Verdict::Unanswered(times)) => *times < UNANSWERED_MAX,
        Some(_) => false,
    }
}

fn for_each_name_in(contact: &Contact, give: impl FnMut(&str)) {
    let mut names = Names { name: String::with_capacity(NAME_LEN), give };
    contact.list(Field::Tags).iter().for_each(|tag| names.give(TAGS, tag));
    contact.attributes.iter().for_each(|attribute| names.give(ATTRIBUTES, &attribute.name));
}

/// The length of most names, in bytes.
const NAME_LEN: usize = 64;

/// Puts names together in one place of memory, because most of them are only compared.
struct Names<G> {
    name: String,
    give: G,
}

impl<G: FnMut(&str)> Names<G> {
    fn give(&mut self, kind: &str, rest: &str) {
        self.name.clear();
        self.name.extend([kind, rest]);
        (self.give)(&self.name);
    }
}
