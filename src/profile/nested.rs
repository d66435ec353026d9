//! The names of the values in JSON records: the keys of objects in objects with dots, and of the lists that a contact can
//! have (phones, e-mails, addresses) the keys of their elements. Any other list is one value.

use crate::mapping::names::{is_list_of_contact, is_single};
use crate::record::{FieldsRef, RecordRef};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// More names than this are data that became names.
const NAMES_MAX: usize = 1_000;
/// Objects in objects that are looked into for names.
const DEPTH_MAX: usize = 8;

/// The names of the first records, in the order in which they come.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: Vec<String>,
    known: HashSet<String>,
    /// Names under which a record has more than nothing.
    filled: HashSet<String>,
    /// Lists of which a record has several elements.
    several: HashSet<String>,
}

impl Names {
    /// Adds the names of a record.
    pub fn add(&mut self, record: RecordRef<'_>) {
        if let FieldsRef::Json(Value::Object(object)) = record.fields {
            self.object(object, "", 0);
        }
    }

    /// The names. One whose value is an object elsewhere is none, and a single value of a list with several elements is
    /// that of the first, with all of them behind it.
    pub fn finish(self) -> Vec<String> {
        let groups: HashSet<&str> = self.names.iter().flat_map(|name| parents(name)).collect();
        let is_value = |name: &&String| self.filled.contains(*name) || !groups.contains(name.as_str());
        let mut names = Vec::with_capacity(self.names.len());
        for name in self.names.iter().filter(is_value) {
            let list = parents(name).find(|parent| self.several.contains(*parent));
            if let Some(rest) = list.filter(|_| is_single(name)).and_then(|list| name.get(list.len()..)) {
                names.extend(list.map(|list| format!("{list}.0{rest}")));
            }
            names.push(name.clone());
        }
        names
    }

    fn object(&mut self, object: &Map<String, Value>, before: &str, depth: usize) {
        // What a platform sent besides is no part of a contact.
        for (key, value) in object.iter().filter(|(key, _)| depth > 0 || *key != "native") {
            let name = format!("{before}{key}");
            match value {
                Value::Object(inner) if depth < DEPTH_MAX => self.object(inner, &format!("{name}."), depth + 1),
                Value::Array(items) if depth < DEPTH_MAX && is_list_of_contact(&name) => {
                    self.list(items, name, depth);
                }
                Value::Array(items) => self.push(name, !items.is_empty()),
                value => self.push(name, !value.is_null()),
            }
        }
    }

    fn list(&mut self, items: &[Value], name: String, depth: usize) {
        let objects: Vec<&Map<String, Value>> = items.iter().filter_map(Value::as_object).collect();
        if objects.len() > 1 {
            self.several.insert(name.clone());
        }
        for object in &objects {
            self.object(object, &format!("{name}."), depth + 1);
        }
        if objects.len() < items.len() || items.is_empty() {
            self.push(name, !items.is_empty());
        }
    }

    fn push(&mut self, name: String, is_filled: bool) {
        if self.names.len() < NAMES_MAX && !self.known.contains(&name) {
            self.known.insert(name.clone());
            self.names.push(name.clone());
        }
        if is_filled {
            self.filled.insert(name);
        }
    }
}

/// The names of the objects and lists that a name leads through, the outermost first.
fn parents(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('.').filter_map(|(at, _)| name.get(..at))
}
