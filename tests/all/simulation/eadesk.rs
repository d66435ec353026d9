//! Eadesk: a person and each of their items is a request of its own; nothing is ever really deleted.

use super::site::Wire;
use super::view::{Held, Person, THEIRS, View};
use ferry::identity::{split_handle, whatsapp_key};
use ferry::sandbox::Sandbox;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub struct Eadesk;

const PERSON: &str = "/api/clients/person";
/// As the mapping has them: the others are not carried.
const SEGMENTS: &str = "VIP=seg-vip, Lead=seg-lead, Newsletter=seg-news, Third=seg-third";

impl View for Eadesk {
    fn name(&self) -> &'static str {
        "eadesk"
    }

    fn settings(&self) -> &'static [(&'static str, &'static str)] {
        &[("segments", SEGMENTS)]
    }

    fn mapping(&self) -> &'static str {
        "
  full_name: { value: \"{{ row.First }} {{ row.Last }}\" }
  phones: { from: Phone, split: \"/\" }
  emails: { from: Email, split: \"/\", lower: true }
  handles: { from: Handle, split: \"/\" }
  tags: { from: Tags, split: \";\" }
  notes: City
"
    }

    /// Odd ones: who was deleted and has the same phone; items that were deleted; a phone as people write them.
    fn put(&self, wire: &Wire, person: &Person) {
        if person.oddity % 3 == 1 {
            let gone = create(wire, person, "Gone");
            add(wire, &gone, &person.phone(), "phone", "phone");
            wire.insist("eadesk", "POST", &format!("{PERSON}/delete/{gone}"), &json!({}));
        }
        let id = create(wire, person, "");
        for (nth, phone) in person.phones.iter().enumerate() {
            let written = match (person.oddity + nth) % 4 {
                0 => phone.clone(),
                1 => format!("{} ({}) {}", &phone[..4], &phone[4..6], &phone[6..]),
                2 => format!("{} {}-{}", &phone[..4], &phone[4..8], &phone[8..]),
                _ => phone[1..].to_owned(),
            };
            if person.oddity % 5 == 2 {
                let item = add(wire, &id, &written, "phone", "phone");
                wire.insist("eadesk", "POST", &format!("{PERSON}/contacts/delete/{item}"), &json!({}));
            }
            add(wire, &id, &written, "phone", "phone");
        }
        for email in &person.emails {
            add(wire, &id, email, "mail", "mail");
        }
        for handle in &person.handles {
            let (service, value) = split_handle(handle).unwrap();
            add(wire, &id, value, "id", &service);
        }
        if person.oddity % 4 == 3 {
            // A bystander who had the phone once.
            let other = create(wire, person, "Other");
            let item = add(wire, &other, &person.phone(), "phone", "phone");
            wire.insist("eadesk", "POST", &format!("{PERSON}/contacts/delete/{item}"), &json!({}));
            add(wire, &other, &format!("other{}", person.number), "id", "vk");
        }
    }

    /// Another segment, and a handle.
    fn change(&self, wire: &Wire, sandbox: &Sandbox, person: &Person) {
        let has_phone = |contact: &Value| {
            let items = contact["contacts"].as_array().unwrap();
            items.iter().any(|item| whatsapp_key(item["value"].as_str().unwrap()) == whatsapp_key(&person.phone()))
        };
        let id = sandbox.contacts("eadesk").into_iter().find(has_phone).unwrap()["_id"].as_str().unwrap().to_owned();
        let read = || {
            let path = format!("{PERSON}/read?id={id}");
            wire.insist("eadesk", "GET", &path, &Value::Null)[0].clone()
        };
        let mut segments: BTreeSet<String> = serde_json::from_value(read()["segments"].clone()).unwrap();
        segments.insert("seg-third".to_owned());
        let body = json!({ "name": read()["name"], "description": read()["description"], "segments": segments });
        wire.insist("eadesk", "POST", &format!("{PERSON}/update/{id}"), &body);
        let skype = format!("third{}", person.number);
        let has_skype = || read()["contacts"].as_array().unwrap().iter().any(|item| item["value"] == skype.as_str());
        while !has_skype() {
            let body = json!({ "value": skype, "type": "id", "service": "skype" });
            wire.once("eadesk", "POST", &format!("{PERSON}/contacts/create/{id}"), &body);
        }
    }

    fn rename(&self, wire: &Wire, contact: &Value) {
        let body = json!({ "name": THEIRS, "description": contact["description"], "segments": contact["segments"] });
        let id = contact["_id"].as_str().unwrap();
        wire.insist("eadesk", "POST", &format!("{PERSON}/update/{id}"), &body);
    }

    fn name_at(&self) -> &'static str {
        "/0"
    }

    fn held(&self, _: &Wire, sandbox: &Sandbox) -> Held {
        let mut all = BTreeMap::new();
        let mut everywhere = BTreeSet::new();
        for person in sandbox.contacts("eadesk") {
            let mut items = BTreeSet::new();
            for item in person["contacts"].as_array().unwrap() {
                let text = |name: &str| item[name].as_str().unwrap().to_owned();
                let value = if text("type") == "phone" { whatsapp_key(&text("value")) } else { text("value") };
                let item = format!("{}:{value}", text("service"));
                assert!(items.insert(item.clone()), "an item twice: {item} of {person}");
                assert!(everywhere.insert(item.clone()), "there twice: {item} of {person}");
            }
            let segments: BTreeSet<String> = serde_json::from_value(person["segments"].clone()).unwrap();
            // No contact is only partially created: each has an item.
            let key = items.iter().find(|item| item.starts_with("phone:")).or(items.first());
            let key = key.unwrap_or_else(|| panic!("half made: {person}")).clone();
            let content = json!([person["name"], person["description"], segments, items]);
            all.insert(key, content);
        }
        all
    }
}

/// A person's id.
fn create(wire: &Wire, person: &Person, mark: &str) -> String {
    let segment = |tag: &String| SEGMENTS.split(", ").find_map(|pair| pair.strip_prefix(&format!("{tag}=")));
    let segments: Vec<&str> = person.tags.iter().filter_map(segment).collect();
    let notes = person.attributes.iter().find(|(name, _)| *name == "Twin").map_or("since 2019", |(_, value)| value);
    let name = if mark.is_empty() { format!("{} {}", person.first, person.last) } else { mark.to_owned() };
    let body = json!({ "name": name, "description": notes, "segments": segments });
    wire.insist("eadesk", "POST", &format!("{PERSON}/create"), &body)["_id"].as_str().unwrap().to_owned()
}

/// An item's id.
fn add(wire: &Wire, person: &str, value: &str, kind: &str, service: &str) -> String {
    let body = json!({ "value": value, "type": kind, "service": service });
    let answer = wire.insist("eadesk", "POST", &format!("{PERSON}/contacts/create/{person}"), &body);
    answer["result"]["id"].as_str().unwrap().to_owned()
}
