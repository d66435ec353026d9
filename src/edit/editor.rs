//! What the page works on: the file with its first records, the decisions about its columns, where the contacts go, and
//! where the mapping is saved. It serves nothing; the answers are values of JSON.

use super::change::{Change, changed};
use super::columns::columns;
use super::fields::{FieldFacts, all_fields, verbs_of};
use super::form::verbs_explained;
use super::preview::{Preview, Reading, Shown};
use crate::contact::Field;
use crate::mapping::phone::Region;
use crate::outcome::Failure;
use crate::platforms::PlatformFacts;
use crate::profile::dates;
use crate::run::bind::Destined;
use crate::store::StateDir;
use crate::suggest::Suggestion;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Writes the mapping where it belongs, if it may.
pub type Save = Box<dyn Fn(&str) -> Result<(), Failure> + Send + Sync>;

/// What is edited.
pub struct About {
    /// The file, as typed.
    pub file: String,
    /// The connection, as typed.
    pub to: Option<String>,
    /// Where the mapping is saved.
    pub out: String,
    /// The mapping that the page begins with.
    pub yaml: String,
    /// Whether that is what stands in the file already.
    pub is_saved: bool,
    /// What there is to say about the file.
    pub notes: Vec<String>,
    /// The attributes that the account defines, where it has to.
    pub attributes: Option<Vec<String>>,
    /// The folder for runs.
    pub state: StateDir,
}

/// The mapping, the file and the target.
pub struct Editor {
    about: About,
    suggestion: Suggestion,
    target: Option<Destined>,
    reading: Mutex<Reading>,
    newest: Mutex<Newest>,
    /// The mapping as it was last saved here.
    saved: Mutex<Option<String>>,
    save: Save,
}

/// The newest request of the page that asked last; a page that is opened again, or another one, counts from the beginning.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Newest {
    page: u64,
    seq: u64,
}

/// What the page asks for with each change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PreviewAsked {
    /// Which page asks.
    page: u64,
    /// Counts up; the answer to an older one is not needed any more.
    seq: u64,
    /// The mapping as the page has it.
    yaml: String,
    /// What was changed in the form.
    #[serde(default)]
    change: Option<Change>,
}

impl Editor {
    /// An editor of this mapping.
    pub fn new(about: About, suggestion: Suggestion, target: Option<Destined>, reading: Reading, save: Save) -> Editor {
        Editor {
            about,
            suggestion,
            target,
            reading: Mutex::new(reading),
            newest: Mutex::default(),
            saved: Mutex::default(),
            save,
        }
    }

    /// Whether the mapping was saved since.
    pub fn has_saved(&self) -> bool {
        self.saved().is_some()
    }

    fn saved(&self) -> MutexGuard<'_, Option<String>> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn facts(&self) -> Option<&PlatformFacts> {
        self.target.as_ref().map(|target| target.platform.facts())
    }

    /// What the page needs once.
    pub(super) fn opened(&self) -> Value {
        let (about, facts) = (&self.about, self.facts());
        let saved = self.saved().clone();
        json!({
            "file": about.file,
            "to": about.to,
            "platform": facts.map(|facts| facts.title.to_string()),
            "out": about.out,
            "is_saved": about.is_saved || saved.is_some(),
            "yaml": saved.unwrap_or_else(|| about.yaml.clone()),
            "notes": about.notes,
            "vendor": self.suggestion.vendor.map(|vendor| vendor.name.clone()),
            "columns": columns(&self.suggestion),
            "is_open": self.suggestion.is_open,
            "fields": self.fields(),
            "attribute_verbs": verbs_of("attributes."),
            "takes_attributes": facts.is_none_or(|facts| facts.attributes),
            "attributes": about.attributes,
            "verbs": verbs_explained(),
            "dates": dates::FORMATS,
            "countries": Region::all().map(|region| json!([region.code(), region.name()])).collect::<Vec<_>>(),
        })
    }

    fn fields(&self) -> Vec<Value> {
        let facts = self.facts();
        let one = |field: &FieldFacts| {
            let is_held = facts.is_none_or(|facts| is_held(facts, field));
            json!({
                "key": field.key,
                "title": field.title,
                "group": field.group,
                "is_list": field.field.is_list(),
                "is_held": is_held,
                "verbs": verbs_of(field.key),
            })
        };
        all_fields().iter().map(one).collect()
    }

    /// The mapping after a change, its form, what is wrong with it, and the first contacts. None if a newer one was asked
    /// for while this one waited.
    pub(super) fn preview(&self, asked: PreviewAsked) -> Option<Value> {
        self.begin(&asked);
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = *self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.page == asked.page && newest.seq > asked.seq {
            return None;
        }
        let made = asked.change.as_ref().map_or_else(|| Ok(asked.yaml.clone()), |change| changed(&asked.yaml, change));
        let (yaml, refused) = match made {
            Ok(yaml) => (yaml, None),
            Err(refused) => (asked.yaml, Some(refused)),
        };
        let shown = Shown {
            target: self.target.as_ref(),
            attributes: self.about.attributes.as_deref(),
            state: &self.about.state,
            out: &self.about.out,
        };
        let Preview { form, errors, tried } = reading.preview(&yaml, &shown);
        Some(json!({
            "seq": asked.seq, "yaml": yaml, "refused": refused, "form": form, "errors": errors, "tried": tried,
        }))
    }

    fn begin(&self, asked: &PreviewAsked) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let known = if newest.page == asked.page { newest.seq } else { 0 };
        *newest = Newest { page: asked.page, seq: asked.seq.max(known) };
    }

    /// Saves the mapping.
    pub(super) fn save(&self, yaml: &str) -> Value {
        match (self.save)(yaml) {
            Ok(()) => {
                *self.saved() = Some(yaml.to_owned());
                json!({ "saved": self.about.out, "next": self.next() })
            }
            Err(failure) => {
                let (message, hint) = (failure.to_string(), failure.hint);
                json!({ "error": { "message": message, "hint": hint } })
            }
        }
    }

    /// The command that imports the file with the saved mapping, or checks it where there is no target.
    pub fn next(&self) -> String {
        let About { file, out, to, .. } = &self.about;
        match to {
            Some(to) => format!("ferry import {file} --to {to} --map {out}"),
            None => format!("ferry map check {out} {file}"),
        }
    }
}

/// Whether a platform takes the values of a field: a name also in its other form, and of some lists only the first item.
fn is_held(facts: &PlatformFacts, field: &FieldFacts) -> bool {
    const NAMES: [Field; 3] = [Field::FirstName, Field::LastName, Field::FullName];
    match field.field {
        Field::TargetId => true,
        name if NAMES.contains(&name) => NAMES.iter().any(|name| facts.holds.contains(name)),
        list if field.key == list.name() && facts.single.contains(&list) => false,
        other => facts.holds.contains(&other),
    }
}
