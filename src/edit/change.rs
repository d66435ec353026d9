//! A change of the form as a change of the mapping's text: only the value that it is about is written again, and comments
//! stay. Pure.

use super::fields::all_fields;
use super::form::SETTINGS;
use crate::contact::Field;
use crate::mapping::{VERBS, schema};
use crate::yaml::{Kind, Node, Patch, Unpatchable, plain, quoted};
use serde::Deserialize;
use serde_json::Value;

/// What was changed in the form.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// The columns of a field; none takes them off.
    Columns {
        /// `phone`, `attributes.Plan`.
        field: String,
        /// In order.
        columns: Vec<String>,
        /// Whether the values of all are taken, instead of the first that is valid.
        #[serde(default)]
        all: bool,
    },
    /// A verb of a field; `null` takes it off.
    Verb {
        /// The field.
        field: String,
        /// The verb.
        verb: String,
        /// Its value.
        value: Value,
    },
    /// Another name for an attribute.
    Rename {
        /// The field.
        field: String,
        /// The new name.
        name: String,
    },
    /// Takes the rule of a field off.
    Remove {
        /// The field.
        field: String,
    },
    /// A setting of the whole mapping; `null` takes it off.
    Setting {
        /// One of the settings of a mapping, or `blanks`.
        key: String,
        /// Its value.
        value: Value,
    },
}

/// Why a change cannot be made, for the page.
pub type Refused = String;

/// Where the value of a rule comes from: one of these.
const SOURCES: [&str; 3] = ["from", "all", "value"];
/// Verbs of which only one can hold.
const EXCLUSIVE: [&[&str]; 3] = [&["lower", "upper", "title"], &["split", "list"], &["default", "clear"]];

/// The mapping with a change.
///
/// # Errors
/// Where it cannot be read, or is written in a way that the form cannot change.
pub fn changed(text: &str, change: &Change) -> Result<String, Refused> {
    if Patch::of(text).is_none() {
        return Err("the mapping cannot be read; correct the YAML first".to_owned());
    }
    let made = match change {
        Change::Columns { field, columns, all } => set_columns(text, field, columns, *all),
        Change::Verb { field, verb, value } => set_verb(text, field, verb, value),
        Change::Rename { field, name } => return rename(text, field, name.trim()),
        Change::Remove { field } => remove(text, field),
        Change::Setting { key, value } => set_setting(text, key, value),
    };
    made.map_err(|Unpatchable| "this is written in a way that the form cannot change; change it in the YAML".to_owned())
}

/// Where the rule of a field stands, or would stand.
fn path_of<'f>(patch: &Patch<'_>, field: &'f str) -> Vec<&'f str> {
    let whole = vec!["contact", field];
    match field.split_once('.') {
        Some((group, name)) if patch.get(&whole).is_none() => vec!["contact", group, name],
        _ => whole,
    }
}

/// The order of keys: those of the page at the top, fields as the contact has them, verbs as they are applied.
fn rank(parents: &[&str], key: &str) -> usize {
    let position = match parents {
        [] => schema::keys().position(|known| known == key),
        ["contact"] => all_fields().iter().position(|facts| facts.key.split('.').next() == Some(key)),
        ["contact", "attributes"] | ["read"] => Some(0),
        ["contact", group]
            if all_fields().iter().any(|facts| facts.key.split_once('.').is_some_and(|(name, _)| name == *group)) =>
        {
            all_fields().iter().position(|facts| facts.key.split_once('.') == Some((*group, key)))
        }
        _ => VERBS.iter().position(|verb| verb.name == key),
    };
    position.unwrap_or(usize::MAX)
}

fn set(text: &str, path: &[&str], value: &str) -> Result<String, Unpatchable> {
    Patch::of(text).ok_or(Unpatchable)?.set(path, value, &rank)
}

/// The text without a key, where it has it.
fn without(text: String, path: &[&str]) -> Result<String, Unpatchable> {
    let patch = Patch::of(&text).ok_or(Unpatchable)?;
    if patch.get(path).is_none() {
        return Ok(text);
    }
    patch.remove(path)
}

/// A path with one more key.
fn below<'p>(path: &[&'p str], key: &'p str) -> Vec<&'p str> {
    path.iter().copied().chain([key]).collect()
}

/// The keys of a rule that is a map.
fn keys(node: &Node) -> Vec<String> {
    match &node.kind {
        Kind::Map(entries) => entries.iter().map(|(key, _)| key.text.clone()).collect(),
        _ => Vec::new(),
    }
}

fn set_columns(text: &str, field: &str, columns: &[String], all: bool) -> Result<String, Unpatchable> {
    let patch = Patch::of(text).ok_or(Unpatchable)?;
    let path = path_of(&patch, field);
    let is_list = Field::named(field).is_some_and(Field::is_list);
    let source = if all && is_list && columns.len() > 1 { "all" } else { "from" };
    let names = yaml_of(&columns.iter().map(|name| Value::from(name.as_str())).collect());
    let keys = patch.get(&path).map(keys).unwrap_or_default();
    if columns.is_empty() && !keys.iter().any(|key| key == "default" || key == "add") {
        return without(text.to_owned(), &path);
    }
    let text = without_reason(&patch, text, &path)?;
    if keys.is_empty() {
        let value = if source == "all" { format!("{{ all: {names} }}") } else { names };
        return set(&text, &path, &value);
    }
    let mut text = match columns.is_empty() {
        true => text,
        false => set(&text, &below(&path, source), &names)?,
    };
    for other in SOURCES.iter().filter(|key| columns.is_empty() || **key != source) {
        text = without(text, &below(&path, other))?;
    }
    without_types(text, &path, columns)
}

/// Takes a comment off that gives the reason for the columns that were suggested: it is about other ones now.
fn without_reason(patch: &Patch<'_>, text: &str, path: &[&str]) -> Result<String, Unpatchable> {
    let is_reason = |comment: &str| {
        let rest = comment.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.len() < comment.len() && rest.starts_with(" %:")
    };
    match patch.comment(path).is_some_and(is_reason) {
        true => patch.without_comment(path),
        false => Ok(text.to_owned()),
    }
}

/// `types` names columns that the rule reads.
fn without_types(mut text: String, path: &[&str], columns: &[String]) -> Result<String, Unpatchable> {
    let types = below(path, "types");
    let known = Patch::of(&text).and_then(|patch| patch.get(&types).map(keys)).unwrap_or_default();
    for gone in known.iter().filter(|name| !columns.contains(name)) {
        text = without(text, &below(&types, gone))?;
    }
    Ok(text)
}

fn set_verb(text: &str, field: &str, verb: &str, value: &Value) -> Result<String, Unpatchable> {
    let patch = Patch::of(text).ok_or(Unpatchable)?;
    let path = path_of(&patch, field);
    let at = below(&path, verb);
    let node = patch.get(&path);
    if is_blank(value) {
        let made = without(text.to_owned(), &at)?;
        return shortened(made, &path);
    }
    let written = yaml_of(value);
    let mut text = match node.map(|node| &node.kind) {
        Some(Kind::Map(_)) => set(text, &at, &written)?,
        Some(Kind::Text { .. } | Kind::List(_)) => {
            let source = node.and_then(|node| patch.source(node)).ok_or(Unpatchable)?;
            let source =
                if source.contains('\n') { yaml_of(&node.map(plain).unwrap_or_default()) } else { source.to_owned() };
            set(text, &path, &format!("{{ from: {source}, {verb}: {written} }}"))?
        }
        Some(Kind::Null) | None => set(text, &path, &format!("{{ {verb}: {written} }}"))?,
    };
    for other in EXCLUSIVE.iter().filter(|group| group.contains(&verb)).copied().flatten().filter(|it| **it != verb) {
        text = without(text, &below(&path, other))?;
    }
    Ok(text)
}

/// A rule that has only `from` left is written as its columns alone; one that has nothing left is taken off.
fn shortened(text: String, path: &[&str]) -> Result<String, Unpatchable> {
    let patch = Patch::of(&text).ok_or(Unpatchable)?;
    let Some(Node { kind: Kind::Map(entries), .. }) = patch.get(path) else { return Ok(text) };
    match entries.as_slice() {
        [] => patch.remove(path),
        [(key, value)] if key.text == "from" => {
            let source = patch.source(value).filter(|source| !source.contains('\n')).map(str::to_owned);
            set(&text, path, &source.unwrap_or_else(|| yaml_of(&plain(value))))
        }
        _ => Ok(text),
    }
}

fn rename(text: &str, field: &str, name: &str) -> Result<String, Refused> {
    if name.is_empty() {
        return Err("an attribute needs a name".to_owned());
    }
    let patch = Patch::of(text).ok_or_else(String::new)?;
    let path = path_of(&patch, field);
    if path.last() == Some(&name) {
        return Ok(text.to_owned());
    }
    let made = match path.as_slice() {
        // Written as one key, `attributes.Plan`.
        ["contact", flat] if flat.starts_with("attributes.") => {
            let name = format!("attributes.{name}");
            patch.rename(&path, &name, &quoted(&name))
        }
        ["contact", "attributes", _] => patch.rename(&path, name, &quoted(name)),
        _ => return Err("only an attribute has a name of its own".to_owned()),
    };
    made.map_err(|Unpatchable| format!("there is an attribute `{name}` already"))
}

fn remove(text: &str, field: &str) -> Result<String, Unpatchable> {
    let path = path_of(&Patch::of(text).ok_or(Unpatchable)?, field);
    without(text.to_owned(), &path)
}

fn set_setting(text: &str, key: &str, value: &Value) -> Result<String, Unpatchable> {
    let path = match key {
        "blanks" => vec!["read", "blanks"],
        key if SETTINGS.contains(&key) => vec![key],
        _ => return Err(Unpatchable),
    };
    match is_blank(value) {
        true => without(text.to_owned(), &path),
        false => set(text, &path, &yaml_of(value)),
    }
}

/// Whether a value says nothing.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    }
}

/// A value in one line of YAML; a list of one is written as its item.
fn yaml_of(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => match items.as_slice() {
            [only] => yaml_of(only),
            items => format!("[{}]", items.iter().map(yaml_of).collect::<Vec<_>>().join(", ")),
        },
        Value::Object(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{}: {}", quoted(key), yaml_of(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}
