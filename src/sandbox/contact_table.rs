//! The contacts of one account, in memory, in the order of their creation: found by id and by keys.
//!
//! Each is kept as the JSON text that the platform would answer, which is also its line in the journal. It knows
//! nothing of what the text says.

use super::model::Held;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use tokio::time::Instant;

/// Where a contact stands: how many were created before it.
pub(super) type Place = usize;

/// The contacts of one account.
#[derive(Default)]
pub(super) struct ContactTable {
    texts: Vec<Box<str>>,
    by_id: HashMap<Box<str>, Place>,
    by_key: HashMap<Box<str>, Vec<Place>>,
    /// New contacts that lists and look-ups do not find yet, and until when; in the order of their places.
    hidden: VecDeque<(Place, Instant)>,
}

impl ContactTable {
    /// How many there are, hidden ones too.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Puts a new contact behind the others.
    pub(super) fn insert(&mut self, id: &str, keys: &[String], text: String, hidden_until: Option<Instant>) {
        let place = self.texts.len();
        self.texts.push(text.into());
        self.by_id.insert(id.into(), place);
        for key in keys {
            self.by_key.entry(key.as_str().into()).or_default().push(place);
        }
        self.hidden.extend(hidden_until.map(|until| (place, until)));
    }

    /// Puts another text in the place of a contact, and other keys.
    pub(super) fn replace(&mut self, place: Place, before: &[String], keys: &[String], text: String) {
        for key in before.iter().filter(|key| !keys.contains(key)) {
            self.unlink(key, place);
        }
        for key in keys.iter().filter(|key| !before.contains(key)) {
            self.by_key.entry(key.as_str().into()).or_default().push(place);
        }
        if let Some(held) = self.texts.get_mut(place) {
            *held = text.into();
        }
    }

    fn unlink(&mut self, key: &str, place: Place) {
        if let Some(places) = self.by_key.get_mut(key) {
            places.retain(|&other| other != place);
            if places.is_empty() {
                self.by_key.remove(key);
            }
        }
    }

    /// The text at a place.
    pub(super) fn text(&self, place: Place) -> Option<&str> {
        self.texts.get(place).map(AsRef::as_ref)
    }

    /// The contact of this id, also a hidden one.
    pub(super) fn by_id(&self, id: &str) -> Option<Place> {
        self.by_id.get(id).copied()
    }

    /// Every contact with this key, also hidden ones: what a database's own constraint sees.
    pub(super) fn by_key(&self, key: &str) -> &[Place] {
        self.by_key.get(key).map_or(&[], Vec::as_slice)
    }

    /// The first contact with this key that a look-up finds.
    pub(super) fn find(&self, key: &str) -> Option<Place> {
        self.by_key(key).iter().copied().find(|&place| self.is_seen(place))
    }

    fn is_seen(&self, place: Place) -> bool {
        self.hidden.binary_search_by_key(&place, |&(hidden, _)| hidden).is_err()
    }

    /// How many a list finds.
    pub(super) fn seen_len(&self) -> usize {
        self.texts.len() - self.hidden.len()
    }

    /// What a list finds, oldest first.
    pub(super) fn seen(&self) -> impl DoubleEndedIterator<Item = &str> {
        let texts = self.texts.iter().enumerate();
        texts.filter(|&(place, _)| self.is_seen(place)).map(|(_, text)| text.as_ref())
    }

    /// A page of what a list finds, oldest first.
    pub(super) fn page(&self, skip: usize, take: usize) -> Vec<&str> {
        if self.hidden.is_empty() {
            return self.texts.iter().skip(skip).take(take).map(AsRef::as_ref).collect();
        }
        self.seen().skip(skip).take(take).collect()
    }
}

impl Held for ContactTable {
    /// All are hidden for as long, so the oldest come first.
    fn reveal(&mut self, now: Instant) {
        while self.hidden.front().is_some_and(|&(_, until)| until <= now) {
            self.hidden.pop_front();
        }
    }

    fn total(&self) -> usize {
        self.texts.len()
    }

    fn newest(&self, skip: usize, max: usize) -> Vec<Value> {
        self.texts.iter().rev().skip(skip).take(max).filter_map(|text| serde_json::from_str(text).ok()).collect()
    }
}
