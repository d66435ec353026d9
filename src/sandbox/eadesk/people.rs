//! The persons of one account, in the order of their creation: found by id, and by what a search can say.
//!
//! It keeps them whole and in memory; a key costs a few bytes, so that a hundred thousand persons are no burden.

use super::super::model::Held;
use super::person::{Item, Person};
use super::search::{Search, text_key};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use tokio::time::Instant;

/// Where a person stands: how many were created before.
pub(super) type Place = usize;

/// The persons of one account.
#[derive(Default)]
pub(super) struct People {
    people: Vec<Person>,
    /// Hashes of keys, with the places of the persons who have them. Another key may have the same hash: every person found is
    /// looked at.
    keys: BTreeSet<(u64, Place)>,
    /// Ids of new persons and items that lists and searches do not show yet, and until when.
    waiting: VecDeque<(Box<str>, Instant)>,
    hidden: HashSet<Box<str>>,
}

impl People {
    pub(super) fn len(&self) -> usize {
        self.people.len()
    }

    pub(super) fn get(&self, place: Place) -> Option<&Person> {
        self.people.get(place)
    }

    /// Puts a person behind the others, or in the place of the one with its id.
    pub(super) fn put(&mut self, person: Person) {
        let place = self.by_id(&person.id).unwrap_or(self.people.len());
        let after: BTreeSet<u64> = person.keys().iter().map(hash).collect();
        match self.people.get_mut(place) {
            Some(held) => {
                let before: BTreeSet<u64> = held.keys().iter().map(hash).collect();
                for &key in before.difference(&after) {
                    self.keys.remove(&(key, place));
                }
                *held = person;
            }
            None => self.people.push(person),
        }
        self.keys.extend(after.into_iter().map(|key| (key, place)));
    }

    /// Hides a new person or item from lists and searches.
    pub(super) fn hide(&mut self, id: &str, until: Instant) {
        self.waiting.push_back((id.into(), until));
        self.hidden.insert(id.into());
    }

    /// The person of this id, also a hidden or deleted one.
    pub(super) fn by_id(&self, id: &str) -> Option<Place> {
        let place = Person::place_in(id)?;
        self.people.get(place).filter(|person| *person.id == *id).map(|_| place)
    }

    /// The item of this id, also a hidden or deleted one: its person, and its place there.
    pub(super) fn item(&self, id: &str) -> Option<(Place, usize)> {
        let place = Person::place_of_item(id)?;
        let number = self.people.get(place)?.items.iter().position(|item| *item.id == *id)?;
        Some((place, number))
    }

    /// Whether a list or a search shows it.
    pub(super) fn is_seen(&self, id: &str) -> bool {
        self.hidden.is_empty() || !self.hidden.contains(id)
    }

    /// Every person that a list shows, oldest first; with a search, only those that it may match.
    pub(super) fn seen<'a>(&'a self, search: Option<&Search>) -> Box<dyn Iterator<Item = &'a Person> + 'a> {
        let is_seen = |person: &&Person| self.is_seen(&person.id);
        match search.and_then(Search::keys) {
            Some(keys) => Box::new(self.with_keys(keys).filter_map(|place| self.get(place)).filter(is_seen)),
            None => Box::new(self.people.iter().filter(is_seen)),
        }
    }

    /// Every person who may have an item of exactly this value, oldest first.
    pub(super) fn with_value(&self, value: &str) -> impl Iterator<Item = &Person> {
        self.with_keys(&[text_key(value)]).filter_map(|place| self.get(place))
    }

    fn with_keys(&self, keys: &[String]) -> impl Iterator<Item = Place> + use<> {
        let found = keys.iter().map(hash).flat_map(|key| self.keys.range((key, 0)..=(key, Place::MAX)));
        found.map(|&(_, place)| place).collect::<BTreeSet<Place>>().into_iter()
    }

    /// Whether a search meets a person by what may be seen.
    pub(super) fn meets(&self, search: &Search, person: &Person) -> bool {
        person.is_met(search, |item: &Item| self.is_seen(&item.id))
    }
}

impl Held for People {
    /// All are hidden for as long, so the oldest come first.
    fn reveal(&mut self, now: Instant) {
        while self.waiting.front().is_some_and(|(_, until)| *until <= now) {
            if let Some((id, _)) = self.waiting.pop_front() {
                self.hidden.remove(&id);
            }
        }
    }

    fn total(&self) -> usize {
        self.people.iter().filter(|person| !person.is_deleted).count()
    }

    fn newest(&self, skip: usize, max: usize) -> Vec<Value> {
        let live = self.people.iter().rev().filter(|person| !person.is_deleted);
        live.skip(skip).take(max).map(Person::shown_live).collect()
    }
}

/// The same in every process.
fn hash(key: &String) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
