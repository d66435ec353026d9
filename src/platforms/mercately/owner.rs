//! Owners: which agent of this account a contact belongs to.

use super::super::exchange::{Agent, Ready};
use crate::contact::{Contact, Field, Wanted};

/// The fields of the owner.
pub(super) const OWNER: [Field; 3] = [Field::OwnerEmail, Field::OwnerName, Field::OwnerId];

/// Converts an owner to the id of an agent of this account; returns the fields that cannot be carried.
pub(super) fn resolve_owner(ready: &Ready, wanted: &mut Wanted) -> Vec<String> {
    let given: Vec<Field> = OWNER.into_iter().filter(|&field| wanted.contact.has(field)).collect();
    if OWNER.into_iter().any(|field| wanted.clear.has(field)) {
        OWNER.into_iter().for_each(|field| wanted.clear.remove(field));
        if given.is_empty() {
            wanted.clear.insert(Field::OwnerId);
        }
    }
    if given.is_empty() {
        return Vec::new();
    }
    let agent = agent_for(ready, &wanted.contact);
    let other = agent.map(|agent| other_than(ready, agent, &wanted.contact)).unwrap_or_default();
    for &field in &given {
        wanted.contact.remove(field);
    }
    let Some(agent) = agent else { return given.into_iter().map(|field| field.name().to_owned()).collect() };
    for (is_in, set) in [
        (given.iter().all(|&field| wanted.fill.has(field)), &mut wanted.fill),
        (given.iter().any(|&field| wanted.force.has(field)), &mut wanted.force),
    ] {
        OWNER.into_iter().for_each(|field| set.remove(field));
        if is_in {
            set.insert(Field::OwnerId);
        }
    }
    wanted.contact.set_text(Field::OwnerId, agent.to_string());
    other
}

/// The e-mail and the name of an owner that differ from those of the agent that was found: they cannot be carried. An id of
/// another account does not count as a value of the owner.
fn other_than(ready: &Ready, agent: i64, contact: &Contact) -> Vec<String> {
    let Some(agent) = ready.agents.iter().find(|known| known.id == agent.to_string()) else { return Vec::new() };
    let pairs = [(Field::OwnerName, &agent.name), (Field::OwnerEmail, &agent.email)];
    let differs = |field: Field, known: &str| {
        contact.text(field).is_some_and(|given| given.to_lowercase() != known.to_lowercase())
    };
    let other = pairs.into_iter().filter(|(field, known)| differs(*field, known));
    other.map(|(field, _)| field.name().to_owned()).collect()
}

/// The id of the agent that is the contact's owner: found by e-mail, else by name, because ids of another account belong to
/// other agents; by id if nothing else is known. A name that two agents share finds neither.
pub(super) fn agent_for(ready: &Ready, contact: &Contact) -> Option<i64> {
    let the_one = |is_meant: &dyn Fn(&Agent) -> bool| {
        let mut meant = ready.agents.iter().filter(|agent| is_meant(agent));
        meant.next().filter(|_| meant.next().is_none())
    };
    let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    let (email, name) = (contact.text(Field::OwnerEmail), contact.text(Field::OwnerName));
    if email.is_some() || name.is_some() {
        let by_email = email.and_then(|email| the_one(&|agent| same(&agent.email, email)));
        let by_name = || name.and_then(|name| the_one(&|agent| same(&agent.name, name)));
        return by_email.or_else(by_name)?.id.parse().ok();
    }
    let id = contact.text(Field::OwnerId)?;
    let is_known = ready.agents.is_empty() || ready.agents.iter().any(|agent| agent.id == id);
    id.parse().ok().filter(|_| is_known)
}
