//! The changes that undo or correct what a run wrote, value by value: only values that are still as written. Pure.
//!
//! Texts are restored as a whole. Lists with several items (tags, the phones of some platforms) are restored item by item:
//! added items are removed, removed items are added, and changes of another party stay.

pub use crate::change::Written;

use super::exchange::Found;
use super::facts::PlatformFacts;
use crate::change::{Change, Delta, WrittenRef, WrittenValues, same};
use crate::contact::{Contact, FIELDS, Field, Overwrite, TagMode, Wanted};

/// A value that is not restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// `email`, `attributes.Plan`, `tags`.
    pub field: String,
    /// The value before the run.
    pub before: Option<String>,
    /// The value that was written.
    pub written: Option<String>,
    /// The value now.
    pub now: Option<String>,
}

/// How a contact is restored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restore {
    /// The changes; none if all is restored or left.
    pub delta: Delta,
    /// The values that another party has changed since.
    pub left: Vec<Left>,
}

/// The place of a value in a contact.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// A text, or the only item of a list.
    One(Field),
    /// A list that holds several items.
    Items(Field),
    Attribute(&'a str),
}

fn place_of<'a>(platform: &PlatformFacts, name: &'a str) -> Option<Place<'a>> {
    if let Some(name) = name.strip_prefix("attributes.") {
        return Some(Place::Attribute(name));
    }
    let field = Field::named(name)?;
    Some(if holds_items(platform, field) { Place::Items(field) } else { Place::One(field) })
}

fn holds_items(platform: &PlatformFacts, field: Field) -> bool {
    field.is_list() && !platform.single.contains(&field)
}

/// The values that a delta writes to a contact that was so before.
pub fn written(platform: &PlatformFacts, delta: &Delta, before: Option<&Contact>) -> WrittenValues {
    WrittenValues::pack(delta.changes.iter().map(|Change { field: name, old, new }| {
        let Some(Place::Items(field)) = place_of(platform, name) else {
            let (old, new) = (old.as_deref(), new.as_deref());
            return WrittenRef { field: name, old, new, ..WrittenRef::default() };
        };
        let (have, after) = (before.map_or(&[][..], |before| before.list(field)), delta.after.list(field));
        let (added, removed) = (lacking(field, after, have).collect(), lacking(field, have, after).collect());
        WrittenRef { field: name, added, removed, ..WrittenRef::default() }
    }))
}

/// The items of `these` that are not among `those`.
fn missing(field: Field, these: &[String], those: &[String]) -> Vec<String> {
    lacking(field, these, those).map(str::to_owned).collect()
}

fn lacking<'a>(field: Field, these: &'a [String], those: &[String]) -> impl Iterator<Item = &'a str> {
    these.iter().filter(move |item| !is_among(field, those, item)).map(String::as_str)
}

fn is_among(field: Field, list: &[String], item: &str) -> bool {
    list.iter().any(|known| same(field, known, item))
}

/// The changes that restore this contact to its state before these values were written.
pub fn restore(platform: &PlatformFacts, written: &[Written], now: &Contact) -> Restore {
    let mut restore = Restore { delta: Delta { after: now.clone(), ..Delta::default() }, left: Vec::new() };
    for value in written {
        let Some(place) = place_of(platform, &value.field) else { continue };
        match place {
            Place::Items(field) => {
                let have = now.list(field);
                let mut after = missing(field, have, &value.added);
                after.extend(missing(field, &value.removed, have));
                set_items(&mut restore.delta, field, after);
            }
            Place::One(_) | Place::Attribute(_) => {
                let is = value_at(now, place);
                if is_same(place, is.as_deref(), value.old.as_deref()) {
                    continue;
                }
                if is_same(place, is.as_deref(), value.new.as_deref()) {
                    set(&mut restore.delta, place, &value.field, value.old.clone());
                } else {
                    let (before, written) = (value.old.clone(), value.new.clone());
                    restore.left.push(Left { field: value.field.to_string(), before, written, now: is });
                }
            }
        }
    }
    restore
}

/// The changes that correct a contact that a run wrote to. A value that is still as written becomes the wanted one or, if
/// none is wanted, the one before the run (a mapping with `clear` wants a blank). A value that the run did not write is
/// filled if it is blank, and lists grow.
pub fn correct(platform: &PlatformFacts, written: &[Written], wanted: &Wanted, now: &Contact) -> Restore {
    let mut correct = Restore { delta: Delta { after: now.clone(), ..Delta::default() }, left: Vec::new() };
    for value in written {
        let Some(place) = place_of(platform, &value.field) else { continue };
        if let Place::Items(field) = place {
            let (have, want) = (now.list(field), to_be_added(wanted, field));
            let goes = missing(field, &value.added, want);
            let mut after = missing(field, have, &goes);
            let comes_back = missing(field, &value.removed, have).into_iter();
            after.extend(comes_back.filter(|item| !is_to_be_removed(wanted, field, item)));
            // An item that was written and is not there any more was removed by another party.
            let news = missing(field, &missing(field, want, &value.added), &after);
            after.extend(news);
            set_items(&mut correct.delta, field, after);
            continue;
        }
        let is = value_at(now, place);
        let before = || value.old.clone().filter(|_| !is_to_be_wiped(wanted, place));
        let right = value_at(&wanted.contact, place).or_else(before);
        if is_same(place, is.as_deref(), right.as_deref()) {
            continue;
        }
        if is_same(place, is.as_deref(), value.new.as_deref()) {
            set(&mut correct.delta, place, &value.field, right);
        } else {
            let (before, written) = (value.old.clone(), value.new.clone());
            correct.left.push(Left { field: value.field.to_string(), before, written, now: is });
        }
    }
    for name in names(platform, &wanted.contact, &[]) {
        let Some(place) = place_of(platform, &name).filter(|_| !written.iter().any(|value| value.is_of(&name))) else {
            continue;
        };
        match place {
            Place::Items(field) => {
                let have = now.list(field).to_vec();
                let news = missing(field, to_be_added(wanted, field), &have);
                set_items(&mut correct.delta, field, [have, news].concat());
            }
            _ if value_at(now, place).is_some() => {}
            _ => {
                if let Some(right) = value_at(&wanted.contact, place) {
                    set(&mut correct.delta, place, &name, Some(right));
                }
            }
        }
    }
    correct
}

/// The items that the source wants in a list.
fn to_be_added(wanted: &Wanted, field: Field) -> &[String] {
    let only_removes = field == Field::Tags && wanted.tag_mode == TagMode::Remove;
    if only_removes { &[] } else { wanted.contact.list(field) }
}

/// Whether the mapping removes an item from a list.
fn is_to_be_removed(wanted: &Wanted, field: Field, item: &str) -> bool {
    let want = wanted.contact.list(field);
    match wanted.tag_mode {
        TagMode::Remove if field == Field::Tags => is_among(field, want, item),
        TagMode::Replace if field == Field::Tags && !want.is_empty() => !is_among(field, want, item),
        _ => want.is_empty() && wanted.clear.has(field),
    }
}

/// Whether the mapping clears this value.
fn is_to_be_wiped(wanted: &Wanted, place: Place<'_>) -> bool {
    match place {
        Place::One(field) | Place::Items(field) => wanted.clear.has(field),
        Place::Attribute(name) => wanted.attribute_overwrite(name) == Overwrite::Clear,
    }
}

/// The fields that the platform holds, and the custom ones that a contact has or that were written.
fn names(platform: &PlatformFacts, contact: &Contact, written: &[Written]) -> Vec<String> {
    let held = FIELDS.into_iter().filter(|(field, _)| platform.holds.contains(field));
    let mut names: Vec<String> = held.map(|(field, name)| singular(platform, field, name).to_owned()).collect();
    if platform.attributes {
        let there = contact.attributes.iter().map(|attribute| format!("attributes.{}", attribute.name));
        let written =
            written.iter().map(|value| value.field.to_string()).filter(|name| name.starts_with("attributes."));
        for name in there.chain(written).collect::<Vec<_>>() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// The changes of another party in a contact that a run created. `is_partial`: items of lists may never have arrived.
pub fn changed_since(platform: &PlatformFacts, written: &[Written], now: &Contact, is_partial: bool) -> Vec<Left> {
    let mut left = Vec::new();
    for name in names(platform, now, written) {
        let Some(place) = place_of(platform, &name) else { continue };
        let value = written.iter().find(|value| value.field == name);
        let (is_as_written, written, is) = match place {
            Place::Items(field) => {
                let (added, have) = (value.map_or(&[][..], |value| &value.added), now.list(field));
                let lacks_none = is_partial || missing(field, added, have).is_empty();
                (lacks_none && missing(field, have, added).is_empty(), joined(added), joined(have))
            }
            Place::One(_) | Place::Attribute(_) => {
                let (written, is) = (value.and_then(|value| value.new.clone()), value_at(now, place));
                (is_same(place, is.as_deref(), written.as_deref()), written, is)
            }
        };
        if !is_as_written {
            left.push(Left { field: name, before: None, written, now: is });
        }
    }
    left
}

/// Whether the contact lacks items of lists that a run was to add.
pub fn lacks_items(platform: &PlatformFacts, written: &[Written], now: &Contact) -> bool {
    written.iter().any(|value| match place_of(platform, &value.field) {
        Some(Place::Items(field)) => !missing(field, &value.added, now.list(field)).is_empty(),
        _ => false,
    })
}

fn singular<'a>(platform: &PlatformFacts, field: Field, name: &'a str) -> &'a str {
    match field {
        Field::Phones if !holds_items(platform, field) => "phone",
        Field::Emails if !holds_items(platform, field) => "email",
        _ => name,
    }
}

/// The values that were to be cleared and are still there, because the platform does not clear them.
pub fn not_wiped(platform: &PlatformFacts, delta: &Delta, now: &Found) -> Vec<Left> {
    let wiped = delta.changes.iter().filter(|change| change.new.is_none());
    let still = wiped.filter_map(|change| {
        let is = match place_of(platform, &change.field)? {
            Place::Items(field) => joined(now.contact.list(field)),
            place => value_at(&now.contact, place),
        };
        let written = change.old.clone();
        is.map(|is| Left { field: change.field.to_string(), before: None, written, now: Some(is) })
    });
    still.collect()
}

fn value_at(contact: &Contact, place: Place<'_>) -> Option<String> {
    let value = match place {
        Place::Attribute(name) => contact.attribute(name),
        Place::One(field) | Place::Items(field) if field.is_list() => contact.list(field).first().map(String::as_str),
        Place::One(field) | Place::Items(field) => contact.text(field),
    };
    value.filter(|value| !value.is_empty()).map(str::to_owned)
}

fn is_same(place: Place<'_>, one: Option<&str>, other: Option<&str>) -> bool {
    let field = match place {
        Place::One(field) | Place::Items(field) => field,
        Place::Attribute(_) => Field::Notes,
    };
    match (one, other) {
        (Some(one), Some(other)) => same(field, one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

fn set(delta: &mut Delta, place: Place<'_>, name: &str, value: Option<String>) {
    let old = value_at(&delta.after, place);
    let text = value.clone().unwrap_or_default();
    delta.cleared += u64::from(value.is_none());
    match place {
        Place::Attribute(name) => {
            delta.after.set_attribute(name, text);
            delta.changed_attributes.push(name.into());
        }
        Place::One(field) | Place::Items(field) => {
            if field.is_list() {
                let list = delta.after.list_mut(field);
                list.clear();
                list.extend(value.clone());
            } else {
                delta.after.set_text(field, text);
            }
            delta.changed.insert(field);
        }
    }
    delta.changes.push(Change { field: name.to_owned().into(), old, new: value });
}

fn set_items(delta: &mut Delta, field: Field, after: Vec<String>) {
    let have = delta.after.list(field).to_vec();
    let (added, removed) = (missing(field, &after, &have), missing(field, &have, &after));
    if added.is_empty() && removed.is_empty() {
        return;
    }
    delta.cleared += u64::from(after.is_empty());
    delta.changed.insert(field);
    delta.changes.push(Change { field: field.name().into(), old: joined(&have), new: joined(&after) });
    *delta.after.list_mut(field) = after;
    if field == Field::Tags {
        (delta.tags_added, delta.tags_removed) = (added, removed);
    }
}

fn joined(items: &[String]) -> Option<String> {
    (!items.is_empty()).then(|| items.join("; "))
}
