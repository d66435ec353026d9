//! One rule of a mapping: where a value comes from, what is done to it, where it goes. Read and checked, not compiled.

use super::verb::{Reader, Verbs};
use crate::contact::{FIELDS, Field};
use crate::template::Template;
use crate::yaml::{Errors, Kind, Node, Place, Text};
use std::sync::Arc;

/// The source record in a template.
pub(super) const ROW_NAME: &str = "row";
/// The contact in a template.
pub(super) const CONTACT_NAME: &str = "contact";

/// Where a value goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A field of the contact.
    Field(Field),
    /// A custom field.
    Attribute(Arc<str>),
    /// A column of a file that is written.
    Column(Arc<str>),
}

impl Target {
    /// Whether it takes several values.
    pub fn is_list(&self) -> bool {
        matches!(self, Target::Field(field) if field.is_list())
    }

    /// Whether values are checked, so that one can be good or bad.
    fn is_checked(&self) -> bool {
        matches!(self, Target::Field(Field::Phones | Field::Emails))
    }
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// From nowhere: a default, or items that are added.
    Nothing,
    /// The first of these that will do.
    Names(Vec<Text>),
    /// Made of several.
    Template(Template),
}

/// The columns of phones, as their names order them.
#[derive(Clone, Debug)]
pub(super) struct PhoneColumns {
    /// So many come as they stand; the numbers of the others are ordered by type.
    pub as_named: usize,
    /// For each column the one that says of which type its number is.
    pub labels: Vec<Option<Text>>,
}

/// One rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub target: Target,
    /// As the mapping calls the target: `phone`, `attributes.Plan`, `Name`.
    pub label: Arc<str>,
    pub at: Place,
    pub source: Source,
    pub verbs: Verbs,
    /// Whether the values of all names are taken, instead of the first that is valid (lists only).
    pub gather: bool,
    /// How phones are taken from columns that are known by their names.
    pub phones: Option<PhoneColumns>,
    /// Where its verbs stand.
    pub places: Vec<(&'static str, Place)>,
}

impl Rule {
    pub fn new(target: Target, label: &str, at: Place) -> Rule {
        let (source, verbs) = (Source::Nothing, Verbs::default());
        Rule { target, label: label.into(), at, source, verbs, gather: false, phones: None, places: Vec::new() }
    }

    /// Reads a rule. `None` when `null` leaves the field out, or when it is no rule at all.
    pub fn read(target: Target, label: &str, key_at: &Place, node: &Node, reader: &mut Reader<'_>) -> Option<Rule> {
        let mut rule = Rule::new(target, label, key_at.clone());
        match &node.kind {
            Kind::Null => return None,
            Kind::Text { text, .. } => rule.source = rule.short(text, &node.at, reader)?,
            Kind::List(_) => rule.source = Source::Names(reader.texts(node, &format!("`{label}`"))),
            Kind::Map(entries) => {
                let all_known = reader.verbs(&mut rule, entries);
                rule.check(all_known, reader.errors);
            }
        }
        Some(rule)
    }

    /// A rule that is one text: a name; in `columns` also a template.
    fn short(&self, text: &str, at: &Place, reader: &mut Reader<'_>) -> Option<Source> {
        if matches!(self.target, Target::Column(_)) && (text.contains("{{") || text.contains("{%")) {
            return reader.template(text, at).map(Source::Template);
        }
        Some(Source::Names(vec![Text { text: text.to_owned(), at: at.clone() }]))
    }

    pub fn set_source(&mut self, source: Source, at: &Place, errors: &mut Errors) {
        if matches!(self.source, Source::Nothing) {
            self.source = source;
        } else {
            errors.add(at, "only one of `from`, `all` and `value` can be given");
        }
    }

    /// Whether it is the rule of a list's first item: `phone`, `email`.
    pub fn is_first_of_list(&self) -> bool {
        matches!(&self.target, Target::Field(field) if field.is_list() && field.name() != &*self.label)
    }

    fn place(&self, verb: &str) -> Option<&Place> {
        self.places.iter().find(|(name, _)| *name == verb).map(|(_, at)| at)
    }

    /// What single verbs cannot see.
    fn check(&self, all_known: bool, errors: &mut Errors) {
        let mut wrong = |verb: &str, is_wrong: bool, message: &str| {
            if let Some(at) = self.place(verb).filter(|_| is_wrong) {
                errors.add(at, message);
            }
        };
        let (verbs, target) = (&self.verbs, &self.target);
        let has = |verb: &str| self.place(verb).is_some();
        let is_column = matches!(target, Target::Column(_));
        wrong("match", !has("with"), "`match` needs `with`: what takes the place of what is found");
        wrong("with", !has("match"), "`with` needs `match`: what it takes the place of");
        wrong("match", has("replace"), "only one of `replace` and `match` can hold");
        let has_otherwise_use = has("lookup") || has("date") || target.is_checked();
        wrong("otherwise", !has_otherwise_use, "`otherwise` needs `lookup` or `date` here");
        let is_text = matches!(verbs.otherwise, Some(super::verb::Otherwise::Text(_)));
        let message = "`otherwise` of a phone or an e-mail must be `keep`, `blank` or `reject`";
        wrong("otherwise", is_text && !has("lookup") && target.is_checked(), message);
        let takes_several = target.is_list() || is_column;
        let message = "`all` is for lists: `phones`, `emails`, `handles`, `tags`";
        wrong("all", !target.is_list(), message);
        wrong("add", !takes_several, "`add` is for lists: `phones`, `emails`, `handles`, `tags`");
        wrong("mode", *target != Target::Field(Field::Tags), "`mode` is for `tags`");
        wrong("default", verbs.default.len() > 1 && !takes_several, "`default` must be one text here");
        wrong("clear", verbs.clear == Some(true) && has("default"), "only one of `default` and `clear` can hold");
        wrong(
            "clear",
            verbs.clear == Some(true) && verbs.on_existing == Some(super::verb::OnExistingRule::Fill),
            "`clear` empties a value and `on_existing: fill` never changes one: only one of them can hold",
        );
        wrong(
            "clear",
            verbs.clear == Some(true) && verbs.required == Some(true),
            "only one of `required` and `clear` can hold",
        );
        for verb in ["clear", "on_existing"] {
            wrong(verb, is_column, &format!("`{verb}` is for contacts, not for columns"));
        }
        let is_empty =
            matches!(self.source, Source::Nothing) && !["from", "all", "value", "default", "add"].into_iter().any(has);
        if is_empty && all_known {
            let message = format!("`{}` has neither `from` nor `value`", self.label);
            errors.add(&self.at, message).set_hint("say where the value comes from, as in `{ from: Column }`");
        }
    }
}

/// The names that can stand under `contact`, one a field, beside `attributes`.
pub(super) fn contact_names() -> impl Iterator<Item = &'static str> + Clone {
    FIELDS.into_iter().map(|(_, name)| name).chain(["phone", "email"])
}

/// The groups of fields (`address`), from the names of the fields.
pub(super) fn groups() -> impl Iterator<Item = &'static str> + Clone {
    const COUNT: usize = FIELDS.len();
    (0..COUNT).filter_map(|index| {
        let group = FIELDS.get(index)?.1.split_once('.')?.0;
        let before =
            index.checked_sub(1).and_then(|before| FIELDS.get(before)).and_then(|field| field.1.split_once('.'));
        (before.map(|before| before.0) != Some(group)).then_some(group)
    })
}

/// The rules of `contact`, and the targets that `null` leaves out.
#[derive(Clone, Default)]
pub(super) struct ContactRules {
    pub rules: Vec<Arc<Rule>>,
    pub left_out: Vec<Target>,
    /// Columns that are left out, by their names.
    pub passed_over: Vec<String>,
    /// The attribute that a whole name becomes where it says something else than its parts.
    pub spare_name: Option<Arc<str>>,
    labels: Vec<String>,
}

impl ContactRules {
    /// Of rules that were not read from a page.
    pub fn of(rules: Vec<Rule>) -> ContactRules {
        ContactRules { rules: rules.into_iter().map(Arc::new).collect(), ..ContactRules::default() }
    }

    /// Reads `contact`.
    pub fn read(node: &Node, reader: &mut Reader<'_>) -> ContactRules {
        let mut rules = ContactRules::default();
        let Kind::Map(entries) = &node.kind else {
            reader.errors.add(&node.at, format!("`contact` must be a map, not {}", node.kind_name()));
            return rules;
        };
        for (key, value) in entries {
            rules.entry(key, value, reader);
        }
        rules
    }

    fn entry(&mut self, key: &Text, value: &Node, reader: &mut Reader<'_>) {
        let name = key.text.as_str();
        if name == "attributes" || groups().any(|group| group == name) {
            return self.group(key, value, reader);
        }
        if let Some(attribute) = name.strip_prefix("attributes.").filter(|attribute| !attribute.is_empty()) {
            return self.rule(Target::Attribute(attribute.into()), name, key, value, reader);
        }
        match Field::named(name) {
            Some(field) => self.rule(Target::Field(field), name, key, value, reader),
            None => {
                let error = reader.errors.add(&key.at, format!("a contact has no field `{name}`"));
                match crate::yaml::nearest(name, contact_names().chain(groups()).chain(["attributes"])) {
                    Some(near) => error.set_hint(format!("did you mean `{near}`?")),
                    None => error.set_hint(format!("for a field of your own, put it under `attributes`: `{name}`")),
                }
            }
        }
    }

    /// `address: {city: …}` and `attributes: {…}`.
    fn group(&mut self, group: &Text, node: &Node, reader: &mut Reader<'_>) {
        let Kind::Map(entries) = &node.kind else {
            if !matches!(node.kind, Kind::Null) {
                let message = format!("`{}` must be a map of its fields, not {}", group.text, node.kind_name());
                reader.errors.add(&node.at, message);
            }
            return;
        };
        for (key, value) in entries {
            let label = format!("{}.{}", group.text, key.text);
            if group.text == "attributes" {
                if key.text.trim().is_empty() {
                    reader.errors.add(&key.at, "an attribute needs a name");
                }
                self.rule(Target::Attribute(key.text.as_str().into()), &label, key, value, reader);
            } else if let Some(field) = Field::named(&label) {
                self.rule(Target::Field(field), &label, key, value, reader);
            } else {
                let inner = contact_names().filter_map(|name| name.strip_prefix(&group.text)?.strip_prefix('.'));
                let names: Vec<&str> = inner.collect();
                let error = reader.errors.add(&key.at, format!("`{}` has no field `{}`", group.text, key.text));
                match crate::yaml::nearest(&key.text, names.iter().copied()) {
                    Some(near) => error.set_hint(format!("did you mean `{near}`?")),
                    None => error.set_hint(format!("it has {}", names.join(", "))),
                }
            }
        }
    }

    fn rule(&mut self, target: Target, label: &str, key: &Text, value: &Node, reader: &mut Reader<'_>) {
        if self.labels.iter().any(|known| known == label) {
            // A key that is repeated word for word is an error of the file already.
            if !reader.errors.has_one_at(&key.at) {
                reader.errors.add(&key.at, format!("`{label}` stands here a second time"));
            }
            return;
        }
        self.labels.push(label.to_owned());
        if matches!(value.kind, Kind::Null) {
            self.left_out.push(target);
        } else if let Some(rule) = Rule::read(target, label, &key.at, value, reader) {
            self.rules.push(Arc::new(rule));
        }
    }
}

/// Reads `columns`.
pub(super) fn read_columns(node: &Node, reader: &mut Reader<'_>) -> Vec<Arc<Rule>> {
    let Kind::Map(entries) = &node.kind else {
        reader.errors.add(&node.at, format!("`columns` must be a map, not {}", node.kind_name()));
        return Vec::new();
    };
    if entries.is_empty() {
        reader.errors.add(&node.at, "`columns` is empty");
    }
    let mut rules = Vec::new();
    for (key, value) in entries {
        let target = Target::Column(key.text.as_str().into());
        rules.extend(Rule::read(target, &key.text, &key.at, value, reader).map(Arc::new));
    }
    rules
}
