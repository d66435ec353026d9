//! The JSON Schema of a mapping, for editors, made of the tables by which a mapping is read. It knows which keys there are
//! and what may stand behind each; what only a reading can tell (templates, regular expressions, keys that exclude each
//! other) it accepts.

use super::page::{KEYS, keys_schema};
use super::shapes::rule;
use crate::yaml::shape::DIALECT;
use serde_json::{Value, json};

/// The JSON Schema of a mapping.
pub fn schema() -> Value {
    let mut schema = keys_schema(&KEYS);
    if let Value::Object(object) = &mut schema {
        object.insert("$schema".to_owned(), json!(DIALECT));
        object.insert("title".to_owned(), json!("A mapping of Ferry"));
        object.insert("definitions".to_owned(), json!({ "rule": rule() }));
    }
    schema
}

/// The keys of a mapping, in the order in which they are explained.
pub fn keys() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.name)
}
