//! A mapping made of column names, for work without a mapping.
//!
//! The decisions are made by [`super::names`]; here they become rules. The plan that is shown is made of the same
//! decisions.

mod decided;
mod plan;

pub use decided::Decided;
pub(crate) use decided::{FLAGS_SPLIT, FamilyFirst, flags_template};
pub use plan::{NamesPlan, NamesTarget};

use super::names::{Decisions, Layout, Use, assign, first_name_of, is_in_list_of_contact};
use super::page::ROW;
use super::phone::Region;
use super::rule::{Otherwise, PhoneColumns, Rule, Source, Target};
use super::sections::ContactRules;
use super::{Mapping, PhoneRegion, Unmapped};
use crate::contact::{FIELDS, Field};
use crate::record::Header;
use crate::template::{Source as TemplateSource, Templates};
use crate::yaml::{Document, Errors, Text};
use std::path::Path;

/// What the last name is where a target needs one and the record has none.
const LAST_NAME_BLANK: &str = "-";

/// A mapping by column names.
#[derive(Clone, Debug)]
pub struct ByNames {
    /// The mapping.
    pub mapping: Mapping,
    /// What it does with each column. Printed first.
    pub plan: NamesPlan,
}

/// What the first records of a source show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstRecords {
    /// The names that the records of a JSON source have; of a table, its header says them.
    pub names: Vec<String>,
    /// How often each column (or name) is filled; empty where that is not known.
    pub filled: Vec<u64>,
}

impl Mapping {
    /// The mapping of decisions about the columns, with the plan that is printed first.
    pub fn of_decided(decided: &Decided<'_>, target: Option<NamesTarget<'_>>) -> ByNames {
        of_decided(decided, target, Unmapped::Attributes)
    }

    /// The mapping by column names, with the plan that is printed first. Of JSON sources only the names of a contact's
    /// own fields are known here; see [`Mapping::by_names_of`].
    pub fn by_names(header: &Header) -> ByNames {
        by_names(header, &FirstRecords::default(), None)
    }

    /// The same with what the source's first records show, for contacts that go to this platform.
    pub fn by_names_of(header: &Header, first: &FirstRecords, target: Option<NamesTarget<'_>>) -> ByNames {
        by_names(header, first, target)
    }
}

/// Makes the mapping by names alone.
fn by_names(header: &Header, first: &FirstRecords, target: Option<NamesTarget<'_>>) -> ByNames {
    let names: Vec<String> = match header {
        Header::Columns(names) => names.clone(),
        Header::Open => first.names.clone(),
        Header::Contact => Vec::new(),
    };
    let decisions = assign(Layout { names: &names, filled: &first.filled, meanings: None });
    let is_open = *header == Header::Open;
    let decided = Decided {
        names: &names,
        is_open,
        decisions: &decisions,
        region: None,
        dates: Vec::new(),
        flags: Vec::new(),
        tags_split: None,
        family_first: None,
    };
    let unmapped = if *header == Header::Contact { Unmapped::Carry } else { Unmapped::Attributes };
    of_decided(&decided, target, unmapped)
}

/// Makes the mapping.
fn of_decided(decided: &Decided<'_>, target: Option<NamesTarget<'_>>, unmapped: Unmapped) -> ByNames {
    let Decided { names, is_open, decisions, .. } = *decided;
    let mut maker = Maker { names, decisions, is_open, family_first: decided.family_first, rules: Vec::new() };
    if unmapped != Unmapped::Carry {
        maker.rules(target.is_some_and(|target| target.needs_last_name));
        decided.dates.iter().for_each(|(column, format)| maker.date(*column, format));
        if is_open {
            maker.list_attributes(&decided.dates);
        }
        maker.split_tags(decided.tags_split.as_deref());
    }
    let page = Document::new(Path::new("column names"), "");
    let mut templates = Templates::new(&page);
    maker.rules.extend(flags_rule(&decided.flags, &mut templates));
    let rules = maker.rules;
    let text = |column: &usize| names.get(*column).map(|name| Text { text: name.clone(), at: 0..0 });
    let passed_over = decisions.uses.iter().zip(names).filter(|(used, _)| matches!(used, Use::LeftOut(_)));
    let passed_over = passed_over.map(|(_, name)| name.clone()).collect();
    let whole = decisions.uses.iter().zip(names).find(|(used, _)| **used == Use::Spare);
    let whole = whole.map(|(_, name)| super::text::trim(name).into());
    let regions: Vec<Text> = decisions.regions.iter().filter_map(text).collect();
    let plan = NamesPlan::new(decided, target);
    let has_region = !regions.is_empty() || decided.region.is_some();
    let mut mapping = Mapping::empty(&page);
    mapping.env = templates.into_env();
    mapping.unmapped = Some(unmapped);
    let (region, dates) = (decided.region.map(Region::code), &decided.dates);
    let said = match (region, dates.as_slice()) {
        _ if decided.family_first.is_some() => {
            format!("{}\n{region:?} {dates:?} {:?}", plan.every_column().join("\n"), decided.family_first)
        }
        (None, []) => plan.every_column().join("\n"),
        _ => format!("{}\n{region:?} {dates:?}", plan.every_column().join("\n")),
    };
    mapping.fingerprint = blake3::hash(said.as_bytes()).to_hex().to_string();
    let is_by_name = decided.region.is_none();
    mapping.region = has_region.then_some(PhoneRegion { names: regions, default: decided.region, is_by_name });
    let mut contact = ContactRules::of(rules);
    (contact.passed_over, contact.spare_name) = (passed_over, whole);
    mapping.contact = Some(contact);
    ByNames { mapping, plan }
}

/// The tags of columns that are each one.
fn flags_rule(flags: &[(String, String)], templates: &mut Templates) -> Option<Rule> {
    let text = flags_template(flags);
    let mut errors = Errors::default();
    let source = TemplateSource { text: &text, at: &(0..0), roots: &ROW };
    let template = (!flags.is_empty()).then(|| templates.add(source, &mut errors))??;
    let mut rule = Rule::new(Target::Field(Field::Tags), Field::Tags.name(), 0..0);
    rule.source = Source::Template(template);
    rule.verbs.split = Some(FLAGS_SPLIT.to_owned());
    Some(rule)
}

struct Maker<'a> {
    names: &'a [String],
    decisions: &'a Decisions,
    is_open: bool,
    family_first: Option<FamilyFirst>,
    rules: Vec<Rule>,
}

/// Whether a name is another's, or that of a list or an object that the other is in.
fn is_within(name: &str, other: &str) -> bool {
    other.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl Maker<'_> {
    /// The rules, in the order of the columns.
    fn rules(&mut self, needs_last_name: bool) {
        let mut fields: Vec<Field> = Vec::new();
        for used in &self.decisions.uses {
            let field = match used {
                Use::Field(field) => *field,
                Use::Spare => Field::FullName,
                Use::Attribute(_) | Use::LeftOut(_) => continue,
            };
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        fields.iter().for_each(|field| self.field(*field));
        if self.is_open {
            self.further_fields(&fields);
        }
        if needs_last_name {
            self.default_last_name();
        }
    }

    fn field(&mut self, field: Field) {
        if let (Field::FullName, Some(parts)) = (field, self.family_first.and_then(|found| self.parts_of_name(found))) {
            self.rules.extend(parts);
            return;
        }
        let columns: Vec<usize> = match field {
            Field::Phones => self.decisions.phones.iter().map(|(column, _)| *column).collect(),
            Field::FullName => {
                let is_whole = |used: &Use| matches!(used, Use::Field(Field::FullName) | Use::Spare);
                self.decisions.uses.iter().position(is_whole).into_iter().collect()
            }
            field => self.decisions.of_field(field).collect(),
        };
        let names = columns.iter().filter_map(|column| self.names.get(*column));
        let rule = self.rule(field, names.map(String::as_str).collect());
        self.rules.push(rule);
    }

    /// The given names and the family name of a column that begins with the latter.
    fn parts_of_name(&self, found: FamilyFirst) -> Option<[Rule; 2]> {
        let name = self.names.get(found.column)?;
        let part = |field: Field| {
            let (pattern, with) = found.pattern(field);
            let mut rule = self.rule(field, vec![name]);
            rule.verbs.matching = Some(regex::Regex::new(&pattern).ok()?);
            rule.verbs.with = Some(with.to_owned());
            Some(rule)
        };
        Some([part(Field::FirstName)?, part(Field::LastName)?])
    }

    /// An attribute of days, which a value that is none keeps as it is.
    fn date(&mut self, column: usize, format: &str) {
        let Some(mut rule) = self.attribute(column) else { return };
        rule.verbs.date = vec![format.to_owned()];
        rule.verbs.otherwise = Some(Otherwise::Keep);
        self.rules.push(rule);
    }

    /// The attributes that lists of objects hold, each with the values of all elements.
    fn list_attributes(&mut self, dates: &[(usize, String)]) {
        let is_attribute = |at: &usize| matches!(self.decisions.uses.get(*at), Some(Use::Attribute(_)));
        let is_in_list = |at: &usize| self.names.get(*at).is_some_and(|name| is_in_list_of_contact(name));
        let is_date = |at: &usize| dates.iter().any(|(column, _)| column == at);
        let columns = (0..self.names.len()).filter(|at| is_attribute(at) && is_in_list(at) && !is_date(at));
        let rules: Vec<Rule> = columns.filter_map(|column| self.attribute(column)).collect();
        self.rules.extend(rules);
    }

    /// A column as it is, as an attribute; `None` where it has no name.
    fn attribute(&self, column: usize) -> Option<Rule> {
        let name = self.names.get(column).filter(|name| !super::text::trim(name).is_empty())?;
        let attribute = super::text::trim(name);
        let attribute = attribute.strip_prefix("attributes.").unwrap_or(attribute);
        let label = format!("attributes.{attribute}");
        let mut rule = Rule::new(Target::Attribute(attribute.into()), &label, 0..0);
        rule.source = Source::Names(vec![Text { text: name.clone(), at: 0..0 }]);
        rule.verbs.optional = self.is_open.then_some(true);
        Some(rule)
    }

    /// Tags that the vendor parts in its own way.
    fn split_tags(&mut self, by: Option<&str>) {
        let tags = self.rules.iter_mut().find(|rule| rule.target == Target::Field(Field::Tags));
        if let (Some(rule), Some(by)) = (tags, by) {
            (rule.verbs.tags, rule.verbs.split) = (false, Some(by.to_owned()));
        }
    }

    fn rule(&self, field: Field, names: Vec<&str>) -> Rule {
        let mut rule = Rule::new(Target::Field(field), first_name_of(field), 0..0);
        rule.source = Source::Names(names.into_iter().map(|name| Text { text: name.to_owned(), at: 0..0 }).collect());
        rule.gather = field.is_list();
        rule.verbs.optional = self.is_open.then_some(true);
        rule.verbs.tags = field == Field::Tags;
        rule.verbs.split = (field == Field::Handles).then(|| ";".to_owned());
        if field == Field::Phones {
            rule.phones = Some(self.phones());
        }
        rule
    }

    /// Ferry's own list of phones is in order; other columns are put in order by name, then by the type of number.
    fn phones(&self) -> PhoneColumns {
        let Decisions { phones, phones_first, .. } = self.decisions;
        let is_own_list = phones.iter().any(|(column, _)| self.names.get(*column).is_some_and(|name| name == "phones"));
        let text = |column: usize| self.names.get(column).map(|name| Text { text: name.clone(), at: 0..0 });
        let labels = phones.iter().map(|(_, label)| label.and_then(text)).collect();
        PhoneColumns { as_named: if is_own_list { usize::MAX } else { *phones_first }, labels }
    }

    /// Fields that a later record of a JSON source may have under their own names. Names and addresses are taken from
    /// one group, so they are looked for only where the first records have none.
    fn further_fields(&mut self, fields: &[Field]) {
        let is_name = |field: &Field| matches!(field, Field::FirstName | Field::LastName | Field::FullName);
        let is_address = |field: &Field| field.name().starts_with("address.");
        let (has_name, has_address) = (fields.iter().any(is_name), fields.iter().any(is_address));
        for (field, name) in FIELDS {
            let names: Vec<&str> = match field {
                Field::Phones | Field::Emails => vec![first_name_of(field), name],
                _ => vec![name],
            };
            let is_taken =
                fields.contains(&field) || (has_name && is_name(&field)) || (has_address && is_address(&field));
            let known = self.rules.iter_mut().find(|rule| rule.target == Target::Field(field) && field.is_list());
            match known {
                Some(Rule { source: Source::Names(known), .. }) => {
                    let further = names.into_iter().filter(|name| !self.names.iter().any(|seen| is_within(name, seen)));
                    known.extend(further.map(|name| Text { text: name.to_owned(), at: 0..0 }));
                }
                _ if is_taken => {}
                _ => {
                    let rule = self.rule(field, names);
                    self.rules.push(rule);
                }
            }
        }
    }

    fn default_last_name(&mut self) {
        let target = Target::Field(Field::LastName);
        if !self.rules.iter().any(|rule| rule.target == target) {
            self.rules.push(Rule::new(target.clone(), Field::LastName.name(), 0..0));
        }
        let rule = self.rules.iter_mut().find(|rule| rule.target == target);
        if let Some(rule) = rule {
            rule.verbs.default = vec![LAST_NAME_BLANK.to_owned()];
        }
    }
}
