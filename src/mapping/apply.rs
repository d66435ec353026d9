//! Applying a bound mapping to a record. Pure but for counters; called on all cores.

use super::bind::{Bound, BoundRule, SEEN_RECORDS_MAX, Surplus};
use super::by_names::is_own_column;
use super::evaluate::{Context, Gave};
use super::phone::Region;
use super::rule::Target;
use super::source::{Cell, ContactName, Sight, json_cell};
use super::text::is_error_cell;
use super::transform::{LIST_JOIN, Val, tidy};
use super::verb::OnExistingRule;
use crate::contact::{Attribute, Contact, FIELDS, Field, Overwrite, Wanted};
use crate::outcome::Problem;
use crate::record::{Fields, Record};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::atomic::Ordering;

/// How deep an unused JSON object is opened into attributes; what lies deeper is kept as its JSON text.
const SURPLUS_DEPTH_MAX: usize = 8;

/// What a mapping made of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Mapped {
    /// A contact, with what each value may overwrite.
    Contact(Box<Wanted>),
    /// `only_if` said no.
    Filtered,
    /// All that is wrong with the record.
    Rejected(Vec<Problem>),
}

impl Bound {
    /// Makes a contact of a record.
    pub fn apply(&self, record: &Record) -> Mapped {
        self.look(record);
        let mut context = Context::new(self.sight(record), &self.env, &self.row_names);
        match self.passes(&context) {
            Ok(true) => {}
            Ok(false) => return Mapped::Filtered,
            Err(problem) => return Mapped::Rejected(vec![problem]),
        }
        context.region = self.region_of(&context.sight);
        context.phones = Some((&self.phones_seen, &self.phones_bare));
        let mut problems = Vec::new();
        let mut wanted = self.carried(record);
        wanted.tag_mode = self.tag_mode;
        for rule in &self.rules {
            match rule.evaluate(&context) {
                Ok(gave) => rule.put(gave, &mut wanted),
                Err(found) => problems.extend(found),
            }
        }
        self.add_surplus(record, &mut wanted, &mut problems);
        if problems.is_empty()
            && !self.identity.is_empty()
            && !self.identity.iter().any(|field| wanted.contact.has(*field))
        {
            problems.push(self.no_identity());
        }
        if problems.is_empty() { Mapped::Contact(Box::new(wanted)) } else { Mapped::Rejected(problems) }
    }

    fn sight<'a>(&'a self, record: &'a Record) -> Sight<'a> {
        Sight { record, contact: None, blanks: &self.blanks, met: &self.seen.met, untrimmed: false }
    }

    /// Remembers the names of the first records, for "did you mean".
    fn look(&self, record: &Record) {
        if !self.seen.is_open || self.seen.records.load(Ordering::Relaxed) >= SEEN_RECORDS_MAX {
            return;
        }
        self.seen.records.fetch_add(1, Ordering::Relaxed);
        match &record.fields {
            Fields::Json(Value::Object(object)) => object.keys().for_each(|name| self.seen.name(name)),
            Fields::Contact(contact) => {
                contact.attributes.iter().for_each(|a| self.seen.name(&format!("attributes.{}", a.name)));
                contact.native.keys().for_each(|name| self.seen.name(&format!("native.{name}")));
            }
            _ => {}
        }
    }

    fn passes(&self, context: &Context<'_>) -> Result<bool, Problem> {
        let Some(filter) = &self.filter else { return Ok(true) };
        for slot in &filter.slots {
            // Only to note that the name was met; a failed formula is no reason to judge a record that may be left out.
            let _met = context.sight.read(slot);
        }
        match filter.rendered(context)?.as_str() {
            "t" => Ok(true),
            "f" => Ok(false),
            other => {
                let gave = super::text::shown(other.strip_prefix('?').unwrap_or(other)).into_owned();
                let message = format!("`only_if` gave `{gave}`; it must give true, false or nothing");
                Err(Problem::new("value.template", message))
            }
        }
    }

    fn region_of(&self, sight: &Sight<'_>) -> Option<Region> {
        for slot in &self.region.slots {
            if let Ok(Cell::Text(text)) = sight.read(slot)
                && let Some(region) = Region::named(&text.to_uppercase())
            {
                return Some(region);
            }
        }
        self.region.default
    }

    /// What of the record's contact goes on as it is.
    fn carried(&self, record: &Record) -> Wanted {
        let (Surplus::Carry(taken) | Surplus::CarryAttributes(taken), Fields::Contact(contact)) =
            (&self.surplus, &record.fields)
        else {
            return Wanted::default();
        };
        let mut contact = Contact::clone(contact);
        taken.iter().for_each(|name| take(&mut contact, name));
        if matches!(self.surplus, Surplus::CarryAttributes(_)) {
            contact = as_attributes(&contact);
        }
        Wanted { contact, ..Wanted::default() }
    }

    fn add_surplus(&self, record: &Record, wanted: &mut Wanted, problems: &mut Vec<Problem>) {
        let (used, is_kept) = match &self.surplus {
            Surplus::Attributes(used) => (used, true),
            Surplus::Error(used) => (used, false),
            Surplus::CarryError(taken) => return self.note_left(record, taken),
            _ => return,
        };
        let Fields::Json(Value::Object(object)) = &record.fields else { return };
        let mut unused = Unused { used, found: Vec::new() };
        unused.walk(object, "", 0);
        for (name, value) in unused.found {
            if is_kept {
                self.keep(&name, value, wanted, problems);
            } else {
                self.seen.surplus(&name);
            }
        }
    }

    /// What no rule uses of a contact. Where it comes from is no part of what it is.
    fn note_left(&self, record: &Record, taken: &[ContactName]) {
        let Fields::Contact(contact) = &record.fields else { return };
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

    fn keep(&self, name: &str, value: &Value, wanted: &mut Wanted, problems: &mut Vec<Problem>) {
        let text = match json_cell(value) {
            Cell::Absent | Cell::Blank => return,
            Cell::Text(text) => tidy(text),
            Cell::List(items) => Cow::Owned(items.join(LIST_JOIN)),
        };
        if text.is_empty() || self.blanks.iter().any(|blank| *blank == text) {
            return;
        }
        if is_error_cell(&text) {
            let message = format!("`{text}` is what a spreadsheet leaves where a formula failed");
            problems.push(Problem::new("value.error_cell", message).at(name));
            return;
        }
        let attribute = name.strip_prefix("attributes.").unwrap_or(name);
        if wanted.contact.attribute(attribute).is_none() {
            wanted.contact.set_attribute(attribute, text);
        }
    }

    fn no_identity(&self) -> Problem {
        let names: Vec<String> = self.identity.iter().map(|field| format!("`{}`", plain_name(*field))).collect();
        let message = format!("there is no {}: nothing to find this person by", super::verb::one_of(&names));
        Problem::new("identity.missing", message)
    }
}

/// The name that people use: of a list its first item's.
fn plain_name(field: Field) -> &'static str {
    match field {
        Field::Phones => "phone",
        Field::Emails => "email",
        _ => field.name(),
    }
}

/// Finds the values of a JSON record that no rule uses.
struct Unused<'a> {
    used: &'a HashSet<String>,
    found: Vec<(String, &'a Value)>,
}

impl<'a> Unused<'a> {
    fn walk(&mut self, object: &'a Map<String, Value>, prefix: &str, depth: usize) {
        for (key, value) in object {
            let name =
                if prefix.is_empty() { Cow::Borrowed(key.as_str()) } else { Cow::Owned(format!("{prefix}.{key}")) };
            if self.used.contains(&*name) || (depth == 0 && (is_own_column(key) || key == "native")) {
                continue;
            }
            match value {
                Value::Object(inner) if depth < SURPLUS_DEPTH_MAX => self.walk(inner, &name, depth + 1),
                Value::Array(_) if self.is_used_inside(&name) => {}
                value => self.found.push((name.into_owned(), value)),
            }
        }
    }

    fn is_used_inside(&self, name: &str) -> bool {
        self.used.iter().any(|used| used.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    }
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

/// A contact whose fields have all become attributes.
fn as_attributes(contact: &Contact) -> Contact {
    let mut made = Contact::default();
    made.attributes.clone_from(&contact.attributes);
    for (field, name) in FIELDS {
        let text = match contact.text(field) {
            Some(text) => text.to_owned(),
            None => contact.list(field).join(LIST_JOIN),
        };
        if !text.is_empty() && made.attribute(name).is_none() {
            made.set_attribute(name, text);
        }
    }
    made
}

impl BoundRule {
    /// Puts what the rule gave into the contact.
    fn put(&self, gave: Gave<'_>, wanted: &mut Wanted) {
        match (&self.rule.target, gave) {
            (Target::Field(field), Gave::Blank { cell_is_there }) => {
                if cell_is_there && self.rule.verbs.clear == Some(true) && !wanted.contact.has(*field) {
                    wanted.clear.insert(*field);
                }
            }
            (Target::Attribute(name), Gave::Blank { cell_is_there }) => {
                if cell_is_there && self.rule.verbs.clear == Some(true) {
                    wanted.contact.attributes.push(Attribute { name: name.clone(), value: String::new() });
                    wanted.attribute_overwrite.push((name.clone(), Overwrite::Clear));
                }
            }
            (Target::Field(field), Gave::Value(value)) => self.put_field(*field, value, false, wanted),
            (Target::Field(field), Gave::Default(value)) => self.put_field(*field, value, true, wanted),
            (Target::Attribute(name), Gave::Value(value)) => {
                let fills = self.rule.verbs.on_existing == Some(OnExistingRule::Fill);
                put_attribute(wanted, name, value, fills);
            }
            (Target::Attribute(name), Gave::Default(value)) => put_attribute(wanted, name, value, true),
            (Target::Column(_), _) => {}
        }
    }

    fn put_field(&self, field: Field, value: Val<'_>, is_default: bool, wanted: &mut Wanted) {
        let had = wanted.contact.has(field);
        if field.is_list() {
            let list = wanted.contact.list_mut(field);
            match value {
                Val::One(item) if list.is_empty() => list.push(item.into_owned()),
                value if self.rule.is_first_of_list() => {
                    let mut items: Vec<String> = value.into_items().into_iter().map(Cow::into_owned).collect();
                    items.append(list);
                    for item in items {
                        if !list.contains(&item) {
                            list.push(item);
                        }
                    }
                }
                value => {
                    for item in value.into_items() {
                        if !list.iter().any(|known| **known == *item) {
                            list.push(item.into_owned());
                        }
                    }
                }
            }
        } else {
            match value {
                Val::One(Cow::Borrowed(text)) => wanted.contact.set_text(field, text),
                value => wanted.contact.set_text(field, value.into_text().into_owned()),
            }
        }
        wanted.clear.remove(field);
        match self.rule.verbs.on_existing {
            _ if is_default && !had => wanted.fill.insert(field),
            Some(OnExistingRule::Fill) => wanted.fill.insert(field),
            Some(OnExistingRule::Update) => wanted.force.insert(field),
            None => {}
        }
        if !is_default && self.rule.verbs.on_existing != Some(OnExistingRule::Fill) {
            wanted.fill.remove(field);
        }
    }
}

fn put_attribute(wanted: &mut Wanted, name: &std::sync::Arc<str>, value: Val<'_>, fills: bool) {
    wanted.contact.attributes.push(Attribute { name: name.clone(), value: value.into_text().into_owned() });
    if fills {
        wanted.attribute_overwrite.push((name.clone(), Overwrite::Fill));
    }
}
