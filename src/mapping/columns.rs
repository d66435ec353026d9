//! Columns of files that are written: how a contact becomes a row.

use super::compiled::{CompiledRule, RuleSource};
use super::evaluate::{Context, Gave};
use super::source::{self, ContactName, Sight, Slot, Wherein};
use super::tags::cell_of_list;
use super::value::Val;
use crate::contact::{ContactView, Field};
use crate::json::write_text;
use crate::outcome::Problem;
use crate::record::RecordRef;
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
    /// All custom fields of a contact that has some: names and values.
    Attributes(Vec<(&'a str, &'a str)>),
    /// A JSON value: all of `address`, or what a platform sent.
    Json(Value),
}

impl<'a> Cell<'a> {
    /// As a cell of a table: lists are joined with `; `, JSON is its text.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Cell::Blank => Cow::Borrowed(""),
            Cell::Text(text) => Cow::Borrowed(text),
            Cell::List(items) => Cow::Owned(cell_of_list(items.iter().map(AsRef::as_ref))),
            Cell::Attributes(pairs) => {
                let mut out = Vec::new();
                write_pairs(pairs, &mut out);
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
            Cell::Attributes(pairs) => write_pairs(pairs, out),
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

/// What a column holds, as JSON writes it; any may be blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// One text; that of a field of the contact, where it is its value as it is.
    Text(Option<Field>),
    /// A list of texts.
    Texts,
    /// One or the other.
    TextOrTexts,
    /// The custom fields of the contact.
    Attributes,
    /// All of a group of fields: `address`.
    Group(&'static str),
    /// What a platform sent.
    Native,
    /// A part of that.
    Any,
}

/// Custom fields as a JSON object.
fn write_pairs(pairs: &[(&str, &str)], out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_json(name, out);
        out.push(b':');
        write_json(value, out);
    }
    out.push(b'}');
}

fn write_list<'v>(items: impl Iterator<Item = &'v str>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(item, out);
    }
    out.push(b']');
}

/// Writing to memory does not fail, nor does a value that is made of texts.
fn write_json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let _cannot_fail = serde_json::to_writer(out, value);
}

/// The columns of a file, compiled for a source.
pub struct Columns {
    rules: Vec<(CompiledRule, Op)>,
    names: Vec<String>,
    /// The names as JSON keys with their colon.
    keys: Vec<Vec<u8>>,
    env: Arc<Environment<'static>>,
    row_names: Vec<(Arc<str>, Slot)>,
    blanks: Vec<String>,
}

impl Columns {
    pub(super) fn new(rules: Vec<CompiledRule>, env: Arc<Environment<'static>>) -> Columns {
        let names: Vec<String> = rules.iter().map(|rule| rule.rule.label.to_string()).collect();
        let rules = rules.into_iter().map(|rule| (Op::of(&rule), rule)).map(|(op, rule)| (rule, op)).collect();
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

    /// What each column holds, in the order of [`Columns::names`].
    pub fn hold(&self) -> impl Iterator<Item = Holds> {
        self.rules.iter().map(|(rule, op)| match op {
            Op::Whole(name) | Op::Copy(name) => held_by(name),
            Op::Rule { .. } => made_by(rule),
        })
    }

    /// What each column has of the contact as it is; `None` for one that is made by a rule.
    pub(super) fn held(&self) -> impl Iterator<Item = Option<&ContactName>> {
        self.rules.iter().map(|(_, op)| match op {
            Op::Whole(name) | Op::Copy(name) => Some(name),
            Op::Rule { .. } => None,
        })
    }

    /// The cells of one contact, in the order of [`Columns::names`].
    ///
    /// # Errors
    /// All cells that could not be made.
    pub fn cells<'a>(
        &'a self,
        contact: &'a dyn ContactView,
        record: RecordRef<'a>,
    ) -> Result<Vec<Cell<'a>>, Vec<Problem>> {
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
        contact: &'a dyn ContactView,
        record: RecordRef<'a>,
        mut take: impl FnMut(Cell<'a>),
    ) -> Result<(), Vec<Problem>> {
        let context = self.context(contact, record);
        let mut problems = Vec::new();
        for (rule, op) in &self.rules {
            match op.cell(rule, contact, &context) {
                Ok(cell) => take(cell),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn context<'a>(&'a self, contact: &'a dyn ContactView, record: RecordRef<'a>) -> Context<'a> {
        let sight = Sight { record, contact: Some(contact), blanks: &self.blanks, met: &[], untrimmed: false };
        Context::new(sight, &self.env, &self.row_names)
    }

    /// Writes the row of one contact as a JSON object at the end of `out`.
    ///
    /// # Errors
    /// All cells that could not be made; `out` is then as it was.
    pub fn write_json(
        &self,
        contact: &dyn ContactView,
        record: RecordRef<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Vec<Problem>> {
        let before = out.len();
        out.push(b'{');
        let context = self.context(contact, record);
        let mut problems = Vec::new();
        for ((rule, op), key) in self.rules.iter().zip(&self.keys) {
            if out.len() > before + 1 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            if op.write_json(contact, out) {
                continue;
            }
            match op.cell(rule, contact, &context) {
                Ok(cell) => cell.write_json(out),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() {
            out.push(b'}');
            return Ok(());
        }
        out.truncate(before);
        Err(problems)
    }
}

/// How the cell of a column is made, decided once.
enum Op {
    /// A whole group, or what a platform sent, as it is.
    Whole(ContactName),
    /// A value of the contact as it is.
    Copy(ContactName),
    /// By the rule. `is_list`: JSON writes an empty list for nothing.
    Rule { is_list: bool },
}

impl Op {
    fn of(rule: &CompiledRule) -> Op {
        let is_list = is_list(rule);
        let Some(Slot { place: Wherein::Contact(name), .. }) = rule.only_slot() else { return Op::Rule { is_list } };
        match name {
            ContactName::Group(_) | ContactName::Attributes | ContactName::AllNative | ContactName::Native(_) => {
                Op::Whole(name.clone())
            }
            ContactName::Text(_) | ContactName::First(_) | ContactName::List(_) | ContactName::Attribute(_) => {
                Op::Copy(name.clone())
            }
        }
    }

    /// Writes what is a value of the contact as it is; whether it was that.
    fn write_json(&self, contact: &dyn ContactView, out: &mut Vec<u8>) -> bool {
        let mut write = |text: Option<&str>| match text.filter(|text| !text.is_empty()) {
            Some(text) => write_text(text, out),
            None => out.extend_from_slice(b"null"),
        };
        match self {
            Op::Copy(ContactName::Text(field)) => write(contact.text(*field)),
            Op::Copy(ContactName::First(field)) => write(contact.item(*field, 0)),
            Op::Copy(ContactName::Attribute(name)) => write(contact.attribute(name)),
            Op::Copy(ContactName::List(field)) => write_list(contact.items(*field), out),
            Op::Whole(ContactName::Attributes) if contact.attribute_at(0).is_some() => contact.write_attributes(out),
            Op::Copy(_) | Op::Whole(_) | Op::Rule { .. } => return false,
        }
        true
    }

    fn cell<'a>(
        &self,
        rule: &'a CompiledRule,
        contact: &'a dyn ContactView,
        context: &Context<'a>,
    ) -> Result<Cell<'a>, Vec<Problem>> {
        let is_list = match self {
            Op::Whole(ContactName::Attributes) => return Ok(attributes(contact)),
            Op::Whole(name) => return Ok(name.json(contact).map_or(Cell::Blank, Cell::of_json)),
            Op::Copy(name) => return Ok(copied(name, contact)),
            Op::Rule { is_list } => *is_list,
        };
        Ok(match rule.evaluate(context)? {
            Gave::Value(Val::One(text)) | Gave::Default(Val::One(text)) => match text.is_empty() {
                true => Cell::Blank,
                false => Cell::Text(text),
            },
            Gave::Value(Val::Many(items)) | Gave::Default(Val::Many(items)) => Cell::List(items),
            Gave::Blank { .. } if is_list => Cell::List(Vec::new()),
            Gave::Blank { .. } => Cell::Blank,
        })
    }
}

fn held_by(name: &ContactName) -> Holds {
    match name {
        ContactName::Text(field) => Holds::Text(Some(*field)),
        ContactName::First(_) | ContactName::Attribute(_) => Holds::Text(None),
        ContactName::List(_) => Holds::Texts,
        ContactName::Attributes => Holds::Attributes,
        ContactName::Group(group) => Holds::Group(group),
        ContactName::AllNative => Holds::Native,
        ContactName::Native(_) => Holds::Any,
    }
}

/// What a rule makes of its values.
fn made_by(rule: &CompiledRule) -> Holds {
    let verbs = &rule.rule.verbs;
    let all_hold = |slots: &[Slot], is_it: fn(Holds) -> bool| {
        slots.iter().all(|slot| matches!(&slot.place, Wherein::Contact(name) if is_it(held_by(name))))
    };
    let is_one = match &rule.source {
        RuleSource::Slots(slots) => all_hold(slots, |holds| matches!(holds, Holds::Text(_))),
        RuleSource::Template(_) | RuleSource::Nothing => true,
    };
    let are_lists = matches!(&rule.source, RuleSource::Slots(slots) if all_hold(slots, |holds| holds == Holds::Texts));
    match (verbs.default.as_slice(), is_one && verbs.split.is_none() || verbs.join.is_some()) {
        _ if !verbs.add.is_empty() => Holds::Texts,
        ([] | [_], true) => Holds::Text(None),
        ([], false) if are_lists => Holds::Texts,
        _ => Holds::TextOrTexts,
    }
}

fn attributes(contact: &dyn ContactView) -> Cell<'_> {
    let pairs: Vec<(&str, &str)> = contact.attributes().collect();
    if pairs.is_empty() { Cell::Blank } else { Cell::Attributes(pairs) }
}

fn copied<'a>(name: &ContactName, contact: &'a dyn ContactView) -> Cell<'a> {
    match name.cell(contact) {
        source::Cell::Text(text) if !text.is_empty() => Cell::Text(text),
        source::Cell::List(items) => Cell::List(items),
        _ if matches!(name, ContactName::List(_)) => Cell::List(Vec::new()),
        _ => Cell::Blank,
    }
}

/// Whether a column holds a list, so that JSON writes an empty one for nothing.
fn is_list(rule: &CompiledRule) -> bool {
    let verbs = &rule.rule.verbs;
    let is_list = |slot: &Slot| matches!(slot.place, Wherein::Contact(ContactName::List(_)));
    match &rule.source {
        RuleSource::Slots(slots) => verbs.join.is_none() && (verbs.split.is_some() || slots.iter().any(is_list)),
        _ => false,
    }
}
