//! What a found contact and a wanted one have in common: identity values, look-ups, and rows of a snapshot. Pure.

use super::LISTS;
use crate::scratch::snapshot::SnapshotBuilder;
use crate::contact::{Contact, Field};
use crate::identity::{IdentityValue, canonical, has_identity as has, tells};
use crate::outcome::Failure;
use crate::platforms::{Connector, Found, Lookup, Page};
use serde_json::{Map, Value};

/// How this identity value is looked up: as the contact has it, else in its comparable form.
pub(super) fn lookup_by(contact: &Contact, identity: &IdentityValue) -> Lookup {
    let field = identity.field;
    let own = contact.list(field).iter().find(|value| canonical(field, value) == identity.value);
    let value = own.cloned().or_else(|| contact.text(field).map(str::to_owned)).unwrap_or_else(|| match field {
        Field::Phones => format!("+{}", identity.value),
        _ => identity.value.clone(),
    });
    Lookup { field, value }
}

/// Whether the contact at the target has anything of the person but a link: one of its identity values, or its name.
pub(super) fn is_same_person(wanted: &Contact, identities: &[IdentityValue], there: &Contact) -> bool {
    let name = |contact: &Contact| contact.whole_name().map(|name| name.to_lowercase());
    let is_same_name = name(wanted) == name(there);
    identities.iter().any(|identity| has(there, identity))
        || (is_same_name && (is_bare(there) || name(wanted).is_some()))
}

/// Whether a contact has none of its lists. A partially created contact has a name at most, which may have been edited
/// since.
pub(super) fn is_bare(there: &Contact) -> bool {
    !LISTS.into_iter().any(|field| there.has(field))
}

/// How a contact is looked up on a platform that reads no contact by id.
pub fn lookup_of(connector: &dyn Connector, contact: &Contact) -> Option<Lookup> {
    let fields = connector.platform().finds_by.iter();
    fields.copied().find_map(|field| Some(Lookup { field, value: value_of(contact, field)? }))
}

/// The value by which a contact is looked up.
pub(super) fn value_of(contact: &Contact, field: Field) -> Option<String> {
    match field.is_list() {
        true => contact.list(field).first().cloned(),
        false => contact.text(field).map(str::to_owned),
    }
}

/// Puts a page into the snapshot; how many of it this pass had not met before.
pub(super) fn add_page(filling: &mut SnapshotBuilder, pass: u32, page: &Page) -> Result<u64, Failure> {
    let mut rows: Vec<(&str, String, Vec<IdentityValue>)> = Vec::with_capacity(page.found.len());
    for found in &page.found {
        let mut json = Vec::new();
        let mut contact = found.contact.clone();
        contact.native = Map::new();
        contact.write_json(&mut json);
        rows.push((&found.id, String::from_utf8_lossy(&json).into_owned(), all_identities(&found.contact)));
    }
    let rows: Vec<(&str, &str, &[IdentityValue])> =
        rows.iter().map(|(id, json, values)| (*id, &**json, &**values)).collect();
    filling.add(pass, &rows)
}

/// Every phone, e-mail and handle of a contact, comparable.
pub fn all_identities(contact: &Contact) -> Vec<IdentityValue> {
    let of = |field: Field| {
        let telling = contact.list(field).iter().filter(move |value| tells(field, value));
        telling.map(move |value| IdentityValue { field, value: canonical(field, value) })
    };
    [Field::Phones, Field::Emails, Field::Handles].into_iter().flat_map(of).collect()
}

pub(super) fn found_of(id: &str, json: &str) -> Found {
    let contact = match serde_json::from_str(json) {
        Ok(Value::Object(object)) => Contact::from_json(&object),
        _ => Contact::default(),
    };
    Found { id: id.to_owned(), contact }
}
