//! The values of a contact, owned or borrowed, as they are read and written as JSON. It changes nothing.

use super::{Contact, FIELDS, Field};
use crate::json::ObjectWriter;
use serde_json::{Map, Value};

/// The values of a contact. It is implemented by [`Contact`], which owns them, and by the draft of a mapping, whose values
/// are still in the record.
pub trait ContactView {
    /// The text of a field; `None` for lists and for what is not there.
    fn text(&self, field: Field) -> Option<&str>;

    /// An item of a list field (from 0).
    fn item(&self, field: Field, index: usize) -> Option<&str>;

    /// A custom field (from 0): its name and its value.
    fn attribute_at(&self, index: usize) -> Option<(&str, &str)>;

    /// What else the source platform sent; `None` if that is nothing.
    fn native(&self) -> Option<&Map<String, Value>>;
}

impl Contact {
    /// Writes the JSON of [`Contact::to_json`], without building it first.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        (self as &dyn ContactView).write_json(out);
    }
}

impl ContactView for Contact {
    fn text(&self, field: Field) -> Option<&str> {
        Contact::text(self, field)
    }

    fn item(&self, field: Field, index: usize) -> Option<&str> {
        self.list(field).get(index).map(String::as_str)
    }

    fn attribute_at(&self, index: usize) -> Option<(&str, &str)> {
        self.attributes.get(index).map(|attribute| (&*attribute.name, attribute.value.as_str()))
    }

    fn native(&self) -> Option<&Map<String, Value>> {
        Some(&self.native).filter(|native| !native.is_empty())
    }
}

impl dyn ContactView + '_ {
    /// The items of a list field.
    pub fn items(&self, field: Field) -> impl Iterator<Item = &str> {
        (0..).map_while(move |index| self.item(field, index))
    }

    /// The custom fields, in order.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        (0..).map_while(|index| self.attribute_at(index))
    }

    /// The value of a custom field.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Whether the field has a value.
    pub fn has(&self, field: Field) -> bool {
        if field.is_list() { self.item(field, 0).is_some() } else { self.text(field).is_some() }
    }

    /// Writes the JSON of [`Contact::to_json`], without building it first.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::begin(out);
        let mut open = NO_GROUP;
        for Place { field, group, outer, inner } in &PLACES {
            let (text, first) = match field.is_list() {
                true => (None, self.item(*field, 0)),
                false => (self.text(*field), None),
            };
            if text.or(first).is_none() {
                continue;
            }
            if *group != open {
                if open != NO_GROUP {
                    object.end();
                }
                if *group != NO_GROUP {
                    object.key(outer);
                    object.open();
                }
                open = *group;
            }
            match (field, first) {
                (Field::Phones, Some(first)) => object.text("phone", first),
                (Field::Emails, Some(first)) => object.text("email", first),
                _ => {}
            }
            match text {
                Some(text) => object.text(inner, text),
                None => object.list(inner, self.items(*field)),
            }
        }
        if open != NO_GROUP {
            object.end();
        }
        if self.attribute_at(0).is_some() {
            object.key("attributes");
            object.open();
            object.texts(self.attributes());
            object.end();
        }
        if let Some(native) = self.native() {
            object.key("native");
            object.value(native);
        }
        object.end();
    }

    /// Writes the custom fields as a JSON object.
    pub fn write_attributes(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::begin(out);
        object.texts(self.attributes());
        object.end();
    }
}

/// Where a field stands in the JSON of a contact.
struct Place {
    field: Field,
    /// A number of the object that it is in.
    group: usize,
    /// The name of that object, and its own in it.
    outer: &'static str,
    inner: &'static str,
}

/// Of a field that is in no object of its own.
const NO_GROUP: usize = 0;

/// The fields in their order. Names are taken apart once, because this is done for each contact that is written.
static PLACES: [Place; FIELDS.len()] = {
    let mut places = [const { Place { field: Field::Id, group: NO_GROUP, outer: "", inner: "" } }; FIELDS.len()];
    let (mut left, mut names, mut group, mut before) = (places.as_mut_slice(), FIELDS.as_slice(), NO_GROUP, "");
    while let ([place, places @ ..], [(field, name), others @ ..]) = (left, names) {
        let (outer, inner) = split(name);
        if !outer.is_empty() && !is_same(outer.as_bytes(), before.as_bytes()) {
            group += 1;
            before = outer;
        }
        *place = Place { field: *field, group: if outer.is_empty() { NO_GROUP } else { group }, outer, inner };
        (left, names) = (places, others);
    }
    places
};

/// What stands before the first dot, if there is one, and what stands behind it.
const fn split(name: &'static str) -> (&'static str, &'static str) {
    let (mut at, mut left) = (0, name.as_bytes());
    while let [byte, rest @ ..] = left {
        if *byte == b'.' {
            let (outer, rest) = name.split_at(at);
            return (outer, rest.split_at(1).1);
        }
        (at, left) = (at + 1, rest);
    }
    ("", name)
}

const fn is_same(mut one: &[u8], mut other: &[u8]) -> bool {
    while let ([a, ones @ ..], [b, others @ ..]) = (one, other) {
        if *a != *b {
            return false;
        }
        (one, other) = (ones, others);
    }
    one.is_empty() && other.is_empty()
}
