//! Finding persons: by a phone, an e-mail or a handle, and partially created ones, which have no items yet.
//!
//! A search is a regular expression over names and items, including deleted ones. Every person that it returns is compared
//! here.

use super::super::answer::Purpose;
use super::super::exchange::{Fault, Found, Lookup};
use super::super::value::{text, tidy};
use super::person::{ITEMS, Person};
use super::{Eadesk, LIMIT_DEFAULT};
use crate::contact::{Contact, Field};
use crate::http::{Http, Request};
use crate::identity::{canonical, split_handle, whatsapp_forms};
use crate::outcome::{Exit, Failure};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;

/// How far two clocks may differ: a person created that much before the request was sent may still be the one.
const CLOCKS_APART_MS: u64 = 5 * 60 * 1_000;

/// One search.
struct Search {
    pattern: String,
    /// The type of the items to search.
    kind: String,
}

/// The results of a lookup so far.
#[derive(Default)]
struct Hits {
    found: Vec<Found>,
    /// Persons without the value that was searched for.
    others: usize,
}

impl Eadesk {
    pub(super) async fn find_by_item(&self, http: &Http, by: &Lookup) -> Result<Vec<Found>, Fault> {
        let mut hits = Hits::default();
        for search in self.searches(by) {
            self.search(http, &search, by, &mut hits).await?;
        }
        if hits.found.is_empty() && hits.others > 0 {
            return Err(Fault::InDoubt(self.no_search(by, hits.others)));
        }
        Ok(hits.found)
    }

    /// None for a value that the platform cannot hold.
    fn searches(&self, by: &Lookup) -> Vec<Search> {
        let phones = |phone: &str| whatsapp_forms(phone).into_iter().filter(|form| !form.is_empty());
        let search = |pattern, kind: &str| Search { pattern, kind: kind.to_owned() };
        let value = by.value.trim();
        match by.field {
            Field::Phones => phones(value).map(|form| search(phone_pattern(&form), "phone")).collect(),
            Field::Emails if !value.is_empty() => vec![search(any_case_pattern(value), "mail")],
            Field::Handles => {
                let Some((service, value)) = split_handle(value) else { return Vec::new() };
                match self.type_of(&service) {
                    Some("phone") => phones(value).map(|form| search(phone_pattern(&form), "phone")).collect(),
                    Some(kind) => vec![search(exact_pattern(value), kind)],
                    None => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }

    /// Sends one search to its end. The server may shorten a page; a short page of a search by a whole value counts as the
    /// last one nevertheless, unless it has the default length.
    async fn search(&self, http: &Http, search: &Search, by: &Lookup, hits: &mut Hits) -> Result<(), Fault> {
        let full = self.page_size.min(LIMIT_DEFAULT);
        let (mut offset, mut first_before) = (0_u64, None);
        loop {
            let mut request = self.searching(offset, &search.pattern);
            if self.searches_by_type {
                request = request.query("type", search.kind.as_str());
            }
            let (persons, response) = self.raw_persons(http, request, Purpose::Read).await?;
            let received = persons.len() as u64;
            let first = persons.first().and_then(|person| person.get("_id")).and_then(text);
            for person in persons {
                let is_answer = self.answers(&person, by);
                let person = self.read_person(person).ok_or_else(|| self.no_persons(http, &response, Purpose::Read))?;
                hits.take(person, is_answer, by);
            }
            if received < full || hits.others > 0 || first == first_before {
                return Ok(());
            }
            offset = offset.saturating_add(received);
            first_before = first;
        }
    }

    fn searching(&self, offset: u64, pattern: &str) -> Request {
        let mut request = self.list(offset, self.page_size);
        request.query.insert(0, ("search".to_owned(), pattern.to_owned()));
        request
    }

    /// Whether the search had a reason to return this person: a name or an item, deleted or of another service.
    fn answers(&self, person: &Value, by: &Lookup) -> bool {
        let items = person.get("contacts").and_then(Value::as_array).into_iter().flatten();
        let values = items.filter_map(|item| text(item.get("value")?));
        let of_field = |value: String| match by.field {
            Field::Handles => {
                split_handle(&by.value).map_or(value.clone(), |(service, _)| format!("{service}:{value}"))
            }
            Field::Phones => self.phone(&value),
            _ => value,
        };
        let name = person.get("name").and_then(text);
        name.into_iter().chain(values).any(|value| is_value(by, &of_field(value)))
    }

    fn no_search(&self, by: &Lookup, others: usize) -> Failure {
        let title = &self.account.title;
        let message = format!("{title} answered a lookup by `{}` with {others} other persons", by.field.name());
        let hint = format!("set `find: snapshot` for connection `{}`", self.account.connection);
        Failure::new(Exit::Unavailable, message).hint(hint)
    }
}

impl Hits {
    fn take(&mut self, person: Person, is_answer: bool, by: &Lookup) {
        let Person { found, is_deleted } = person;
        if is_deleted || self.found.iter().any(|known| known.id == found.id) {
            return;
        }
        if found.contact.list(by.field).iter().any(|have| is_value(by, have)) {
            self.found.push(found);
        } else if !is_answer {
            self.others += 1;
        }
    }
}

fn is_value(by: &Lookup, have: &str) -> bool {
    canonical(by.field, have) == canonical(by.field, &by.value)
}

/// Partially created persons.
impl Eadesk {
    /// Persons that are not deleted, have no item, have the name and description of the create request, and are not older.
    pub(super) async fn find_partial_persons(
        &self,
        http: &Http,
        made: &Value,
        since_ms: u64,
    ) -> Result<Vec<Found>, Fault> {
        let made = made.get("person").unwrap_or(made);
        let name = made.get("name").and_then(text);
        let mut found: Vec<Found> = Vec::new();
        let (mut offset, mut first_before) = (0_u64, None);
        loop {
            let request = match &name {
                Some(name) => self.searching(offset, &exact_pattern(name)),
                None => self.list(offset, self.page_size),
            };
            let (persons, response) = self.raw_persons(http, request, Purpose::Read).await?;
            let first = persons.first().and_then(|person| person.get("_id")).and_then(text);
            if first.is_none() || first == first_before {
                return Ok(found);
            }
            offset = offset.saturating_add(persons.len() as u64);
            for person in persons {
                let person = self.read_person(person).ok_or_else(|| self.no_persons(http, &response, Purpose::Read))?;
                let is_new = found.iter().all(|known| known.id != person.found.id);
                if is_new && !person.is_deleted && self.is_partial(&person.found.contact, made, since_ms) {
                    found.push(person.found);
                }
            }
            first_before = first;
        }
    }

    fn is_partial(&self, contact: &Contact, made: &Value, since_ms: u64) -> bool {
        let made_text = |name: &str| made.get(name).and_then(text);
        let is_text = |field, name| contact.text(field) == made_text(name).as_deref();
        let made_segments = made.get("segments").and_then(Value::as_array).into_iter().flatten();
        let made_segments: BTreeSet<String> = made_segments.filter_map(text).collect();
        let segments = contact.list(Field::Tags).iter().map(|tag| self.segment_id(tag).to_owned());
        !contact.native.contains_key(ITEMS)
            && is_text(Field::FullName, "name")
            && is_text(Field::Notes, "description")
            && segments.collect::<BTreeSet<_>>() == made_segments
            && contact.text(Field::CreatedAt).is_none_or(|time| is_since(time, since_ms))
    }
}

/// A time that cannot be parsed proves nothing.
fn is_since(time: &str, since_ms: u64) -> bool {
    let since_ms = i64::try_from(since_ms.saturating_sub(CLOCKS_APART_MS)).unwrap_or(i64::MAX);
    time.parse::<Timestamp>().map_or(true, |time| time.as_millisecond() >= since_ms)
}

/// The characters with a meaning in a regular expression.
const SIGNS: &str = r"+().[]*?^$|{}\";

fn escaped(c: char) -> String {
    if SIGNS.contains(c) { format!("\\{c}") } else { c.to_string() }
}

/// A pattern for exactly this value.
fn exact_pattern(value: &str) -> String {
    format!("^{}$", value.chars().map(escaped).collect::<String>())
}

/// The same in upper and lower case, because it is unknown whether the server distinguishes them.
fn any_case_pattern(value: &str) -> String {
    let either = |c: char| {
        let (mut lower, mut upper) = (c.to_lowercase(), c.to_uppercase());
        match (lower.next(), lower.next(), upper.next(), upper.next()) {
            (Some(lower), None, Some(upper), None) if lower != upper => format!("[{lower}{upper}]"),
            _ => escaped(c),
        }
    };
    let value = tidy(value).unwrap_or_default();
    format!("^{}$", value.chars().map(either).collect::<String>())
}

/// A pattern for these digits in any notation: numbers are stored with the brackets and blanks that were entered, and
/// perhaps as they are dialled in the country, with an `8` or nothing in place of `7`.
fn phone_pattern(digits: &str) -> String {
    let gap = "[^0-9]*";
    let (home, rest) = match digits.strip_prefix('7').filter(|rest| rest.len() == 10) {
        Some(rest) => (format!("[78]?{gap}"), rest),
        None => (String::new(), digits),
    };
    format!("^{gap}{home}{}$", rest.chars().map(|digit| format!("{digit}{gap}")).collect::<String>())
}
