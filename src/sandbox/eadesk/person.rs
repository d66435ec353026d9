//! One Eadesk person with its items: how it is answered, and its line in the journal.
//!
//! It does not know the others.

use super::super::faults::mix;
use super::super::model::text_of;
use super::search::{Search, keys_of_value};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The account's id.
const ACCOUNT: &str = "5f3c0000000000000000e0ad";
/// Who made an item that came through the API.
const ORIGIN: &str = "manual";
/// The types and services there are.
const TYPES: [&str; 3] = ["id", "mail", "phone"];
const SERVICES: [&str; 8] = ["mail", "phone", "facebook", "vk", "whatsapp", "chatra", "telegram", "skype"];

/// What a write says of a person; what it leaves out is blank.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Card {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) segments: Vec<String>,
}

/// A person, deleted or not.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Person {
    pub(super) id: Box<str>,
    pub(super) card: Card,
    pub(super) items: Vec<Item>,
    pub(super) created_at: Box<str>,
    pub(super) is_deleted: bool,
}

/// A contact datum, deleted or not.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) id: Box<str>,
    pub(super) value: Box<str>,
    pub(super) kind: &'static str,
    pub(super) service: &'static str,
    pub(super) is_deleted: bool,
}

impl Card {
    /// Nothing where a field is not what it must be. What is not known is ignored.
    pub(super) fn read(body: &Map<String, Value>) -> Option<Card> {
        let text = |name: &str| match body.get(name) {
            None => Some(String::new()),
            Some(value) => value.as_str().map(str::to_owned),
        };
        let segments = match body.get("segments") {
            None => Some(Vec::new()),
            Some(value) => value.as_array()?.iter().map(|id| id.as_str().map(str::to_owned)).collect(),
        };
        Some(Card { name: text("name")?, description: text("description")?, segments: segments? })
    }
}

impl Person {
    pub(super) fn new(seed: u64, place: usize, card: Card, created_at: &str) -> Person {
        let id = format!("{:016x}{place:08x}", mix(mix(seed) ^ place as u64)).into();
        Person { id, card, items: Vec::new(), created_at: created_at.into(), is_deleted: false }
    }

    /// The place that a person's id spells, whether it is that person's or not.
    pub(super) fn place_in(id: &str) -> Option<usize> {
        usize::from_str_radix(id.get(16..24).filter(|_| id.len() == 24)?, 16).ok()
    }

    /// The id of the next item.
    pub(super) fn next_item_id(&self, seed: u64) -> Option<Box<str>> {
        let (place, number) = (Person::place_in(&self.id)?, self.items.len());
        let scattered = mix(mix(seed) ^ (place as u64) << 20 ^ number as u64) >> 32;
        Some(format!("{place:08x}{scattered:08x}{number:08x}").into())
    }

    /// The place of the person whose item would have this id.
    pub(super) fn place_of_item(id: &str) -> Option<usize> {
        usize::from_str_radix(id.get(..8).filter(|_| id.len() == 24)?, 16).ok()
    }

    /// Reads a line of the journal.
    pub(super) fn parse(line: &str) -> Result<Person, String> {
        let person: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let text = |value: &Value, name: &str| {
            text_of(value, name).map(Box::<str>::from).ok_or_else(|| format!("no `{name}`"))
        };
        let is_deleted = |value: &Value| text_of(value, "status") == Some("deleted");
        let card = person.as_object().and_then(Card::read).ok_or("no person")?;
        let items = person.get("contacts").and_then(Value::as_array).into_iter().flatten();
        let item = |item: &Value| {
            Ok::<_, String>(Item {
                id: text(item, "id")?,
                value: text(item, "value")?,
                kind: kind(&text(item, "type")?).ok_or("no `type`")?,
                service: service(&text(item, "service")?).ok_or("no `service`")?,
                is_deleted: is_deleted(item),
            })
        };
        Ok(Person {
            id: text(&person, "_id")?,
            created_at: text(&person, "createdAt")?,
            items: items.map(item).collect::<Result<_, _>>()?,
            is_deleted: is_deleted(&person),
            card,
        })
    }

    /// As it is read, deleted items and all.
    pub(super) fn shown(&self) -> Value {
        self.shown_with(self.items.iter().map(Item::shown).collect())
    }

    /// As it is read, without its deleted items.
    pub(super) fn shown_live(&self) -> Value {
        self.shown_with(self.items.iter().filter(|item| !item.is_deleted).map(Item::shown).collect())
    }

    /// As it is answered when it was created: without segments.
    pub(super) fn shown_new(&self) -> Value {
        let mut shown = self.shown();
        if let Some(fields) = shown.as_object_mut() {
            fields.shift_remove("segments");
            fields.shift_remove("agent");
        }
        shown
    }

    fn shown_with(&self, items: Vec<Value>) -> Value {
        let color = mix(self.id.bytes().fold(0, |bits, byte| bits << 5 ^ u64::from(byte))) & 0xff_ffff;
        let mut shown = json!({
            "_id": self.id, "accountId": ACCOUNT, "name": self.card.name, "description": self.card.description,
            "segments": self.card.segments, "contacts": items, "createdAt": self.created_at,
            "avatarBgColor": format!("#{color:06X}"), "agent": null,
        });
        if let Some(fields) = shown.as_object_mut().filter(|_| self.is_deleted) {
            fields.insert("status".to_owned(), json!("deleted"));
        }
        shown
    }

    /// By what a search finds it.
    pub(super) fn keys(&self) -> BTreeSet<String> {
        let values = self.items.iter().map(|item| item.value.as_ref());
        std::iter::once(self.card.name.as_str()).chain(values).flat_map(keys_of_value).collect()
    }

    /// Whether a search meets its name, or an item's value that may be seen. Deleted items are met as well.
    pub(super) fn is_met(&self, search: &Search, is_seen: impl Fn(&Item) -> bool) -> bool {
        search.matches(&self.card.name) || self.items.iter().any(|item| search.matches(&item.value) && is_seen(item))
    }
}

impl Item {
    /// As it stands in its person, and is answered by a write.
    pub(super) fn shown(&self) -> Value {
        let mut shown = json!({
            "id": self.id, "value": self.value, "type": self.kind, "service": self.service, "origin": ORIGIN,
        });
        if let Some(fields) = shown.as_object_mut().filter(|_| self.is_deleted) {
            fields.insert("status".to_owned(), json!("deleted"));
        }
        shown
    }

    /// As it is read by itself: with its person's id.
    pub(super) fn shown_of(&self, person: &Person) -> Value {
        let mut shown = self.shown();
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("contact_id".to_owned(), json!(person.id));
        }
        shown
    }
}

/// The type of this name, if there is one.
pub(super) fn kind(name: &str) -> Option<&'static str> {
    TYPES.into_iter().find(|kind| *kind == name)
}

/// The service of this name, if there is one.
pub(super) fn service(name: &str) -> Option<&'static str> {
    SERVICES.into_iter().find(|service| *service == name)
}
