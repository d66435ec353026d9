//! The changes that a contact needs at the target. Pure.
//!
//! A connector decides how a change is sent.

use super::exchange::Found;
use super::facts::PlatformFacts;
use super::names::{NAMES, diff_names};
use super::project::BOOKKEEPING;
use crate::change::{Change, Delta, same, same_text};
use crate::contact::{Contact, FIELDS, Field, Overwrite, TagMode, Wanted};
use serde::{Deserialize, Serialize};

/// How an existing contact is changed (`--on-existing`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnExisting {
    /// Its values are overwritten with those of the source.
    #[default]
    Update,
    /// Only its blank fields are filled.
    Fill,
    /// It stays unchanged.
    Skip,
}

/// Compares the wanted contact (reduced by [`super::project()`]) with the existing one, where the identity fields are the
/// platform's lookup fields. `found_by` is the one that found the contact.
pub fn diff(
    platform: &PlatformFacts,
    wanted: &Wanted,
    found: Option<&Found>,
    found_by: Option<Field>,
    on_existing: OnExisting,
) -> Delta {
    diff_with_identity(platform, &platform.finds_by, wanted, found, found_by, on_existing)
}

/// [`diff()`] with the identity fields that the mapping names. For an existing contact they are only filled, unless their
/// rule says `on_existing: update`. `found_by`, the one that found the contact, is one of them, and is never cleared.
pub fn diff_with_identity(
    platform: &PlatformFacts,
    identity: &[Field],
    wanted: &Wanted,
    found: Option<&Found>,
    found_by: Option<Field>,
    on_existing: OnExisting,
) -> Delta {
    let there = found.map(|found| &found.contact);
    let mut delta = Delta { after: there.cloned().unwrap_or_default(), ..Delta::default() };
    if there.is_some() && on_existing == OnExisting::Skip {
        return delta;
    }
    for (field, name) in FIELDS {
        if BOOKKEEPING.has(field) || NAMES.has(field) || !platform.holds.contains(&field) {
            // The whole name is compared at the place of its first field.
            if field == Field::FirstName {
                diff_names(&mut delta, platform, wanted, on_existing);
            }
            continue;
        }
        let mut overwrite = overwrite_of(wanted, field, on_existing);
        if there.is_some() && Some(field) == found_by && overwrite == Overwrite::Clear {
            overwrite = Overwrite::Fill;
        }
        if field == Field::Tags {
            diff_tags(&mut delta, wanted, overwrite);
        } else if field.is_list() && !platform.single.contains(&field) {
            diff_list(&mut delta, wanted, field, name, overwrite);
        } else {
            let is_identity = identity.contains(&field) || Some(field) == found_by;
            if there.is_some() && is_identity && overwrite == Overwrite::Update && !wanted.force.has(field) {
                overwrite = Overwrite::Fill;
                record_kept(&mut delta, wanted, field, name);
            }
            diff_one(&mut delta, wanted, field, name, overwrite);
        }
    }
    diff_attributes(&mut delta, wanted, on_existing);
    delta
}

/// Records an identity field that keeps another value at the target.
fn record_kept(delta: &mut Delta, wanted: &Wanted, field: Field, name: &'static str) {
    let (old, new) = (first_of(&delta.after, field), first_of(&wanted.contact, field));
    if let (Some(old), Some(new)) = (&old, &new)
        && !same(field, old, new)
    {
        delta.kept.push(singular(field, name));
    }
}

fn first_of(contact: &Contact, field: Field) -> Option<String> {
    match field.is_list() {
        true => contact.list(field).first().cloned(),
        false => contact.text(field).map(str::to_owned),
    }
}

fn singular(field: Field, name: &'static str) -> &'static str {
    match field {
        Field::Phones => "phone",
        Field::Emails => "email",
        _ => name,
    }
}

/// How the value of a field changes an existing contact.
pub(super) fn overwrite_of(wanted: &Wanted, field: Field, on_existing: OnExisting) -> Overwrite {
    let only_fills = on_existing == OnExisting::Fill && !wanted.force.has(field);
    match (only_fills || wanted.fill.has(field), wanted.clear.has(field)) {
        (true, _) => Overwrite::Fill,
        (false, true) => Overwrite::Clear,
        (false, false) => Overwrite::Update,
    }
}

pub(super) fn diff_one(delta: &mut Delta, wanted: &Wanted, field: Field, name: &'static str, overwrite: Overwrite) {
    let (old, new) = (first_of(&delta.after, field), first_of(&wanted.contact, field));
    let new = match (overwrite, &old, new) {
        (Overwrite::Clear, Some(_), None) => None,
        (Overwrite::Fill, Some(_), _) | (_, _, None) => return,
        (_, Some(old), Some(new)) if same(field, old, &new) => return,
        (_, _, new) => new,
    };
    set_one(delta, field, name, (old, new), overwrite);
}

/// Records a change of a single value.
pub(super) fn set_one(
    delta: &mut Delta,
    field: Field,
    name: &'static str,
    (old, new): (Option<String>, Option<String>),
    overwrite: Overwrite,
) {
    delta.cleared += u64::from(new.is_none());
    delta.fills |= overwrite == Overwrite::Fill;
    if field.is_list() {
        let list = delta.after.list_mut(field);
        list.clear();
        list.extend(new.clone());
    } else {
        delta.after.set_text(field, new.clone().unwrap_or_default());
    }
    delta.changed.insert(field);
    delta.changes.push(Change { field: singular(field, name).to_owned(), old, new });
}

/// Adds the missing items to a list. A list that is not blank is not filled.
fn diff_list(delta: &mut Delta, wanted: &Wanted, field: Field, name: &str, overwrite: Overwrite) {
    let have = delta.after.list(field).to_vec();
    let want = wanted.contact.list(field);
    let added = match overwrite {
        Overwrite::Fill if !have.is_empty() => return,
        _ => missing_items(field, want, &have),
    };
    let is_wiped = overwrite == Overwrite::Clear && want.is_empty() && !have.is_empty();
    if added.is_empty() && !is_wiped {
        return;
    }
    let after = if is_wiped { Vec::new() } else { [&have[..], &added[..]].concat() };
    delta.cleared += u64::from(is_wiped);
    delta.fills |= overwrite == Overwrite::Fill;
    delta.changed.insert(field);
    delta.changes.push(Change { field: name.to_owned(), old: joined(&have), new: joined(&after) });
    *delta.after.list_mut(field) = after;
}

/// The wanted items that are missing, each once.
fn missing_items(field: Field, want: &[String], have: &[String]) -> Vec<String> {
    let mut missing: Vec<String> = Vec::new();
    for item in want {
        if !is_among(field, have, item) && !is_among(field, &missing, item) {
            missing.push(item.clone());
        }
    }
    missing
}

fn is_among(field: Field, list: &[String], item: &str) -> bool {
    list.iter().any(|known| same(field, known, item))
}

fn joined(items: &[String]) -> Option<String> {
    (!items.is_empty()).then(|| items.join("; "))
}

fn diff_tags(delta: &mut Delta, wanted: &Wanted, overwrite: Overwrite) {
    let have = delta.after.list(Field::Tags).to_vec();
    let want = wanted.contact.list(Field::Tags);
    if overwrite == Overwrite::Fill && !have.is_empty() {
        return;
    }
    let is_wiped = overwrite == Overwrite::Clear && want.is_empty();
    let takes_away = wanted.tag_mode == TagMode::Remove;
    let only_wanted = is_wiped || (wanted.tag_mode == TagMode::Replace && !want.is_empty());
    let goes = |tag: &str| match is_among(Field::Tags, want, tag) {
        true => takes_away,
        false => only_wanted && !takes_away,
    };
    let added = if takes_away { Vec::new() } else { missing_items(Field::Tags, want, &have) };
    let (removed, mut after): (Vec<String>, Vec<String>) = have.iter().cloned().partition(|tag| goes(tag));
    if added.is_empty() && removed.is_empty() {
        return;
    }
    after.extend(added.iter().cloned());
    delta.cleared += u64::from(is_wiped && after.is_empty());
    delta.fills |= overwrite == Overwrite::Fill;
    delta.changed.insert(Field::Tags);
    delta.changes.push(Change { field: Field::Tags.name().to_owned(), old: joined(&have), new: joined(&after) });
    *delta.after.list_mut(Field::Tags) = after;
    (delta.tags_added, delta.tags_removed) = (added, removed);
}

fn diff_attributes(delta: &mut Delta, wanted: &Wanted, on_existing: OnExisting) {
    for attribute in &wanted.contact.attributes {
        let overwrite = match on_existing {
            OnExisting::Fill if !wanted.is_attribute_forced(&attribute.name) => Overwrite::Fill,
            _ => wanted.attribute_overwrite(&attribute.name),
        };
        let old = delta.after.attribute(&attribute.name).filter(|value| !value.is_empty()).map(str::to_owned);
        let new = (!attribute.value.is_empty()).then(|| attribute.value.clone());
        match (overwrite, &old, &new) {
            (Overwrite::Clear, Some(_), None) => delta.cleared += 1,
            (Overwrite::Fill, Some(_), _) | (_, _, None) => continue,
            (_, Some(old), Some(new)) if same_text(old, new) => continue,
            _ => {}
        }
        delta.fills |= overwrite == Overwrite::Fill;
        delta.after.set_attribute(attribute.name.clone(), attribute.value.as_str());
        delta.changed_attributes.push(attribute.name.clone());
        delta.changes.push(Change { field: format!("attributes.{}", attribute.name), old, new });
    }
}
