//! Atom: one request a person, found by phone alone.

use super::site::Wire;
use super::view::{Held, Person, THEIRS, View};
use ferry::identity::whatsapp_key;
use ferry::sandbox::Sandbox;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub struct Atom;

impl View for Atom {
    fn name(&self) -> &'static str {
        "atom"
    }

    fn mapping(&self) -> &'static str {
        "
  first_name: First
  last_name: { from: Last, default: \"-\" }
  phone: Phone
  email: { from: Email, lower: true }
  tags: { from: Tags, split: \";\" }
  address:
    city: City
  attributes:
    Plan: { from: Plan, lookup: { b: Basic, p: Pro }, otherwise: reject }
"
    }

    fn put(&self, wire: &Wire, person: &Person) {
        let optionals: Map<String, Value> =
            person.attributes.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let mut client = json!({ "firstName": person.first, "lastName": person.last, "phone": person.digits(),
            "optionals": optionals, "tags": person.tags });
        if !person.emails.is_empty() {
            client["email"] = json!(person.email());
        }
        wire.insist("atom", "POST", "/clients", &client);
    }

    fn change(&self, wire: &Wire, _: &Sandbox, person: &Person) {
        let found = wire.insist("atom", "GET", &format!("/clients?phone={}", person.digits()), &Value::Null);
        let mut client = found["items"][0].clone();
        client["optionals"]["Third"] = json!("party");
        wire.insist("atom", "POST", "/clients", &client);
    }

    fn rename(&self, wire: &Wire, contact: &Value) {
        let mut client = contact.clone();
        client["firstName"] = json!(THEIRS);
        wire.insist("atom", "POST", "/clients", &client);
    }

    fn name_at(&self) -> &'static str {
        "/0"
    }

    fn held(&self, _: &Wire, sandbox: &Sandbox) -> Held {
        let mut all = BTreeMap::new();
        for contact in sandbox.contacts("atom") {
            let text = |name: &str| contact[name].as_str().unwrap_or_default().to_owned();
            let phone = whatsapp_key(&text("phone"));
            let tags: BTreeSet<String> = serde_json::from_value(contact["tags"].clone()).unwrap();
            let optionals: BTreeMap<String, Value> = serde_json::from_value(contact["optionals"].clone()).unwrap();
            let content = json!([text("firstName"), text("lastName"), phone, text("email"), tags, optionals]);
            assert!(all.insert(phone.clone(), content).is_none(), "there twice: {phone}");
        }
        all
    }
}
