//! The changes that a contact needs at the target. Pure.
//!
//! A connector decides how a change is sent.

use super::exchange::Found;
use super::facts::PlatformFacts;
use super::names::{NAMES, diff_names};
use super::project::BOOKKEEPING;
pub use super::single::OnExisting;
use super::single::{diff_one, first_of, overwrite_of, singular};
use crate::change::{Change, Delta, same, same_text};
use crate::contact::{FIELDS, Field, Overwrite, TagMode, Wanted};

/// The contact that is there.
#[derive(Clone, Copy, Debug)]
pub struct Existing<'a> {
    /// As it was read.
    pub found: &'a Found,
    /// The field that found it.
    pub by: Option<Field>,
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
    let existing = found.map(|found| Existing { found, by: found_by });
    diff_with_identity(platform, &platform.finds_by, wanted, existing, on_existing)
}

/// [`diff()`] with the identity fields that the mapping names. For an existing contact they are only filled, unless their
/// rule says `on_existing: update`. The one that found the contact is one of them, and is never cleared.
pub fn diff_with_identity(
    platform: &PlatformFacts,
    identity: &[Field],
    wanted: &Wanted,
    existing: Option<Existing<'_>>,
    on_existing: OnExisting,
) -> Delta {
    let there = existing.map(|existing| &existing.found.contact);
    let found_by = existing.and_then(|existing| existing.by);
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
                record_kept(&mut delta, wanted, field);
            }
            diff_one(&mut delta, wanted, field, overwrite);
        }
    }
    diff_attributes(&mut delta, wanted, on_existing);
    delta
}

/// Records an identity field that keeps another value at the target.
fn record_kept(delta: &mut Delta, wanted: &Wanted, field: Field) {
    let (old, new) = (first_of(&delta.after, field), first_of(&wanted.contact, field));
    if let (Some(old), Some(new)) = (old, new)
        && !same(field, old, new)
    {
        delta.kept.push(singular(field));
    }
}

/// Adds the missing items to a list. A list that is not blank is not filled.
fn diff_list(delta: &mut Delta, wanted: &Wanted, field: Field, name: &'static str, overwrite: Overwrite) {
    let want = wanted.contact.list(field);
    if want == delta.after.list(field) {
        return;
    }
    let have = delta.after.list(field).to_vec();
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
    delta.changes.push(Change { field: name.into(), old: joined(&have), new: joined(&after) });
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
    let want = wanted.contact.list(Field::Tags);
    let takes_away = wanted.tag_mode == TagMode::Remove;
    if want == delta.after.list(Field::Tags) && (want.is_empty() || !takes_away) {
        return;
    }
    let have = delta.after.list(Field::Tags).to_vec();
    if overwrite == Overwrite::Fill && !have.is_empty() {
        return;
    }
    let is_wiped = overwrite == Overwrite::Clear && want.is_empty();
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
    delta.changes.push(Change { field: Field::Tags.name().into(), old: joined(&have), new: joined(&after) });
    *delta.after.list_mut(Field::Tags) = after;
    (delta.tags_added, delta.tags_removed) = (added, removed);
}

fn diff_attributes(delta: &mut Delta, wanted: &Wanted, on_existing: OnExisting) {
    for attribute in &wanted.contact.attributes {
        let overwrite = match on_existing {
            OnExisting::Fill if !wanted.is_attribute_forced(&attribute.name) => Overwrite::Fill,
            _ => wanted.attribute_overwrite(&attribute.name),
        };
        let old = delta.after.attribute(&attribute.name).filter(|value| !value.is_empty());
        let new = Some(&*attribute.value).filter(|value| !value.is_empty());
        match (overwrite, old, new) {
            (Overwrite::Clear, Some(_), None) => delta.cleared += 1,
            (Overwrite::Fill, Some(_), _) | (_, _, None) => continue,
            (_, Some(old), Some(new)) if same_text(old, new) => continue,
            _ => {}
        }
        let (old, new) = (old.map(str::to_owned), new.map(str::to_owned));
        delta.fills |= overwrite == Overwrite::Fill;
        delta.after.set_attribute(attribute.name.clone(), attribute.value.as_str());
        delta.changed_attributes.push(attribute.name.clone());
        delta.changes.push(Change { field: ["attributes.", &attribute.name].concat().into(), old, new });
    }
}
