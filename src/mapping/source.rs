//! Where a value is found in a record: a column by its index, a JSON value by its path, a field of a contact.

use super::text::{is_error_cell, trim};
use super::value::LIST_JOIN;
use crate::contact::{ContactView, FIELDS, Field};
use crate::outcome::Problem;
use crate::record::{FieldsRef, RecordRef};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A name, resolved once.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// As the source calls it.
    pub name: Arc<str>,
    pub place: Wherein,
}

/// Where its value is.
#[derive(Clone, Debug)]
pub(super) enum Wherein {
    /// The column of this index.
    Column(usize),
    /// Under this name, else along its dots.
    Json { path: Box<[Box<str>]>, met: usize },
    /// In the record's contact.
    Source(ContactName, Option<usize>),
    /// In the contact that is written.
    Contact(ContactName),
    /// Nowhere, and that is allowed.
    Absent,
}

/// A value of a contact, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ContactName {
    Text(Field),
    /// The first of a list: `phone`, `email`.
    First(Field),
    List(Field),
    Attribute(String),
    Native(String),
    /// All of `address`, `document`, `owner`.
    Group(&'static str),
    Attributes,
    AllNative,
}

impl ContactName {
    /// What a name means for a contact.
    pub fn named(name: &str) -> Option<ContactName> {
        if let Some(attribute) = name.strip_prefix("attributes.") {
            return Some(ContactName::Attribute(attribute.to_owned()));
        }
        if let Some(native) = name.strip_prefix("native.") {
            return Some(ContactName::Native(native.to_owned()));
        }
        match name {
            "attributes" => return Some(ContactName::Attributes),
            "native" => return Some(ContactName::AllNative),
            _ => {}
        }
        if let Some(group) = super::sections::groups().find(|group| *group == name) {
            return Some(ContactName::Group(group));
        }
        let field = Field::named(name)?;
        Some(match (field.is_list(), field.name() == name) {
            (false, _) => ContactName::Text(field),
            (true, true) => ContactName::List(field),
            (true, false) => ContactName::First(field),
        })
    }

    /// The value as JSON; `None` when there is none.
    pub fn json(&self, contact: &dyn ContactView) -> Option<Value> {
        Some(match self {
            ContactName::Text(field) => Value::from(contact.text(*field)?),
            ContactName::First(field) => Value::from(contact.item(*field, 0)?),
            ContactName::List(field) => {
                let list: Vec<Value> = contact.items(*field).map(Value::from).collect();
                (!list.is_empty()).then_some(Value::Array(list))?
            }
            ContactName::Attribute(name) => Value::from(contact.attribute(name)?),
            ContactName::Native(name) => {
                let path: Vec<&str> = name.split('.').collect();
                found(find(contact.native()?, name, &path)?)
            }
            ContactName::Group(group) => Value::Object(group_of(contact, group)?),
            ContactName::Attributes => {
                let pairs = contact.attributes().map(|(name, value)| (name.to_owned(), Value::from(value)));
                let object: Map<String, Value> = pairs.collect();
                (!object.is_empty()).then_some(Value::Object(object))?
            }
            ContactName::AllNative => Value::Object(contact.native()?.clone()),
        })
    }

    pub fn cell<'a>(&self, contact: &'a dyn ContactView) -> Cell<'a> {
        let text = |text: Option<&'a str>| text.map_or(Cell::Absent, |text| Cell::Text(Cow::Borrowed(text)));
        match self {
            ContactName::Text(field) => text(contact.text(*field)),
            ContactName::First(field) => text(contact.item(*field, 0)),
            ContactName::List(field) if contact.item(*field, 0).is_none() => Cell::Absent,
            ContactName::List(field) => Cell::List(contact.items(*field).map(Cow::Borrowed).collect()),
            ContactName::Attribute(name) => text(contact.attribute(name)),
            _ => match self.json(contact) {
                None => Cell::Absent,
                Some(value) => match json_cell(&value) {
                    Cell::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
                    Cell::List(items) => {
                        Cell::List(items.into_iter().map(|item| Cow::Owned(item.into_owned())).collect())
                    }
                    other @ (Cell::Absent | Cell::Blank) => match other {
                        Cell::Absent => Cell::Absent,
                        _ => Cell::Blank,
                    },
                },
            },
        }
    }
}

fn group_of(contact: &dyn ContactView, group: &str) -> Option<Map<String, Value>> {
    let mut object = Map::new();
    for (field, name) in FIELDS {
        if let Some(inner) = name.strip_prefix(group).and_then(|rest| rest.strip_prefix('.'))
            && let Some(text) = contact.text(field)
        {
            object.insert(inner.to_owned(), Value::from(text));
        }
    }
    (!object.is_empty()).then_some(object)
}

/// What a record has under a name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    /// The record has no such name.
    Absent,
    /// There, and blank.
    Blank,
    /// Trimmed.
    Text(Cow<'a, str>),
    List(Vec<Cow<'a, str>>),
}

/// A record, as rules look at it.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    pub record: RecordRef<'a>,
    /// The contact that is written, for columns.
    pub contact: Option<&'a dyn ContactView>,
    /// Cells that mean nothing.
    pub blanks: &'a [String],
    /// Which JSON names were met.
    pub met: &'a [AtomicBool],
    /// Whether blanks at both ends stay.
    pub untrimmed: bool,
}

impl<'a> Sight<'a> {
    /// What the record has there. `Err` for the trace of a formula that failed.
    pub fn read(&self, slot: &Slot) -> Result<Cell<'a>, Problem> {
        let cell = match (&slot.place, self.record.fields) {
            (Wherein::Column(index), FieldsRef::Row(row)) => {
                row.get(*index).map_or(Cell::Blank, |text| Cell::Text(Cow::Borrowed(text)))
            }
            (Wherein::Json { path, met }, FieldsRef::Json(Value::Object(object))) => {
                match find(object, &slot.name, path) {
                    None => Cell::Absent,
                    Some(value) => {
                        self.meet(*met);
                        found_cell(value)
                    }
                }
            }
            (Wherein::Source(name, met), FieldsRef::Contact(contact)) => {
                let cell = name.cell(contact);
                if let (Some(met), true) = (met, cell != Cell::Absent) {
                    self.meet(*met);
                }
                return Ok(cell);
            }
            (Wherein::Contact(name), _) => return Ok(self.contact.map_or(Cell::Absent, |contact| name.cell(contact))),
            _ => Cell::Absent,
        };
        self.settle(cell, slot)
    }

    fn meet(&self, met: usize) {
        if let Some(flag) = self.met.get(met)
            && !flag.load(Ordering::Relaxed)
        {
            flag.store(true, Ordering::Relaxed);
        }
    }

    fn settle(&self, cell: Cell<'a>, slot: &Slot) -> Result<Cell<'a>, Problem> {
        match cell {
            Cell::Text(text) => {
                let inner = trim(&text);
                if self.is_blank(inner) {
                    return Ok(Cell::Blank);
                }
                if is_error_cell(inner) {
                    return Err(error_cell(inner, slot));
                }
                Ok(Cell::Text(if self.untrimmed { text } else { super::transform::trimmed(text) }))
            }
            Cell::List(mut items) => {
                items.retain(|item| !self.is_blank(trim(item)));
                if let Some(bad) = items.iter().find(|item| is_error_cell(trim(item))) {
                    return Err(error_cell(trim(bad), slot));
                }
                Ok(if items.is_empty() { Cell::Blank } else { Cell::List(items) })
            }
            other => Ok(other),
        }
    }

    pub fn is_blank(&self, text: &str) -> bool {
        text.is_empty() || (!self.blanks.is_empty() && self.blanks.iter().any(|blank| blank == text))
    }

    /// The value for a template: text as text, JSON as it is; what is not there is an empty text.
    pub fn value(&self, slot: &Slot) -> Result<minijinja::Value, Problem> {
        let json = match (&slot.place, self.record.fields) {
            (Wherein::Json { path, .. }, FieldsRef::Json(Value::Object(object))) => {
                find(object, &slot.name, path).map(found).filter(|value| !value.is_string())
            }
            (Wherein::Source(name, _), FieldsRef::Contact(contact)) => name.json(contact),
            (Wherein::Contact(name), _) => self.contact.and_then(|contact| name.json(contact)),
            _ => None,
        };
        let cell = self.read(slot)?;
        Ok(match (json, cell) {
            (Some(json), cell) if cell != Cell::Blank => template_value(&json),
            (_, Cell::Text(text)) => minijinja::Value::from(text),
            (_, Cell::List(items)) => minijinja::Value::from(items.join(LIST_JOIN)),
            _ => minijinja::Value::from(""),
        })
    }
}

pub(super) fn error_cell(text: &str, slot: &Slot) -> Problem {
    Problem::new("value.error_cell", format!("`{text}` is what a spreadsheet leaves where a formula failed"))
        .at(&*slot.name)
        .hint(format!("correct the cell, or put `{text}` among `read.blanks` to take it as blank"))
}

/// One JSON value, or one of each element of a list on the way.
pub(crate) enum Found<'a> {
    One(&'a Value),
    Many(Vec<&'a Value>),
}

/// A value by its exact key, else along the dots; `None` when there is none.
pub(super) fn find<'a, S: AsRef<str>>(object: &'a Map<String, Value>, name: &str, path: &[S]) -> Option<Found<'a>> {
    if let Some(value) = object.get(name) {
        return Some(Found::One(value));
    }
    let (first, rest) = path.split_first()?;
    if rest.is_empty() {
        return None;
    }
    along(object.get(first.as_ref())?, rest)
}

pub(super) fn along<'a, S: AsRef<str>>(value: &'a Value, path: &[S]) -> Option<Found<'a>> {
    let Some((first, rest)) = path.split_first() else { return Some(Found::One(value)) };
    match value {
        Value::Object(object) => along(object.get(first.as_ref())?, rest),
        Value::Array(items) => match first.as_ref().parse::<usize>() {
            Ok(index) => along(items.get(index)?, rest),
            Err(_) => {
                let mut values = Vec::new();
                for item in items {
                    match along(item, path) {
                        Some(Found::One(value)) => values.push(value),
                        Some(Found::Many(inner)) => values.extend(inner),
                        None => {}
                    }
                }
                (!values.is_empty()).then_some(Found::Many(values))
            }
        },
        _ => None,
    }
}

/// What a mapping finds under a name of a JSON record.
pub(crate) fn found_at<'a>(record: &'a Value, name: &str) -> Option<Found<'a>> {
    let object = record.as_object()?;
    match object.get(name) {
        Some(value) => Some(Found::One(value)),
        None => find(object, name, &name.split('.').collect::<Vec<_>>()),
    }
}

fn found(found: Found<'_>) -> Value {
    match found {
        Found::One(value) => value.clone(),
        Found::Many(values) => Value::Array(values.into_iter().cloned().collect()),
    }
}

pub(super) fn found_cell(found: Found<'_>) -> Cell<'_> {
    match found {
        Found::One(value) => json_cell(value),
        Found::Many(values) => Cell::List(values.into_iter().filter_map(json_text).collect()),
    }
}

/// A JSON value as a cell: lists are lists, nothing is blank, an object is its JSON text.
fn json_cell(value: &Value) -> Cell<'_> {
    match value {
        Value::Array(items) => Cell::List(items.iter().filter_map(json_text).collect()),
        other => json_text(other).map_or(Cell::Blank, Cell::Text),
    }
}

/// A JSON value as text; numbers keep theirs.
fn json_text(value: &Value) -> Option<Cow<'_, str>> {
    Some(match value {
        Value::Null => return None,
        Value::String(text) => Cow::Borrowed(text),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        other => Cow::Owned(other.to_string()),
    })
}

/// A JSON value as templates see it. A number that would be written otherwise than in the source stays a text.
pub(super) fn template_value(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => minijinja::Value::from(""),
        Value::Bool(value) => minijinja::Value::from(*value),
        Value::Number(number) => {
            let text = number.to_string();
            match (text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(whole), _) if whole.to_string() == text => minijinja::Value::from(whole),
                (_, Ok(real)) if minijinja::Value::from(real).to_string() == text => minijinja::Value::from(real),
                _ => minijinja::Value::from(text),
            }
        }
        Value::String(text) => minijinja::Value::from(text.as_str()),
        Value::Array(items) => items.iter().map(template_value).collect(),
        Value::Object(object) => {
            minijinja::Value::from_pairs(object.iter().map(|(key, value)| (key.as_str(), template_value(value))))
        }
    }
}
