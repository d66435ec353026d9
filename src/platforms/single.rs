//! The change of one single value: when an existing value gives way, and how that is recorded. Pure.
//!
//! It knows no platform.

use crate::change::{Change, Delta, same};
use crate::contact::{Contact, Field, Overwrite, Wanted};
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

/// The value of a field, of a list its first item.
pub(super) fn first_of(contact: &Contact, field: Field) -> Option<&str> {
    match field.is_list() {
        true => contact.list(field).first().map(String::as_str),
        false => contact.text(field),
    }
}

/// The name of a field, of a list that of its first item.
pub(super) fn singular(field: Field) -> &'static str {
    match field {
        Field::Phones => "phone",
        Field::Emails => "email",
        _ => field.name(),
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

/// Adds the change of a single value.
pub(super) fn diff_one(delta: &mut Delta, wanted: &Wanted, field: Field, overwrite: Overwrite) {
    let (old, new) = (first_of(&delta.after, field), first_of(&wanted.contact, field));
    let new = match (overwrite, &old, new) {
        (Overwrite::Clear, Some(_), None) => None,
        (Overwrite::Fill, Some(_), _) | (_, _, None) => return,
        (_, Some(old), Some(new)) if same(field, old, new) => return,
        (_, _, new) => new,
    };
    let (old, new) = (old.map(str::to_owned), new.map(str::to_owned));
    set_one(delta, field, (old, new), overwrite);
}

/// Records a change of a single value.
pub(super) fn set_one(
    delta: &mut Delta,
    field: Field,
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
        delta.after.set_text(field, new.as_deref().unwrap_or_default());
    }
    delta.changed.insert(field);
    delta.changes.push(Change { field: singular(field).into(), old, new });
}
