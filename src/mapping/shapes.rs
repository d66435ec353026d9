//! What may stand behind the keys of a mapping that hold more than a text or a word, as JSON Schema: the contact with its
//! rules, the columns of a file, the identity, the region. It is made of the tables by which these are read.

use super::sections::{contact_names, groups};
use super::verb::VERBS;
use crate::yaml::shape::{Shape, described, map_of, or_blank, text};
use serde_json::{Map, Value, json};

/// Where a schema refers to that of a rule.
const RULE: &str = "#/definitions/rule";

pub(super) fn phone_region() -> Value {
    let from = described(Shape::Texts.schema(), "the column that names the country, or several");
    let default = described(text(), "the country of records without one");
    let by_column = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["from"],
        "properties": { "from": from, "default": default },
    });
    json!({ "anyOf": [text(), by_column] })
}

pub(super) fn identity() -> Value {
    let name = json!({ "enum": contact_names().collect::<Vec<_>>() });
    json!({ "anyOf": [name, { "type": "array", "items": name, "minItems": 1 }] })
}

/// The rules of a contact: fields by their whole names, or below the name of their group.
pub(super) fn contact() -> Value {
    let rule = || json!({ "$ref": RULE });
    let mut properties: Map<String, Value> = contact_names().map(|name| (name.to_owned(), rule())).collect();
    for group in groups() {
        let inside = contact_names().filter_map(|name| name.strip_prefix(group)?.strip_prefix('.'));
        let inside = map_of(inside.map(|name| (name.to_owned(), rule())).collect());
        properties.insert(group.to_owned(), or_blank(inside));
    }
    properties.insert("attributes".to_owned(), or_blank(json!({ "type": "object", "additionalProperties": rule() })));
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "patternProperties": { "^attributes\\..": rule() },
    })
}

pub(super) fn columns() -> Value {
    json!({ "type": "object", "additionalProperties": { "$ref": RULE }, "minProperties": 1 })
}

/// One rule: a name, several, or a map of verbs.
pub(super) fn rule() -> Value {
    let verbs = VERBS.iter().map(|verb| (verb.name.to_owned(), described(verb.shape.schema(), verb.does))).collect();
    json!({
        "anyOf": [
            described(text(), "the column that the value comes from"),
            described(Shape::List.schema(), "columns, of which the first with a valid value is taken"),
            map_of(verbs),
            described(json!({ "type": "null" }), "the field is left out"),
        ],
    })
}
