//! The words that the store and the platforms share: a change of one value, what has to change in a contact, a value as it
//! was written, and the kind of a step. Pure.
//!
//! What has to change is computed by the platforms; when it is sent is decided elsewhere.

mod values;

pub use values::{WrittenRef, WrittenValues};

use crate::contact::{Contact, Field, FieldSet, nfc};
use crate::identity::{canonical, whatsapp_key};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// One value that has to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `email`, `attributes.Plan`, `tags`.
    pub field: Cow<'static, str>,
    /// What is there; `None`: nothing.
    pub old: Option<String>,
    /// What should be there; `None`: nothing.
    pub new: Option<String>,
}

/// What has to change at the target so that a contact is as it should be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delta {
    /// The changes, in the order of the fields, custom ones last. None: it is as it should be.
    pub changes: Vec<Change>,
    /// The contact as it should be afterwards: all of what is there, with the changes made. A custom attribute that is
    /// wiped stands here with a blank value.
    pub after: Contact,
    /// The fields among the changes.
    pub changed: FieldSet,
    /// The custom attributes among the changes.
    pub changed_attributes: Vec<Arc<str>>,
    /// Tags to be added.
    pub tags_added: Vec<String>,
    /// Tags to be taken away.
    pub tags_removed: Vec<String>,
    /// Whether one of the changes is only meant for a blank.
    pub fills: bool,
    /// How many values are wiped because the source's cell is blank.
    pub cleared: u64,
    /// Identity fields of which the target keeps another value than the source has, because the contact was found
    /// by another field and the mapping does not say `on_existing: update`.
    pub kept: Vec<&'static str>,
}

impl Delta {
    /// Whether nothing has to be done.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// What a step does to the target, as the intents in the store name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Creates a contact, or another object, that was not there.
    Create,
    /// Changes what is there; sending it twice has the same effect as sending it once.
    Change,
    /// Adds an item to a contact that is there; sending it twice would add it twice.
    Add,
}

/// One value that was written, or is about to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// `email`, `attributes.Plan`, `tags`.
    pub field: Cow<'static, str>,
    /// What was there; `None`: nothing. Not of lists that hold several items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// What is there afterwards; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// Items that are added to a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// Items that are removed from a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

impl Written {
    /// Whether this is the field of this name: `phone` and `phones` are one.
    pub fn is_of(&self, name: &str) -> bool {
        self.field == name || (Field::named(&self.field).is_some() && Field::named(&self.field) == Field::named(name))
    }
}

/// Adds what was written to the same contact later: of each value it keeps what was there first, and what was written
/// last.
pub fn add_later(written: &mut Vec<Written>, later: Vec<Written>) {
    for next in later {
        let Some(known) = written.iter_mut().find(|known| known.field == next.field) else {
            written.push(next);
            continue;
        };
        let field = Field::named(&known.field).unwrap_or(Field::Tags);
        known.new = next.new;
        add_items(field, &mut known.added, &mut known.removed, next.added);
        add_items(field, &mut known.removed, &mut known.added, next.removed);
    }
}

/// Adds items to one side, unless they cancel items of the other.
fn add_items(field: Field, side: &mut Vec<String>, other: &mut Vec<String>, items: Vec<String>) {
    for item in items {
        let len = other.len();
        other.retain(|known| !same(field, known, &item));
        if other.len() == len && !side.iter().any(|known| same(field, known, &item)) {
            side.push(item);
        }
    }
}

/// Whether two values of a field are equal in the sense of the field: spelling differences that no platform keeps do not count.
pub fn same(field: Field, one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    match field {
        Field::Phones => match (whatsapp_key(one), whatsapp_key(other)) {
            (one_key, other_key) if one_key.is_empty() || other_key.is_empty() => same_text(one, other),
            (one_key, other_key) => one_key == other_key,
        },
        Field::Emails | Field::Handles => canonical(field, one) == canonical(field, other),
        _ => same_text(one, other),
    }
}

/// Compares texts in Unicode NFC, without blanks at either end, and with one form of line end.
pub fn same_text(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    plain(one) == plain(other)
}

/// A text in Unicode NFC, without blanks at either end, and with one form of line end.
fn plain(text: &str) -> Cow<'_, str> {
    nfc(match text.contains('\r') {
        true => Cow::Owned(text.trim().replace("\r\n", "\n").replace('\r', "\n")),
        false => Cow::Borrowed(text.trim()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_the_same_in_whatever_form_their_letters_and_line_ends_are() {
        let same = [
            ("Zoë", "Zoe\u{308}"),
            (" Ana ", "Ana"),
            ("a\r\nb", "a\nb"),
            ("a\rb ", "a\nb"),
            ("é\r", "e\u{301}"),
            ("", "\r\n"),
        ];
        for (one, other) in same {
            assert!(same_text(one, other) && same_text(other, one), "{one:?} {other:?}");
        }
        for (one, other) in [("Zoë", "Zoe"), ("a b", "ab"), ("a\nb", "a b"), ("ana", "Ana"), ("", "-")] {
            assert!(!same_text(one, other), "{one:?} {other:?}");
        }
    }
}
