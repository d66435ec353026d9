//! What a saved plan says of one person: it is done exactly, or not at all.

use super::Reconciler;
use super::person::Person;
use super::rehearse::PlannedChange;
use super::story::Story;
use crate::contact::{Contact, FIELDS, Field, FieldSet, Overwrite, TagMode, Wanted};
use crate::identity::IdentityValue;
use crate::outcome::Problem;
use crate::platforms::Found;
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
}

impl Parcel {
    /// The parcel as JSON.
    pub fn to_json(&self) -> Value {
        let Wanted { contact, fill, clear, force, attribute_overwrite, tag_mode } = &self.wanted;
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
            "found_by": found_by.collect::<Vec<_>>(), "not_carried": self.not_carried,
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
        let wanted = Wanted { contact, fill, clear, force, attribute_overwrite, tag_mode };
        let not_carried = texts("not_carried")?.into_iter().map(str::to_owned).collect();
        Some(Parcel { wanted, identities, not_carried })
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
    /// What is not as a saved plan saw it, where the person comes from one. `is_tried`: some of it may have been sent.
    pub(super) fn broken_promise(
        &self,
        person: &Person,
        story: &Story,
        found: Option<&Found>,
        by: Option<Field>,
        is_tried: bool,
    ) -> Option<Problem> {
        let promise = person.promise.as_deref()?;
        match (found, promise.creates) {
            (None, true) | (Some(_), false) => {}
            (None, false) => return Some(changed("is not there any more", None)),
            (Some(found), true) => return Some(changed(&format!("was not there, and is now: `{}`", found.id), None)),
        }
        if let (Some(found), Some(planned)) = (found, &promise.target_id)
            && found.id != *planned
        {
            return Some(changed(&format!("was `{planned}`, and `{}` is found now", found.id), None));
        }
        // With what others have found dropped in the meantime: the plan did not know that.
        let mut wanted = person.wanted.clone();
        self.connector.fit(&self.ready, &mut wanted);
        let now: Vec<PlannedChange> =
            self.diff(person, &wanted, found, by, story).changes.iter().map(PlannedChange::from).collect();
        let is_planned = |change: &&PlannedChange| promise.changes.contains(change);
        if let Some(change) = now.iter().find(|change| !is_planned(change)) {
            let planned = promise.changes.iter().find(|planned| planned.field == change.field);
            let saw = planned.map_or(&change.new, |planned| &planned.old);
            return Some(changed(&in_words(change, saw, &change.old), Some(&change.field)));
        }
        let done = promise.changes.iter().find(|planned| !now.contains(planned)).filter(|_| !is_tried)?;
        Some(changed(&in_words(done, &done.old, &done.new), Some(&done.field)))
    }
}

fn in_words(change: &PlannedChange, saw: &Option<String>, now: &Option<String>) -> String {
    let value = |value: &Option<String>| value.as_ref().map_or("blank".to_owned(), |text| format!("`{text}`"));
    format!("had {} as `{}`, and has {} now", value(saw), change.field, value(now))
}

fn changed(what: &str, field: Option<&str>) -> Problem {
    let problem = Problem::new("plan.changed", format!("when the plan was made this contact {what}"));
    let problem = problem.hint("look at it, and make another plan: the same command with `--dry-run --plan`");
    match field {
        Some(field) => problem.at(field),
        None => problem,
    }
}
