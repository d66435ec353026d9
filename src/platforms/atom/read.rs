//! Reading clients: a client of a response as a contact.

use super::super::exchange::Found;
use super::super::reading::Incoming;
use super::super::value::{text_of, tidy};
use crate::contact::{Field, split_name};
use crate::json::{Node, Object};
use serde_json::Value;

/// Reads a client; `None` where it is none.
pub(super) fn read_client(client: Node<'_>) -> Option<Incoming<'_>> {
    let Node::Object(client) = client else { return None };
    let mut incoming = Incoming::new(client);
    let id = match incoming.take("id")? {
        id @ (Node::Text(_) | Node::Number(_)) => text_of(&id)?,
        _ => return None,
    };
    incoming.set_id(id);
    incoming.move_text("firstName", Field::FirstName);
    incoming.move_text("lastName", Field::LastName);
    read_legacy_name(&mut incoming);
    incoming.move_phone("phone");
    incoming.move_email("email");
    read_optionals(&mut incoming);
    read_tags(&mut incoming);
    read_user(&mut incoming);
    incoming.move_time("createdAt", Field::CreatedAt);
    incoming.move_time("updatedAt", Field::UpdatedAt);
    Some(incoming.end())
}

/// The same of a client that is parsed already.
pub(super) fn found_of(client: Value) -> Option<Found> {
    read_client(client.into()).map(Found::from)
}

/// Reads the one `name` of the older API.
fn read_legacy_name(client: &mut Incoming<'_>) {
    if client.has(Field::FirstName) || client.has(Field::LastName) {
        return;
    }
    if let Some(name) = client.take_text("name") {
        let (first, last) = split_name(&name);
        client.set_text(Field::FirstName, first);
        client.set_text(Field::LastName, last);
        client.set_text(Field::FullName, name);
    }
}

/// An object, or an array of objects with one key each (or `key` and `value`).
fn read_optionals(client: &mut Incoming<'_>) {
    let objects = match client.rest().remove("optionals") {
        Some(Node::Object(optionals)) => vec![optionals],
        Some(Node::List(items)) if items.iter().all(|item| matches!(item, Node::Object(_))) => {
            let object = |item| if let Node::Object(object) = item { Some(object) } else { None };
            items.into_iter().filter_map(object).collect()
        }
        Some(other) => return client.rest().set("optionals", other),
        None => return,
    };
    let mut raw = Object::default();
    for mut object in objects {
        if let (2, Some(Node::Text(_)), Some(_)) = (object.len(), object.get("key"), object.get("value")) {
            if let (Some(Node::Text(key)), Some(value)) = (object.remove("key"), object.remove("value")) {
                text_of(&value).into_iter().for_each(|value| client.set_attribute(key.clone(), value));
            }
            continue;
        }
        for (name, value) in object {
            text_of(&value).into_iter().for_each(|value| client.set_attribute(name.clone(), value));
            if !matches!(value, Node::Text(_) | Node::Null) {
                raw.set(name, value);
            }
        }
    }
    if !raw.is_empty() {
        client.rest().set(RAW_OPTIONALS, Node::Object(raw));
    }
}

/// The name under which custom fields that are not text are kept unchanged, so that a write sends them unchanged.
pub(super) const RAW_OPTIONALS: &str = "optionals";

/// An array of texts or of objects with a `name`; or one text with commas.
fn read_tags(client: &mut Incoming<'_>) {
    match client.take("tags") {
        Some(Node::List(tags)) => {
            let tags = tags.iter().filter_map(|tag| text_of(tag.get("name").unwrap_or(tag)));
            tags.for_each(|tag| client.push(Field::Tags, tag));
        }
        Some(Node::Text(tags)) => {
            tags.split(',').filter_map(tidy).for_each(|tag| client.push(Field::Tags, tag.into()));
        }
        _ => {}
    }
}

/// The agent; its values beside id and name are kept.
fn read_user(client: &mut Incoming<'_>) {
    match client.rest().remove("user") {
        Some(Node::Object(mut user)) => {
            for (name, field) in [("id", Field::OwnerId), ("name", Field::OwnerName)] {
                let value = user.remove(name).as_ref().and_then(text_of);
                value.into_iter().for_each(|value| client.set_text(field, value));
            }
            if !user.is_empty() {
                client.rest().set("user", Node::Object(user));
            }
        }
        Some(user) => text_of(&user).into_iter().for_each(|id| client.set_text(Field::OwnerId, id)),
        None => {}
    }
}
