//! Reading customers and agents: those of a response as contacts.

use super::super::exchange::{Agent, Found};
use super::super::reading::Incoming;
use super::super::value::{text, text_of};
use crate::contact::Field;
use crate::json::Node;
use serde_json::Value;

/// Texts of a contact and their names at the platform, in the order of its documents.
pub(super) const TEXTS: [(Field, &str); 9] = [
    (Field::FirstName, "first_name"),
    (Field::LastName, "last_name"),
    (Field::Notes, "notes"),
    (Field::Street, "address"),
    (Field::City, "city"),
    (Field::State, "state"),
    (Field::Zip, "zip_code"),
    (Field::DocumentType, "id_type"),
    (Field::DocumentNumber, "id_number"),
];

/// Reads a customer; `None` where it is none.
pub(super) fn read_customer(customer: Node<'_>) -> Option<Incoming<'_>> {
    let Node::Object(customer) = customer else { return None };
    let mut incoming = Incoming::new(customer);
    let id = incoming.take_text("id")?;
    incoming.set_id(id);
    for (field, name) in TEXTS {
        incoming.move_text(name, field);
    }
    incoming.move_phone("phone");
    incoming.move_email("email");
    read_country(&mut incoming);
    read_tags(&mut incoming);
    read_custom_fields(&mut incoming);
    read_owner(&mut incoming);
    incoming.move_time("creation_date", Field::CreatedAt);
    Some(incoming.end())
}

/// Two letters on the customer; a number (an id of the platform's own) stays as it is.
fn read_country(customer: &mut Incoming<'_>) {
    let is_code = |code: &&str| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    let code = customer.rest().get("country_id").and_then(Node::as_text).map(str::trim).filter(is_code);
    if let Some(code) = code.map(str::to_uppercase) {
        customer.set_text(Field::Country, code);
        let _code = customer.take("country_id");
    }
}

/// `{"tag", "web_id"}`, in a newer schema `{"name", "value"}`, where `false` is a tag that the customer does not have.
fn read_tags(customer: &mut Incoming<'_>) {
    let Some(Node::List(tags)) = customer.take("tags") else { return };
    let is_there = |tag: &&Node<'_>| tag.get("value").and_then(Node::as_bool) != Some(false);
    for tag in tags.iter().filter(is_there) {
        let name = text_of(tag.get("tag").or_else(|| tag.get("name")).unwrap_or(tag));
        name.into_iter().for_each(|name| customer.push(Field::Tags, name));
    }
}

/// The key of the value ends in a colon; newer schemas omit it.
fn read_custom_fields(customer: &mut Incoming<'_>) {
    let Some(Node::List(fields)) = customer.take("custom_fields") else { return };
    for field in fields {
        let content = ["field_content:", "field_content"].into_iter().find_map(|key| text_of(field.get(key)?));
        let Node::Object(mut field) = field else { continue };
        if let (Some(Node::Text(name)), Some(content)) = (field.remove("field_name"), content) {
            customer.set_attribute(name, content);
        }
    }
}

/// An agent as an object, or its number under either name.
fn read_owner(customer: &mut Incoming<'_>) {
    customer.move_text("agent_id", Field::OwnerId);
    match customer.take("agent") {
        Some(Node::Null) | None => {}
        Some(agent @ Node::Object(_)) => {
            let agent = agent_of(&agent.into());
            for (field, value) in
                [(Field::OwnerId, agent.id), (Field::OwnerName, agent.name), (Field::OwnerEmail, agent.email)]
            {
                if !value.is_empty() {
                    customer.set_text(field, value);
                }
            }
        }
        Some(number) => text_of(&number).into_iter().for_each(|id| customer.set_text(Field::OwnerId, id)),
    }
}

/// The same of a customer that is parsed already.
pub(super) fn found_of(customer: Value) -> Option<Found> {
    read_customer(customer.into()).map(Found::from)
}

/// Reads an agent; `None` where it is none.
pub(super) fn read_agent(agent: &Value) -> Option<Agent> {
    Some(agent_of(agent)).filter(|agent| !agent.id.is_empty())
}

fn agent_of(agent: &Value) -> Agent {
    let part = |name| agent.get(name).and_then(text);
    let names: Vec<String> = ["first_name", "last_name"].into_iter().filter_map(part).collect();
    Agent {
        id: part("id").unwrap_or_default(),
        name: part("name").filter(|_| names.is_empty()).unwrap_or_else(|| names.join(" ")),
        email: part("email").unwrap_or_default(),
    }
}
