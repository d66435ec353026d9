//! Applying a program to a record. Pure except for counters; called on all cores.

use super::checked::{PhoneCounts, RecordRegion};
use super::compiled::{CompiledRule, RuleSource};
use super::draft::{Draft, DraftAttribute, Hidden};
use super::evaluate::{Context, Gave};
use super::phone::Region;
use super::program::{Program, SEEN_RECORDS_MAX};
use super::rule::{OnExistingRule, Otherwise, Target};
use super::source::{self, Sight, Slot, Wherein};
use super::spare::settle_whole_name;
use super::text::trim;
use super::transform::left_out;
use super::value::{LIST_JOIN, Val};
use crate::contact::{Field, LeftBlank, Overwrite, Wanted, is_among};
use crate::outcome::Problem;
use crate::record::{FieldsRef, RecordRef};
use serde_json::Value;
use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

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

/// A record after its mapping was applied, its values still in the record.
#[derive(Debug)]
pub enum Drafted<'b> {
    /// A contact.
    Contact(Box<Draft<'b>>),
    /// `only_if` said no.
    Filtered,
    /// All that is wrong with the record.
    Rejected(Vec<Problem>),
}

/// A program while it is applied to many records by one thread.
pub struct Drafter<'p> {
    program: &'p Program,
    phones: Cell<PhoneCounts>,
}

impl<'p> Drafter<'p> {
    /// See [`Program::draft`].
    pub fn draft<'b>(&self, record: impl Into<RecordRef<'b>>) -> Drafted<'b>
    where
        'p: 'b,
    {
        self.program.draft_counted(record.into(), &self.phones)
    }

    /// The rules that are applied.
    pub(super) fn rules(&self) -> &'p [CompiledRule] {
        &self.program.rules
    }

    /// What the rules of a record share.
    pub(super) fn context<'b>(&self, record: RecordRef<'b>) -> Context<'b>
    where
        'p: 'b,
    {
        let mut context = Context::new(self.program.sight(record), &self.program.env, &self.program.row_names);
        self.program.surround(&mut context);
        context
    }

    /// Adds what was counted in a record.
    pub(super) fn count(&self, context: &Context<'_>) {
        self.phones.set(self.phones.get().and(context.checked.phones.get()));
    }
}

impl Drop for Drafter<'_> {
    fn drop(&mut self) {
        let PhoneCounts { seen, bare } = self.phones.get();
        self.program.phones_seen.fetch_add(seen, Ordering::Relaxed);
        self.program.phones_bare.fetch_add(bare, Ordering::Relaxed);
    }
}

impl Program {
    /// Makes a contact of a record, with values of its own.
    pub fn apply<'b>(&'b self, record: impl Into<RecordRef<'b>>) -> Mapped {
        match self.draft(record) {
            Drafted::Contact(draft) => Mapped::Contact(Box::new(draft.to_wanted())),
            Drafted::Filtered => Mapped::Filtered,
            Drafted::Rejected(problems) => Mapped::Rejected(problems),
        }
    }

    /// Makes a contact of a record, whose values stay in the record where nothing is changed in them.
    pub fn draft<'b>(&'b self, record: impl Into<RecordRef<'b>>) -> Drafted<'b> {
        self.drafter().draft(record)
    }

    /// Makes contacts of many records: what is counted in them is added up when it ends.
    pub fn drafter(&self) -> Drafter<'_> {
        Drafter { program: self, phones: Cell::default() }
    }

    fn draft_counted<'b>(&'b self, record: RecordRef<'b>, phones: &Cell<PhoneCounts>) -> Drafted<'b> {
        self.look(record);
        let mut context = Context::new(self.sight(record), &self.env, &self.row_names);
        match self.passes(&context) {
            Ok(true) => {}
            Ok(false) => return Drafted::Filtered,
            Err(problem) => return Drafted::Rejected(vec![problem]),
        }
        self.surround(&mut context);
        let mut problems = Vec::new();
        let mut draft: Box<Draft<'b>> = Box::new(self.carried(record));
        draft.marks.tag_mode = self.tag_mode;
        let carried = [Field::Phones, Field::Emails].into_iter().filter(|field| draft.contact.has(*field));
        carried.for_each(|field| context.checked.found(field));
        for rule in &self.rules {
            if let (Some(quick), FieldsRef::Row(row)) = (&rule.quick, record.fields)
                && rule.put_quickly(quick, row.get(quick.column).unwrap_or_default(), &context, &mut draft)
            {
                continue;
            }
            let faults_before = context.checked.faults();
            match rule.evaluate(&context) {
                Ok(gave) => {
                    rule.put(gave, record.origin.line, &mut draft);
                    rule.list_left_out(&context, &mut draft);
                }
                Err(found) => problems.extend(found),
            }
            context.checked.place_faults(faults_before, problems.len());
            rule.list_faxes(record.origin.line, &context.sight, &mut draft);
        }
        if let Some(name) = &self.spare_name {
            settle_whole_name(&mut draft, name, record.origin.line);
        }
        context.checked.settle(&mut draft, &mut problems);
        phones.set(phones.get().and(context.checked.phones.get()));
        self.add_surplus(record, &mut draft, &mut problems);
        if problems.is_empty()
            && !self.identity.is_empty()
            && !self.identity.iter().any(|field| draft.contact.has(*field))
        {
            problems.push(self.no_identity());
        }
        if problems.is_empty() { Drafted::Contact(draft) } else { Drafted::Rejected(problems) }
    }

    /// What phones are read with.
    fn surround<'b>(&'b self, context: &mut Context<'b>) {
        let checked = &mut context.checked;
        (checked.region, checked.homes) = (self.region_of(&context.sight), &self.region.homes);
        (checked.evidence, checked.line) = (self.evidence.get(), context.sight.record.origin.line);
    }

    pub(super) fn sight<'a>(&'a self, record: RecordRef<'a>) -> Sight<'a> {
        Sight { record, contact: None, blanks: &self.blanks, met: &self.seen.met, untrimmed: false }
    }

    /// Remembers the names of the first records, for "did you mean".
    fn look(&self, record: RecordRef<'_>) {
        if !self.seen.is_open || self.seen.records.load(Ordering::Relaxed) >= SEEN_RECORDS_MAX {
            return;
        }
        self.seen.records.fetch_add(1, Ordering::Relaxed);
        match record.fields {
            FieldsRef::Json(Value::Object(object)) => object.keys().for_each(|name| self.seen.name(name)),
            FieldsRef::Contact(contact) => {
                contact.attributes.iter().for_each(|a| self.seen.name(&format!("attributes.{}", a.name)));
                contact.native.keys().for_each(|name| self.seen.name(&format!("native.{name}")));
            }
            _ => {}
        }
    }

    fn passes(&self, context: &Context<'_>) -> Result<bool, Problem> {
        let Some(filter) = &self.filter else { return Ok(true) };
        for slot in &filter.slots {
            // Only to note that the name was met; a failed formula does not reject a record that the filter may leave out.
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

    /// The region of a record's phones: its own, where one of the columns names it; the given one where all are blank.
    pub(super) fn region_of(&self, sight: &Sight<'_>) -> RecordRegion {
        if let Some(region) = self.region_of_code(sight) {
            return RecordRegion::Known(region);
        }
        let mut unknown = None;
        for slot in &self.region.slots {
            let value = match sight.read(slot) {
                Ok(source::Cell::Text(text)) => text,
                Ok(source::Cell::List(items)) => Cow::Owned(items.join(LIST_JOIN)),
                Ok(source::Cell::Absent | source::Cell::Blank) => continue,
                Err(problem) => Cow::Owned(super::evaluate::bare(&problem).to_owned()),
            };
            if let Some(region) = Region::named(&value) {
                return RecordRegion::Known(region);
            }
            unknown.get_or_insert_with(|| (value.into_owned(), slot.name.clone()));
        }
        match (unknown, self.region.default) {
            (Some((value, column)), _) => RecordRegion::Unknown { value, column },
            (None, Some(region)) => RecordRegion::Known(region),
            (None, None) => RecordRegion::None,
        }
    }

    /// The region of which the only column has the two letters, as nearly every such cell does.
    fn region_of_code(&self, sight: &Sight<'_>) -> Option<Region> {
        let ([Slot { place: Wherein::Column(column), .. }], FieldsRef::Row(row)) =
            (self.region.slots.as_slice(), sight.record.fields)
        else {
            return None;
        };
        let code = trim(row.get(*column)?);
        let is_code = matches!(code.as_bytes(), [b'A'..=b'Z', b'A'..=b'Z']) && !sight.is_blank(code);
        if is_code { Region::named(code) } else { None }
    }

    fn no_identity(&self) -> Problem {
        let names: Vec<String> = self.identity.iter().map(|field| format!("`{}`", plain_name(*field))).collect();
        let message = format!("there is no {}, so the contact cannot be found", super::text::one_of(&names));
        Problem::new("identity.missing", message).hint("fill one of them in, or leave the record out with `only_if`")
    }
}

/// The usual name: of a list, that of its first item.
fn plain_name(field: Field) -> &'static str {
    match field {
        Field::Phones => "phone",
        Field::Emails => "email",
        _ => field.name(),
    }
}

impl CompiledRule {
    /// Puts what the rule gave into the contact.
    fn put<'b>(&'b self, gave: Gave<'b>, line: u64, draft: &mut Draft<'b>) {
        match (&self.rule.target, gave) {
            (Target::Field(field), Gave::Blank { is_blank }) => {
                if is_blank && self.rule.verbs.clear == Some(true) && !draft.contact.has(*field) {
                    draft.marks.clear.insert(*field);
                }
            }
            (Target::Attribute(name), Gave::Blank { is_blank }) => {
                let is_cleared = is_blank && self.rule.verbs.clear == Some(true);
                if is_cleared && draft.contact.attribute(name).is_none() {
                    draft
                        .contact
                        .attributes
                        .push(DraftAttribute { name: Cow::Borrowed(name), value: Cow::Borrowed("") });
                    draft.marks.attribute_overwrite.push((name.clone(), Overwrite::Clear));
                }
            }
            (Target::Field(field), Gave::Value(value)) => self.put_field(*field, value, false, draft),
            (Target::Field(field), Gave::Default(value)) => self.put_field(*field, value, true, draft),
            (Target::Attribute(name), Gave::Value(value)) => self.put_attribute(name, (value, false), line, draft),
            (Target::Attribute(name), Gave::Default(value)) => self.put_attribute(name, (value, true), line, draft),
            (Target::Column(_), _) => {}
        }
    }

    /// Lists the values that `otherwise: blank` leaves out of a `lookup` or a `date`.
    fn list_left_out(&self, context: &Context<'_>, draft: &mut Draft<'_>) {
        let verbs = &self.rule.verbs;
        if verbs.otherwise != Some(Otherwise::Blank) || (verbs.lookup.is_none() && verbs.date.is_empty()) {
            return;
        }
        let line = context.sight.record.origin.line;
        for (column, value) in self.values(context) {
            let (left, has_value) = left_out(verbs, value);
            draft.marks.left_blank.extend(left.into_iter().map(|(code, value)| LeftBlank {
                line,
                column: Some(column.to_owned()),
                code: code.into(),
                value,
            }));
            if has_value && !self.rule.gather {
                return;
            }
        }
    }

    /// What the rule's sources give before its verbs.
    fn values<'a>(&'a self, context: &Context<'a>) -> Vec<(&'a str, Val<'a>)> {
        match &self.source {
            RuleSource::Nothing => Vec::new(),
            RuleSource::Template(template) => {
                let column = self.column.as_deref().unwrap_or(&self.rule.label);
                template.text(context).map(|text| (column, Val::One(text.into()))).into_iter().collect()
            }
            RuleSource::Slots(slots) => {
                let read = |slot: &'a Slot| match context.sight.read(slot) {
                    Ok(source::Cell::Text(text)) => Some((&*slot.name, Val::One(text))),
                    Ok(source::Cell::List(items)) => Some((&*slot.name, Val::Many(items))),
                    Ok(source::Cell::Absent | source::Cell::Blank) | Err(_) => None,
                };
                slots.iter().filter_map(read).collect()
            }
        }
    }

    pub(super) fn put_field<'b>(&self, field: Field, value: Val<'b>, is_default: bool, draft: &mut Draft<'b>) {
        let had = draft.contact.has(field);
        if let Some(list) = draft.contact.list_mut(field) {
            match value {
                Val::One(item) if list.is_empty() => list.push(item),
                value if self.rule.is_first_of_list() => {
                    let mut items = value.into_items();
                    items.append(list);
                    add_each(field, items, list);
                }
                value => add_each(field, value.into_items(), list),
            }
        } else {
            draft.contact.set_text(field, value.into_text());
        }
        draft.marks.clear.remove(field);
        match self.rule.verbs.on_existing {
            _ if is_default && !had => draft.marks.fill.insert(field),
            Some(OnExistingRule::Fill) => draft.marks.fill.insert(field),
            Some(OnExistingRule::Update) => draft.marks.force.insert(field),
            None => {}
        }
        if !is_default && self.rule.verbs.on_existing != Some(OnExistingRule::Fill) {
            draft.marks.fill.remove(field);
        }
        match is_default {
            true if !had => draft.marks.defaults.insert(field),
            true => {}
            false => draft.marks.defaults.remove(field),
        }
    }

    /// Puts a custom field; of two values of one name, the mapping's own rule stays, else the first.
    fn put_attribute<'b>(&self, name: &'b Arc<str>, gave: (Val<'b>, bool), line: u64, draft: &mut Draft<'b>) {
        let (value, is_default) = (gave.0.into_text(), gave.1);
        let column = self.column.as_deref().unwrap_or(name);
        let hidden = match draft.contact.attributes.iter_mut().find(|known| *known.name == *name) {
            Some(known) if is_default || known.value == value => return,
            Some(_) if self.is_surplus => {
                return Hidden { line, column, name: format!("attributes.{name}"), value: value.into_owned() }
                    .list(draft);
            }
            Some(known) => {
                draft.marks.default_attributes.retain(|default| default != name);
                Some(std::mem::replace(&mut known.value, value))
            }
            None => {
                draft.marks.default_attributes.extend(is_default.then(|| name.clone()));
                draft.contact.attributes.push(DraftAttribute { name: Cow::Borrowed(name), value });
                None
            }
        };
        let overwrite = match self.rule.verbs.on_existing {
            _ if is_default => Some(Overwrite::Fill),
            Some(OnExistingRule::Fill) => Some(Overwrite::Fill),
            Some(OnExistingRule::Update) => Some(Overwrite::Update),
            None => None,
        };
        draft.marks.attribute_overwrite.extend(overwrite.map(|overwrite| (name.clone(), overwrite)));
        if let Some(value) = hidden {
            Hidden { line, column: name, name: name.to_string(), value: value.into_owned() }.list(draft);
        }
    }
}

/// Adds the items that a list does not have yet.
fn add_each<'b>(field: Field, items: Vec<Cow<'b, str>>, list: &mut Vec<Cow<'b, str>>) {
    for item in items {
        if !is_among(field, &item, list) {
            list.push(item);
        }
    }
}
