//! A contact: the one model between all formats and platforms (contract 3.1).
//!
//! It holds values and knows their names. How a value is read, checked or sent is not its business.

mod merge;
mod name;
mod nfc;
mod stored;
mod texts;
mod view;

pub use merge::Merged;
pub(crate) use name::squeeze;
pub use name::{MadeName, split_name};
pub use nfc::{nfc, of_other_letters};
pub use stored::StoredContact;
pub use view::ContactView;

use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::Arc;
use texts::Texts;

/// A field of a contact that is neither custom nor native.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Field {
    Id,
    TargetId,
    FirstName,
    LastName,
    FullName,
    Street,
    City,
    State,
    Zip,
    Country,
    DocumentType,
    DocumentNumber,
    Notes,
    OwnerId,
    OwnerName,
    OwnerEmail,
    CreatedAt,
    UpdatedAt,
    Phones,
    Emails,
    Handles,
    Tags,
}

/// How many fields hold one text; the rest hold lists.
pub(crate) const TEXT_COUNT: usize = 18;
/// How many fields hold a list.
pub(crate) const LIST_COUNT: usize = 4;

/// All fields in the order in which they are shown and written, with their names.
pub const FIELDS: [(Field, &str); TEXT_COUNT + LIST_COUNT] = [
    (Field::Id, "id"),
    (Field::TargetId, "target_id"),
    (Field::FirstName, "first_name"),
    (Field::LastName, "last_name"),
    (Field::FullName, "full_name"),
    (Field::Phones, "phones"),
    (Field::Emails, "emails"),
    (Field::Handles, "handles"),
    (Field::Tags, "tags"),
    (Field::Street, "address.street"),
    (Field::City, "address.city"),
    (Field::State, "address.state"),
    (Field::Zip, "address.zip"),
    (Field::Country, "address.country"),
    (Field::DocumentType, "document.type"),
    (Field::DocumentNumber, "document.number"),
    (Field::Notes, "notes"),
    (Field::OwnerId, "owner.id"),
    (Field::OwnerName, "owner.name"),
    (Field::OwnerEmail, "owner.email"),
    (Field::CreatedAt, "created_at"),
    (Field::UpdatedAt, "updated_at"),
];

impl Field {
    /// The field's name (`address.city`); `phones` and `emails` for the lists.
    pub fn name(self) -> &'static str {
        FIELDS.iter().find(|(field, _)| *field == self).map_or("", |(_, name)| name)
    }

    /// The field of this name; `phone` and `email` are the lists whose first item they are.
    pub fn named(name: &str) -> Option<Field> {
        match name {
            "phone" => Some(Field::Phones),
            "email" => Some(Field::Emails),
            _ => FIELDS.iter().find(|(_, known)| *known == name).map(|(field, _)| *field),
        }
    }

    /// Whether it holds a list.
    pub fn is_list(self) -> bool {
        self as usize >= TEXT_COUNT
    }
}

/// A set of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldSet(u32);

impl FieldSet {
    /// A set of these fields.
    pub const fn of(fields: &[Field]) -> FieldSet {
        let (mut bits, mut left) = (0, fields);
        while let [field, rest @ ..] = left {
            bits |= 1 << *field as u32;
            left = rest;
        }
        FieldSet(bits)
    }

    /// Whether the field is in it.
    pub fn has(self, field: Field) -> bool {
        self.0 & (1 << field as u32) != 0
    }

    /// Puts the field in.
    pub fn insert(&mut self, field: Field) {
        self.0 |= 1 << field as u32;
    }

    /// Takes the field out.
    pub fn remove(&mut self, field: Field) {
        self.0 &= !(1 << field as u32);
    }

    /// Whether nothing is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One bit a field, for keeping it.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// The set of these bits.
    pub fn of_bits(bits: u32) -> FieldSet {
        FieldSet(bits)
    }
}

/// A custom field and its value, whatever the platform calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// As the platform and the mapping call it; case counts.
    pub name: Arc<str>,
    /// Never blank in a contact that was read; blank in a wanted contact only under [`Overwrite::Clear`].
    pub value: String,
}

/// A person as Ferry knows them.
///
/// Texts are kept trimmed and in Unicode NFC; a text that is there is not blank. Phones are E.164 with `+`; e-mail
/// domains are in lower case; country is two capital letters; times are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contact {
    texts: Texts<TEXT_COUNT>,
    lists: [Vec<String>; LIST_COUNT],
    /// Custom fields in the order met; no name twice.
    pub attributes: Vec<Attribute>,
    /// Whatever else the source platform sent.
    pub native: Map<String, Value>,
}

impl Contact {
    /// The text of a field; `None` for lists and for what is not there.
    pub fn text(&self, field: Field) -> Option<&str> {
        self.texts.get(field as usize)
    }

    /// Sets a text. A blank one takes the field away. On a list field it does nothing.
    pub fn set_text(&mut self, field: Field, value: impl AsRef<str>) {
        self.texts.set(field as usize, value.as_ref());
    }

    /// Takes a field away, text or list.
    pub fn remove(&mut self, field: Field) {
        match field.is_list() {
            true => self.list_mut(field).clear(),
            false => self.texts.set(field as usize, ""),
        }
    }

    /// The items of a list field; empty for texts.
    pub fn list(&self, field: Field) -> &[String] {
        (field as usize).checked_sub(TEXT_COUNT).and_then(|index| self.lists.get(index)).map_or(&[], |list| list)
    }

    /// The items of a list field.
    ///
    /// # Panics
    /// When `field` holds a text: a fault of the caller, not of the data.
    #[expect(clippy::indexing_slicing, reason = "lists come right behind the texts, and it is one")]
    pub fn list_mut(&mut self, field: Field) -> &mut Vec<String> {
        assert!(field.is_list(), "`{}` is not a list", field.name());
        &mut self.lists[field as usize - TEXT_COUNT]
    }

    /// The first phone, E.164 with `+`.
    pub fn phone(&self) -> Option<&str> {
        self.list(Field::Phones).first().map(String::as_str)
    }

    /// The first e-mail.
    pub fn email(&self) -> Option<&str> {
        self.list(Field::Emails).first().map(String::as_str)
    }

    /// The value of a custom field.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|attribute| &*attribute.name == name).map(|attribute| attribute.value.as_str())
    }

    /// Sets a custom field, in its place when it is there already.
    pub fn set_attribute(&mut self, name: impl Into<Arc<str>>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        match self.attributes.iter_mut().find(|attribute| attribute.name == name) {
            Some(attribute) => attribute.value = value,
            None => self.attributes.push(Attribute { name, value }),
        }
    }

    /// Whether the field has a value.
    pub fn has(&self, field: Field) -> bool {
        if field.is_list() { !self.list(field).is_empty() } else { self.text(field).is_some() }
    }

    /// First and last name joined, or the full name.
    pub fn whole_name(&self) -> Option<String> {
        match (self.text(Field::FirstName), self.text(Field::LastName)) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
            (None, None) => self.text(Field::FullName).map(str::to_owned),
        }
    }

    /// The contact as a JSON object with the names of contract 3.1; what is not there is left out.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut object = Map::new();
        for (field, name) in FIELDS {
            if !self.has(field) {
                continue;
            }
            let value = match self.text(field) {
                Some(text) => Value::from(text),
                None => Value::from(self.list(field).to_vec()),
            };
            if let Some(first) = self.list(field).first() {
                match field {
                    Field::Phones => object.insert("phone".into(), Value::from(first.as_str())),
                    Field::Emails => object.insert("email".into(), Value::from(first.as_str())),
                    _ => None,
                };
            }
            match name.split_once('.') {
                None => {
                    object.insert(name.to_owned(), value);
                }
                Some((group, inner)) => {
                    let group = object.entry(group).or_insert_with(|| Value::Object(Map::new()));
                    if let Value::Object(group) = group {
                        group.insert(inner.to_owned(), value);
                    }
                }
            }
        }
        if !self.attributes.is_empty() {
            let attributes = self.attributes.iter().map(|a| (a.name.to_string(), Value::from(a.value.as_str())));
            object.insert("attributes".into(), Value::Object(attributes.collect()));
        }
        if !self.native.is_empty() {
            object.insert("native".into(), Value::Object(self.native.clone()));
        }
        object
    }

    /// The contact that [`Contact::to_json`] made; names it does not know are left out.
    pub fn from_json(object: &Map<String, Value>) -> Contact {
        let mut contact = Contact::default();
        for (field, name) in FIELDS {
            let value = match name.split_once('.') {
                None => object.get(name),
                Some((group, inner)) => object.get(group).and_then(|group| group.get(inner)),
            };
            match value {
                Some(Value::Array(items)) if field.is_list() => {
                    contact.list_mut(field).extend(items.iter().filter_map(text_of));
                }
                Some(value) => match text_of(value) {
                    Some(text) if field.is_list() => contact.list_mut(field).push(text),
                    Some(text) => contact.set_text(field, text),
                    None => {}
                },
                None => {}
            }
        }
        // A user may have fixed the first value of a list under its own name.
        for (field, name) in [(Field::Phones, "phone"), (Field::Emails, "email")] {
            let Some(first) = object.get(name).map(text_of) else { continue };
            let list = contact.list_mut(field);
            match (first, list.first_mut()) {
                (Some(first), Some(known)) => *known = first,
                (Some(first), None) => list.push(first),
                (None, Some(_)) => drop(list.remove(0)),
                (None, None) => {}
            }
        }
        if let Some(Value::Object(attributes)) = object.get("attributes") {
            for (name, value) in attributes {
                // One that is there and blank is to be wiped.
                if let Some(value) = text_of(value).or_else(|| value.as_str().map(str::to_owned)) {
                    contact.set_attribute(name.as_str(), value);
                }
            }
        }
        if let Some(Value::Object(native)) = object.get("native") {
            contact.native = native.clone();
        }
        contact
    }
}

/// A value as text, in any form in which a user may have fixed it; `None` if it is blank.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether a list has the value already. E-mail addresses are compared without regard to case (contract 3.4).
pub fn is_among<S: AsRef<str>>(field: Field, value: &str, list: &[S]) -> bool {
    let is_it =
        |known: &str| known == value || (field == Field::Emails && known.to_lowercase() == value.to_lowercase());
    list.iter().any(|known| is_it(known.as_ref()))
}

/// What a wanted value may do to one that the target has already (contract 3.2, "What may overwrite").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// Takes its place.
    #[default]
    Update,
    /// Only fills a blank: a default, a name that was made, `on_existing: fill`.
    Fill,
    /// Wipes it: the source's cell is blank and the mapping says `clear: true`. There is no value.
    Clear,
}

/// What happens to tags that the target has and the source has not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TagMode {
    /// They stay.
    #[default]
    Add,
    /// They go.
    Replace,
    /// The source's tags are taken away.
    Remove,
}

/// A value that was left out of a contact, which is sent without it (contract 1.2, `left_blank`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftBlank {
    /// The line of the record that had the value.
    pub line: u64,
    /// The column (or JSON path, or contact field) that had it, as the source calls it.
    pub column: Option<String>,
    /// Why, as `subject.problem`: `phone.invalid`, `phone.extension`, `duplicate.replaced`.
    pub code: Cow<'static, str>,
    /// The value as it was read.
    pub value: String,
}

/// A contact as it should be at the target, with what each value may do there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// The values.
    pub contact: Contact,
    /// Fields whose value only fills a blank.
    pub fill: FieldSet,
    /// Fields whose value is a default of the mapping, which no source has.
    pub defaults: FieldSet,
    /// Fields to be wiped; they have no value.
    pub clear: FieldSet,
    /// Fields whose rule says `on_existing: update` in so many words: also an identity field is overwritten then.
    pub force: FieldSet,
    /// The custom fields that do not simply update, by name; also those whose rule says `on_existing: update`.
    pub attribute_overwrite: Vec<(Arc<str>, Overwrite)>,
    /// The custom fields whose value is a default of the mapping, by name.
    pub default_attributes: Vec<Arc<str>>,
    /// What to do with other tags.
    pub tag_mode: TagMode,
    /// How the name was made, where the source has it in another form than the platform.
    pub made_name: Option<MadeName>,
    /// Values of the source that the contact is sent without. They are no part of what it is.
    pub left_blank: Vec<LeftBlank>,
    /// The names of values that the mapping could not put into the contact, because another value has their name.
    pub not_carried: Vec<String>,
}

impl Wanted {
    /// Names a value that the mapping could not put into the contact, once.
    pub fn left_out(&mut self, name: String) {
        if !self.not_carried.contains(&name) {
            self.not_carried.push(name);
        }
    }

    /// What the wanted value of this custom field may do.
    pub fn attribute_overwrite(&self, name: &str) -> Overwrite {
        let found = self.attribute_overwrite.iter().find(|(known, _)| &**known == name);
        found.map_or(Overwrite::Update, |(_, overwrite)| *overwrite)
    }

    /// Whether the rule of this custom field says `on_existing: update` in so many words.
    pub fn is_attribute_forced(&self, name: &str) -> bool {
        self.attribute_overwrite.iter().any(|(known, overwrite)| &**known == name && *overwrite == Overwrite::Update)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_written_is_the_contact_built_and_reads_back() {
        let mut contact = Contact::default();
        for (field, name) in FIELDS {
            if field.is_list() {
                *contact.list_mut(field) = vec![format!("{name} \"1\""), "два\n".into()];
            } else {
                contact.set_text(field, format!("{name} ñ"));
            }
        }
        contact.set_attribute("Plan", "básico");
        contact.native.insert("chat".into(), serde_json::json!({"a": [1, 2.50]}));
        for contact in [contact, Contact::default()] {
            let mut written = Vec::new();
            contact.write_json(&mut written);
            assert_eq!(String::from_utf8(written).unwrap(), Value::Object(contact.to_json()).to_string());
            assert_eq!(Contact::from_json(&contact.to_json()), contact);
        }
    }
}
