//! The JSON Schema of a contact, as an export writes it: the fields of the contact, its attributes, and what else its
//! platform sent. It says which values there may be, not which there are.

use crate::contact::FIELDS;
use serde_json::{Map, Value, json};

/// The name of the stream of contacts.
pub const CONTACTS: &str = "contacts";

/// The first values of lists, which stand in a contact under names of their own.
const FIRSTS: [(&str, &str); 2] = [("phones", "phone"), ("emails", "email")];

/// The schema of a contact. All but its id may be missing.
pub fn contact_schema() -> Value {
    let mut properties = Map::new();
    for (field, name) in FIELDS {
        let value = if field.is_list() { texts() } else { text(name) };
        if let Some((_, first)) = FIRSTS.iter().find(|(list, _)| *list == name) {
            properties.insert((*first).to_owned(), text(first));
        }
        match name.split_once('.') {
            None => drop(properties.insert(name.to_owned(), value)),
            Some((group, inner)) => {
                let group =
                    properties.entry(group).or_insert_with(|| json!({"type": ["null", "object"], "properties": {}}));
                if let Some(Value::Object(inside)) = group.get_mut("properties") {
                    inside.insert(inner.to_owned(), value);
                }
            }
        }
    }
    let other = json!({"type": ["null", "object"], "additionalProperties": true});
    let texts = json!({"type": ["null", "object"], "additionalProperties": {"type": ["null", "string"]}});
    properties.insert("attributes".to_owned(), texts);
    properties.insert("native".to_owned(), other);
    json!({"type": "object", "properties": properties})
}

fn text(name: &str) -> Value {
    let types = if name == "id" { json!("string") } else { json!(["null", "string"]) };
    match name.ends_with("_at") {
        true => json!({"type": types, "format": "date-time"}),
        false => json!({"type": types}),
    }
}

fn texts() -> Value {
    json!({"type": ["null", "array"], "items": {"type": "string"}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::Contact;

    #[test]
    fn every_part_of_a_contact_stands_in_the_schema() {
        let mut contact = Contact::default();
        for (field, name) in FIELDS {
            match field.is_list() {
                true => contact.list_mut(field).push(name.to_owned()),
                false => contact.set_text(field, name),
            }
        }
        contact.set_attribute("Plan", "gold");
        contact.native.insert("chat".to_owned(), json!(1));
        let schema = contact_schema();
        for (name, value) in contact.to_json() {
            let known = &schema["properties"][&name];
            assert!(known.is_object(), "{name}");
            for inner in value.as_object().into_iter().flatten().map(|(inner, _)| inner) {
                let is_open = known.get("additionalProperties").is_some();
                assert!(is_open || known["properties"][inner].is_object(), "{name}.{inner}");
            }
        }
        assert_eq!(schema["properties"].as_object().unwrap().len(), contact.to_json().len());
    }
}
