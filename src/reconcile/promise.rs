//! What a saved plan says of one person: it is done exactly, or not at all.

use super::person::Person;
use super::rehearse::PlannedChange;
use super::story::Story;
use super::{LISTS, Reconciler};
use crate::contact::{Contact, FIELDS, Field, FieldSet, MadeName, Overwrite, TagMode, Wanted};
use crate::identity::IdentityValue;
use crate::outcome::Problem;
use crate::platforms::Found;
use crate::platforms::diff::{BOOKKEEPING, Change, Delta, same};
use serde_json::{Map, Value, json};

/// What a saved plan says of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promise {
    /// Nobody was there.
    pub creates: bool,
    /// Who was there, where they had an id.
    pub target_id: Option<String>,
    /// What was to change.
    pub changes: Vec<PlannedChange>,
    /// The contact as it was (see [`seen`]).
    pub seen: Option<Map<String, Value>>,
}

/// What a plan keeps of a person, to send it later.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parcel {
    /// What should be at the target.
    pub wanted: Wanted,
    /// By what the person is found.
    pub identities: Vec<IdentityValue>,
    /// What the platform has no room for.
    pub not_carried: Vec<String>,
    /// The contact as it was (see [`seen`]); none where nobody was there.
    pub seen: Option<Map<String, Value>>,
}

/// A contact as a plan sees it: by the names of the fields, without what the platform itself keeps book of; lists in an
/// order that says nothing.
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

impl Parcel {
    /// The parcel as JSON.
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

    /// The parcel that [`Parcel::to_json`] made; `None` when it is none.
    pub fn from_json(value: &Value) -> Option<Parcel> {
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
        Some(Parcel { wanted, identities, not_carried, seen })
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

impl Reconciler {
    /// What is not as a saved plan saw it, where the contact comes from one. `delta` is what would be written now,
    /// `is_tried`: some of it may have been sent.
    pub(super) fn broken_promise(
        &self,
        person: &Person,
        story: &Story,
        (found, by): (Option<&Found>, Option<Field>),
        delta: &Delta,
        is_tried: bool,
    ) -> Option<Problem> {
        let promise = person.promise.as_deref()?;
        match (found, promise.creates) {
            (None, true) | (Some(_), false) => {}
            (None, false) => {
                return Some(changed("the contact was there when the plan was made, and is not there now", None));
            }
            (Some(found), true) if story.has_created => return self.changed_since_created(promise, delta, found),
            (Some(found), true) => {
                let what = format!("no contact was there when the plan was made, and `{}` is there now", found.id);
                return Some(changed(&what, None));
            }
        }
        if let (Some(found), Some(planned)) = (found, &promise.target_id)
            && found.id != *planned
        {
            let what = format!("`{planned}` was found when the plan was made, and `{}` is now", found.id);
            return Some(changed(&what, None));
        }
        if let (Some(found), Some(saw)) = (found, &promise.seen) {
            let now = seen(&found.contact);
            let is_in_between = |name: &String| {
                let (saw, now) = (saw.get(name), now.get(name));
                saw == now || (is_tried && promise.change_of(name).is_some_and(|change| is_part_done(change, saw, now)))
            };
            if let Some(name) = saw.keys().chain(now.keys()).find(|name| !is_in_between(name)) {
                return Some(changed(&in_words(name, saw.get(name), now.get(name)), Some(name)));
            }
        }
        // With what others have found dropped in the meantime: the plan did not know that.
        let mut wanted = person.wanted.clone();
        self.connector.fit(&self.ready, &mut wanted);
        let now: Vec<PlannedChange> =
            self.diff(person, &wanted, found, by, story).changes.iter().map(PlannedChange::from).collect();
        let is_planned = |change: &&PlannedChange| match is_tried {
            // What was there when it was planned may have been written already.
            true => promise.change_of(&change.field).is_some(),
            false => promise.changes.contains(change),
        };
        if let Some(change) = now.iter().find(|change| !is_planned(change)) {
            return Some(changed(&disagree(&change.field), Some(&change.field)));
        }
        let done = promise.changes.iter().find(|planned| !now.contains(planned)).filter(|_| !is_tried)?;
        Some(changed(&disagree(&done.field), Some(&done.field)))
    }

    /// What another party has changed in a contact that the plan itself has created. Only what a creation in several
    /// steps has not brought yet, or what the platform may have dropped, is still to be written.
    fn changed_since_created(&self, promise: &Promise, delta: &Delta, found: &Found) -> Option<Problem> {
        let platform = self.connector.platform();
        let is_missing_yet = |change: &Change| match Field::named(&change.field) {
            Some(field) if platform.half_makes && LISTS.contains(&field) => true,
            Some(Field::Tags) => platform.drops.contains(&Field::Tags) && delta.tags_removed.is_empty(),
            Some(field) => platform.drops.contains(&field) && change.old.is_none(),
            None => platform.drops_attributes && change.old.is_none(),
        };
        if let Some(change) = delta.changes.iter().find(|change| !is_missing_yet(change)) {
            let [wrote, is] = [&change.new, &change.old].map(|value| shown(value.as_deref()));
            let what = format!("`{}` was created as {wrote} by this plan, and is {is} now", change.field);
            return Some(changed(&what, Some(&change.field)));
        }
        if !platform.half_makes {
            return None;
        }
        let now = seen(&found.contact);
        let name = now.keys().find(|name| {
            let items = |change: &PlannedChange| is_part_done(change, None, now.get(*name));
            !promise.change_of(name).is_some_and(items)
        })?;
        Some(changed(&in_words(name, None, now.get(name)), Some(name)))
    }
}

impl Promise {
    /// The planned change of this field: `phone` and `phones` are one.
    fn change_of(&self, name: &str) -> Option<&PlannedChange> {
        let field = Field::named(name);
        let is_it =
            |change: &&PlannedChange| change.field == name || (field.is_some() && Field::named(&change.field) == field);
        self.changes.iter().find(is_it)
    }
}

/// Whether what is there now lies between what the plan saw and what it means to write: only this plan has been there.
fn is_part_done(planned: &PlannedChange, saw: Option<&Value>, now: Option<&Value>) -> bool {
    let Some(field) = Field::named(&planned.field).filter(|field| field.is_list()) else {
        let now = now.and_then(Value::as_str);
        let field = Field::named(&planned.field).unwrap_or(Field::Notes);
        return match (now, planned.new.as_deref()) {
            (Some(now), Some(new)) => same(field, now, new),
            (now, new) => now.is_none() && new.is_none(),
        };
    };
    let items = |value: Option<&Value>| -> Vec<String> {
        let items = value.and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (saw, now) = (items(saw), items(now));
    let new: Vec<&str> = planned.new.as_deref().map(|new| new.split("; ").collect()).unwrap_or_default();
    let is_among = |list: &[String], item: &str| list.iter().any(|known| same(field, known, item));
    let is_new = |item: &str| new.iter().any(|known| same(field, known, item));
    now.iter().all(|item| is_new(item) || is_among(&saw, item))
        && saw.iter().all(|item| !is_new(item) || is_among(&now, item))
}

fn shown(value: Option<&str>) -> String {
    value.map_or_else(|| "blank".to_owned(), |value| format!("`{value}`"))
}

fn in_words(name: &str, saw: Option<&Value>, now: Option<&Value>) -> String {
    let value = |value: Option<&Value>| match value {
        None => "blank".to_owned(),
        Some(Value::Array(items)) => {
            format!("`{}`", items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "))
        }
        Some(text) => format!("`{}`", text.as_str().unwrap_or_default()),
    };
    format!("`{name}` was {} when the plan was made, and is {} now", value(saw), value(now))
}

/// The contact is as the plan saw it, and yet something else would be written: the line was edited, or the platform has
/// been found to drop a name.
fn disagree(field: &str) -> String {
    format!("what this line of the plan says of `{field}` is not what it would send now")
}

fn changed(what: &str, field: Option<&str>) -> Problem {
    let problem = Problem::new("plan.changed", what);
    let problem = problem.hint("review it, and make another plan: the same command with `--dry-run --plan`");
    match field {
        Some(field) => problem.at(field),
        None => problem,
    }
}
