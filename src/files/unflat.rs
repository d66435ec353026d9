//! Rejects of JSON or of a platform that were written as a table: their rows become objects and contacts again, so that the
//! mapping for the source also works for them.

use super::reader::{ReadFault, Source};
use super::reject_columns::RowsOf;
use crate::contact::Contact;
use crate::record::{Fields, Record};
use serde_json::{Map, Value};

/// How deep objects are made again from dotted names; a name with more dots keeps the rest of them.
const DEPTH_MAX: usize = 16;

/// Records of a table, as what they were made of.
pub(super) struct Unflat<S> {
    pub names: Vec<String>,
    pub rows_of: RowsOf,
    pub rows: S,
}

impl<S> Unflat<S> {
    fn again(&self, record: Record) -> Record {
        let Fields::Row(row) = &record.fields else { return record };
        let mut object = Map::new();
        let depth = if self.rows_of == RowsOf::Contacts { 1 } else { DEPTH_MAX };
        for (name, cell) in self.names.iter().zip(row.iter()) {
            match cell.trim().is_empty() {
                // A user may have fixed a phone by emptying its cell: it is removed from the list, too.
                true if self.rows_of == RowsOf::Contacts => put(&mut object, name, Value::Null, depth),
                true => {}
                false => put(&mut object, name, value_of(cell), depth),
            }
        }
        let fields = match self.rows_of {
            RowsOf::Contacts => {
                let contact = Contact::from_json(&object);
                object = contact.to_json();
                Fields::Contact(Box::new(contact))
            }
            RowsOf::Objects => Fields::Json(Value::Object(object.clone())),
        };
        let raw = Value::Object(object).to_string().into_bytes().into();
        Record { origin: record.origin, fields, raw }
    }
}

/// Lists and what is nested in them were written as JSON; anything else is text.
fn value_of(cell: &str) -> Value {
    let is_json = cell.trim_start().starts_with(['[', '{']);
    let parsed = is_json.then(|| serde_json::from_str(cell).ok()).flatten();
    parsed.unwrap_or_else(|| Value::from(cell))
}

/// Puts a value at a dotted name, with objects on the way.
fn put(object: &mut Map<String, Value>, name: &str, value: Value, depth: usize) {
    match name.split_once('.').filter(|_| depth > 0) {
        Some((group, inner)) => match object.entry(group).or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(inside) => put(inside, inner, value, depth - 1),
            _ => drop(object.insert(name.to_owned(), value)),
        },
        None => drop(object.insert(name.to_owned(), value)),
    }
}

impl<S: Source> Iterator for Unflat<S> {
    type Item = Result<Record, ReadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.rows.next()?.map(|record| self.again(record)))
    }
}

impl<S: Source> Source for Unflat<S> {}
