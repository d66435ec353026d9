//! Writing a contact as a card: of version 3.0, which every phone reads, or of 4.0.
//!
//! Values that vCard has no property for are kept under labels that the reader knows again. What else a source platform
//! sent (`native`) is not written.

use super::card::FIELD;
use super::text::{LINE_END, escaped, fold};
use crate::contact::{ContactView, Field, split_name};
use crate::files::rows::CardVersion;

const BIRTHDAY: &str = "BDAY";

/// Attributes that have a property of their own.
const OWN: [(&str, &str); 5] =
    [("Title", "TITLE"), ("Role", "ROLE"), ("Nickname", "NICKNAME"), ("Birthday", BIRTHDAY), ("URL", "URL")];

/// Under which name an attribute stands that has none.
const ATTRIBUTE: &str = "X-ATTRIBUTE";

/// Fields that vCard has no property for.
const LABELLED: [Field; 8] = [
    Field::TargetId,
    Field::DocumentType,
    Field::DocumentNumber,
    Field::OwnerId,
    Field::OwnerName,
    Field::OwnerEmail,
    Field::CreatedAt,
    Field::UpdatedAt,
];

/// Writes a contact as a card at the end of `out`.
pub fn put_card(contact: &dyn ContactView, version: CardVersion, out: &mut Vec<u8>) {
    let mut card = CardText { version, ..CardText::default() };
    card.line("BEGIN:VCARD");
    card.line(match version {
        CardVersion::V3 => "VERSION:3.0",
        CardVersion::V4 => "VERSION:4.0",
    });
    card.names(contact);
    let text = |field| contact.text(field).unwrap_or_default();
    card.phones_and_emails(contact);
    let address =
        [Field::Street, Field::City, Field::State, Field::Zip, Field::Country].map(|field| escaped(text(field)));
    if address.iter().any(|part| !part.is_empty()) {
        card.line(&format!("ADR:;;{}", address.join(";")));
    }
    contact.items(Field::Handles).for_each(|handle| card.line(&format!("IMPP:{}", escaped(handle))));
    let tags: Vec<String> = contact.items(Field::Tags).map(escaped).collect();
    if !tags.is_empty() {
        card.line(&format!("CATEGORIES:{}", tags.join(",")));
    }
    card.attributes(contact);
    card.property("NOTE", text(Field::Notes));
    card.property("UID", text(Field::Id));
    LABELLED.into_iter().for_each(|field| card.labelled(FIELD, field.name(), text(field)));
    card.line("END:VCARD");
    out.extend_from_slice(card.text.as_bytes());
}

/// A phone in international form.
fn is_number(phone: &str) -> bool {
    phone.strip_prefix('+').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `1988-03-14`.
fn is_date(text: &str) -> bool {
    let is_right = |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(is_right)
}

/// The lines of a card.
#[derive(Default)]
struct CardText {
    version: CardVersion,
    text: String,
    /// How many values have a label.
    groups: usize,
}

impl CardText {
    fn line(&mut self, line: &str) {
        fold(line, LINE_END, &mut self.text);
    }

    fn phones_and_emails(&mut self, contact: &dyn ContactView) {
        for (at, phone) in contact.items(Field::Phones).enumerate() {
            let line = match (self.version, at, is_number(phone)) {
                (CardVersion::V3, 0, _) => format!("TEL;TYPE=VOICE,PREF:{}", escaped(phone)),
                (CardVersion::V3, ..) => format!("TEL;TYPE=VOICE:{}", escaped(phone)),
                (CardVersion::V4, 0, true) => format!("TEL;VALUE=uri;TYPE=voice;PREF=1:tel:{phone}"),
                (CardVersion::V4, _, true) => format!("TEL;VALUE=uri;TYPE=voice:tel:{phone}"),
                // What is kept although it is no number.
                (CardVersion::V4, _, false) => format!("TEL;VALUE=text;TYPE=voice:{}", escaped(phone)),
            };
            self.line(&line);
        }
        let name = match self.version {
            CardVersion::V3 => "EMAIL;TYPE=INTERNET",
            CardVersion::V4 => "EMAIL",
        };
        contact.items(Field::Emails).for_each(|email| self.line(&format!("{name}:{}", escaped(email))));
    }

    /// A property with a text; a blank one is left out.
    fn property(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.line(&format!("{name}:{}", escaped(text)));
        }
    }

    /// The same with a label of its own.
    fn labelled(&mut self, name: &str, label: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        self.groups += 1;
        let group = format!("item{}", self.groups);
        self.line(&format!("{group}.{name}:{}", escaped(text)));
        self.line(&format!("{group}.X-ABLabel:{}", escaped(label)));
    }

    /// `N` and `FN`, both of which a card must have: each is made of the other where the contact has only one.
    fn names(&mut self, contact: &dyn ContactView) {
        let text = |field| contact.text(field).unwrap_or_default();
        let (first, last, whole) = (text(Field::FirstName), text(Field::LastName), text(Field::FullName));
        let (first, last) = match first.is_empty() && last.is_empty() {
            true => split_name(whole),
            false => (first.to_owned(), last.to_owned()),
        };
        let attribute = |name: &str| escaped(contact.attribute(name).unwrap_or_default());
        let (prefix, suffix) = (attribute("Name Prefix"), attribute("Name Suffix"));
        let joined = [first.as_str(), &last].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        let shown = [whole, &joined, contact.item(Field::Emails, 0).unwrap_or_default()];
        let shown = shown.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        self.line(&format!("N:{};{};;{prefix};{suffix}", escaped(&last), escaped(&first)));
        self.line(&format!("FN:{}", escaped(shown)));
    }

    fn attributes(&mut self, contact: &dyn ContactView) {
        let company = contact.attribute("Company").unwrap_or_default();
        let department = contact.attribute("Department").unwrap_or_default();
        if !company.is_empty() {
            let department = if department.is_empty() { String::new() } else { format!(";{}", escaped(department)) };
            self.line(&format!("ORG:{}{department}", escaped(company)));
        }
        for (name, value) in contact.attributes() {
            let own = OWN.iter().find(|(attribute, _)| *attribute == name);
            match own {
                _ if matches!(name, "Company" | "Name Prefix" | "Name Suffix") => {}
                _ if name == "Department" && !company.is_empty() => {}
                // RFC 6350, 4.3.1: a date has no signs between its parts.
                Some((_, property)) if *property == BIRTHDAY && self.version == CardVersion::V4 && is_date(value) => {
                    self.property(property, &value.replace('-', ""));
                }
                Some((_, property)) => self.property(property, value),
                None => self.labelled(ATTRIBUTE, name, value),
            }
        }
    }
}
