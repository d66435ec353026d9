//! Mercately: one request a person, found by phone and by e-mail; tags that the account does not have are dropped.

use super::site::Wire;
use super::view::{Held, Person, THEIRS, View};
use ferry::identity::whatsapp_key;
use ferry::sandbox::Sandbox;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub struct Mercately;

const CUSTOMERS: &str = "/retailers/api/v1/customers";

impl View for Mercately {
    fn name(&self) -> &'static str {
        "mercately"
    }

    fn mapping(&self) -> &'static str {
        super::atom::Atom.mapping()
    }

    fn put(&self, wire: &Wire, person: &Person) {
        let field = |(name, value): &(&str, String)| json!({ "field_name": name, "field_content": value });
        let tag = |name: &String| json!({ "name": name, "value": true });
        let customer = json!({ "customer": { "first_name": person.first, "last_name": person.last,
            "phone": person.phone(), "email": person.email(),
            "tags": person.tags.iter().map(tag).collect::<Vec<_>>(),
            "custom_fields": person.attributes.iter().map(field).collect::<Vec<_>>() } });
        wire.insist("mercately", "POST", CUSTOMERS, &customer);
    }

    fn change(&self, wire: &Wire, _: &Sandbox, person: &Person) {
        let body = json!({ "customer": { "custom_fields": [{ "field_name": "Third", "field_content": "party" }] } });
        wire.insist("mercately", "PUT", &format!("{CUSTOMERS}/{}", person.digits()), &body);
    }

    fn rename(&self, wire: &Wire, contact: &Value) {
        let body = json!({ "customer": { "first_name": THEIRS } });
        let id = contact["id"].as_str().unwrap();
        wire.insist("mercately", "PUT", &format!("{CUSTOMERS}/{id}"), &body);
    }

    fn name_at(&self) -> &'static str {
        "/0"
    }

    fn held(&self, _: &Wire, sandbox: &Sandbox) -> Held {
        let (mut all, mut emails) = (BTreeMap::new(), BTreeSet::new());
        for contact in sandbox.contacts("mercately") {
            let text = |name: &str| contact[name].as_str().unwrap_or_default().to_owned();
            let phone = whatsapp_key(&text("phone"));
            let key = if phone.is_empty() { text("email") } else { phone.clone() };
            assert!(text("email").is_empty() || emails.insert(text("email")), "there twice: {}", text("email"));
            let list = |name: &str, item: &str, value: &str| -> BTreeMap<String, String> {
                let items = contact[name].as_array().cloned().unwrap_or_default();
                let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
                items.iter().map(|it| (text(it, item), text(it, value))).collect()
            };
            let tags: Vec<String> = list("tags", "tag", "tag").into_keys().collect();
            let fields = list("custom_fields", "field_name", "field_content:");
            let content =
                json!([text("first_name"), text("last_name"), phone, text("email"), text("city"), tags, fields]);
            assert!(all.insert(key.clone(), content).is_none(), "there twice: {key}");
        }
        all
    }
}
