//! What the records of the stream of contacts look like, in JSON Schema: whole contacts, as an export writes them, or the
//! columns of a mapping. It says which values there may be, not which there are.

use crate::contact::{FIELDS, Field};
use crate::mapping::{Holds, Program};
use serde_json::{Map, Value, json};

/// The name of the stream of contacts.
pub const CONTACTS: &str = "contacts";

/// The first values of lists, which stand in a contact under names of their own.
const FIRSTS: [(&str, &str); 2] = [("phones", "phone"), ("emails", "email")];

/// What the records of a stream look like.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Their schema.
    pub schema: Value,
    /// The property by which a record is known: the id at the platform.
    pub key: Option<String>,
    /// The property that says when a contact was changed.
    pub changed: Option<String>,
}

impl Shape {
    /// Of whole contacts.
    pub fn whole() -> Shape {
        Shape::of_contacts(true)
    }

    /// Of what a mapping makes of contacts: its columns, else contacts.
    pub fn of(mapping: &Program) -> Shape {
        let Some(columns) = mapping.columns() else { return Shape::of_contacts(mapping.carries_id()) };
        let columns = || columns.names().iter().zip(columns.hold());
        let properties: Map<String, Value> = columns().map(|(name, holds)| (name.clone(), column(holds))).collect();
        let named = |field: Field| {
            let found = columns().find(|(_, holds)| *holds == Holds::Text(Some(field)));
            found.map(|(name, _)| name.clone())
        };
        let mut shape = Shape { schema: object_of(properties), key: None, changed: named(Field::UpdatedAt) };
        shape.key = named(Field::Id).filter(|_| mapping.carries_id());
        if let Some(id) = shape.key.as_ref().and_then(|key| shape.schema.pointer_mut("/properties")?.get_mut(key)) {
            *id = json!({"type": "string"});
        }
        shape
    }

    fn of_contacts(have_ids: bool) -> Shape {
        let id = have_ids.then(|| "id".to_owned());
        Shape { schema: contact_schema(), key: id, changed: Some("updated_at".to_owned()) }
    }

    /// The names of the properties by which a record is known, as protocols list them.
    pub fn keys(&self) -> Vec<&str> {
        self.key.iter().map(String::as_str).collect()
    }

    /// The names of the properties, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let properties = self.schema.get("properties").and_then(Value::as_object);
        properties.into_iter().flatten().map(|(name, _)| name.as_str())
    }
}

fn object_of(properties: Map<String, Value>) -> Value {
    json!({"type": "object", "properties": properties})
}

/// The schema of a column.
fn column(holds: Holds) -> Value {
    match holds {
        Holds::Text(field) => text(field.map_or("", Field::name)),
        Holds::Texts => texts(),
        Holds::TextOrTexts => json!({"type": ["null", "string", "array"], "items": {"type": "string"}}),
        Holds::Attributes => attributes(),
        Holds::Group(group) => {
            let whole = contact_schema();
            whole.pointer(&format!("/properties/{group}")).cloned().unwrap_or_else(native)
        }
        Holds::Native => native(),
        Holds::Any => json!({}),
    }
}

/// The schema of a contact. All but its id may be missing.
fn contact_schema() -> Value {
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
    properties.insert("attributes".to_owned(), attributes());
    properties.insert("native".to_owned(), native());
    object_of(properties)
}

fn attributes() -> Value {
    json!({"type": ["null", "object"], "additionalProperties": {"type": ["null", "string"]}})
}

fn native() -> Value {
    json!({"type": ["null", "object"], "additionalProperties": true})
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
    use crate::mapping::{BindOptions, Mapping};
    use crate::record::Header;
    use std::path::Path;

    fn shape(mapping: &str) -> Shape {
        let mapping = Mapping::parse(mapping, Path::new("m.yaml")).unwrap();
        Shape::of(&mapping.bind(&Header::Contact, &BindOptions::default()).unwrap())
    }

    #[test]
    fn the_schema_of_columns_says_what_each_can_hold() {
        let columns = "Code: id\n  Name: '{{ contact.full_name | upper }}'\n  Phones: phones\n  \
            Tags: { from: tags, join: '; ' }\n  Labels: { from: tags, add: [x] }\n  Where: address\n  Seen: updated_at\n  \
            Plan: attributes.Plan\n  First: [phones, email]\n  All: attributes\n  Chat: native.chat";
        let made = shape(&format!("version: 1\ncolumns:\n  {columns}\n"));
        assert_eq!((made.keys(), made.changed.as_deref()), (vec!["Code"], Some("Seen")));
        let types: Vec<String> = made
            .names()
            .map(|name| made.schema["properties"][name]["type"].to_string().replace("\"null\",", ""))
            .collect();
        let [text, texts, object] = [r#"["string"]"#, r#"["array"]"#, r#"["object"]"#];
        let either = r#"["string","array"]"#;
        assert_eq!(types, ["\"string\"", text, texts, text, texts, object, text, text, either, object, "null"]);
        assert_eq!(made.schema.pointer("/properties/Seen/format"), Some(&json!("date-time")));
        assert!(made.schema.pointer("/properties/Where/properties/city").is_some());
    }

    #[test]
    fn a_record_without_the_id_of_its_contact_has_no_key() {
        assert_eq!(shape("version: 1\ncolumns: { Name: full_name }\n").key, None);
        assert_eq!(shape("version: 1\ncontact: { notes: { value: x } }\n").keys(), ["id"]);
        let ignored = "version: 1\nunmapped: ignore\ncontact: { full_name: full_name }\n";
        assert_eq!(shape(ignored).key, None);
        assert_eq!(shape(&format!("{ignored}columns: {{ id: id }}\n")).key, None);
        assert_eq!(Shape::whole().keys(), ["id"]);
    }

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
        assert_eq!(Shape::whole().schema, schema);
        assert_eq!(schema["properties"].as_object().unwrap().len(), contact.to_json().len());
    }
}
