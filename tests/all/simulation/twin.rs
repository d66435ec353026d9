//! TWIN: clients who are there, whose attributes are defined first and set one by one. Nobody ever starts a chat.

use super::site::Wire;
use super::view::{Held, Person, THEIRS, View, client};
use ferry::sandbox::Sandbox;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub struct Twin;

const ATTRIBUTES: &str = "/api/v1/clients/attributes";
/// Defined before Ferry comes, beside those that an account begins with.
const DEFINED: [&str; 4] = ["Loyal", "Seen", "Third", "Mail"];

impl View for Twin {
    fn name(&self) -> &'static str {
        "twin"
    }

    /// `Level` and `Note` are defined by no other party.
    fn mapping(&self) -> &'static str {
        "
  target_id: Client
  attributes:
    Name: { value: \"{{ row.First }} {{ row.Last }}\" }
    City: City
    Plan: { from: Plan, lookup: { b: Basic, p: Pro }, otherwise: reject }
    Mail: { from: Email, lower: true }
    Level: Tags
    Note: Phone
"
    }

    fn found(&self, wire: &Wire, clients: usize) {
        for name in DEFINED {
            wire.insist("twin", "POST", ATTRIBUTES, &json!({ "name": name }));
        }
        // The sandbox shows only clients that were written to.
        for number in 0..clients {
            set(wire, &client(number), "Seen", "yes");
        }
    }

    fn put(&self, wire: &Wire, person: &Person) {
        let name = format!("{} {}", person.first, person.last);
        let known = [("Name", name), ("Phone", person.phone()), ("Mail", person.email())];
        let attributes = person.attributes.iter().filter(|(name, _)| *name == "Loyal").cloned();
        for (name, value) in known.into_iter().chain(attributes).filter(|(_, value)| !value.is_empty()) {
            set(wire, &person.client(), name, &value);
        }
    }

    fn change(&self, wire: &Wire, _: &Sandbox, person: &Person) {
        set(wire, &person.client(), "Third", "party");
    }

    fn rename(&self, wire: &Wire, contact: &Value) {
        set(wire, contact["id"].as_str().unwrap(), "Name", THEIRS);
    }

    fn name_at(&self) -> &'static str {
        "/Name"
    }

    fn held(&self, wire: &Wire, sandbox: &Sandbox) -> Held {
        assert_eq!(sandbox.chats_started("twin"), 0);
        let mut all = BTreeMap::new();
        for client in sandbox.contacts("twin") {
            let attributes: BTreeMap<String, Value> = serde_json::from_value(client["attributes"].clone()).unwrap();
            all.insert(client["id"].as_str().unwrap().to_owned(), json!(attributes));
        }
        let mut names = BTreeSet::new();
        for (name, _) in definitions(wire) {
            assert!(names.insert(name.clone()), "defined twice: {name}");
        }
        all.insert("definitions".to_owned(), json!(names));
        all
    }
}

/// Names and ids.
fn definitions(wire: &Wire) -> Vec<(String, String)> {
    let list = wire.insist("twin", "GET", ATTRIBUTES, &Value::Null);
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    list["items"].as_array().unwrap().iter().map(|item| (text(item, "name"), text(item, "id"))).collect()
}

fn set(wire: &Wire, client: &str, name: &str, value: &str) {
    let (_, id) = definitions(wire).into_iter().find(|(known, _)| known == name).unwrap();
    wire.insist("twin", "POST", &format!("/api/v1/clients/{client}/attributes/{id}"), &json!({ "value": value }));
}
