//! The values of a record by the places of its names, whether it is a row of a table or a JSON object. A list in one value
//! is joined, because the profile looks at texts only.

use crate::record::{Fields, Record};
use serde_json::Value;
use std::borrow::Cow;

/// More names than this are data that became names.
pub const NAMES_MAX: usize = 1_000;
/// Objects in objects that are looked into for names.
const DEPTH_MAX: usize = 8;
/// Between the items of a list.
const LIST_JOIN: &str = "; ";

/// The values of one record.
pub struct Cells<'a> {
    record: &'a Record,
    names: &'a [String],
}

impl<'a> Cells<'a> {
    /// The values of a record that has these names.
    pub fn of(record: &'a Record, names: &'a [String]) -> Cells<'a> {
        Cells { record, names }
    }

    /// The value at this place; blank where there is none.
    pub fn get(&self, column: usize) -> Cow<'a, str> {
        match &self.record.fields {
            Fields::Row(row) => Cow::Borrowed(row.get(column).unwrap_or_default()),
            Fields::Json(value) => {
                self.names.get(column).and_then(|name| at(value, name)).map_or(Cow::Borrowed(""), text)
            }
            Fields::Contact(_) => Cow::Borrowed(""),
        }
    }
}

/// The value of an exact name, else of a dotted path.
fn at<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let object = value.as_object()?;
    object.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        at(object.get(first)?, rest)
    })
}

fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null | Value::Object(_) => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        Value::Array(items) => {
            let items: Vec<Cow<'_, str>> = items.iter().map(text).filter(|item| !item.is_empty()).collect();
            Cow::Owned(items.join(LIST_JOIN))
        }
        other => Cow::Owned(other.to_string()),
    }
}

/// Adds the names of an object's values, with dots those of what is nested in it: an `address` that is an object is no
/// street.
pub fn names_of(record: &Record, names: &mut Vec<String>) {
    if let Fields::Json(Value::Object(fields)) = &record.fields {
        add_names(fields, "", 0, names);
    }
}

fn add_names(fields: &serde_json::Map<String, Value>, before: &str, depth: usize, names: &mut Vec<String>) {
    // What a platform sent besides is no part of a contact.
    for (name, value) in fields.iter().filter(|(name, _)| depth > 0 || *name != "native") {
        let name = format!("{before}{name}");
        match value {
            Value::Object(inner) if depth < DEPTH_MAX => add_names(inner, &format!("{name}."), depth + 1, names),
            _ if names.len() < NAMES_MAX && !names.contains(&name) => names.push(name),
            _ => {}
        }
    }
}
