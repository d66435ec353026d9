//! Columns of files that are written: how a contact becomes a row.

use super::bind::{BoundRule, BoundSource};
use super::evaluate::{Context, Gave};
use super::source::{ContactName, Sight, Slot, Wherein};
use super::transform::{LIST_JOIN, Val};
use crate::contact::Contact;
use crate::outcome::Problem;
use crate::record::Record;
use minijinja::Environment;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// None.
    Blank,
    /// One text.
    Text(Cow<'a, str>),
    /// A list that the mapping did not join; it may be empty.
    List(Vec<Cow<'a, str>>),
    /// All custom fields of a contact that has some.
    Attributes(&'a Contact),
    /// A JSON value: all of `address`, or what a platform sent.
    Json(Value),
}

impl<'a> Cell<'a> {
    /// As a cell of a table: lists are joined with `; `, JSON is its text.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Cell::Blank => Cow::Borrowed(""),
            Cell::Text(text) => Cow::Borrowed(text),
            Cell::List(items) => Cow::Owned(items.join(LIST_JOIN)),
            Cell::Attributes(contact) => {
                let mut out = Vec::new();
                contact.write_attributes(&mut out);
                Cow::Owned(String::from_utf8(out).unwrap_or_default())
            }
            Cell::Json(value) => Cow::Owned(value.to_string()),
        }
    }

    /// As JSON at the end of `out`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Cell::Blank => out.extend_from_slice(b"null"),
            Cell::Text(text) => write_json(text, out),
            Cell::List(items) => write_json(items, out),
            Cell::Attributes(contact) => contact.write_attributes(out),
            Cell::Json(value) => write_json(value, out),
        }
    }

    fn of_json(value: Value) -> Cell<'a> {
        match value {
            Value::Null => Cell::Blank,
            Value::String(text) => Cell::Text(Cow::Owned(text)),
            other => Cell::Json(other),
        }
    }
}

/// Writing to memory does not fail, nor does a value that is made of texts.
fn write_json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let _cannot_fail = serde_json::to_writer(out, value);
}

/// The columns of a file, bound to a source.
pub struct Columns {
    rules: Vec<BoundRule>,
    names: Vec<String>,
    /// The names as JSON keys with their colon.
    keys: Vec<Vec<u8>>,
    env: Arc<Environment<'static>>,
    row_names: Vec<(Arc<str>, Slot)>,
    blanks: Vec<String>,
}

impl Columns {
    pub(super) fn new(rules: Vec<BoundRule>, env: Arc<Environment<'static>>) -> Columns {
        let names: Vec<String> = rules.iter().map(|rule| rule.rule.label.to_string()).collect();
        let key = |name: &String| {
            let mut key = Vec::new();
            write_json(name, &mut key);
            key.push(b':');
            key
        };
        let keys = names.iter().map(key).collect();
        Columns { rules, names, keys, env, row_names: Vec::new(), blanks: Vec::new() }
    }

    pub(super) fn with(mut self, row_names: &[(Arc<str>, Slot)], blanks: &[String]) -> Columns {
        self.row_names = row_names.to_vec();
        self.blanks = blanks.to_vec();
        self
    }

    /// Their names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The cells of one contact, in the order of [`Columns::names`].
    ///
    /// # Errors
    /// All cells that could not be made.
    pub fn cells<'a>(&'a self, contact: &'a Contact, record: &'a Record) -> Result<Vec<Cell<'a>>, Vec<Problem>> {
        let mut cells = Vec::with_capacity(self.rules.len());
        self.for_each_cell(contact, record, |cell| cells.push(cell))?;
        Ok(cells)
    }

    /// Hands over the cells of one contact, in the order of [`Columns::names`].
    ///
    /// # Errors
    /// All cells that could not be made; `take` has seen the others.
    pub fn for_each_cell<'a>(
        &'a self,
        contact: &'a Contact,
        record: &'a Record,
        mut take: impl FnMut(Cell<'a>),
    ) -> Result<(), Vec<Problem>> {
        let sight = Sight { record, contact: Some(contact), blanks: &self.blanks, met: &[], untrimmed: false };
        let context = Context::new(sight, &self.env, &self.row_names);
        let mut problems = Vec::new();
        for rule in &self.rules {
            match cell(rule, contact, &context) {
                Ok(cell) => take(cell),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Writes the row of one contact as a JSON object at the end of `out`.
    ///
    /// # Errors
    /// All cells that could not be made; `out` is then as it was.
    pub fn write_json(&self, contact: &Contact, record: &Record, out: &mut Vec<u8>) -> Result<(), Vec<Problem>> {
        let before = out.len();
        out.push(b'{');
        let mut keys = self.keys.iter();
        let written = self.for_each_cell(contact, record, |cell| {
            if out.len() > before + 1 {
                out.push(b',');
            }
            out.extend_from_slice(keys.next().map_or(&[][..], |key| key));
            cell.write_json(out);
        });
        match written {
            Ok(()) => out.push(b'}'),
            Err(_) => out.truncate(before),
        }
        written
    }
}

fn cell<'a>(rule: &'a BoundRule, contact: &'a Contact, context: &Context<'a>) -> Result<Cell<'a>, Vec<Problem>> {
    if let Some(cell) = whole(rule, contact) {
        return Ok(cell);
    }
    Ok(match rule.evaluate(context)? {
        Gave::Value(Val::One(text)) | Gave::Default(Val::One(text)) => match text.is_empty() {
            true => Cell::Blank,
            false => Cell::Text(text),
        },
        Gave::Value(Val::Many(items)) | Gave::Default(Val::Many(items)) => Cell::List(items),
        Gave::Blank { .. } if is_list(rule) => Cell::List(Vec::new()),
        Gave::Blank { .. } => Cell::Blank,
    })
}

/// A column that shows a whole group, or what a platform sent, as it is.
fn whole<'a>(rule: &BoundRule, contact: &'a Contact) -> Option<Cell<'a>> {
    let BoundSource::Slots(slots) = &rule.source else { return None };
    let [Slot { place: Wherein::Contact(name), .. }] = slots.as_slice() else { return None };
    let is_whole = matches!(
        name,
        ContactName::Group(_) | ContactName::Attributes | ContactName::AllNative | ContactName::Native(_)
    );
    let verbs = &rule.rule.verbs;
    let is_bare = rule.is_plain && verbs.default.is_empty() && verbs.add.is_empty() && verbs.required != Some(true);
    (is_whole && is_bare).then(|| match name {
        ContactName::Attributes if contact.attributes.is_empty() => Cell::Blank,
        ContactName::Attributes => Cell::Attributes(contact),
        _ => name.json(contact).map_or(Cell::Blank, Cell::of_json),
    })
}

/// Whether a column holds a list, so that JSON writes an empty one for nothing.
fn is_list(rule: &BoundRule) -> bool {
    let verbs = &rule.rule.verbs;
    let is_list = |slot: &Slot| matches!(slot.place, Wherein::Contact(ContactName::List(_)));
    match &rule.source {
        BoundSource::Slots(slots) => verbs.join.is_none() && (verbs.split.is_some() || slots.iter().any(is_list)),
        _ => false,
    }
}
