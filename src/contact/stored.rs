//! A contact whose values are still in the JSON that it is read from: in Ferry's own ([`super::Contact::to_json`]), which is
//! read here, or in that of a platform. JSON that a user may have edited is read by [`super::Contact::from_json`] instead.

use super::{Attribute, Contact, ContactView, FIELDS, Field, LIST_COUNT, TEXT_COUNT};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;

/// A contact whose values are still in its JSON, but for those with escaped characters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredContact<'j> {
    texts: [Option<Cow<'j, str>>; TEXT_COUNT],
    lists: [Vec<Cow<'j, str>>; LIST_COUNT],
    attributes: Vec<(Cow<'j, str>, Cow<'j, str>)>,
}

impl<'j> StoredContact<'j> {
    /// Reads a contact; `None` where the JSON is not what Ferry writes. What the source platform had beside the contact is
    /// passed over.
    pub fn parse(json: &'j str) -> Option<StoredContact<'j>> {
        let mut contact = StoredContact::default();
        let mut parser = serde_json::Deserializer::from_str(json);
        Group { contact: &mut contact, name: "" }.deserialize(&mut parser).ok()?;
        parser.end().ok()?;
        Some(contact)
    }

    /// Sets a text. A blank one removes the field; on a list field it does nothing.
    pub fn set_text(&mut self, field: Field, value: Cow<'j, str>) {
        if let Some(slot) = self.texts.get_mut(field as usize) {
            *slot = (!value.is_empty()).then_some(value);
        }
    }

    /// Adds an item to a list; on a text field it does nothing.
    pub fn push(&mut self, field: Field, item: Cow<'j, str>) {
        if let Some(list) = (field as usize).checked_sub(TEXT_COUNT).and_then(|at| self.lists.get_mut(at)) {
            list.push(item);
        }
    }

    /// Sets a custom field, in its place when it is there already.
    pub fn set_attribute(&mut self, name: Cow<'j, str>, value: Cow<'j, str>) {
        match self.attributes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.attributes.push((name, value)),
        }
    }

    /// The contact with values of its own.
    pub fn into_contact(self) -> Contact {
        let mut contact = Contact::default();
        let texts = self.texts.iter().enumerate();
        texts.for_each(|(place, text)| contact.texts.set(place, text.as_deref().unwrap_or_default()));
        let lists = contact.lists.iter_mut().zip(self.lists);
        lists.for_each(|(slot, items)| *slot = items.into_iter().map(Cow::into_owned).collect());
        let attributes = self.attributes.into_iter();
        contact.attributes =
            attributes.map(|(name, value)| Attribute { name: name.into(), value: value.into_owned() }).collect();
        contact
    }
}

impl ContactView for StoredContact<'_> {
    fn text(&self, field: Field) -> Option<&str> {
        self.texts.get(field as usize)?.as_deref()
    }

    fn item(&self, field: Field, index: usize) -> Option<&str> {
        let list = self.lists.get((field as usize).checked_sub(TEXT_COUNT)?)?;
        list.get(index).map(|item| &**item)
    }

    fn attribute_at(&self, index: usize) -> Option<(&str, &str)> {
        self.attributes.get(index).map(|(name, value)| (&**name, &**value))
    }

    fn native(&self) -> Option<&Map<String, Value>> {
        None
    }
}

/// A text that is borrowed where it can be.
#[derive(Deserialize)]
struct Text<'j>(#[serde(borrow)] Cow<'j, str>);

/// The fields of a contact, or those of a group (`address`).
struct Group<'c, 'j> {
    contact: &'c mut StoredContact<'j>,
    name: &'static str,
}

impl<'j> Group<'_, 'j> {
    /// The field of this name, and its place; `from` is where it is looked for first, because fields have an order.
    fn field(&self, name: &str, from: usize) -> Option<(usize, Field)> {
        let is_it = |full: &str| match self.name {
            "" => full == name,
            group => full.split_once('.') == Some((group, name)),
        };
        let places = (from..FIELDS.len()).chain(0..from);
        places
            .filter_map(|at| Some((at, FIELDS.get(at)?)))
            .find(|(_, (_, full))| is_it(full))
            .map(|(at, (field, _))| (at, *field))
    }

    fn put<A: MapAccess<'j>>(&mut self, field: Field, map: &mut A) -> Result<(), A::Error> {
        if let Some(list) = (field as usize).checked_sub(TEXT_COUNT).and_then(|at| self.contact.lists.get_mut(at)) {
            *list = map.next_value::<Vec<Text<'j>>>()?.into_iter().map(|Text(item)| item).collect();
        } else if let Some(text) = self.contact.texts.get_mut(field as usize) {
            *text = Some(map.next_value::<Text<'j>>()?.0);
        }
        Ok(())
    }

    fn put_other<A: MapAccess<'j>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        let is_group = |full: &'static str| full.split_once('.').map(|(group, _)| group).filter(|group| *group == name);
        match FIELDS.iter().find_map(|(_, full)| is_group(full)) {
            _ if !self.name.is_empty() => map.next_value::<IgnoredAny>().map(drop),
            Some(name) => map.next_value_seed(Group { contact: &mut *self.contact, name }),
            None if name == "attributes" => map.next_value_seed(Attributes(&mut self.contact.attributes)),
            // `phone` and `email` are the first items of their lists.
            None => map.next_value::<IgnoredAny>().map(drop),
        }
    }
}

impl<'j> DeserializeSeed<'j> for Group<'_, 'j> {
    type Value = ();

    fn deserialize<D: Deserializer<'j>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'j> Visitor<'j> for Group<'_, 'j> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the fields of a contact")
    }

    fn visit_map<A: MapAccess<'j>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut next = 0;
        while let Some(Text(name)) = map.next_key()? {
            match self.field(&name, next) {
                Some((at, field)) => {
                    self.put(field, &mut map)?;
                    next = at + 1;
                }
                None => self.put_other(&name, &mut map)?,
            }
        }
        Ok(())
    }
}

/// The custom fields of a contact.
struct Attributes<'c, 'j>(&'c mut Vec<(Cow<'j, str>, Cow<'j, str>)>);

impl<'j> DeserializeSeed<'j> for Attributes<'_, 'j> {
    type Value = ();

    fn deserialize<D: Deserializer<'j>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'j> Visitor<'j> for Attributes<'_, 'j> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("custom fields")
    }

    fn visit_map<A: MapAccess<'j>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((Text(name), Text(value))) = map.next_entry()? {
            self.0.push((name, value));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::Contact;

    fn whole() -> Contact {
        let mut contact = Contact::default();
        for (field, name) in FIELDS {
            match field.is_list() {
                true => contact.list_mut(field).extend([format!("{name} 1"), format!("{name} \"2\"\u{1f600}")]),
                false => contact.set_text(field, format!("{name}\nof \u{e9}")),
            }
        }
        contact.set_attribute("plan", "gold");
        contact.set_attribute("notes", "");
        contact.set_attribute("a \"b\"", "x");
        contact
            .native
            .insert("deep".to_owned(), serde_json::json!({"id": [1, {"phones": 2.50}], "attributes": {"x": "y"}}));
        contact
    }

    fn written(contact: &dyn ContactView) -> String {
        let mut json = Vec::new();
        contact.write_json(&mut json);
        String::from_utf8_lossy(&json).into_owned()
    }

    #[test]
    fn what_is_stored_is_read_as_it_is_and_borrowed() {
        let mut contacts = vec![Contact::default(), whole()];
        for (field, _) in FIELDS {
            let (mut alone, mut without) = (Contact::default(), whole());
            match field.is_list() {
                true => alone.list_mut(field).push("x".to_owned()),
                false => alone.set_text(field, "x"),
            }
            without.remove(field);
            contacts.extend([alone, without]);
        }
        for mut contact in contacts {
            let json = written(&contact);
            let Some(stored) = StoredContact::parse(&json) else { panic!("{json}") };
            contact.native.clear();
            assert_eq!(written(&stored), written(&contact), "{json}");
            assert_eq!(stored.into_contact(), contact, "{json}");
        }
        let json = r#"{"id":"7","notes":"a\nb","attributes":{"plan":"gold"}}"#;
        let Some(stored) = StoredContact::parse(json) else { panic!("it is a contact") };
        let is_borrowed = |field: Field| matches!(stored.texts[field as usize], Some(Cow::Borrowed(_)));
        assert!(is_borrowed(Field::Id) && !is_borrowed(Field::Notes), "an escaped text is copied");
        assert!(matches!(stored.attributes[..], [(Cow::Borrowed("plan"), Cow::Borrowed("gold"))]));
    }

    #[test]
    fn what_ferry_does_not_write_is_refused() {
        for json in
            ["", "[1]", "{", "{} x", r#"{"id":7}"#, r#"{"phones":"x"}"#, r#"{"address":1}"#, r#"{"attributes":[]}"#]
        {
            assert!(StoredContact::parse(json).is_none(), "{json}");
        }
    }
}
