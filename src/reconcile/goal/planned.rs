//! What a saved plan keeps of a contact: what would change, and what sends it later. Pure.
//!
//! Whether it may still be sent is decided in [`super::exactly`].

use crate::change::Change;
use crate::contact::{Contact, FIELDS, Field, FieldSet, MadeName, Overwrite, TagMode, Wanted};
use crate::identity::IdentityValue;
use crate::platforms::BOOKKEEPING;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One value that would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// `email`, `attributes.Plan`, `tags`.
    pub field: String,
    /// What is there; none: blank.
    pub old: Option<String>,
    /// What would be there; none: blank.
    pub new: Option<String>,
}

impl From<&Change> for PlannedChange {
    fn from(change: &Change) -> PlannedChange {
        PlannedChange { field: change.field.to_string(), old: change.old.clone(), new: change.new.clone() }
    }
}

/// What a plan keeps of a contact, to send it later.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlannedWrite {
    /// What should be at the target.
    pub wanted: Wanted,
    /// The values by which the contact is found.
    pub identities: Vec<IdentityValue>,
    /// What the platform has no field for.
    pub not_carried: Vec<String>,
    /// The contact as it was (see [`seen`]); none where it did not exist.
    pub seen: Option<Map<String, Value>>,
}

/// A contact as a plan sees it: by the names of its fields, without those that the platform itself maintains; lists are
/// sorted.
pub fn seen(contact: &Contact) -> Map<String, Value> {
    let mut seen = Map::new();
    for (field, name) in FIELDS.into_iter().filter(|(field, _)| !BOOKKEEPING.has(*field) && contact.has(*field)) {
        let value = match contact.text(field) {
            Some(text) => Value::from(text),
            None => {
                let mut items = contact.list(field).to_vec();
                items.sort();
                Value::from(items)
            }
        };
        seen.insert(name.to_owned(), value);
    }
    let attributes = contact.attributes.iter().filter(|attribute| !attribute.value.is_empty());
    seen.extend(attributes.map(|it| (format!("attributes.{}", it.name), Value::from(it.value.as_str()))));
    seen
}

impl PlannedWrite {
    /// The write as JSON.
    pub fn to_json(&self) -> Value {
        let Wanted { contact, fill, clear, force, attribute_overwrite, tag_mode, made_name, .. } = &self.wanted;
        let names = |set: &FieldSet| {
            let fields = FIELDS.iter().filter(|(field, _)| set.has(*field));
            fields.map(|(_, name)| *name).collect::<Vec<_>>()
        };
        let mut contact = contact.to_json();
        contact.remove("native");
        let overwrites =
            attribute_overwrite.iter().map(|(name, overwrite)| (name.to_string(), word(*overwrite).into()));
        let found_by = self.identities.iter().map(|identity| json!([identity.field.name(), identity.value]));
        json!({
            "contact": contact, "fill": names(fill), "clear": names(clear), "force": names(force),
            "attributes": overwrites.collect::<Map<String, Value>>(),
            "tags": match tag_mode { TagMode::Add => "add", TagMode::Replace => "replace", TagMode::Remove => "remove" },
            "name": made_name.as_ref().map(name_to_json),
            "found_by": found_by.collect::<Vec<_>>(), "not_carried": self.not_carried, "seen": self.seen,
        })
    }

    /// The write that [`PlannedWrite::to_json`] made; `None` for any other JSON.
    pub fn from_json(value: &Value) -> Option<PlannedWrite> {
        let texts =
            |name: &str| -> Option<Vec<&str>> { value.get(name)?.as_array()?.iter().map(Value::as_str).collect() };
        let set = |name: &str| -> Option<FieldSet> {
            let mut set = FieldSet::default();
            for name in texts(name)? {
                set.insert(Field::named(name)?);
            }
            Some(set)
        };
        let mut attribute_overwrite = Vec::new();
        for (name, word) in value.get("attributes")?.as_object()? {
            let overwrite = match word.as_str()? {
                "fill" => Overwrite::Fill,
                "clear" => Overwrite::Clear,
                _ => Overwrite::Update,
            };
            attribute_overwrite.push((name.as_str().into(), overwrite));
        }
        let tag_mode = match value.get("tags")?.as_str()? {
            "add" => TagMode::Add,
            "replace" => TagMode::Replace,
            "remove" => TagMode::Remove,
            _ => return None,
        };
        let mut identities = Vec::new();
        for pair in value.get("found_by")?.as_array()? {
            let field = Field::named(pair.get(0)?.as_str()?)?;
            identities.push(IdentityValue { field, value: pair.get(1)?.as_str()?.to_owned() });
        }
        let contact = Contact::from_json(value.get("contact")?.as_object()?);
        let (fill, clear, force) = (set("fill")?, set("clear")?, set("force")?);
        let made_name = value.get("name").and_then(name_from_json);
        let wanted =
            Wanted { contact, fill, clear, force, attribute_overwrite, tag_mode, made_name, ..Wanted::default() };
        let not_carried = texts("not_carried")?.into_iter().map(str::to_owned).collect();
        let seen = match value.get("seen") {
            None | Some(Value::Null) => None,
            Some(seen) => Some(seen.as_object()?.clone()),
        };
        Some(PlannedWrite { wanted, identities, not_carried, seen })
    }
}

fn name_to_json(made: &MadeName) -> Value {
    match made {
        MadeName::Split => json!("split"),
        MadeName::Joined { first, last } => json!({ "first": first, "last": last }),
    }
}

fn name_from_json(value: &Value) -> Option<MadeName> {
    let part = |name| value.get(name).and_then(Value::as_str).map(str::to_owned);
    match value {
        Value::String(_) => Some(MadeName::Split),
        Value::Object(_) => Some(MadeName::Joined { first: part("first"), last: part("last") }),
        _ => None,
    }
}

fn word(overwrite: Overwrite) -> &'static str {
    match overwrite {
        Overwrite::Update => "update",
        Overwrite::Fill => "fill",
        Overwrite::Clear => "clear",
    }
}
