//! The values of a record by the places of its names, whether it is a row of a table or a JSON object. A list in one value
//! is joined, because the profile looks at texts only.

use crate::mapping::{Found, found_at};
use crate::record::{FieldsRef, RecordRef};
use serde_json::Value;
use std::borrow::Cow;

/// Between the items of a list.
const LIST_JOIN: &str = "; ";

/// The values of one record.
pub struct Cells<'a> {
    record: RecordRef<'a>,
    names: &'a [String],
}

impl<'a> Cells<'a> {
    /// The values of a record that has these names.
    pub fn of(record: impl Into<RecordRef<'a>>, names: &'a [String]) -> Cells<'a> {
        Cells { record: record.into(), names }
    }

    /// The value at this place; blank where there is none.
    pub fn get(&self, column: usize) -> Cow<'a, str> {
        match self.record.fields {
            FieldsRef::Row(row) => Cow::Borrowed(row.get(column).unwrap_or_default()),
            FieldsRef::Json(value) => {
                let found = self.names.get(column).and_then(|name| found_at(value, name));
                found.map_or(Cow::Borrowed(""), |found| match found {
                    Found::One(value) => text(value),
                    Found::Many(values) => join(values.into_iter().map(text)),
                })
            }
            FieldsRef::Contact(_) => Cow::Borrowed(""),
        }
    }
}

/// A value as text. An object in a list is its JSON text; one that is in none has names of its own.
fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null | Value::Object(_) => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        Value::Array(items) => join(items.iter().map(|item| match item {
            Value::Object(_) => Cow::Owned(item.to_string()),
            item => text(item),
        })),
        other => Cow::Owned(other.to_string()),
    }
}

fn join<'a>(texts: impl Iterator<Item = Cow<'a, str>>) -> Cow<'a, str> {
    let filled: Vec<Cow<'_, str>> = texts.filter(|text| !text.is_empty()).collect();
    Cow::Owned(filled.join(LIST_JOIN))
}
