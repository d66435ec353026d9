//! Whether a contact at the target is the wanted one, and by which values it can be looked up. Pure.

use super::who::Who;
use crate::contact::{Contact, Field};
use crate::identity::{IdentityValue, canonical, has_identity, identities_of, tells};
use crate::platforms::{Lookup, PlatformFacts};

/// The lists whose items can take a request each.
pub(crate) const LISTS: [Field; 3] = [Field::Phones, Field::Emails, Field::Handles];

/// How this identity value is looked up: as the contact has it, else in its comparable form.
pub(crate) fn lookup_by(contact: &Contact, identity: &IdentityValue) -> Lookup {
    let field = identity.field;
    let own = contact.list(field).iter().find(|value| canonical(field, value) == identity.value);
    let value = own.cloned().or_else(|| contact.text(field).map(str::to_owned)).unwrap_or_else(|| match field {
        Field::Phones => format!("+{}", identity.value),
        _ => identity.value.clone(),
    });
    Lookup { field, value }
}

/// How a contact is looked up on a platform that reads no contact by id.
pub(crate) fn lookup_of(facts: &PlatformFacts, contact: &Contact) -> Option<Lookup> {
    let fields = facts.finds_by.iter();
    fields.copied().find_map(|field| Some(Lookup { field, value: value_of(contact, field)? }))
}

/// The value by which a contact is looked up.
pub(crate) fn value_of(contact: &Contact, field: Field) -> Option<String> {
    match field.is_list() {
        true => contact.list(field).first().cloned(),
        false => contact.text(field).map(str::to_owned),
    }
}

/// Whether a contact that a link leads to also has an identity value of the record, or its name.
pub(crate) fn is_same_contact(wanted: &Contact, identities: &[IdentityValue], there: &Contact) -> bool {
    let name = |contact: &Contact| contact.whole_name().map(|name| name.to_lowercase());
    let is_same_name = name(wanted) == name(there);
    identities.iter().any(|identity| has_identity(there, identity))
        || (is_same_name && (is_bare(there) || name(wanted).is_some()))
}

/// Whether a contact has none of its lists. A partially created contact has a name at most, which may have been edited
/// since.
pub(crate) fn is_bare(there: &Contact) -> bool {
    !LISTS.into_iter().any(|field| there.has(field))
}

/// Whether the contact that this field found has other values of a field that is more distinctive.
pub(crate) fn is_weaker(who: &Who, by: Field, there: &Contact) -> bool {
    let stronger: Vec<&IdentityValue> = who.identities.iter().take_while(|identity| identity.field != by).collect();
    let is_other = |identity: &&IdentityValue| {
        let of_field = |other: &&&IdentityValue| other.field == identity.field;
        let has_one = stronger.iter().filter(of_field).any(|identity| has_identity(there, identity));
        !has_one && !identities_of(there, &[identity.field]).is_empty()
    };
    stronger.iter().any(is_other)
}

/// The identity values that lead to this contact from now on: those that it has, and an id that found it. A value that
/// the contact lacks may belong to another one.
pub(crate) fn links(who: &Who, by: Option<Field>, contact: &Contact) -> Vec<IdentityValue> {
    let is_by_id = |identity: &IdentityValue| by == Some(Field::TargetId) && identity.field == Field::TargetId;
    let leads = |identity: &&IdentityValue| is_by_id(identity) || has_identity(contact, identity);
    who.identities.iter().filter(leads).cloned().collect()
}

/// Every phone, e-mail and handle of a contact, in comparable form.
pub fn all_identities(contact: &Contact) -> Vec<IdentityValue> {
    let of = |field: Field| {
        let telling = contact.list(field).iter().filter(move |value| tells(field, value));
        telling.map(move |value| IdentityValue { field, value: canonical(field, value) })
    };
    LISTS.into_iter().flat_map(of).collect()
}
