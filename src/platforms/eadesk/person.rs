//! Reading persons: one, a page of them, and a person as a contact.
//!
//! Deleted persons and items only have a mark, and are left out.

use super::super::answer::Purpose;
use super::super::exchange::{Fault, Found, Page, Reading};
use super::super::reading::Incoming;
use super::super::value::{phone_digits, text, tidy_email, with_plus};
use super::{Eadesk, Said};
use crate::change::same;
use crate::contact::{Contact, Field};
use crate::http::{Http, Request, Response};
use crate::mapping::phone::normalise;
use crate::outcome::{Exit, Failure};
use serde_json::{Map, Value};

/// The name under which a contact keeps the items unchanged, with their ids and creators.
pub(super) const ITEMS: &str = "items";

/// A person as the platform has it.
pub(super) struct Person {
    pub found: Found,
    pub is_deleted: bool,
}

impl Eadesk {
    pub(super) async fn read_by_id(&self, http: &Http, id: &str) -> Result<Reading, Fault> {
        let request = Request::get(format!("{}/read", self.prefix)).query("id", id);
        let persons = self.persons(http, request, Purpose::Read).await?;
        let others = persons.len();
        match persons.into_iter().find(|person| person.found.id == id) {
            Some(Person { found, is_deleted: false }) => Ok(Reading::There(found)),
            Some(_) => Ok(Reading::Gone),
            None if others == 0 => Ok(Reading::Gone),
            None => {
                let message = format!("{} answered `id={id}` with {others} other persons", self.account.title);
                Err(Fault::InDoubt(Failure::new(Exit::Unavailable, message)))
            }
        }
    }

    /// A page from this offset. The next one begins after the persons that were received, because the server may send fewer
    /// than requested; only an empty page is the end. Pages with deleted persons only are skipped.
    pub(super) async fn page_from(&self, http: &Http, mut offset: u64, limit: u64) -> Result<Page, Fault> {
        let mut first_before = None;
        loop {
            let persons = self.persons(http, self.list(offset, limit), Purpose::List).await?;
            let first = persons.first().map(|person| person.found.id.clone());
            if first.is_none() || first == first_before {
                return Ok(Page::default());
            }
            offset = offset.saturating_add(persons.len() as u64);
            let alive = persons.into_iter().filter(|person| !person.is_deleted);
            let found: Vec<Found> = alive.map(|person| person.found).collect();
            if !found.is_empty() {
                return Ok(Page { found, unread: Vec::new(), total: None, next: Some(offset.to_string()) });
            }
            first_before = first;
        }
    }

    /// The request for persons from an offset. The parameter that hides deleted persons has this effect with any value.
    pub(super) fn list(&self, offset: u64, limit: u64) -> Request {
        let request = Request::get(format!("{}/read", self.prefix));
        let request = request.query("offset", offset.to_string()).query("limit", limit.to_string());
        if self.hides_deleted { request.query("needExistingRecords", "true") } else { request }
    }

    async fn persons(&self, http: &Http, request: Request, purpose: Purpose) -> Result<Vec<Person>, Fault> {
        let (persons, response) = self.raw_persons(http, request, purpose).await?;
        let read = |person| self.read_person(person).ok_or_else(|| self.no_persons(http, &response, purpose));
        persons.into_iter().map(read).collect()
    }

    /// The persons of a response: a bare array; an empty body or no person at the end.
    pub(super) async fn raw_persons(
        &self,
        http: &Http,
        mut request: Request,
        purpose: Purpose,
    ) -> Result<(Vec<Value>, Response), Fault> {
        request.is_end = Some(is_blank);
        match self.ask(http, request, purpose).await? {
            (Said::Json(Value::Array(persons)), response) => Ok((persons, response)),
            (Said::Nothing | Said::NotFound, response) => Ok((Vec::new(), response)),
            // For one person it means that there is none; in place of the list it has no meaning.
            (Said::Json(Value::Null), response) if purpose != Purpose::List => Ok((Vec::new(), response)),
            (Said::Json(_), response) => Err(self.no_persons(http, &response, purpose)),
        }
    }

    pub(super) fn no_persons(&self, http: &Http, response: &Response, purpose: Purpose) -> Fault {
        self.not_promised(http, response, purpose, "an array of persons")
    }

    pub(super) fn read_person(&self, person: Value) -> Option<Person> {
        let Value::Object(mut person) = person else { return None };
        let is_deleted = is_deleted(&person);
        let (segments, items) = (person.shift_remove("segments"), person.shift_remove("contacts"));
        let mut incoming = Incoming::new(person.into());
        let id = incoming.take_text("_id")?;
        incoming.set_id(id);
        incoming.move_text("name", Field::FullName);
        incoming.move_text("description", Field::Notes);
        incoming.move_time("createdAt", Field::CreatedAt);
        let mut found = Found::from(incoming.end());
        self.read_segments(segments, &mut found.contact);
        let items = self.read_items(items, &mut found.contact);
        if !items.is_empty() {
            found.contact.native.insert(ITEMS.to_owned(), Value::Array(items));
        }
        Some(Person { found, is_deleted })
    }

    /// Segments by name; an id without a name stays an id.
    fn read_segments(&self, segments: Option<Value>, contact: &mut Contact) {
        let Some(Value::Array(segments)) = segments else { return };
        let tags = contact.list_mut(Field::Tags);
        for id in segments.iter().filter_map(text) {
            let name = self.segment_name(&id).map_or_else(|| id.clone(), str::to_owned);
            if !tags.contains(&name) {
                tags.push(name);
            }
        }
    }

    /// The items that are not deleted, unchanged; their values go to the contact, each once.
    fn read_items(&self, items: Option<Value>, contact: &mut Contact) -> Vec<Value> {
        let Some(Value::Array(mut items)) = items else { return Vec::new() };
        items.retain(|item| item.as_object().is_some_and(|item| !is_deleted(item)));
        for item in &items {
            let Some((field, value)) = self.read_item(item) else { continue };
            let list = contact.list_mut(field);
            if !list.iter().any(|known| same(field, known, &value)) {
                list.push(value);
            }
        }
        items
    }

    /// The field of an item, and its value there. A messenger that the service does not name may be named by the item's
    /// creator.
    pub(super) fn read_item(&self, item: &Value) -> Option<(Field, String)> {
        let part = |name| item.get(name).and_then(text).map(|text| text.to_lowercase()).unwrap_or_default();
        let value = item.get("value").and_then(text)?;
        let (kind, service) = (part("type"), part("service"));
        match (kind.as_str(), service.as_str()) {
            ("phone", "phone" | "") | ("", "phone") => Some((Field::Phones, self.phone(&value))),
            ("mail", "mail" | "") | ("", "mail") => Some((Field::Emails, tidy_email(value.into()).into_owned())),
            _ => {
                let origin = Some(part("origin")).filter(|origin| self.type_of(origin).is_some());
                let service = if service.is_empty() { origin.unwrap_or_else(|| "id".to_owned()) } else { service };
                let value = if kind == "phone" { self.phone(&value) } else { value };
                Some((Field::Handles, format!("{service}:{value}")))
            }
        }
    }

    /// A stored number as E.164. Users enter it as it is dialled: `8 987 …` is `+7 987 …`.
    pub(super) fn phone(&self, stored: &str) -> String {
        let is_whole = stored.trim_start().starts_with('+');
        let national = || normalise(stored, self.region).ok().filter(|_| !is_whole && phone_digits(stored).is_some());
        national().unwrap_or_else(|| with_plus(stored))
    }

    fn segment_name(&self, id: &str) -> Option<&str> {
        self.segments.iter().find(|(_, known)| known == id).map(|(name, _)| name.as_str())
    }

    /// The id of a segment by its name; a name without a segment is an id that was read.
    pub(super) fn segment_id<'a>(&'a self, name: &'a str) -> &'a str {
        self.segments.iter().find(|(known, _)| known == name).map_or(name, |(_, id)| id)
    }

    /// The name of a tag, given by its name or its id.
    pub(super) fn known_tag<'a>(&'a self, tag: &'a str) -> Option<&'a str> {
        self.segment_name(self.segment_id(tag))
    }

    /// The type of the items of a messenger that the platform knows.
    pub(super) fn type_of(&self, service: &str) -> Option<&str> {
        self.services.iter().find(|(known, _)| known == service).map(|(_, kind)| kind.as_str())
    }
}

/// Whether a body is empty, which one known client of the API takes for the end of a list.
fn is_blank(response: &Response) -> bool {
    response.is_success() && response.body.trim_ascii().is_empty()
}

pub(super) fn is_deleted(object: &Map<String, Value>) -> bool {
    object.get("status").and_then(Value::as_str).is_some_and(|status| status.eq_ignore_ascii_case("deleted"))
}
