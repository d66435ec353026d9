//! A mapping made of column names, for work without a mapping (contract 3.8).

use super::mistake::Page;
use super::names::{Known, known_columns};
use super::node::Text;
use super::rule::{ContactRules, Rule, Source, Target};
use super::{Mapping, Unmapped};
use crate::contact::{FIELDS, Field};
use crate::record::Header;
use std::path::Path;

/// A mapping by column names.
#[derive(Clone, Debug)]
pub struct ByNames {
    /// The mapping.
    pub mapping: Mapping,
    /// What it does, a line a column: `First Name → first_name`. Printed first.
    pub plan: Vec<String>,
}

/// Makes the mapping; `seen` are the names of a JSON source's first records.
pub(super) fn by_names(header: &Header, seen: &[String]) -> ByNames {
    let mut maker = Maker { rules: Vec::new(), plan: Vec::new() };
    match header {
        Header::Columns(names) => maker.columns(names, false),
        Header::Open => {
            FIELDS.iter().for_each(|(_, name)| maker.field(name, name, None, true));
            ["phone", "email"].into_iter().for_each(|name| maker.field(name, name, None, true));
            maker.plan.clear();
            maker.columns(seen, true);
        }
        Header::Contact => {}
    }
    let mut mapping = Mapping::empty(&Page::new(Path::new("column names"), ""));
    mapping.unmapped = Some(if *header == Header::Contact { Unmapped::Carry } else { Unmapped::Attributes });
    mapping.fingerprint = blake3::hash(maker.plan.join("\n").as_bytes()).to_hex().to_string();
    mapping.contact = Some(ContactRules::of(maker.rules));
    ByNames { mapping, plan: maker.plan }
}

struct Maker {
    rules: Vec<Rule>,
    plan: Vec<String>,
}

impl Maker {
    /// All columns: what one name does not tell, the others do.
    fn columns(&mut self, names: &[String], is_optional: bool) {
        let known = known_columns(names.iter().map(|name| name.trim()));
        for (name, known) in names.iter().zip(known) {
            self.column(name, known, is_optional);
        }
    }

    fn column(&mut self, name: &str, known: Option<Known>, is_optional: bool) {
        let plain = name.trim();
        if plain.is_empty() {
            return;
        }
        let known = known.or_else(|| Field::named(plain).map(|_| Known::Field(exact_name(plain))));
        match known {
            Some(Known::Field(field)) => self.field(field, name, None, is_optional),
            Some(Known::List { field, split }) => self.field(field, name, Some(split), is_optional),
            None => {
                let attribute = name.strip_prefix("attributes.").unwrap_or(name);
                let is_group =
                    matches!(plain, "attributes" | "native") || super::rule::groups().any(|group| group == plain);
                if !is_optional || !is_group {
                    self.plan.push(format!("{name} → attributes.{attribute}"));
                }
            }
        }
    }

    /// One more column for a field: lists take them all, other fields the first that is not blank.
    fn field(&mut self, label: &str, column: &str, split: Option<char>, is_optional: bool) {
        let Some(field) = Field::named(label) else { return };
        let target = Target::Field(field);
        let split = split.map(String::from);
        let known = self.rules.iter_mut().find(|rule| rule.target == target && rule.verbs.split == split);
        let name = Text { text: column.to_owned(), at: 0..0 };
        match known {
            Some(rule) => {
                if let Source::Names(names) = &mut rule.source
                    && !names.iter().any(|known| known.text == name.text)
                {
                    names.push(name);
                }
            }
            None => {
                let mut rule = Rule::new(target, label, 0..0);
                rule.source = Source::Names(vec![name]);
                rule.gather = field.is_list();
                rule.verbs.split = split;
                rule.verbs.optional = is_optional.then_some(true);
                self.rules.push(rule);
            }
        }
        self.plan.push(format!("{column} → {label}"));
    }
}

/// The field's own spelling of its name.
fn exact_name(name: &str) -> &'static str {
    super::rule::contact_names().find(|known| *known == name).unwrap_or("")
}
