//! One Mercately customer: the record as it is read, and what a write does to it.
//!
//! It does not know the other customers; uniqueness is the account's business.

use serde_json::{Map, Value, json};
use std::fmt;

/// The key of a custom field's content when it is read: it really ends in a colon.
pub(super) const CONTENT_READ: &str = "field_content:";
/// The same when it is written.
const CONTENT_WRITTEN: &str = "field_content";

/// Fields that a write sets as they come.
const FIELDS: [&str; 11] = [
    "first_name",
    "last_name",
    "email",
    "phone",
    "id_type",
    "id_number",
    "address",
    "city",
    "state",
    "zip_code",
    "notes",
];
/// The other parts of a write.
const PARTS: [&str; 3] = ["tags", "custom_fields", "agent_id"];
/// The identity papers there are; others are dropped.
const ID_TYPES: [&str; 5] = ["cedula", "pasaporte", "ruc", "rut", "otro"];

/// What an account knows; it drops the rest in silence.
pub(super) struct Knows {
    pub(super) tags: Vec<String>,
    /// Custom fields that it does not know.
    pub(super) not_attributes: Vec<String>,
}

/// A customer, as the platform answers it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Customer(Map<String, Value>);

impl Customer {
    /// A customer without any value.
    pub(super) fn new(id: &str, created: &str) -> Customer {
        let record = json!({
            "id": id, "first_name": null, "last_name": null, "email": null, "phone": null,
            "meli_customer_id": null, "meli_nickname": null, "id_type": null, "id_number": null,
            "address": null, "city": null, "state": null, "zip_code": null, "country_id": null, "notes": null,
            "whatsapp_opt_in": false, "whatsapp_name": null, "tags": [], "custom_fields": [],
            "agent": null, "creation_date": created,
        });
        match record {
            Value::Object(record) => Customer(record),
            _ => Customer(Map::new()),
        }
    }

    /// Reads one back.
    pub(super) fn parse(text: &str) -> serde_json::Result<Customer> {
        serde_json::from_str(text).map(Customer)
    }

    /// A field that is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    fn is_blank(&self, name: &str) -> bool {
        self.text(name).is_none_or(|text| text.trim().is_empty())
    }

    /// What it is found by.
    pub(super) fn keys(&self) -> Vec<String> {
        let phone = self.text("phone").filter(|phone| !phone.is_empty()).map(phone_key);
        let email = self.text("email").filter(|email| !email.is_empty()).map(email_key);
        phone.into_iter().chain(email).collect()
    }

    /// Sets what a write carries and the platform permits; the rest is dropped in silence.
    pub(super) fn assign(&mut self, wanted: &Map<String, Value>, knows: &Knows) {
        for name in FIELDS {
            let Some(value) = wanted.get(name).and_then(cast) else { continue };
            let value = match (name, value) {
                ("phone", Value::String(phone)) => Value::String(stored_phone(&phone)),
                ("id_type", Value::String(kind)) if !ID_TYPES.contains(&kind.as_str()) => continue,
                (_, value) => value,
            };
            self.0.insert(name.to_owned(), value);
        }
        if let Some(agent) = wanted.get("agent_id").and_then(agent) {
            self.0.insert("agent".to_owned(), agent);
        }
        for field in wanted.get("custom_fields").and_then(Value::as_array).into_iter().flatten() {
            self.assign_custom(field, knows);
        }
    }

    fn assign_custom(&mut self, field: &Value, knows: &Knows) {
        let Some(name) = field.get("field_name").and_then(Value::as_str) else { return };
        let Some(content) = field.get(CONTENT_WRITTEN).and_then(cast) else { return };
        if knows.not_attributes.iter().any(|unknown| unknown == name) {
            return;
        }
        let Some(held) = self.list("custom_fields") else { return };
        let entry = json!({ "field_name": name, CONTENT_READ: content });
        match held.iter_mut().find(|held| held.get("field_name").and_then(Value::as_str) == Some(name)) {
            Some(held) => *held = entry,
            None => held.push(entry),
        }
    }

    /// Adds and takes away tags, never replaces them. Names that the account does not know are ignored, and so are
    /// values that are neither true nor false.
    pub(super) fn tag(&mut self, wanted: &Map<String, Value>, account: &[(String, String)]) {
        for entry in wanted.get("tags").and_then(Value::as_array).into_iter().flatten() {
            let name = entry.get("name").and_then(Value::as_str);
            let Some((tag, web_id)) = account.iter().find(|(tag, _)| Some(tag.as_str()) == name) else { continue };
            let Some(held) = self.list("tags") else { return };
            let is_it = |held: &Value| held.get("tag").and_then(Value::as_str) == Some(tag);
            match entry.get("value").and_then(truth) {
                Some(true) if !held.iter().any(is_it) => held.push(json!({ "tag": tag, "web_id": web_id })),
                Some(false) => held.retain(|held| !is_it(held)),
                _ => {}
            }
        }
    }

    fn list(&mut self, name: &str) -> Option<&mut Vec<Value>> {
        self.0.get_mut(name).and_then(Value::as_array_mut)
    }

    /// What is wrong with it by itself, in the platform's words.
    pub(super) fn mistakes(&self) -> Vec<&'static str> {
        let email = self.text("email").unwrap_or_default();
        let rules = [
            (self.is_blank("first_name"), "Nombre no puede estar en blanco"),
            (self.is_blank("last_name"), "Apellido no puede estar en blanco"),
            (self.is_blank("phone") && self.is_blank("email"), "Numero o email deben estar presentes."),
            (!self.is_blank("email") && !is_email(email), "Email no es válido"),
        ];
        rules.into_iter().filter(|(broken, _)| *broken).map(|(_, words)| words).collect()
    }

    /// As the list of conversations shows it; `prefix_len` letters of the id come before the internal number.
    pub(super) fn conversation(&self, prefix_len: usize) -> Value {
        let number = self.text("id").and_then(|id| id.get(prefix_len..)).and_then(|tail| tail.parse::<u64>().ok());
        let field = |name: &str| self.0.get(name).cloned().unwrap_or_default();
        json!({
            "id": null, "customer_id": number, "message_count": 1, "last_interaction": field("creation_date"),
            "first_name": field("first_name"), "last_name": field("last_name"), "email": field("email"),
            "phone": field("phone"),
            "agent_id": self.0.get("agent").and_then(|agent| agent.get("id")).cloned().unwrap_or_default(),
        })
    }
}

impl fmt::Display for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

/// Whether a flat body says anything about a customer.
pub(super) fn is_known(body: &Map<String, Value>) -> bool {
    FIELDS.iter().chain(&PARTS).any(|&name| body.contains_key(name))
}

/// What a customer with this phone, as it is stored, is found by.
pub(super) fn phone_key(phone: &str) -> String {
    format!("phone {phone}")
}

/// What a customer with this e-mail is found by.
pub(super) fn email_key(email: &str) -> String {
    format!("email {email}")
}

/// The agents of the account; all invented.
pub(super) fn agents() -> Vec<Value> {
    let agents = [
        (2763, "Agent", "Example", "agent@example.com", true),
        (2764, "Lucía", "Prado", "lucia.prado@example.com", false),
        (2765, "Marco", "Salas", "marco.salas@example.com", false),
    ];
    let shown = agents.map(|(id, first_name, last_name, email, admin)| {
        json!({ "id": id, "first_name": first_name, "last_name": last_name, "email": email, "admin": admin })
    });
    shown.to_vec()
}

/// The agent of this id, as a customer shows it. `None` if there is none: the write then leaves the agent alone.
fn agent(id: &Value) -> Option<Value> {
    let id = id.as_u64().or_else(|| id.as_str()?.parse().ok());
    let mut agent = agents().into_iter().find(|agent| agent.get("id").and_then(Value::as_u64) == id)?;
    agent.as_object_mut()?.remove("admin");
    Some(agent)
}

/// A value as a text column takes it; lists and objects are not permitted there.
fn cast(value: &Value) -> Option<Value> {
    match value {
        Value::Null | Value::String(_) => Some(value.clone()),
        Value::Bool(_) | Value::Number(_) => Some(Value::String(value.to_string())),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn truth(value: &Value) -> Option<bool> {
    value.as_bool().or_else(|| value.as_str()?.parse().ok())
}

/// Trimmed; a Mexican number gets a `1` after `+52`.
fn stored_phone(phone: &str) -> String {
    let phone = phone.trim();
    match phone.strip_prefix("+52") {
        Some(rest) if rest.len() == 10 && rest.bytes().all(|byte| byte.is_ascii_digit()) => format!("+521{rest}"),
        _ => phone.to_owned(),
    }
}

/// One `@` with something before it and a name with a dot behind.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let dotted = domain.split('.').count() > 1 && domain.split('.').all(|label| !label.is_empty());
    !local.is_empty() && dotted && !domain.contains('@') && !text.contains(char::is_whitespace)
}
