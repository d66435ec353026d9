//! The fields that the page offers: what each is called, to which group it belongs, and which verbs its form has. Derived
//! from the fields of a contact; it reads no mapping.

use crate::contact::{FIELDS, Field};
use crate::mapping::VERBS;

/// A field as a mapping names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFacts {
    /// In a mapping: `phone`, `address.city`.
    pub key: &'static str,
    /// For readers.
    pub title: String,
    /// The heading that it stands under.
    pub group: &'static str,
    /// Of the contact.
    pub field: Field,
}

/// What every form has.
const COMMON: [&str; 4] = ["default", "required", "optional", "on_existing"];
/// What the form of a text has besides.
const OF_TEXT: [&str; 10] =
    ["split", "join", "date", "lower", "upper", "title", "lookup", "otherwise", "number", "bool"];
/// What the form of a list has besides.
const OF_LIST: [&str; 6] = ["split", "lower", "upper", "title", "lookup", "add"];

/// All fields, in the order of the page.
pub fn all_fields() -> Vec<FieldFacts> {
    let mut fields = Vec::new();
    for (field, name) in FIELDS {
        let first = match field {
            Field::Phones => Some("phone"),
            Field::Emails => Some("email"),
            _ => None,
        };
        fields.extend(first.into_iter().chain([name]).map(|key| facts(key, field)));
    }
    fields.sort_by_key(|facts| GROUPS.iter().position(|group| *group == facts.group));
    fields
}

/// The groups in the order of the page.
const GROUPS: [&str; 7] = ["Name", "Phone, e-mail", "Tags and notes", "Address", "Document", "Agent", "System"];

fn facts(key: &'static str, field: Field) -> FieldFacts {
    use Field::{
        City, Country, DocumentNumber, DocumentType, Emails, FirstName, FullName, Handles, LastName, Notes, OwnerEmail,
        OwnerId, OwnerName, Phones, State, Street, Tags, Zip,
    };
    let group = match field {
        FirstName | LastName | FullName => "Name",
        Phones | Emails | Handles => "Phone, e-mail",
        Tags | Notes => "Tags and notes",
        Street | City | State | Zip | Country => "Address",
        DocumentType | DocumentNumber => "Document",
        OwnerId | OwnerName | OwnerEmail => "Agent",
        _ => "System",
    };
    FieldFacts { key, title: title_of(key), group, field }
}

fn title_of(key: &str) -> String {
    let words = match key {
        "email" => "e-mail".to_owned(),
        "emails" => "e-mails, further".to_owned(),
        "phones" => "phones, further".to_owned(),
        "id" => "id in the source".to_owned(),
        "target_id" => "id at the target".to_owned(),
        _ => key.trim_start_matches("address.").replace(['_', '.'], " ").replace("owner", "agent"),
    };
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The verbs that a form shows; others stay as they are in the mapping.
pub fn verbs_of(key: &str) -> Vec<&'static str> {
    let field = if key.starts_with("attributes.") { None } else { Field::named(key) };
    let mut verbs: Vec<&str> = match field {
        Some(field) if field.is_list() => OF_LIST.to_vec(),
        _ => OF_TEXT.to_vec(),
    };
    match field {
        Some(Field::Phones) => verbs.extend(["otherwise", "mobile_first"]),
        Some(Field::Emails) => verbs.push("otherwise"),
        Some(Field::Tags) => verbs.extend(["list", "otherwise", "mode"]),
        _ => {}
    }
    verbs.extend(COMMON);
    let order = |verb: &&str| VERBS.iter().position(|known| known.name == *verb);
    verbs.sort_by_key(order);
    verbs
}
