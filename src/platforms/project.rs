//! Reducing a contact to what a platform can hold: the rest is left out and named, or kept in custom attributes. Pure.
//!
//! It does not know the existing contact; [`super::diff`] does.

use super::facts::PlatformFacts;
use crate::change::same;
use crate::contact::{FIELDS, Field, FieldSet, MadeName, Overwrite, Wanted, split_name, squeeze};
use crate::mapping::Overflow;

/// A wanted contact, reduced to what the platform can hold.
#[derive(Clone, Debug)]
pub struct Projection {
    /// The part that can be held.
    pub wanted: Wanted,
    /// The names of the other fields (`address.country`), in the order of the fields, custom ones last.
    pub not_carried: Vec<String>,
}

/// Fields about the origin of a contact: never written, and not reported as missing.
pub const BOOKKEEPING: FieldSet = FieldSet::of(&[Field::Id, Field::TargetId, Field::CreatedAt, Field::UpdatedAt]);

/// Reduces a wanted contact to what the platform can hold. Names are split or joined to its form.
pub fn project(platform: &PlatformFacts, mut wanted: Wanted, overflow: Overflow) -> Projection {
    let lost = fit_names(platform, &mut wanted);
    let keeps = overflow == Overflow::Attributes && platform.attributes;
    let mut not_carried = Vec::new();
    for (field, name) in lost {
        keep_or_name(&mut wanted, (field, &name), keeps, &mut not_carried);
    }
    for (field, name) in FIELDS.into_iter().filter(|(field, _)| !BOOKKEEPING.has(*field)) {
        let is_cleared = wanted.clear.has(field) && !platform.holds.contains(&field);
        let surplus = take_surplus(platform, &mut wanted, field);
        let is_free = |wanted: &Wanted| wanted.contact.attribute(name).is_none_or(str::is_empty);
        match surplus.is_empty() {
            true if is_cleared && keeps && is_free(&wanted) => {
                keep_as_attribute(&mut wanted, name, "", Some(Overwrite::Clear))
            }
            true => {}
            false => keep_or_name(&mut wanted, (field, &surplus.join("; ")), keeps, &mut not_carried),
        }
    }
    if !platform.attributes {
        let attributes = std::mem::take(&mut wanted.contact.attributes);
        let missed = attributes.iter().filter(|attribute| !attribute.value.is_empty());
        not_carried.extend(missed.map(|attribute| format!("attributes.{}", attribute.name)));
    }
    Projection { wanted, not_carried }
}

/// Names the fields that no platform accepts although a rule of the mapping (`written`) gives them a value: the origin of a
/// contact, and the values that only its source platform knows. `overflow: attributes` keeps them nevertheless.
pub fn project_bookkeeping(
    platform: &PlatformFacts,
    wanted: &mut Wanted,
    written: FieldSet,
    overflow: Overflow,
) -> Vec<String> {
    let keeps = overflow == Overflow::Attributes && platform.attributes;
    let mut not_carried = Vec::new();
    for field in [Field::Id, Field::CreatedAt, Field::UpdatedAt].into_iter().filter(|field| written.has(*field)) {
        if let Some(value) = wanted.contact.text(field).map(str::to_owned) {
            keep_or_name(wanted, (field, &value), keeps, &mut not_carried);
        }
    }
    not_carried
}

/// Keeps a value that the platform has no field for as an attribute of the field's name, or names it.
fn keep_or_name(wanted: &mut Wanted, (field, value): (Field, &str), keeps: bool, not_carried: &mut Vec<String>) {
    let name = field.name();
    match wanted.contact.attribute(name).filter(|have| !have.is_empty()) {
        Some(have) if keeps && have == value => {}
        None if keeps => {
            let overwrite = match (wanted.fill.has(field), wanted.force.has(field)) {
                (true, _) => Some(Overwrite::Fill),
                (false, true) => Some(Overwrite::Update),
                (false, false) => None,
            };
            keep_as_attribute(wanted, name, value, overwrite);
        }
        _ => not_carried.push(name.to_owned()),
    }
}

/// Removes the part of a field that the platform cannot hold.
fn take_surplus(platform: &PlatformFacts, wanted: &mut Wanted, field: Field) -> Vec<String> {
    if !wanted.contact.has(field) && !wanted.clear.has(field) {
        return Vec::new();
    }
    if !platform.holds.contains(&field) {
        return take_all(wanted, field);
    }
    if !platform.single.contains(&field) || wanted.contact.list(field).len() < 2 {
        return Vec::new();
    }
    let mut surplus = wanted.contact.list_mut(field).split_off(1);
    // Another form of the same phone does not count as another phone.
    if let Some(first) = wanted.contact.list(field).first() {
        surplus.retain(|item| !same(field, first, item));
    }
    surplus
}

fn take_all(wanted: &mut Wanted, field: Field) -> Vec<String> {
    let values = match wanted.contact.text(field) {
        Some(text) => vec![text.to_owned()],
        None => wanted.contact.list(field).to_vec(),
    };
    wanted.contact.remove(field);
    wanted.clear.remove(field);
    values
}

/// Gives the attribute the field's rules for overwriting.
fn keep_as_attribute(wanted: &mut Wanted, name: &str, value: &str, overwrite: Option<Overwrite>) {
    wanted.attribute_overwrite.retain(|(known, _)| &**known != name);
    wanted.attribute_overwrite.extend(overwrite.map(|overwrite| (name.into(), overwrite)));
    wanted.contact.set_attribute(name, value);
}

/// Makes the form of the name that the platform holds from the form that the contact has. It has the rules for overwriting
/// of the form that it was made from.
///
/// Returns the forms of the source that have a word which is in no form that the platform holds.
fn fit_names(platform: &PlatformFacts, wanted: &mut Wanted) -> Vec<(Field, String)> {
    let holds = |field| platform.holds.contains(&field);
    let (whole, parts) = (holds(Field::FullName), holds(Field::FirstName));
    if whole == parts {
        return Vec::new();
    }
    let texts = |wanted: &Wanted| -> Vec<(Field, String)> {
        let names = [Field::FirstName, Field::LastName, Field::FullName].into_iter();
        names.filter_map(|field| Some((field, wanted.contact.text(field)?.to_owned()))).collect()
    };
    let mut lost = texts(wanted);
    lost.retain(|(field, _)| !wanted.defaults.has(*field));
    match whole {
        true => join_into_whole(wanted),
        false => split_into_parts(wanted),
    }
    let held = texts(wanted);
    let is_held = |word: &str| held.iter().any(|(_, text)| words(text).any(|held| held == word));
    lost.retain(|(_, text)| !words(text).all(is_held));
    lost
}

/// The words of a name, without signs that stand alone (`-`) or end one (`Paz, Ana`).
fn words(name: &str) -> impl Iterator<Item = &str> {
    let bare = name.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    bare.filter(|word| !word.is_empty())
}

fn split_into_parts(wanted: &mut Wanted) {
    if let Some(full) = wanted.contact.text(Field::FullName) {
        let (first, last) = match (wanted.contact.text(Field::FirstName), wanted.contact.text(Field::LastName)) {
            (None, None) => split_name(full),
            (Some(first), None) => (String::new(), rest_of(full.strip_prefix(first))),
            (None, Some(last)) => (rest_of(full.strip_suffix(last)), String::new()),
            (Some(_), Some(_)) => Default::default(),
        };
        // A default that is not part of the whole name is used only if splitting it leaves a blank.
        let only_fills = |field| !wanted.contact.has(field) || wanted.fill.has(field);
        let (first, last) = match first.is_empty() && last.is_empty() && only_fills(Field::FirstName) {
            true if only_fills(Field::LastName) => split_name(full),
            _ => (first, last),
        };
        let of_full = (wanted.fill.has(Field::FullName), wanted.force.has(Field::FullName));
        if !first.is_empty() || !last.is_empty() {
            wanted.made_name = Some(MadeName::Split);
        }
        set_made(wanted, Field::FirstName, first, of_full);
        set_made(wanted, Field::LastName, last, of_full);
    }
    wanted.contact.remove(Field::FullName);
    wanted.clear.remove(Field::FullName);
}

/// The rest of a whole name without the known part; blank if that part is not a word of it.
fn rest_of(rest: Option<&str>) -> String {
    let is_apart = |rest: &&str| rest.starts_with(char::is_whitespace) || rest.ends_with(char::is_whitespace);
    rest.filter(is_apart).map(squeeze).unwrap_or_default()
}

fn join_into_whole(wanted: &mut Wanted) {
    let parts = [Field::FirstName, Field::LastName];
    let is_of_source = |wanted: &Wanted, field| wanted.contact.has(field) && !wanted.fill.has(field);
    // Parts that the source has replace a whole name that is only a default.
    let has_parts = parts.into_iter().any(|part| is_of_source(wanted, part));
    let is_joined = !is_of_source(wanted, Field::FullName) && (has_parts || !wanted.contact.has(Field::FullName));
    if let Some(whole) = wanted.contact.whole_name().filter(|_| is_joined) {
        let known = |field| wanted.contact.text(field).filter(|_| !wanted.fill.has(field)).map(str::to_owned);
        let made = MadeName::Joined { first: known(Field::FirstName), last: known(Field::LastName) };
        let is_forced = parts.into_iter().any(|part| wanted.force.has(part));
        wanted.made_name = Some(made);
        set_made(wanted, Field::FullName, whole, (!has_parts, is_forced));
    }
    for part in parts {
        wanted.contact.remove(part);
        wanted.clear.remove(part);
    }
}

/// Sets a part that was made of another form, with the rules of that form: whether it only fills, and whether it always
/// overwrites.
fn set_made(wanted: &mut Wanted, field: Field, value: String, (only_fills, is_forced): (bool, bool)) {
    if value.is_empty() {
        return;
    }
    wanted.contact.set_text(field, value);
    wanted.clear.remove(field);
    wanted.fill.remove(field);
    if only_fills {
        wanted.fill.insert(field);
    }
    if is_forced {
        wanted.force.insert(field);
    }
}
