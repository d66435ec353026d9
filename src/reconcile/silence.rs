//! Values that a platform drops without a word: a tag the account does not have, an attribute nobody defined.
//!
//! A name is read back at its first use. What was dropped is `not_carried`, leaves the diff, and is remembered for the
//! connection, so that the contact does not look changed the next night. A name that is seen at the target is trusted.

use crate::contact::{Contact, Field, Wanted};
use crate::platforms::PlatformFacts;
use crate::platforms::diff::{Delta, same};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// More names than this are not kept apart: the rest are read back each time.
const NAMES_MAX: usize = 10_000;

/// What is known about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Kept,
    Dropped,
    /// So often the contact could not be read back.
    Unanswered(u8),
}

/// After so many contacts that could not be read back a name is asked about no more.
const UNANSWERED_MAX: u8 = 3;

/// What is known about the names that a platform may drop.
pub struct Silence {
    drops: Vec<Field>,
    drops_attributes: bool,
    verdicts: Mutex<HashMap<String, Verdict>>,
    has_dropped: AtomicBool,
}

/// Under what name the checkpoint remembers a dropped value.
pub fn memory_of(name: &str) -> String {
    format!("{MEMORY}{name}")
}

/// How the checkpoint's memories of dropped values begin.
pub const MEMORY: &str = "dropped:";

impl Silence {
    /// What an earlier run found dropped comes along.
    pub fn new(platform: &PlatformFacts, dropped: impl IntoIterator<Item = String>) -> Silence {
        let verdicts: HashMap<_, _> = dropped.into_iter().map(|name| (name, Verdict::Dropped)).collect();
        Silence {
            drops: platform.drops.to_vec(),
            drops_attributes: platform.drops_attributes,
            has_dropped: AtomicBool::new(!verdicts.is_empty()),
            verdicts: Mutex::new(verdicts),
        }
    }

    fn verdicts(&self) -> std::sync::MutexGuard<'_, HashMap<String, Verdict>> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns from a contact at the target that its tags and attributes are kept there.
    /// The names among them that were taken for dropped.
    pub fn learn(&self, contact: &Contact) -> Vec<String> {
        let mut revived = Vec::new();
        if !self.drops.contains(&Field::Tags) && !self.drops_attributes {
            return revived;
        }
        let mut verdicts = self.verdicts();
        for name in names_in(contact) {
            let has_room = verdicts.len() < NAMES_MAX;
            match verdicts.get_mut(&name) {
                Some(Verdict::Kept) => {}
                Some(verdict) => {
                    if *verdict == Verdict::Dropped {
                        revived.push(name.clone());
                    }
                    *verdict = Verdict::Kept;
                }
                None if has_room => drop(verdicts.insert(name, Verdict::Kept)),
                None => {}
            }
        }
        revived
    }

    /// The contact without what is known to be dropped; the names go to `not_carried`.
    pub fn strip(&self, wanted: &Wanted, not_carried: &mut Vec<String>) -> Wanted {
        let mut wanted = wanted.clone();
        if !self.has_dropped.load(Ordering::Relaxed) {
            return wanted;
        }
        let verdicts = self.verdicts();
        let mut keep = |name: String| {
            let is_dropped = verdicts.get(&name) == Some(&Verdict::Dropped);
            if is_dropped && !not_carried.contains(&name) {
                not_carried.push(name);
            }
            !is_dropped
        };
        wanted.contact.list_mut(Field::Tags).retain(|tag| keep(tag_name(tag)));
        wanted.contact.attributes.retain(|attribute| keep(attribute_name(&attribute.name)));
        for &field in self.drops.iter().filter(|field| **field != Field::Tags) {
            if wanted.contact.has(field) && !keep(field.name().to_owned()) {
                wanted.contact.remove(field);
            }
        }
        wanted
    }

    /// The names among these changes of which nobody knows whether the platform keeps them.
    pub fn untried(&self, delta: &Delta) -> Vec<String> {
        let verdicts = self.verdicts();
        let names = self.names_set(delta);
        names.into_iter().filter(|name| is_open(verdicts.get(name))).collect()
    }

    /// The contact that carries these names could not be read back.
    pub fn unanswered(&self, names: &[String]) {
        let mut verdicts = self.verdicts();
        for name in names {
            let before = match verdicts.get(name) {
                Some(Verdict::Unanswered(times)) => *times,
                Some(_) => continue,
                None => 0,
            };
            if verdicts.len() < NAMES_MAX {
                verdicts.insert(name.clone(), Verdict::Unanswered(before.saturating_add(1)));
            }
        }
    }

    fn names_set(&self, delta: &Delta) -> Vec<String> {
        let mut names = Vec::new();
        if self.drops.contains(&Field::Tags) {
            names.extend(delta.tags_added.iter().map(|tag| tag_name(tag)));
        }
        if self.drops_attributes {
            let set = delta.changed_attributes.iter().filter(|name| delta.after.attribute(name) != Some(""));
            names.extend(set.map(|name| attribute_name(name)));
        }
        let fields = self.drops.iter().filter(|field| **field != Field::Tags);
        names.extend(fields.filter(|f| delta.changed.has(**f) && delta.after.has(**f)).map(|f| f.name().to_owned()));
        names
    }

    /// Which of the names the platform dropped, seen from the contact that was read back. Remembers all of them.
    pub fn judge(&self, names: &[String], delta: &Delta, there: &Contact) -> Vec<String> {
        let kept = names_in(there);
        let mut verdicts = self.verdicts();
        let mut dropped = Vec::new();
        for name in names {
            let is_kept = kept.contains(name) || self.is_field_kept(name, delta, there);
            if verdicts.len() < NAMES_MAX {
                verdicts.insert(name.clone(), if is_kept { Verdict::Kept } else { Verdict::Dropped });
            }
            if !is_kept {
                self.has_dropped.store(true, Ordering::Relaxed);
                dropped.push(name.clone());
            }
        }
        dropped
    }

    /// A field is dropped where it is blank, or as it was before. In another form than it was sent it has arrived.
    fn is_field_kept(&self, name: &str, delta: &Delta, there: &Contact) -> bool {
        let field = self.drops.iter().copied().find(|field| *field != Field::Tags && field.name() == name);
        let Some(field) = field else { return false };
        let before = delta.changes.iter().find(|change| change.field == name).and_then(|change| change.old.as_deref());
        match (there.text(field), before) {
            (Some(have), Some(before)) => !same(field, have, before),
            (have, _) => have.is_some() || !delta.after.has(field),
        }
    }

    /// The names among these changes that the platform is known to drop, found out by others in the meantime.
    pub fn dropped(&self, delta: &Delta) -> Vec<String> {
        let verdicts = self.verdicts();
        let names = self.names_set(delta);
        names.into_iter().filter(|name| verdicts.get(name) == Some(&Verdict::Dropped)).collect()
    }
}

fn is_open(verdict: Option<&Verdict>) -> bool {
    match verdict {
        None => true,
        Some(Verdict::Unanswered(times)) => *times < UNANSWERED_MAX,
        Some(_) => false,
    }
}

fn names_in(contact: &Contact) -> Vec<String> {
    let tags = contact.list(Field::Tags).iter().map(|tag| tag_name(tag));
    tags.chain(contact.attributes.iter().map(|attribute| attribute_name(&attribute.name))).collect()
}

fn tag_name(tag: &str) -> String {
    format!("tags.{tag}")
}

fn attribute_name(name: &str) -> String {
    format!("attributes.{name}")
}
