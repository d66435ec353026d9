//! The sections `contact` and `columns` of a mapping: which rules they hold, and by which names. How one rule is read is
//! in `verb`.

use super::rule::{Rule, Target};
use super::verb::Reader;
use crate::contact::{FIELDS, Field};
use crate::yaml::{Kind, Node, Text};
use std::sync::Arc;

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

/// A key of a section with what stands under it.
struct Entry<'a> {
    key: &'a Text,
    value: &'a Node,
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
            return self.rule(Target::Attribute(attribute.into()), name, &Entry { key, value }, reader);
        }
        match Field::named(name) {
            Some(field) => self.rule(Target::Field(field), name, &Entry { key, value }, reader),
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
                self.rule(Target::Attribute(key.text.as_str().into()), &label, &Entry { key, value }, reader);
            } else if let Some(field) = Field::named(&label) {
                self.rule(Target::Field(field), &label, &Entry { key, value }, reader);
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

    fn rule(&mut self, target: Target, label: &str, entry: &Entry<'_>, reader: &mut Reader<'_>) {
        let Entry { key, value } = *entry;
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
        } else if let Some(rule) = reader.rule(target, label, &key.at, value) {
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
        rules.extend(reader.rule(target, &key.text, &key.at, value).map(Arc::new));
    }
    rules
}
