//! The value of one compiled rule for one record. Pure except for counters.
//!
//! Phones and e-mails, of which one can be invalid while the contact still arrives, are read in [`super::checked`].

use super::checked::Checked;
use super::compiled::{CompiledRule, CompiledTemplate, RuleSource, placed};
use super::phone::Region;
use super::rule::{CONTACT_NAME, ROW_NAME, Target};
use super::sections::{contact_names, groups};
use super::source::{Cell, ContactName, Sight, Slot, template_value};
use super::text::{is_error_cell, nfc, trim};
use super::transform::{self, tidy};
use super::value::{LIST_JOIN, Val};
use crate::contact::{ContactView, Field};
use crate::outcome::Problem;
use crate::template::{Part, VALUE_LEN_MAX, render};
use minijinja::{Environment, Value};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

/// What rules of one record share.
pub(super) struct Context<'a> {
    pub sight: Sight<'a>,
    pub env: &'a Environment<'static>,
    pub row_names: &'a [(Arc<str>, Slot)],
    /// What phones and e-mails are read with, and which of them were valid.
    pub checked: Checked<'a>,
    /// What templates see, made when the first needs it.
    pub row: OnceCell<Value>,
    pub contact: OnceCell<Value>,
}

impl<'a> Context<'a> {
    pub fn new(sight: Sight<'a>, env: &'a Environment<'static>, row_names: &'a [(Arc<str>, Slot)]) -> Context<'a> {
        let (row, contact) = (OnceCell::new(), OnceCell::new());
        Context { sight, env, row_names, checked: Checked::default(), row, contact }
    }
}

/// What a rule gave.
#[derive(Debug, PartialEq)]
pub(super) enum Gave<'a> {
    /// A value of the source.
    Value(Val<'a>),
    /// The rule's default.
    Default(Val<'a>),
    /// Nothing. `is_blank`: all its cells are there, and blank.
    Blank { is_blank: bool },
}

impl CompiledRule {
    /// The rule's value for a record; all its problems if it has no valid one.
    pub fn evaluate<'a>(&'a self, context: &Context<'a>) -> Result<Gave<'a>, Vec<Problem>> {
        let verbs = &self.rule.verbs;
        let (mut value, mut is_blank) = (None, false);
        let faults_before = context.checked.faults();
        match &self.source {
            RuleSource::Nothing => {}
            RuleSource::Slots(slots) => (value, is_blank) = self.first(slots, context)?,
            RuleSource::Template(template) => {
                let text = template.text(context).map_err(|problem| vec![self.at(problem)])?;
                let text =
                    if verbs.trim == Some(false) { Cow::Owned(text) } else { transform::trimmed(Cow::Owned(text)) };
                if !text.is_empty() {
                    value = self.refine(Val::One(text), self.column.as_deref(), context)?;
                }
            }
        }
        let default = || match verbs.default.as_slice() {
            [] => None,
            [one] => Some(Val::One(Cow::Borrowed(one.as_str()))),
            many => Some(Val::Many(many.iter().map(|item| Cow::Borrowed(item.as_str())).collect())),
        };
        let mut is_default = false;
        let is_faulty = value.is_none() && context.checked.faults() > faults_before;
        if value.is_none()
            && !is_faulty
            && let Some(default) = default()
        {
            value = context.checked.unfound(|| self.settle(default, None, context))?;
            is_default = value.is_some();
        }
        if !verbs.add.is_empty() {
            let mut items = value.map_or_else(Vec::new, Val::into_items);
            let added = Val::Many(verbs.add.iter().map(|item| Cow::Borrowed(item.as_str())).collect());
            let added = context.checked.unfound(|| self.settle(added, None, context))?;
            items.extend(added.map_or_else(Vec::new, Val::into_items));
            value = Some(Val::Many(items));
            is_default = false;
        }
        match value {
            Some(value) if is_default => Ok(Gave::Default(value)),
            Some(value) => Ok(Gave::Value(value)),
            None if verbs.required == Some(true) && is_faulty => Err(context.checked.take_faults(faults_before)),
            None if verbs.required == Some(true) => Err(vec![self.missing()]),
            None => Ok(Gave::Blank { is_blank }),
        }
    }

    /// The first valid value (or all of them), and whether all cells are there and blank.
    fn first<'a>(&self, slots: &[Slot], context: &Context<'a>) -> Result<(Option<Val<'a>>, bool), Vec<Problem>> {
        let mut problems = None;
        let mut blanks = 0;
        let mut all = Vec::new();
        let mut sight = context.sight;
        sight.untrimmed = self.rule.verbs.trim == Some(false);
        let mut by_type_from = None;
        for (at, slot) in slots.iter().enumerate() {
            if self.rule.phones.as_ref().is_some_and(|phones| phones.as_named == at) {
                by_type_from = Some(all.len());
            }
            if self.is_fax(at, &sight) {
                continue;
            }
            let value = match sight.read(slot).map_err(|problem| vec![problem])? {
                Cell::Absent => continue,
                Cell::Blank => {
                    blanks += 1;
                    continue;
                }
                Cell::Text(text) => Val::One(text),
                Cell::List(items) => Val::Many(self.without_faxes(at, &sight, items)),
            };
            if self.rule.target.is_list() && is_oversized(&value) {
                return Err(vec![oversized(&self.rule.label, &slot.name)]);
            }
            match self.refine(value, Some(&slot.name), context) {
                Ok(Some(value)) if self.rule.gather => all.extend(value.into_items()),
                Ok(Some(value)) => return Ok((Some(value), false)),
                Ok(None) => {}
                Err(found) if self.rule.gather => problems.get_or_insert_with(Vec::new).extend(found),
                Err(found) => problems = problems.or(Some(found)),
            }
        }
        match problems {
            Some(problems) => Err(problems),
            None if all.is_empty() => Ok((None, blanks > 0 && blanks == slots.len())),
            None => {
                let by_type = by_type_from.and_then(|from| all.get_mut(from..));
                by_type.into_iter().for_each(super::phone::mobiles_first);
                Ok((Some(Val::Many(all)), false))
            }
        }
    }

    /// Applies the verbs and checks what they gave.
    fn refine<'a>(
        &self,
        value: Val<'a>,
        column: Option<&str>,
        context: &Context<'a>,
    ) -> Result<Option<Val<'a>>, Vec<Problem>> {
        let value = match self.is_plain {
            true => Some(value),
            false => transform::apply(&self.rule.verbs, value)
                .map_err(|problems| problems.into_iter().map(|problem| placed(problem, column)).collect::<Vec<_>>())?,
        };
        match value {
            Some(value) => self.settle(value, column, context),
            None => Ok(None),
        }
    }

    /// Brings a value into the form in which a contact keeps it.
    fn settle<'a>(
        &self,
        value: Val<'a>,
        column: Option<&str>,
        context: &Context<'a>,
    ) -> Result<Option<Val<'a>>, Vec<Problem>> {
        match &self.rule.target {
            Target::Field(Field::Phones | Field::Emails) => self.check(value, column, &context.checked),
            Target::Field(field) if field.is_list() => {
                self.each(value, column, |item| Ok(Some(tidy(item)).filter(|item| !item.is_empty())))
            }
            Target::Field(Field::Country) => {
                let text = country(tidy(value.into_text()));
                Ok((!text.is_empty()).then_some(Val::One(text)))
            }
            Target::Field(_) => {
                let text = tidy(value.into_text());
                Ok((!text.is_empty()).then_some(Val::One(text)))
            }
            Target::Attribute(_) => {
                let text = value.into_text();
                let text = if self.rule.verbs.trim == Some(false) { nfc(text) } else { tidy(text) };
                Ok((!text.is_empty()).then_some(Val::One(text)))
            }
            Target::Column(_) => Ok(Some(value)),
        }
    }

    fn each<'a>(
        &self,
        value: Val<'a>,
        column: Option<&str>,
        one: impl Fn(Cow<'a, str>) -> Result<Option<Cow<'a, str>>, Problem>,
    ) -> Result<Option<Val<'a>>, Vec<Problem>> {
        let items = match value {
            Val::One(item) => {
                return match one(item) {
                    Ok(item) => Ok(item.map(Val::One)),
                    Err(problem) => Err(vec![placed(problem, column)]),
                };
            }
            Val::Many(items) => items,
        };
        let (mut good, mut bad) = (Vec::with_capacity(items.len()), Vec::new());
        for item in items {
            match one(item) {
                Ok(item) => good.extend(item),
                Err(problem) => bad.push(placed(problem, column)),
            }
        }
        match bad.is_empty() {
            true => Ok((!good.is_empty()).then_some(Val::Many(good))),
            false => Err(bad),
        }
    }

    fn missing(&self) -> Problem {
        let name = match &self.rule.target {
            Target::Field(Field::Phones) => "phone",
            Target::Field(Field::Emails) => "email",
            _ => &self.rule.label,
        };
        self.at(Problem::new(format!("{name}.missing"), format!("`{name}` is required, and there is none")))
    }

    fn at(&self, problem: Problem) -> Problem {
        placed(problem, self.column.as_deref())
    }
}

/// The most values that a list is read from: address books have dozens.
const LIST_LEN_MAX: usize = 4_096;

/// Whether a list is too long to be taken apart. A cell of megabytes would take many times its size.
pub(super) fn is_oversized(value: &Val<'_>) -> bool {
    match value {
        Val::One(text) => is_oversized_text(text),
        Val::Many(items) => items.len() > LIST_LEN_MAX || items.iter().any(|item| item.len() > VALUE_LEN_MAX),
    }
}

pub(super) fn is_oversized_text(text: &str) -> bool {
    text.len() > VALUE_LEN_MAX
}

fn oversized(label: &str, column: &str) -> Problem {
    let kib = VALUE_LEN_MAX >> 10;
    let message = format!("the value for `{label}` is longer than {kib} KiB or has more than {LIST_LEN_MAX} items");
    Problem::new("row.too_large", message).at(column).hint("check whether the column is the right one for a list")
}

/// A country as its two letters; a text that names none stays as it is.
pub(super) fn country(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_code = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    // A calling code may be that of several countries.
    let region = Some(&text).filter(|text| !text.bytes().any(|byte| byte.is_ascii_digit()));
    match region.and_then(|text| Region::named(text)).map(Region::code).filter(|code| is_code(code)) {
        Some(code) => Cow::Borrowed(code),
        None if is_code(&text) => Cow::Owned(text.to_ascii_uppercase()),
        None => text,
    }
}

impl CompiledTemplate {
    /// The text that a template makes of a record.
    pub fn text(&self, context: &Context<'_>) -> Result<String, Problem> {
        match &self.parts {
            Some(parts) => self.side_by_side(parts, context),
            None => {
                for slot in &self.slots {
                    context.sight.read(slot)?;
                }
                self.rendered(context)
            }
        }
    }

    fn side_by_side(&self, parts: &[Part], context: &Context<'_>) -> Result<String, Problem> {
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Value(number) => {
                    let Some(slot) = self.slots.get(*number) else { continue };
                    match context.sight.read(slot)? {
                        Cell::Absent | Cell::Blank => {}
                        Cell::Text(value) => text.push_str(&value),
                        Cell::List(items) => text.push_str(&items.join(LIST_JOIN)),
                    }
                }
            }
        }
        match text.len() <= VALUE_LEN_MAX {
            true => Ok(text),
            false => Err(failed("it gave more than 64 KiB")),
        }
    }

    /// Through the template engine.
    pub fn rendered(&self, context: &Context<'_>) -> Result<String, Problem> {
        let row = context.row.get_or_init(|| row_value(context));
        let contact =
            context.sight.contact.map(|contact| context.contact.get_or_init(|| contact_value(contact)).clone());
        let roots = [(ROW_NAME, row.clone())].into_iter().chain(contact.map(|contact| (CONTACT_NAME, contact)));
        render(context.env, &self.name, roots).map_err(|reason| failed(&reason))
    }
}

fn failed(reason: &str) -> Problem {
    Problem::new("value.template", format!("the template failed: {reason}"))
}

/// `row`: the names that templates speak of. A failed formula is given as it is: rules report it, `only_if` may test it.
fn row_value(context: &Context<'_>) -> Value {
    Value::from_pairs(context.row_names.iter().map(|(name, slot)| {
        (Value::from(name), context.sight.value(slot).unwrap_or_else(|problem| Value::from(bare(&problem))))
    }))
}

/// The cell that a problem is about: what stands between its first back-ticks.
pub(super) fn bare(problem: &Problem) -> &str {
    let cell = problem.message.split('`').nth(1).map_or("", trim);
    if is_error_cell(cell) { cell } else { "" }
}

/// `contact`: every field, those without a value as empty texts.
fn contact_value(contact: &dyn ContactView) -> Value {
    let names = contact_names().filter(|name| !name.contains('.'));
    let fields = names.map(|name| {
        let value = ContactName::named(name).and_then(|name| name.json(contact));
        (name, value.map_or_else(|| Value::from(""), |value| template_value(&value)))
    });
    let groups = groups().chain(["attributes", "native"]).map(|name| {
        let value = ContactName::named(name).and_then(|name| name.json(contact));
        (name, value.map_or_else(|| Value::from_pairs([("", ""); 0]), |value| template_value(&value)))
    });
    Value::from_pairs(fields.chain(groups))
}
