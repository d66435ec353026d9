//! A contact while it is read from the JSON of a platform: values move from the object into the fields of the contact, and what
//! is left stays with it. Texts stay in the JSON as long as they can. It knows no platform.

use super::exchange::Found;
use super::value::{plus_before, text_of, tidied, tidy_email, time};
use crate::contact::{Contact, ContactView, Field, StoredContact};
use crate::json::{Node, Object};
use std::borrow::Cow;

/// A contact that is being read, or was.
#[derive(Debug, Default)]
pub struct Incoming<'j> {
    id: Cow<'j, str>,
    contact: StoredContact<'j>,
    /// What is left of the platform's object.
    rest: Object<'j>,
}

impl<'j> Incoming<'j> {
    /// Begins with an object of the platform.
    pub fn new(object: Object<'j>) -> Incoming<'j> {
        Incoming { rest: object, ..Incoming::default() }
    }

    /// Sets the id.
    pub fn set_id(&mut self, id: Cow<'j, str>) {
        self.id.clone_from(&id);
        self.set_text(Field::Id, id);
    }

    /// What is left of the object.
    pub fn rest(&mut self) -> &mut Object<'j> {
        &mut self.rest
    }

    /// Whether a field has a value.
    pub fn has(&self, field: Field) -> bool {
        (&self.contact as &dyn ContactView).has(field)
    }

    /// Sets a text.
    pub fn set_text(&mut self, field: Field, text: impl Into<Cow<'j, str>>) {
        self.contact.set_text(field, text.into());
    }

    /// Adds an item to a list.
    pub fn push(&mut self, field: Field, item: Cow<'j, str>) {
        self.contact.push(field, item);
    }

    /// Sets a custom field.
    pub fn set_attribute(&mut self, name: Cow<'j, str>, value: Cow<'j, str>) {
        self.contact.set_attribute(name, value);
    }

    /// Takes a value out of the object, in which `null` stays: to close the gap costs more than all else.
    pub fn take(&mut self, name: &str) -> Option<Node<'j>> {
        self.rest.get_mut(name).map(Node::take)
    }

    /// Takes a value out of the object, as text.
    pub fn take_text(&mut self, name: &str) -> Option<Cow<'j, str>> {
        match self.take(name)? {
            Node::Text(text) => tidied(text),
            other => text_of(&other),
        }
    }

    /// Moves a value of the object into a field.
    pub fn move_text(&mut self, name: &str, field: Field) {
        if let Some(text) = self.take_text(name) {
            self.set_text(field, text);
        }
    }

    /// Moves a phone: `+` and digits; one that is not valid stays unchanged.
    pub fn move_phone(&mut self, name: &str) {
        if let Some(phone) = self.take_text(name) {
            self.push(Field::Phones, plus_before(phone));
        }
    }

    /// Moves an e-mail, its domain in lower case.
    pub fn move_email(&mut self, name: &str) {
        if let Some(email) = self.take_text(name) {
            self.push(Field::Emails, tidy_email(email));
        }
    }

    /// Moves a time, as RFC 3339; one that cannot be parsed stays in the object.
    pub fn move_time(&mut self, name: &str, field: Field) {
        if let Some(time) = self.rest.get(name).and_then(time) {
            let _moved = self.take(name);
            self.set_text(field, time);
        }
    }

    /// Ends the reading: what is `null` in the object is no value.
    pub fn end(mut self) -> Incoming<'j> {
        self.rest.retain(|_, value| *value != Node::Null);
        self
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The contact as JSON at the end of `out`: that of [`Contact::to_json`].
    pub fn write_json(&self, out: &mut Vec<u8>) {
        (&self.contact as &dyn ContactView).write_json(out);
        if !self.rest.is_empty() && out.last() == Some(&b'}') {
            out.pop();
            // It has an id at least.
            out.extend_from_slice(b",\"native\":");
            self.rest.write(out);
            out.push(b'}');
        }
    }

    /// The contact with values of its own.
    pub fn into_contact(self) -> Contact {
        let mut contact = self.contact.into_contact();
        contact.native = self.rest.into();
        contact
    }
}

impl From<Incoming<'_>> for Found {
    fn from(mut incoming: Incoming<'_>) -> Found {
        let id = std::mem::take(&mut incoming.id).into_owned();
        Found { id, contact: incoming.into_contact() }
    }
}

/// A contact that is handed over.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is nearly always the large one, and lives shortly")]
pub enum Given<'j> {
    /// Its values are in the response.
    Incoming(Incoming<'j>),
    /// It has values of its own.
    Found(Found),
}

impl From<Given<'_>> for Found {
    fn from(given: Given<'_>) -> Found {
        match given {
            Given::Incoming(incoming) => incoming.into(),
            Given::Found(found) => found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_of_a_contact_is_what_it_becomes() {
        let json = r#"{"id": 7, "name": " Jose\u0301 ", "phone": "+593 99 123 4567", "mail": "Ana@Example.COM", "at": 1617146262,
            "none": null, "rest": [1.50, {"a": "\"x\""}], "plan": "gold", "blank": " "}"#;
        let Ok(Node::Object(object)) = Node::parse(json.as_bytes()) else { panic!("it is an object") };
        let mut incoming = Incoming::new(object);
        let Some(id) = incoming.take_text("id") else { panic!("it has an id") };
        incoming.set_id(id);
        incoming.move_text("name", Field::FirstName);
        incoming.move_text("blank", Field::LastName);
        incoming.move_phone("phone");
        incoming.move_email("mail");
        incoming.move_time("at", Field::CreatedAt);
        if let Some(plan) = incoming.take_text("plan") {
            incoming.set_attribute("plan".into(), plan);
        }
        let incoming = incoming.end();
        let mut written = Vec::new();
        incoming.write_json(&mut written);
        let found = Found::from(incoming);
        assert_eq!(found.id, "7");
        let (mut owned, expected) = (
            Vec::new(),
            r#"{"id":"7","first_name":"José","phone":"+593991234567","phones":["+593991234567"],"email":"Ana@example.com","emails":["Ana@example.com"],"created_at":"2021-03-30T23:17:42Z","attributes":{"plan":"gold"},"native":{"rest":[1.50,{"a":"\"x\""}]}}"#,
        );
        found.contact.write_json(&mut owned);
        assert_eq!(String::from_utf8_lossy(&written), expected);
        assert_eq!(String::from_utf8_lossy(&owned), expected);
    }
}
