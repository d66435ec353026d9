//! Resolving names: the columns, paths and fields that rules and templates speak of, against a header.

use super::compiled::{CompiledRule, CompiledTemplate, RuleSource};
use super::options::{BindOptions, RegionChoice};
use super::program::{RegionSource, Surplus};
use super::rule::{CONTACT_NAME, ROW_NAME, Rule, Source, Target};
use super::sections::{contact_names, groups};
use super::source::{ContactName, Slot, Wherein};
use super::text::loose;
use super::{Mapping, Unmapped};
use crate::contact::{FIELDS, Field};
use crate::record::Header;
use crate::template::{Reference, Template};
use crate::yaml::{Errors, Place, Text, nearest};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Resolves names, and remembers which it was asked for.
pub(super) struct Resolver<'h> {
    header: &'h Header,
    exact: HashMap<&'h str, usize>,
    alike: HashMap<String, Vec<usize>>,
    used_columns: HashSet<usize>,
    used_names: Vec<String>,
    pub row_names: Vec<(Arc<str>, Slot)>,
    pub wanted: Vec<(String, Place)>,
    /// Whether what is being compiled could say `optional: true`.
    pub can_be_optional: bool,
    pub errors: Errors,
    /// Columns that the file does not have, where they are named, and whether they could be optional.
    missing: Vec<(String, Place, bool)>,
}

/// The columns and names that rules have used.
pub(super) struct Consumed {
    columns: HashSet<usize>,
    names: Vec<String>,
}

impl<'h> Resolver<'h> {
    pub fn new(header: &'h Header) -> Resolver<'h> {
        let (mut exact, mut alike) = (HashMap::new(), HashMap::<String, Vec<usize>>::new());
        if let Header::Columns(names) = header {
            for (index, name) in names.iter().enumerate() {
                exact.entry(name.as_str()).or_insert(index);
                alike.entry(loose(name)).or_default().push(index);
            }
        }
        let (used_columns, used_names) = (HashSet::new(), Vec::new());
        let (row_names, wanted, errors) = (Vec::new(), Vec::new(), Errors::default());
        let (can_be_optional, missing) = (true, Vec::new());
        Resolver { header, exact, alike, used_columns, used_names, row_names, wanted, can_be_optional, errors, missing }
    }

    /// What has been used so far: by rules, when only they have been bound. Saying where a phone is from, or testing a
    /// value with `only_if`, consumes nothing.
    pub fn consumed(&self) -> Consumed {
        Consumed { columns: self.used_columns.clone(), names: self.used_names.clone() }
    }

    pub fn rule(&mut self, rule: &Arc<Rule>, is_column: bool) -> CompiledRule {
        let is_optional = rule.verbs.is_optional();
        let source = match &rule.source {
            Source::Nothing => RuleSource::Nothing,
            Source::Names(names) => {
                let slot = |name: &Text| match is_column {
                    true => self.contact_slot(&name.text, &name.at),
                    false => self.slot(&name.text, &name.at, is_optional),
                };
                RuleSource::Slots(names.iter().map(slot).collect())
            }
            Source::Template(template) => RuleSource::Template(self.template(template, is_optional)),
        };
        let labels = rule.phones.iter().flat_map(|phones| &phones.labels);
        let labels = labels.map(|label| label.as_ref().map(|label| self.slot(&label.text, &label.at, true))).collect();
        CompiledRule::new(Arc::clone(rule), source, labels)
    }

    /// A name of the source that is left out: no attribute is made of it.
    pub fn pass_over(&mut self, name: &str) {
        self.slot(name, &(0..0), true);
    }

    /// A name of the source.
    fn slot(&mut self, name: &str, at: &Place, is_optional: bool) -> Slot {
        match self.header {
            Header::Columns(_) => self.column_slot(name, at, is_optional),
            Header::Open => {
                self.used_names.push(name.to_owned());
                let path = name.split('.').map(Box::from).collect();
                let met = self.want(name, at, is_optional);
                Slot { name: name.into(), place: Wherein::Json { path, met } }
            }
            Header::Contact => match ContactName::named(name) {
                Some(found) => {
                    self.used_names.push(name.to_owned());
                    let is_open = matches!(found, ContactName::Attribute(_) | ContactName::Native(_));
                    let met = is_open.then(|| self.want(name, at, is_optional));
                    Slot { name: name.into(), place: Wherein::Source(found, met) }
                }
                None => self.no_contact_field(name, at),
            },
        }
    }

    /// A name that only records can show; an optional one is not waited for.
    fn want(&mut self, name: &str, at: &Place, is_optional: bool) -> usize {
        let name = if is_optional { "" } else { name };
        self.wanted.push((name.to_owned(), at.clone()));
        self.wanted.len() - 1
    }

    fn column_slot(&mut self, name: &str, at: &Place, is_optional: bool) -> Slot {
        let absent = Slot { name: name.into(), place: Wherein::Absent };
        let found = match (self.exact.get(name), self.alike.get(&loose(name)).map(Vec::as_slice)) {
            (Some(index), _) => Some(*index),
            (None, Some([index])) => Some(*index),
            (None, Some([_, _, ..])) => {
                let message = format!("several columns are called `{name}`, but none in exactly these letters");
                self.errors.add(at, message);
                return absent;
            }
            _ => None,
        };
        let Header::Columns(names) = self.header else { return absent };
        match found.and_then(|index| Some((index, names.get(index)?))) {
            Some((index, spelled)) => {
                self.used_columns.insert(index);
                Slot { name: spelled.as_str().into(), place: Wherein::Column(index) }
            }
            None => {
                if !is_optional {
                    self.missing.push((name.to_owned(), at.clone(), self.can_be_optional));
                }
                absent
            }
        }
    }

    /// Tells which columns the file does not have; where it has none of several, nor any like them, as one error.
    pub fn report_missing(&mut self) {
        let Header::Columns(names) = self.header else { return };
        let missing = std::mem::take(&mut self.missing);
        let mut distinct: Vec<&str> = missing.iter().map(|(name, ..)| name.as_str()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let is_near = |name: &&str| nearest(name, names.iter().map(String::as_str)).is_some();
        if let ([_, _, _, ..], [(first, at, _), ..]) = (&distinct[..], &missing[..])
            && self.used_columns.is_empty()
            && !distinct.iter().any(is_near)
        {
            let message =
                format!("the file has none of the {} columns that the mapping names: no `{first}`", distinct.len());
            let help = format!(
                "{}; if the header is further down, write its line as `read: {{ header_row: 3 }}`",
                listed(names, false)
            );
            self.errors.add(at, message).set_hint(help);
            return;
        }
        for (name, at, can_be_optional) in missing {
            let error = self.errors.add(&at, format!("the file has no column `{name}`"));
            error.set_hint(listed(names, can_be_optional));
            error.did_you_mean(&name, names.iter().map(String::as_str));
        }
    }

    /// A name of the contact that is written.
    fn contact_slot(&mut self, name: &str, at: &Place) -> Slot {
        match ContactName::named(name) {
            Some(found) => Slot { name: name.into(), place: Wherein::Contact(found) },
            None => self.no_contact_field(name, at),
        }
    }

    fn no_contact_field(&mut self, name: &str, at: &Place) -> Slot {
        let names = contact_names().chain(groups()).chain(["attributes", "native"]);
        let error = self.errors.add(at, format!("a contact has no field `{name}`"));
        error.set_hint(format!("a custom field is written `attributes.{name}`"));
        error.did_you_mean(name, names);
        Slot { name: name.into(), place: Wherein::Absent }
    }

    pub fn template(&mut self, template: &Template, is_optional: bool) -> CompiledTemplate {
        let slots: Vec<Slot> =
            template.references.iter().map(|reference| self.reference(reference, is_optional)).collect();
        if template.parts.is_none() {
            for (reference, slot) in template.references.iter().zip(&slots) {
                self.name_in_row(reference, slot);
            }
        }
        if template.whole.contains(&ROW_NAME) {
            self.whole_row(&template.at);
        }
        CompiledTemplate { name: template.name.clone(), slots, parts: template.parts.clone() }
    }

    fn reference(&mut self, reference: &Reference, is_optional: bool) -> Slot {
        let first = reference.path.first().map_or("", String::as_str);
        let name = reference.path.join(".");
        match (reference.root, self.header) {
            (CONTACT_NAME, _) => self.contact_slot(&name, &reference.at),
            (_, Header::Columns(_)) => self.slot(first, &reference.at, is_optional),
            _ => self.slot(&name, &reference.at, is_optional),
        }
    }

    /// Makes a name known to the template engine: the first part of its path, from which the engine goes on.
    fn name_in_row(&mut self, reference: &Reference, slot: &Slot) {
        let Some(first) = reference.path.first() else { return };
        if reference.root == CONTACT_NAME {
            return;
        }
        let key: Arc<str> = first.as_str().into();
        if self.row_names.iter().any(|(known, _)| *known == key) {
            return;
        }
        let place = match (self.header, reference.path.len()) {
            (Header::Columns(_), _) | (_, 1) => slot.place.clone(),
            (Header::Open, _) => Wherein::Json { path: Box::new([]), met: usize::MAX },
            (Header::Contact, _) => {
                ContactName::named(first).map_or(Wherein::Absent, |name| Wherein::Source(name, None))
            }
        };
        self.row_names.push((
            Arc::clone(&key),
            Slot { name: if reference.path.len() == 1 { Arc::clone(&slot.name) } else { key }, place },
        ));
    }

    /// A template uses `row` as a whole: every name is made known.
    fn whole_row(&mut self, at: &Place) {
        let names: Vec<String> = match self.header {
            Header::Columns(names) => names.clone(),
            Header::Contact => {
                let groups = groups().chain(["attributes", "native", "phone", "email"]);
                let fields = FIELDS.iter().map(|(_, name)| *name).filter(|name| !name.contains('.'));
                fields.chain(groups).map(str::to_owned).collect()
            }
            Header::Open => {
                let message = "`row` as a whole cannot be used with JSON, whose names are not known beforehand";
                self.errors.add(at, message).set_hint("name the value, as in `row.City`");
                return;
            }
        };
        for name in names {
            if !self.row_names.iter().any(|(known, _)| **known == *name) {
                let slot = self.slot(&name, at, true);
                self.row_names.push((name.as_str().into(), slot));
            }
        }
    }

    /// Where the region of phones comes from: the record's column first, then `--region`, the mapping, the connection.
    pub fn region(&mut self, mapping: &Mapping, options: &BindOptions) -> RegionSource {
        let own = mapping.region.as_ref();
        let names = own.map_or(&[][..], |region| &region.names);
        let slots = names.iter().map(|name| self.slot(&name.text, &name.at, false)).collect();
        let (given, is_none_meant) = match options.region {
            Some(RegionChoice::Region(region)) => (Some(region), false),
            Some(RegionChoice::Nowhere) => (None, true),
            None => (own.and_then(|region| region.default).or(options.fallback_region), false),
        };
        let homes = given.into_iter().chain(options.fallback_region).collect();
        let is_by_name = own.is_some_and(|region| region.is_by_name);
        RegionSource { slots, default: given, homes, is_by_name, is_none_meant }
    }

    /// What is done with names that no rule consumes; an error only for names that are not used at all.
    pub fn surplus(
        &mut self,
        mapping: &Mapping,
        consumed: Consumed,
        rules: &mut Vec<CompiledRule>,
        left_out: &[Target],
    ) -> Surplus {
        let (at, Consumed { columns, names }) = (&mapping.unmapped_at, consumed);
        match (mapping.unmapped_for(self.header), self.header) {
            (Unmapped::Ignore, _) => Surplus::Ignore,
            (Unmapped::Carry, Header::Contact) => Surplus::Carry(taken(&names, rules, left_out)),
            (Unmapped::Carry, _) => {
                let error = self.errors.add(at, "`carry` is for sources that are platforms");
                error.set_hint("the other columns of a file are kept by `unmapped: attributes`");
                Surplus::Ignore
            }
            (Unmapped::Attributes, Header::Contact) => Surplus::CarryAttributes(taken(&names, rules, left_out)),
            (Unmapped::Attributes, Header::Open) => Surplus::Attributes(names.into_iter().collect()),
            (Unmapped::Error, Header::Open) => Surplus::Error(self.used_names.iter().cloned().collect()),
            (Unmapped::Error, Header::Contact) => Surplus::CarryError(taken(&self.used_names, rules, left_out)),
            (Unmapped::Attributes, Header::Columns(header)) => {
                let unused = unused(header, &columns);
                rules.extend(unused.filter_map(|(index, name)| attribute_rule(index, name, left_out)));
                Surplus::Ignore
            }
            (Unmapped::Error, Header::Columns(header)) => {
                let listed: Vec<String> =
                    unused(header, &self.used_columns).map(|(_, name)| format!("`{name}`")).collect();
                if !listed.is_empty() {
                    let message = format!(
                        "no rule uses the column{} {}",
                        if listed.len() == 1 { "" } else { "s" },
                        listed.join(", ")
                    );
                    self.errors
                        .add(at, message)
                        .set_hint("`unmapped: ignore` leaves columns aside, `attributes` keeps them");
                }
                Surplus::Ignore
            }
        }
    }

    pub fn check_identity(&mut self, wanted: &[Field], rules: &[CompiledRule], at: &Place) {
        let is_filled = |field: &Field| rules.iter().any(|rule| rule.rule.target == Target::Field(*field));
        if !wanted.iter().any(is_filled) {
            let message = "no rule of `contact` fills a field of `identity`: every record would be rejected";
            self.errors.add(at, message);
        }
    }
}

/// The names that there are, for when none is near.
fn listed(names: &[String], can_be_optional: bool) -> String {
    /// More names than this do not help.
    const LISTED_MAX: usize = 8;
    let shown: Vec<String> = names.iter().take(LISTED_MAX).map(|name| format!("`{name}`")).collect();
    let more = match names.len().saturating_sub(LISTED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let optional = if can_be_optional { "; if it may be absent, say `optional: true`" } else { "" };
    format!("its columns are {}{more}{optional}", shown.join(", "))
}

fn unused<'a>(header: &'a [String], used: &HashSet<usize>) -> impl Iterator<Item = (usize, &'a str)> {
    let unused = header.iter().enumerate().filter(move |(index, _)| !used.contains(index));
    unused.map(|(index, name)| (index, name.as_str()))
}

/// A rule that keeps a column as an attribute of its name.
fn attribute_rule(index: usize, column: &str, left_out: &[Target]) -> Option<CompiledRule> {
    let name = super::text::trim(column);
    let name = name.strip_prefix("attributes.").filter(|name| !name.trim().is_empty()).unwrap_or(name);
    let target = Target::Attribute(name.into());
    if left_out.contains(&target) {
        return None;
    }
    let slot = Slot { name: column.into(), place: Wherein::Column(index) };
    let rule = Arc::new(Rule::new(target, &format!("attributes.{name}"), 0..0));
    let compiled = CompiledRule::new(rule, RuleSource::Slots(vec![slot]), Vec::new());
    Some(CompiledRule { is_surplus: true, ..compiled })
}

/// What a carried contact loses before the rules: what rules use, what they fill, what is left out.
fn taken(names: &[String], rules: &[CompiledRule], left_out: &[Target]) -> Vec<ContactName> {
    let of_target = |target: &Target| match target {
        Target::Field(field) if field.is_list() => Some(ContactName::List(*field)),
        Target::Field(field) => Some(ContactName::Text(*field)),
        Target::Attribute(name) => Some(ContactName::Attribute(name.to_string())),
        Target::Column(_) => None,
    };
    let mut taken: Vec<ContactName> = names.iter().filter_map(|name| ContactName::named(name)).collect();
    // `tags: { add: [x] }` without a source adds to what is carried.
    let fills = |rule: &&CompiledRule| !matches!(rule.source, RuleSource::Nothing);
    // `phone: …` puts a phone in front of those that are carried.
    let replaces = |rule: &&CompiledRule| fills(rule) && !rule.rule.is_first_of_list();
    taken.extend(rules.iter().filter(replaces).filter_map(|rule| of_target(&rule.rule.target)));
    taken.extend(left_out.iter().filter_map(of_target));
    taken
}
