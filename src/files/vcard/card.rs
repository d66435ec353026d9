//! What a card says about its contact, as an object with the names of a contact's fields.

use super::address::{Address, taken};
use super::decode::{NoText, Writing};
use super::handles::{handle_of, is_handle};
use super::lines::{Line, Lines};
use super::phones::{Use, number_of, use_of};
use crate::contact::Field;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// What is about the file and the program, not the contact.
const TECHNICAL: [&str; 29] = [
    "BEGIN",
    "END",
    "VERSION",
    "PRODID",
    "REV",
    "PROFILE",
    "SOURCE",
    "CLIENTPIDMAP",
    "XML",
    "MAILER",
    "KIND",
    "SORT-STRING",
    "X-ABLABEL",
    "X-ABADR",
    "X-ABUID",
    "X-ABSHOWAS",
    "X-ADDRESSBOOKSERVER-KIND",
    "X-IMAGETYPE",
    "X-IMAGEHASH",
    "X-SHARED-PHOTO-DISPLAY-PREF",
    "X-MS-OL-DESIGN",
    "X-MS-OL-DEFAULT-POSTAL-ADDRESS",
    "X-CLASS",
    "X-EVOLUTION-FILE-AS",
    "X-FILE-AS",
    "X-RADICALE-NAME",
    "X-ICLOUD-UPDATED",
    "X-NC-SCOPE",
    "X-ABCROP-RECTANGLE",
];

/// Properties that become attributes under a name that users know.
const NAMED: [(&str, &str); 24] = [
    ("TITLE", "Title"),
    ("ROLE", "Role"),
    ("NICKNAME", "Nickname"),
    ("URL", "URL"),
    ("GENDER", "Gender"),
    ("X-GENDER", "Gender"),
    ("BDAY", "Birthday"),
    ("ANNIVERSARY", "Anniversary"),
    ("X-ANNIVERSARY", "Anniversary"),
    ("X-EVOLUTION-ANNIVERSARY", "Anniversary"),
    ("X-ABDATE", "Date"),
    ("X-ABRELATEDNAMES", "Related"),
    ("RELATED", "Related"),
    ("X-SPOUSE", "Spouse"),
    ("X-EVOLUTION-SPOUSE", "Spouse"),
    ("X-MANAGER", "Manager"),
    ("X-EVOLUTION-MANAGER", "Manager"),
    ("X-ASSISTANT", "Assistant"),
    ("X-EVOLUTION-ASSISTANT", "Assistant"),
    ("X-PHONETIC-FIRST-NAME", "Phonetic First Name"),
    ("X-PHONETIC-LAST-NAME", "Phonetic Last Name"),
    ("LANG", "Language"),
    ("TZ", "Time Zone"),
    ("GEO", "Location"),
];

/// Under which name a field of a contact stands that vCard has no property for; its label names the field.
pub(super) const FIELD: &str = "X-FIELD";

/// The longest value of a property that has no meaning here; a longer one is left out and counted.
const OTHER_LEN_MAX: usize = 1 << 10;

/// Labels of contacts that the exporting system gives to all or to favourites.
const SYSTEM_LABELS: [&str; 3] = ["mycontacts", "starred", "othercontacts"];

/// A card that was read.
#[derive(Debug, Default)]
pub(super) struct Card {
    /// The contact.
    pub object: Map<String, Value>,
    /// Pictures, sounds and keys that were left out, and their bytes.
    pub media: (u64, u64),
    /// Long values without a known meaning that were left out.
    pub long: u64,
    /// Whether it is a group of contacts and none itself.
    pub is_group: bool,
}

/// A property that is no text.
#[derive(Debug)]
pub(super) struct BadProperty {
    pub name: String,
    /// Its line in the card, from 0.
    pub line: u64,
    pub no_text: NoText,
}

/// What is gathered from the properties of a card.
#[derive(Default)]
struct Gathered {
    name: Vec<String>,
    whole: Vec<(u8, String)>,
    company: Vec<String>,
    phones: Vec<(usize, String)>,
    emails: Vec<(u8, String)>,
    addresses: Vec<Address>,
    handles: Vec<String>,
    tags: Vec<String>,
    notes: Vec<String>,
    id: String,
    attributes: Map<String, Value>,
    /// Fields of a contact by their names.
    fields: Vec<(&'static str, String)>,
}

/// The contact of a card.
pub(super) fn card_of(lines: &Lines, writing: Writing) -> Result<Card, BadProperty> {
    let mut card = Card::default();
    let mut gathered = Gathered::default();
    let labels = labels_of(lines, writing);
    for line in &lines.all {
        if line.head.is_media() {
            card.media = (card.media.0 + 1, card.media.1 + line.len);
            continue;
        }
        let label = line.head.group.as_ref().and_then(|group| labels.get(group)).map(String::as_str);
        gathered.add(line, label, writing, &mut card).map_err(|no_text| BadProperty {
            name: line.head.name.clone(),
            line: line.line,
            no_text,
        })?;
    }
    card.object = gathered.object();
    Ok(card)
}

/// The labels that Apple and Google give to the properties of a group.
fn labels_of(lines: &Lines, writing: Writing) -> HashMap<String, String> {
    let labels = lines.all.iter().filter(|line| line.head.name == "X-ABLABEL");
    let label = |line: &Line| {
        let text = writing.text(line).ok()?;
        let bare = text.strip_prefix("_$!<").and_then(|text| text.strip_suffix(">!$_"));
        Some((line.head.group.clone()?, bare.map_or(text.clone(), str::to_owned)))
    };
    labels.filter_map(label).collect()
}

impl Gathered {
    fn add(&mut self, line: &Line, label: Option<&str>, writing: Writing, card: &mut Card) -> Result<(), NoText> {
        let head = &line.head;
        match head.name.as_str() {
            "N" => self.name = writing.name(line)?,
            "FN" => self.whole.push((head.preference(), writing.text(line)?)),
            "ORG" => self.company(writing.parts(line)?),
            "TEL" => self.phone(line, label, &writing.text(line)?),
            "EMAIL" if head.has_type(&["x400"]) => self.attribute("X400", writing.text(line)?),
            "EMAIL" => self.emails.push((head.preference(), writing.text(line)?)),
            "ADR" => self.addresses.extend(Address::of(head, &writing.parts(line)?)),
            "NOTE" => self.notes.extend(Some(writing.text(line)?).filter(|note| !note.is_empty())),
            "CATEGORIES" | "CATEGORY" => self.tags.extend(writing.items(line)?.into_iter().filter_map(tag)),
            "UID" => self.id = writing.text(line)?,
            "KIND" | "X-ADDRESSBOOKSERVER-KIND" => {
                card.is_group |= writing.text(line)?.eq_ignore_ascii_case("group");
            }
            "X-ANDROID-CUSTOM" => self.android(&writing.parts(line)?),
            "BDAY" | "ANNIVERSARY" | "X-ANNIVERSARY" | "X-EVOLUTION-ANNIVERSARY" | "X-ABDATE" => {
                let date = date_of(&writing.text(line)?, head.parameter("X-APPLE-OMIT-YEAR"));
                self.attribute(named(&head.name, label).as_ref(), date);
            }
            "LABEL" => self.attribute("Address Label", writing.text(line)?.replace('\n', ", ")),
            name if is_handle(name) => self.handles.extend(handle_of(head, &writing.text(line)?)),
            name if TECHNICAL.contains(&name) => {}
            FIELD if field_of(label).is_some() => {
                let text = writing.text(line)?;
                self.fields.extend(field_of(label).map(|field| (field, text)));
            }
            name => {
                let text = writing.text(line)?;
                if text.len() > OTHER_LEN_MAX && label.is_none() {
                    card.long += 1;
                } else {
                    self.attribute(named(name, label).as_ref(), text);
                }
            }
        }
        Ok(())
    }

    fn company(&mut self, parts: Vec<String>) {
        let mut parts = parts.into_iter().filter(|part| !part.is_empty());
        let Some(company) = parts.next() else { return };
        self.company.push(company.clone());
        self.attribute("Company", company);
        self.attribute("Department", parts.collect::<Vec<_>>().join(", "));
    }

    fn phone(&mut self, line: &Line, label: Option<&str>, text: &str) {
        let number = number_of(text);
        if number.is_empty() {
            return;
        }
        if text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sip:")) {
            self.handles.push(text.to_owned());
            return;
        }
        match use_of(&line.head, label) {
            Use::Phone(rank) => self.phones.push((rank, number)),
            Use::Other(name) => self.attribute(name, number),
        }
    }

    /// What Android keeps in properties of its own: the kind, then its columns.
    fn android(&mut self, parts: &[String]) {
        let Some((kind, columns)) = parts.split_first() else { return };
        let kind = kind.rsplit('/').next().unwrap_or_default();
        let value = columns.iter().find(|column| !column.is_empty()).cloned().unwrap_or_default();
        let name = match kind {
            "nickname" => "Nickname",
            "contact_event" => "Date",
            "relation" => "Related",
            other => other,
        };
        self.attribute(name, value);
    }

    /// Adds an attribute; another value of the same name gets a number.
    fn attribute(&mut self, name: &str, value: String) {
        if value.is_empty() || name.is_empty() {
            return;
        }
        let numbered = |number: usize| if number == 1 { name.to_owned() } else { format!("{name} {number}") };
        // A card has fewer properties than this.
        for number in 1..=super::lines::PROPERTIES_MAX {
            match self.attributes.get(&numbered(number)) {
                Some(known) if known.as_str() == Some(&value) => return,
                Some(_) => {}
                None => {
                    self.attributes.insert(numbered(number), Value::from(value));
                    return;
                }
            }
        }
    }

    /// The contact.
    fn object(mut self) -> Map<String, Value> {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        let (address, others) = taken(std::mem::take(&mut self.addresses));
        others.into_iter().for_each(|text| self.attribute("Other Address", text));
        let names = self.names();
        if !self.id.is_empty() {
            put("id", Value::from(self.id));
        }
        names.into_iter().for_each(|(name, text)| put(name, Value::from(text)));
        self.phones.sort_by_key(|(rank, _)| *rank);
        self.emails.sort_by_key(|(preference, _)| *preference);
        let phones = self.phones.into_iter().map(|(_, phone)| phone).collect();
        let emails = self.emails.into_iter().map(|(_, email)| email).collect();
        for (name, items) in [("phones", phones), ("emails", emails), ("handles", self.handles), ("tags", self.tags)] {
            let items = distinct(items);
            if !items.is_empty() {
                put(name, Value::Array(items));
            }
        }
        if !address.is_empty() {
            put("address", Value::Object(address));
        }
        if !self.notes.is_empty() {
            put("notes", Value::from(self.notes.join("\n")));
        }
        for (name, text) in self.fields {
            put_at(&mut object, name, text);
        }
        let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        if !self.attributes.is_empty() {
            put("attributes", Value::Object(self.attributes));
        }
        object
    }

    /// The first, last and whole name. A whole name that has only words of its parts is those.
    fn names(&mut self) -> Vec<(&'static str, String)> {
        let part = |at: usize| self.name.get(at).cloned().unwrap_or_default();
        let (last, prefix, suffix) = (part(0), part(3), part(4));
        let first = [part(1), part(2)].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        self.whole.sort_by_key(|(preference, _)| *preference);
        let mut wholes =
            std::mem::take(&mut self.whole).into_iter().map(|(_, whole)| whole).filter(|it| !it.is_empty());
        let whole = wholes.next();
        wholes.for_each(|other| self.attribute("Other Name", other));
        let joined = [first.as_str(), &last].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        let parts = words([first.as_str(), &last, &prefix, &suffix].join(" "));
        self.attribute("Name Prefix", prefix);
        self.attribute("Name Suffix", suffix);
        let is_said =
            |whole: &String| !joined.is_empty() && words(whole.clone()).iter().all(|word| parts.contains(word));
        let whole = match whole {
            Some(whole) if is_said(&whole) => joined,
            Some(whole) => whole,
            None if joined.is_empty() => self.company.first().cloned().unwrap_or_default(),
            None => joined,
        };
        let names = [("first_name", first), ("last_name", last), ("full_name", whole)];
        names.into_iter().filter(|(_, text)| !text.is_empty()).collect()
    }
}

/// The field that a label names, if it is one that holds a text.
fn field_of(label: Option<&str>) -> Option<&'static str> {
    let field = Field::named(label?).filter(|field| !field.is_list())?;
    Some(field.name())
}

/// Puts a text at a name, or at the group and the name that a dot parts.
fn put_at(object: &mut Map<String, Value>, name: &str, text: String) {
    match name.split_once('.') {
        None => drop(object.insert(name.to_owned(), Value::from(text))),
        Some((group, inner)) => {
            let group = object.entry(group).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(group) = group {
                group.insert(inner.to_owned(), Value::from(text));
            }
        }
    }
}

fn words(text: String) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Each item once, in order.
fn distinct(items: Vec<String>) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for item in items.into_iter().filter(|item| !item.is_empty()) {
        if !found.iter().any(|known| known.as_str() == Some(&item)) {
            found.push(Value::from(item));
        }
    }
    found
}

/// The tag; `None` for labels of the exporting system.
fn tag(item: String) -> Option<String> {
    let bare = item.trim_start_matches("* ");
    let folded: String = bare.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    (!SYSTEM_LABELS.contains(&folded.as_str())).then(|| bare.to_owned())
}

/// What the attribute of a property is called: by its label, or by a name that users know.
fn named<'a>(name: &'a str, label: Option<&'a str>) -> std::borrow::Cow<'a, str> {
    let is_labelled = matches!(name, "X-ABDATE" | "X-ABRELATEDNAMES") || !NAMED.iter().any(|(known, _)| *known == name);
    if let Some(label) = label.filter(|label| is_labelled && !label.trim().is_empty()) {
        return label.into();
    }
    let known = NAMED.iter().find(|(known, _)| *known == name);
    known.map_or(name, |(_, known)| known).into()
}

/// A date as `YYYY-MM-DD`, or `--MM-DD` without a year; what is none stays as it is.
fn date_of(text: &str, omitted_year: Option<&str>) -> String {
    let day = match text.split_once(['T', ' ']) {
        Some((day, time)) if time.starts_with("00:00") || time.starts_with("0000") || time == "Z" => day,
        Some(_) => return text.to_owned(),
        None => text,
    };
    let digits: String = day.chars().filter(|c| *c != '-').collect();
    let (is_digits, is_yearless) = (digits.bytes().all(|byte| byte.is_ascii_digit()), day.starts_with("--"));
    match (is_digits, digits.len(), is_yearless) {
        (true, 8, false) => {
            let (year, rest) = digits.split_at(4);
            let (month, day) = rest.split_at(2);
            let year = if omitted_year == Some(year) { "-".to_owned() } else { year.to_owned() };
            format!("{year}-{month}-{day}")
        }
        (true, 4, true) => {
            let (month, day) = digits.split_at(2);
            format!("--{month}-{day}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::date_of;

    #[test]
    fn dates_are_written_alike() {
        for (text, omitted, expected) in [
            ("19880314", None, "1988-03-14"),
            ("1988-03-14", None, "1988-03-14"),
            ("1988-03-14T00:00:00Z", None, "1988-03-14"),
            ("19880314T081500Z", None, "19880314T081500Z"),
            ("1604-03-14", Some("1604"), "--03-14"),
            ("--0314", None, "--03-14"),
            ("--03-14", None, "--03-14"),
            ("circa 1800", None, "circa 1800"),
            ("1988", None, "1988"),
            ("", None, ""),
        ] {
            assert_eq!(date_of(text, omitted), expected, "{text}");
        }
    }
}
