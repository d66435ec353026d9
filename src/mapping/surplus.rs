//! What no rule of a mapping uses: it becomes custom attributes, or is an error, as `unmapped` says.
//!
//! A value whose name is taken by another value is hidden. It is not lost silently: its name is added to `not_carried`,
//! and the value to the list of values that were left blank (`value.hidden`).

use super::compiled::Dotted;
use super::draft::{Draft, Hidden};
use super::program::{Program, Surplus};
use super::source::{Cell, ContactName, Found, along, found_cell};
use super::text::is_error_cell;
use super::transform::tidy;
use super::value::LIST_JOIN;
use crate::contact::{Contact, FIELDS, Field};
use crate::outcome::Problem;
use crate::record::{FieldsRef, RecordRef};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// How deep an unused JSON object is opened into attributes; what lies deeper is kept as its JSON text.
const DEPTH_MAX: usize = 8;
/// Into how many attributes a list that is used in part is opened; one with more is kept as its JSON text.
const NAMES_MAX: usize = 256;

impl Program {
    /// What of the record's contact goes on as it is.
    pub(super) fn carried(&self, record: RecordRef<'_>) -> Draft<'static> {
        let (Surplus::Carry(taken) | Surplus::CarryAttributes(taken), FieldsRef::Contact(contact)) =
            (&self.surplus, record.fields)
        else {
            return Draft::default();
        };
        let mut contact = Contact::clone(contact);
        taken.iter().for_each(|name| take(&mut contact, name));
        match self.surplus {
            Surplus::CarryAttributes(_) => as_attributes(&contact, record.origin.line),
            _ => Draft::of(contact),
        }
    }

    pub(super) fn add_surplus(&self, record: RecordRef<'_>, draft: &mut Draft<'_>, problems: &mut Vec<Problem>) {
        let (used, is_kept) = match &self.surplus {
            Surplus::Attributes(used) => (used, true),
            Surplus::Error(used) => (used, false),
            Surplus::CarryError(taken) => return self.note_left(record, taken),
            _ => return self.list_hidden(record, draft),
        };
        let FieldsRef::Json(Value::Object(object)) = record.fields else { return };
        let mut unused = Unused { used, top: object, found: Vec::new(), native: None };
        unused.walk(object, "", 0, true);
        if let Some(native) = unused.native {
            draft.contact.native = Some(Box::new(native.clone()));
        }
        for (name, value) in unused.found {
            if is_kept {
                problems.extend(self.keep(record.origin.line, &name, value, draft));
            } else {
                self.seen.surplus(&name);
            }
        }
        if !is_kept {
            self.list_hidden(record, draft);
        }
    }

    /// A rule reads `a.b` from the key of that name; what `{"a": {"b": …}}` has is hidden.
    fn list_hidden(&self, record: RecordRef<'_>, draft: &mut Draft<'_>) {
        let FieldsRef::Json(Value::Object(object)) = record.fields else { return };
        for Dotted { name, path } in &self.dotted {
            let (Some(exact), Some((first, rest))) = (object.get(&**name), path.split_first()) else { continue };
            let Some(nested) = object.get(&**first).and_then(|value| along(value, rest)) else { continue };
            if let Some(value) = self.text_of(found_cell(nested))
                && self.text_of(found_cell(Found::One(exact))).as_ref() != Some(&value)
            {
                let (line, value) = (record.origin.line, value.into_owned());
                Hidden { line, column: name, name: name.to_string(), value }.list(draft);
            }
        }
    }

    /// What no rule uses of a contact. Where it comes from is no part of what it is.
    fn note_left(&self, record: RecordRef<'_>, taken: &[ContactName]) {
        let FieldsRef::Contact(contact) = record.fields else { return };
        let mut left = Contact::clone(contact);
        [Field::Id, Field::TargetId, Field::CreatedAt, Field::UpdatedAt]
            .into_iter()
            .for_each(|field| left.remove(field));
        taken.iter().for_each(|name| take(&mut left, name));
        for (_, name) in FIELDS.into_iter().filter(|(field, _)| left.has(*field)) {
            self.seen.surplus(name);
        }
        left.attributes.iter().for_each(|left| self.seen.surplus(&format!("attributes.{}", left.name)));
    }

    /// A value as text; `None` where it is blank.
    fn text_of<'a>(&self, cell: Cell<'a>) -> Option<Cow<'a, str>> {
        let text = match cell {
            Cell::Absent | Cell::Blank => return None,
            Cell::Text(text) => tidy(text),
            Cell::List(items) => tidy(Cow::Owned(items.join(LIST_JOIN))),
        };
        (!text.is_empty() && !self.blanks.iter().any(|blank| *blank == text)).then_some(text)
    }

    /// Keeps a value as an attribute; the problem where it is the trace of a failed formula.
    fn keep(&self, line: u64, name: &str, value: Found<'_>, draft: &mut Draft<'_>) -> Option<Problem> {
        let text = self.text_of(found_cell(value))?;
        if is_error_cell(&text) {
            let message = format!("`{text}` is what a spreadsheet leaves where a formula failed");
            return Some(Problem::new("value.error_cell", message).at(name));
        }
        let attribute = name.strip_prefix("attributes.").unwrap_or(name);
        match draft.contact.attribute(attribute) {
            Some(have) if have == text => {}
            None if !attribute.trim().is_empty() => {
                draft.contact.set_attribute(attribute, Cow::Owned(text.into_owned()))
            }
            Some(_) | None => {
                let name_of_hidden = format!("attributes.{attribute}");
                Hidden { line, column: name, name: name_of_hidden, value: text.into_owned() }.list(draft);
            }
        }
        None
    }
}

/// Finds the values of a JSON record that no rule uses.
struct Unused<'u, 'a> {
    used: &'u HashSet<String>,
    /// The record itself.
    top: &'a Map<String, Value>,
    found: Vec<(String, Found<'a>)>,
    /// What the source platform had beside the contact, in an export of Ferry's own.
    native: Option<&'a Map<String, Value>>,
}

impl<'a> Unused<'_, 'a> {
    /// `is_plain`: no key on the way here has a dot, so that a path can lead here.
    fn walk(&mut self, object: &'a Map<String, Value>, prefix: &str, depth: usize, is_plain: bool) {
        for (key, value) in object {
            let name =
                if prefix.is_empty() { Cow::Borrowed(key.as_str()) } else { Cow::Owned(format!("{prefix}.{key}")) };
            let is_plain = is_plain && !key.contains('.');
            if self.used.contains(&*name) && (depth == 0 || (is_plain && !self.top.contains_key(&*name))) {
                continue;
            }
            match value {
                Value::Object(native) if depth == 0 && key == "native" && is_export(self.top) => {
                    self.native = Some(native);
                }
                Value::Object(inner) if depth < DEPTH_MAX && !inner.is_empty() => {
                    self.walk(inner, &name, depth + 1, is_plain);
                }
                Value::Array(items) if is_plain && is_used_inside(self.used, &name) => {
                    self.rest_of(items, value, &name)
                }
                value => self.found.push((name.into_owned(), Found::One(value))),
            }
        }
    }

    /// What is left of a list of which rules use a part.
    fn rest_of(&mut self, items: &'a [Value], whole: &'a Value, name: &str) {
        let mut rest = Rest { used: self.used, names: HashMap::new(), values: Vec::new() };
        rest.items(items, vec![name.to_owned()], name);
        if rest.values.len() > NAMES_MAX {
            return self.found.push((name.to_owned(), Found::One(whole)));
        }
        self.found.extend(rest.values.into_iter().map(|(name, values)| (name, Found::Many(values))));
    }
}

/// The values of a list that no rule uses, by their names without the items' numbers.
struct Rest<'u, 'a> {
    used: &'u HashSet<String>,
    names: HashMap<String, usize>,
    values: Vec<(String, Vec<&'a Value>)>,
}

impl<'a> Rest<'_, 'a> {
    /// `paths`: by which names rules could speak of the list, with and without the numbers of items.
    fn items(&mut self, items: &'a [Value], paths: Vec<String>, label: &str) {
        for (number, item) in items.iter().enumerate() {
            let numbered = paths.iter().map(|path| format!("{path}.{number}"));
            self.value(item, numbered.chain(paths.iter().cloned()).collect(), paths.len(), label);
        }
    }

    /// A value that the first `new` of `paths` have not been asked about yet.
    fn value(&mut self, value: &'a Value, mut paths: Vec<String>, new: usize, label: &str) {
        if paths.iter().take(new).any(|path| self.used.contains(path)) {
            return;
        }
        paths.retain(|path| is_used_inside(self.used, path));
        match value {
            Value::Object(object) if !paths.is_empty() => {
                for (key, value) in object {
                    let inner: Vec<String> = paths.iter().map(|path| format!("{path}.{key}")).collect();
                    let new = inner.len();
                    self.value(value, inner, new, &format!("{label}.{key}"));
                }
            }
            Value::Array(items) if !paths.is_empty() => self.items(items, paths, label),
            value => {
                let next = self.values.len();
                let at = *self.names.entry(label.to_owned()).or_insert(next);
                match self.values.get_mut(at) {
                    Some((_, values)) => values.push(value),
                    None => self.values.push((label.to_owned(), vec![value])),
                }
            }
        }
    }
}

fn is_used_inside(used: &HashSet<String>, name: &str) -> bool {
    used.iter().any(|used| used.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// Whether a record is a whole contact as Ferry exports it: with an id, and with the names of a contact's own fields only. Its
/// `native` is what the source platform had beside the contact.
fn is_export(record: &Map<String, Value>) -> bool {
    let is_own = |key: &String| {
        matches!(key.as_str(), "phone" | "email" | "attributes" | "native")
            || FIELDS.iter().any(|(_, name)| name.split_once('.').map_or(*name, |(group, _)| group) == key)
    };
    record.get("id").is_some_and(|id| id.is_string() || id.is_number()) && record.keys().all(is_own)
}

/// Takes a value out of a contact.
fn take(contact: &mut Contact, name: &ContactName) {
    match name {
        ContactName::Text(field) | ContactName::List(field) => contact.remove(*field),
        ContactName::First(field) => {
            let list = contact.list_mut(*field);
            if !list.is_empty() {
                list.remove(0);
            }
        }
        ContactName::Attribute(name) => contact.attributes.retain(|attribute| *attribute.name != **name),
        ContactName::Native(name) => {
            contact.native.shift_remove(name);
        }
        ContactName::Group(group) => {
            for (field, name) in FIELDS {
                if name.split_once('.').is_some_and(|(of, _)| of == *group) {
                    contact.remove(field);
                }
            }
        }
        ContactName::Attributes => contact.attributes.clear(),
        ContactName::AllNative => contact.native.clear(),
    }
}

/// A contact whose fields have all become attributes. A field whose name an attribute has already is hidden.
fn as_attributes(contact: &Contact, line: u64) -> Draft<'static> {
    let mut attributes = Contact::default();
    attributes.attributes.clone_from(&contact.attributes);
    let mut made = Draft::of(attributes);
    for (field, name) in FIELDS {
        let text = match contact.text(field) {
            Some(text) => text.to_owned(),
            None => contact.list(field).join(LIST_JOIN),
        };
        match made.contact.attribute(name) {
            _ if text.is_empty() => {}
            None => made.contact.set_attribute(name, text.into()),
            Some(have) if have == text => {}
            Some(_) => Hidden { line, column: name, name: name.to_owned(), value: text }.list(&mut made),
        }
    }
    made
}
