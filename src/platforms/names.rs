//! The changes of a name. Names are compared as wholes. Pure.
//!
//! A whole name is built from the parts that the source has, without defaults. If the wholes are equal, the target keeps its
//! own division. A single part changes only that part; any other whole that differs replaces the target's.

use super::facts::PlatformFacts;
use super::single::{OnExisting, diff_one, overwrite_of, set_one};
use crate::change::{Delta, same};
use crate::contact::{Contact, Field, FieldSet, MadeName, Overwrite, Wanted, split_name};
use unicode_normalization::UnicodeNormalization;

/// The fields of a name.
pub(super) const NAMES: FieldSet = FieldSet::of(&[Field::FirstName, Field::LastName, Field::FullName]);

/// The same in the order in which they are compared.
const FIELDS: [Field; 3] = [Field::FirstName, Field::LastName, Field::FullName];

/// The name that the source has, without defaults.
enum Source {
    /// None.
    Nothing,
    /// Only a first name, or one word.
    First(String),
    /// Only a last name.
    Last(String),
    /// A whole name: as it is written in one field, and its two parts.
    Whole { full: String, first: String, last: String },
}

/// Adds the changes of the name to `delta`.
pub(super) fn diff_names(delta: &mut Delta, platform: &PlatformFacts, wanted: &Wanted, on_existing: OnExisting) {
    let is_cleared = FIELDS.into_iter().any(|field| wanted.clear.has(field));
    if !is_cleared && FIELDS.into_iter().all(|field| wanted.contact.text(field) == delta.after.text(field)) {
        return;
    }
    let held = || FIELDS.into_iter().filter(|field| platform.holds.contains(field));
    let there = words_of(&delta.after);
    if there.is_empty() {
        for field in held() {
            diff_one(delta, wanted, field, overwrite_of(wanted, field, on_existing));
        }
        return;
    }
    for field in held().filter(|field| wanted.clear.has(*field)) {
        diff_one(delta, wanted, field, overwrite_of(wanted, field, on_existing));
    }
    if words_of(&wanted.contact) == there {
        return;
    }
    let source = Source::of(wanted);
    if !source.is_left_by(&there) {
        source.write(delta, platform, wanted, on_existing);
    }
    for field in held().filter(|field| wanted.fill.has(*field)) {
        diff_one(delta, wanted, field, Overwrite::Fill);
    }
}

impl Source {
    fn of(wanted: &Wanted) -> Source {
        let known = |field| wanted.contact.text(field).filter(|_| !wanted.fill.has(field)).map(str::to_owned);
        let (mut first, mut last) = (known(Field::FirstName), known(Field::LastName));
        if let Some(MadeName::Joined { first: has_first, last: has_last }) = &wanted.made_name {
            (first, last) = (has_first.clone(), has_last.clone());
        } else if let (None, None, Some(full)) = (&first, &last, known(Field::FullName)) {
            return match split_name(&full) {
                (first, last) if last.is_empty() => Source::First(first),
                (first, last) if first.is_empty() => Source::Last(last),
                (first, last) => Source::Whole { full, first, last },
            };
        }
        match (first, last) {
            (None, None) => Source::Nothing,
            (Some(first), None) => Source::First(first),
            (None, Some(last)) => Source::Last(last),
            (Some(first), Some(last)) => Source::Whole { full: format!("{first} {last}"), first, last },
        }
    }

    /// Whether a target with this name stays unchanged.
    fn is_left_by(&self, there: &[String]) -> bool {
        match self {
            Source::Nothing => true,
            Source::First(part) | Source::Last(part) => there.starts_with(&words(part)),
            Source::Whole { first, last, full } => {
                let parts: Vec<String> = words(first).into_iter().chain(words(last)).collect();
                parts == there || words(full) == there
            }
        }
    }

    /// Writes it in the form that the platform holds.
    fn write(&self, delta: &mut Delta, platform: &PlatformFacts, wanted: &Wanted, on_existing: OnExisting) {
        if platform.holds.contains(&Field::FirstName) {
            self.write_parts(delta, wanted, on_existing);
        } else if platform.holds.contains(&Field::FullName) {
            self.write_whole(delta, wanted, on_existing);
        }
    }

    fn write_parts(&self, delta: &mut Delta, wanted: &Wanted, on_existing: OnExisting) {
        let (first, last) = match self {
            Source::Nothing => return,
            Source::First(first) => (Some(first), None),
            Source::Last(last) => (None, Some(last)),
            Source::Whole { first, last, .. } => (Some(first), Some(last)),
        };
        let is_part_of_it = |field, part: Option<&String>| {
            delta.after.text(field).is_none_or(|have| part.is_some_and(|part| words(part) == words(have)))
        };
        // A part of a name that was split is not combined with another name.
        let fits = is_part_of_it(Field::FirstName, first) && is_part_of_it(Field::LastName, last);
        let is_split = wanted.made_name == Some(MadeName::Split);
        for (field, part) in FIELDS.into_iter().zip([first, last]) {
            let Some(part) = part else { continue };
            let overwrite = overwrite_of(wanted, field, on_existing);
            if overwrite != Overwrite::Fill || !is_split || fits {
                put(delta, field, part.clone(), overwrite);
            }
        }
    }

    fn write_whole(&self, delta: &mut Delta, wanted: &Wanted, on_existing: OnExisting) {
        let (first, last) = split_name(delta.after.text(Field::FullName).unwrap_or_default());
        let whole = match self {
            Source::Nothing => return,
            Source::First(part) => joined(part, &last),
            Source::Last(part) => joined(&first, part),
            Source::Whole { full, .. } => full.clone(),
        };
        let overwrite = overwrite_of(wanted, Field::FullName, on_existing);
        put(delta, Field::FullName, whole, overwrite);
    }
}

/// Sets one part, or fills it.
fn put(delta: &mut Delta, field: Field, new: String, overwrite: Overwrite) {
    let old = delta.after.text(field).map(str::to_owned);
    let is_as_it_should_be = old.as_ref().is_some_and(|old| overwrite == Overwrite::Fill || same(field, old, &new));
    if !is_as_it_should_be {
        set_one(delta, field, (old, Some(new)), overwrite);
    }
}

fn joined(first: &str, last: &str) -> String {
    [first, last].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The words of a contact's whole name, the first name first.
fn words_of(contact: &Contact) -> Vec<String> {
    match (contact.text(Field::FirstName), contact.text(Field::LastName), contact.text(Field::FullName)) {
        (None, None, None) => Vec::new(),
        (None, None, Some(full)) if full.contains(',') => {
            let (first, last) = split_name(full);
            words(&joined(&first, &last))
        }
        (None, None, Some(full)) => words(full),
        (first, last, _) => words(&joined(first.unwrap_or_default(), last.unwrap_or_default())),
    }
}

fn words(text: &str) -> Vec<String> {
    text.nfc().collect::<String>().split_whitespace().map(str::to_owned).collect()
}
