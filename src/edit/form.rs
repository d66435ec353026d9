//! A mapping as the form shows it: for each field where its value comes from, its verbs, and what the form cannot express.
//! It reads the text and changes nothing.

use super::fields::{all_fields, verbs_of};
use crate::mapping::VERBS;
use crate::yaml::{Kind, Node, Patch, Place, plain};
use serde::Serialize;
use serde_json::{Map, Value};

/// Where the value of a field comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// From columns.
    Columns,
    /// From a template.
    Template,
    /// From no column: a default, or items that are added.
    Nothing,
    /// `null` leaves the field out.
    LeftOut,
    /// It is written in a way that the form does not know.
    Other,
}

/// The rule of one field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldForm {
    /// `phone`, `address.city`, `attributes.Plan`.
    pub field: String,
    /// Where its value comes from.
    pub take: Take,
    /// The columns, in order.
    pub columns: Vec<String>,
    /// Whether the values of all of them are taken.
    pub all: bool,
    /// The template.
    pub template: Option<String>,
    /// The verbs that the form shows, with their values.
    pub verbs: Map<String, Value>,
    /// Those that it does not show.
    pub others: Vec<String>,
    /// The comment behind the rule.
    pub comment: String,
    /// Where the rule stands.
    #[serde(skip)]
    pub at: Place,
}

/// A mapping as the form shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Form {
    /// The rules of the contact, in the order of the mapping.
    pub fields: Vec<FieldForm>,
    /// What holds for the whole file.
    pub settings: Map<String, Value>,
    /// Sections that the form does not show.
    pub others: Vec<String>,
}

/// The keys of a mapping that are settings of the form.
pub const SETTINGS: [&str; 6] = ["phone_region", "only_if", "identity", "unmapped", "overflow", "duplicates"];

/// The form of a mapping; none where its text cannot be read.
pub fn form(text: &str) -> Option<Form> {
    let patch = Patch::of(text)?;
    let mut form = Form::default();
    let Kind::Map(entries) = &patch.get(&[])?.kind else { return None };
    for (key, value) in entries {
        match key.text.as_str() {
            "version" => {}
            "contact" => rules(&patch, value, &mut form),
            "read" => {
                if let Some(blanks) = patch.get(&["read", "blanks"]) {
                    form.settings.insert("blanks".to_owned(), plain(blanks));
                }
                form.others.push("read".to_owned());
            }
            name if SETTINGS.contains(&name) => {
                form.settings.insert(name.to_owned(), plain(value));
            }
            name => form.others.push(name.to_owned()),
        }
    }
    Some(form)
}

fn rules(patch: &Patch<'_>, contact: &Node, form: &mut Form) {
    let Kind::Map(entries) = &contact.kind else { return };
    let groups: Vec<&str> = all_fields().iter().filter_map(|facts| Some(facts.key.split_once('.')?.0)).collect();
    for (key, value) in entries {
        let name = key.text.as_str();
        let is_group = name == "attributes" || groups.contains(&name);
        match &value.kind {
            Kind::Map(inner) if is_group => {
                for (key, value) in inner {
                    let field = format!("{name}.{}", key.text);
                    form.fields.push(rule(patch, field, &["contact", name, &key.text], value));
                }
            }
            _ if is_group => {}
            _ => form.fields.push(rule(patch, name.to_owned(), &["contact", name], value)),
        }
    }
}

fn rule(patch: &Patch<'_>, field: String, path: &[&str], node: &Node) -> FieldForm {
    let mut rule = FieldForm {
        take: Take::Other,
        columns: Vec::new(),
        all: false,
        template: None,
        verbs: Map::new(),
        others: Vec::new(),
        comment: patch.comment(path).unwrap_or_default().to_owned(),
        at: patch.span(path).unwrap_or_else(|| node.at.clone()),
        field,
    };
    match &node.kind {
        Kind::Null => rule.take = Take::LeftOut,
        Kind::Text { .. } | Kind::List(_) => rule.set_columns(node),
        Kind::Map(entries) => {
            rule.take = Take::Nothing;
            let shown = verbs_of(&rule.field);
            for (key, value) in entries {
                match key.text.as_str() {
                    "from" => rule.set_columns(value),
                    "all" => {
                        rule.all = true;
                        rule.set_columns(value);
                    }
                    "value" => {
                        rule.take = Take::Template;
                        rule.template = plain(value).as_str().map(str::to_owned);
                    }
                    name if shown.contains(&name) => {
                        rule.verbs.insert(name.to_owned(), plain(value));
                    }
                    name => rule.others.push(name.to_owned()),
                }
            }
        }
    }
    rule
}

impl FieldForm {
    fn set_columns(&mut self, node: &Node) {
        let names: Option<Vec<String>> = match plain(node) {
            Value::String(name) => Some(vec![name]),
            Value::Array(items) => items.into_iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        self.take = if names.is_some() { Take::Columns } else { Take::Other };
        self.columns = names.unwrap_or_default();
    }
}

impl Form {
    /// The field whose rule stands at a place.
    pub fn field_at(&self, place: &Place) -> Option<&str> {
        let is_there = |rule: &&FieldForm| rule.at.start <= place.start && place.start <= rule.at.end;
        self.fields.iter().find(is_there).map(|rule| rule.field.as_str())
    }
}

/// The verbs, each with what it does, for the page.
pub fn verbs_explained() -> Map<String, Value> {
    VERBS.iter().map(|verb| (verb.name.to_owned(), Value::from(verb.does))).collect()
}
